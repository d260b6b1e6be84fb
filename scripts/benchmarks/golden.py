"""Compares short runs of every config with those of another revision: did the numbers move?

python scripts/benchmarks/golden.py --json golden.json
python scripts/benchmarks/golden.py --json now.json --against golden.json

Each config trains for three steps of every stage on small batches, and 16 samples are drawn. A
config for accelerators is initialised, and its losses are taken once, without gradients. The
metrics and the norm of every array of the state are kept. With `--against` the largest relative
difference of each config is printed; the exit code is 1 if one is above the tolerance.
"""

import json
import re
import sys
from functools import partial
from pathlib import Path

from absl import flags

from ganjax import cli
from ganjax.config_files import shipped

CONFIGS = Path(__file__).parent.parent.parent / "configs"
JSON = cli.define_output("json", (".json",), "File of the numbers.")
AGAINST = flags.DEFINE_string("against", None, "File of another revision's numbers.")
ONLY = flags.DEFINE_list("only", [], "Names of configs; all if empty.")
TOLERANCE = flags.DEFINE_float("tolerance", 1e-4, "Largest relative difference that passes.")
STEPS, BATCH = 3, 8


def short(name: str) -> dict:
    """The config with small batches, and with stages of `STEPS` steps."""
    config = cli.read_config(str(CONFIGS / f"{name}.py"))
    config |= {"log_every": 1, "sample_every": 0, "checkpoint_every": 0, "batch_size": BATCH}
    config["steps"] = STEPS
    if "stages" in config:
        stages = sorted(config["stages"].values(), key=lambda stage: stage["until"])
        for count, stage in enumerate(stages, start=1):
            stage |= {"until": count * STEPS, "batch_size": BATCH}
            if "fade_steps" in stage.get("game", {}):
                stage["game"] = {**stage["game"], "fade_steps": STEPS}
        config["steps"] = len(stages) * STEPS
    return config


def norms(tree) -> dict[str, float]:
    """{path: Euclidean norm} of every array of numbers."""
    import jax
    import jax.numpy as jnp

    leaves = jax.tree_util.tree_leaves_with_path(tree)
    keep = [(path, x) for path, x in leaves if jnp.issubdtype(x.dtype, jnp.inexact)]
    return {jax.tree_util.keystr(p): float(jnp.linalg.norm(x.ravel())) for p, x in keep}


def numbers(name: str) -> dict[str, float]:
    """All numbers of a config's short run, by name."""
    import jax
    import numpy as np

    from ganjax import experiment

    built = experiment.build(short(name))
    stages, state, rng, found = built.stages or (built,), None, jax.random.key(0), {}
    if re.search(r"_\d+$", name):  # for accelerators
        stage = stages[0]
        state = jax.jit(partial(experiment.initial_state, stage))(rng)
        batch = jax.tree.map(lambda rows: rows[:2], stage.one_batch(stage.train, rng))
        losses = jax.jit(stage.game.losses)(state.params, state.model_state, batch, rng)
        return (
            norms(state.params)
            | {"loss/gen": float(losses.gen.value)}
            | {"loss/disc": float(losses.disc.value)}
        )
    for index, stage in enumerate(stages):
        if state is None:
            state = jax.jit(partial(experiment.initial_state, stage))(rng)
        else:
            state = jax.jit(partial(experiment.grow, stage))(state, rng)
        draw, step = jax.jit(partial(stage.batch, stage.train)), jax.jit(stage.scheme.step)
        for turn in range(STEPS):
            key = jax.random.fold_in(rng, turn)
            state, metrics = step(state, draw(key), key)
            found |= {f"{index}.{turn} {key}": float(value) for key, value in metrics.items()}
    if built.sample is not None:
        found["samples"] = float(np.linalg.norm(stages[-1].sample(state, rng, 16)))
    return found | norms(state.params) | norms(state.average)


def now_called(key: str) -> str:
    """The present name of a number of an older revision, whose metrics may have other names."""
    from ganjax import run_folder

    turn, _, metric = key.rpartition(" ")
    return f"{turn} {run_folder.RENAMED.get(metric, metric)}" if turn else key


def main() -> None:
    """Runs the configs one after another; prints the largest difference of each."""
    import jax

    names = ONLY.value or [
        name
        for name, text in shipped().items()
        if not name.startswith("compare_") and "\nPrepare: " not in text  # whose data are not here
    ]
    before = json.loads(Path(AGAINST.value).read_text("utf-8")) if AGAINST.value else {}
    found, failed = {}, []
    for name in names:
        found[name], text = numbers(name), ""
        jax.clear_caches()
        if old := {now_called(key): value for key, value in before.get(name, {}).items()}:
            common = [key for key in old if key in found[name]]
            apart = {k: abs(found[name][k] - old[k]) / max(abs(old[k]), 1e-3) for k in common}
            worst = max(apart, key=apart.get)
            text = f"largest difference {apart[worst]:.1e} ({worst}), {len(common)} of {len(old)}"
            failed += [name] if apart[worst] > TOLERANCE.value else []
        print(f"{name:40} {len(found[name]):4} numbers {text}", flush=True)
        if JSON.value:
            Path(JSON.value).write_text(json.dumps(found, indent=1), "utf-8")
    if failed:
        print(f"moved: {', '.join(failed)}")
        sys.exit(1)


if __name__ == "__main__":
    sys.exit(cli.run(main))
