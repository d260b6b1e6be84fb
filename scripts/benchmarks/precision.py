"""A config in float32 and in bfloat16: scores of the same seeds, and the time of a step.

python scripts/benchmarks/precision.py --config configs/digits_mlp.py --seeds 3 --json scores.json
python scripts/benchmarks/precision.py --config configs/digits_mlp.py --seeds 0 --rounds 7

A seed has the same data, draws and latents in either precision. The file of --json is extended, and
its seeds are not trained again. XLA:CPU computes bfloat16 in float32 and by default skips
intermediate roundings; here it rounds after every operation, as bfloat16 is defined. `--rounds`
times the default behaviour.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from absl import flags

from ganjax import cli, run_folder

CONFIG = cli.define_config()
SEEDS = flags.DEFINE_integer("seeds", 3, "Number of seeds, from the config's on.", lower_bound=0)
ROUNDS = flags.DEFINE_integer("rounds", 0, "Timings of either precision, in turn.", lower_bound=0)
JSON = cli.define_output("json", (".json",), "Also keep every seed's scores in this JSON file.")

COMPUTE = ("float32", "bfloat16")
STEPS = 20  # of a timed call
WORST = 0.05  # share of the score that bfloat16 may cost


def round_always() -> None:
    """No excess precision; before JAX is imported."""
    stored = os.environ.get("XLA_FLAGS", "")
    os.environ["XLA_FLAGS"] = f"{stored} --xla_allow_excess_precision=false"


def scores(config: dict[str, Any], known: list[dict]) -> list[dict]:
    """Every seed's report in either precision, trained in a temporary folder."""
    from ganjax import experiment, train

    def found(seed, compute):
        return any((run["seed"], run["compute"]) == (seed, compute) for run in known)

    for seed in range(config["seed"], config["seed"] + SEEDS.value):
        for compute in COMPUTE:
            if found(seed, compute):
                continue
            with tempfile.TemporaryDirectory() as workdir:
                began = time.perf_counter()
                built = experiment.build({**config, "seed": seed, "compute": compute})
                report = train.train(built, Path(workdir)).report
            seconds = time.perf_counter() - began
            known.append({"seed": seed, "compute": compute, **report, "seconds": seconds})
            print(json.dumps(known[-1]), file=sys.stderr, flush=True)
            keep(config, known)
    return known


def kept(config: dict[str, Any]) -> list[dict]:
    """The runs of this config in the file.

    Raises:
      ConfigError: the file is of another config.
    """
    from ganjax.config import difference
    from ganjax.errors import ConfigError

    path = Path(JSON.value) if JSON.value else None
    if path is None or not path.exists():
        return []
    stored = run_folder.read_json(path)
    if changed := difference(stored["config"], json.loads(json.dumps(shared(config)))):
        raise ConfigError(f"{path} is of another config: {'; '.join(changed)}; name another file")
    return stored["runs"]


def keep(config: dict[str, Any], runs: list[dict]) -> None:
    """Writes the file."""
    if JSON.value:
        run_folder.write_json(Path(JSON.value), {"config": shared(config), "runs": runs})


def shared(config: dict[str, Any]) -> dict[str, Any]:
    """The common settings of all runs."""
    return {key: value for key, value in config.items() if key not in ("seed", "compute")}


def table(runs: list[dict]) -> None:
    """Prints means and spreads in either precision and their ratio."""
    of = {name: {r["seed"]: r for r in runs if r["compute"] == name} for name in COMPUTE}
    seeds = sorted(set.intersection(*(set(one) for one in of.values())))
    print(f"{'':22} {'float32':>18} {'bfloat16':>18} {'ratio':>7}   over {len(seeds)} seeds")
    for name in runs[0]:
        if name in ("seed", "compute"):
            continue
        columns = [[float(of[compute][seed][name]) for seed in seeds] for compute in COMPUTE]
        stored = [f"{statistics.mean(x):9.3f} +- {spread(x):.3f}" for x in columns]
        ratio = statistics.mean(columns[1]) / statistics.mean(columns[0])
        print(f"{name:22} {stored[0]:>18} {stored[1]:>18} {ratio:7.3f}")
        if name == "inception_score":
            verdict = "within" if ratio >= 1 - WORST else "NOT within"
            print(f"{'':22} {verdict} {WORST:.0%} of the score of float32")


def spread(values: list[float]) -> float:
    """The standard deviation, nan for one value."""
    return statistics.stdev(values) if len(values) > 1 else float("nan")


def steps(config: dict[str, Any]) -> None:
    """Prints the time of a step in either precision, in turn; with stages that of the last."""
    import jax
    from timing import in_turn, ratio

    from ganjax import experiment, train

    programs = {}
    for compute in COMPUTE:
        built = experiment.build({**config, "compute": compute})
        built = built.stages[-1] if built.stages else built
        state = jax.jit(lambda rng, built=built: experiment.initial_state(built, rng))(
            jax.random.key(0)
        )
        chunk = jax.jit(train.chunk(built, STEPS))
        given = state, jax.device_put(built.train), jax.random.key(1), jax.numpy.int32(0)
        program = chunk.lower(*given).compile()
        programs[compute] = lambda program=program, given=given: program(*given)
    times = in_turn(programs, ROUNDS.value)
    for compute in COMPUTE:
        print(f"{compute:9} {1e3 * statistics.median(times[compute]) / STEPS:9.3f} ms a step")
    over = ratio(times["bfloat16"], times["float32"])
    print(f"float32 over bfloat16 {1 / over:.2f}, on {jax.devices()[0].device_kind}")


def main() -> None:
    """Trains, scores and times according to the flags."""
    config = cli.resolved(CONFIG.value)
    if SEEDS.value:
        round_always()
        table(scores(config, kept(config)))
    if ROUNDS.value:
        steps(config)


if __name__ == "__main__":
    sys.exit(cli.run(main))
