"""Scores of the same final states with averaged weights under several batch statistics.

python scripts/benchmarks/averages.py --config configs/digits_dcgan.py --seeds 5 --out runs/averages

`live`: the generator's own weights and running statistics. `mixed`: averaged weights with the
running statistics of the live generator. `averaged`: running statistics averaged with the same
decay as the weights. `standing N`: statistics of the averaged weights over N batches
(`ganjax.games.standing`). Seeds with a finished run folder in --out are not trained again.
"""

import sys
from functools import partial
from pathlib import Path
from typing import Any

from absl import flags

from ganjax import cli

CONFIG = cli.define_config()
SEEDS = flags.DEFINE_integer("seeds", 5, "Number of seeds, from the config's on.", lower_bound=1)
OUT = flags.DEFINE_string("out", None, "Folder of a run folder a seed.", required=True)

BATCHES = (1, 4, 16, 64)  # of standing statistics


def tracked(scheme: Any, decay: float) -> Any:
    """The scheme, with an average of the generator's model state in its memory."""
    import jax

    def init(rng, batch=None):
        state = scheme.init(rng, batch)
        return state._replace(memory=(state.memory, jax.tree.map(jax.numpy.copy, stats(state))))

    def step(state, batch, rng):
        memory, average = state.memory
        state, metrics = scheme.step(state._replace(memory=memory), batch, rng)
        average = jax.tree.map(lambda a, s: a + (1 - decay) * (s - a), average, stats(state))
        return state._replace(memory=(state.memory, average)), metrics

    return scheme._replace(init=init, step=step)


def stats(state: Any) -> Any:
    """The generator's running statistics."""
    return state.model_state.gen["batch_stats"]


def variants(built: Any, state: Any) -> dict[str, Any]:
    """The final state with every pair of weights and statistics, without an average."""
    import jax

    from ganjax.games import standing

    def with_weights(params, batch_stats):
        gen = {**state.model_state.gen, "batch_stats": batch_stats}
        return state._replace(
            params=state.params._replace(gen=params),
            model_state=state.model_state._replace(gen=gen),
            average=(),
        )

    average = with_weights(state.average, stats(state))
    found = {
        "live": with_weights(state.params.gen, stats(state)),
        "mixed": average,
        "averaged": with_weights(state.average, state.memory[1]),
    }
    draw = partial(built.one_batch, built.train)
    for count in BATCHES:
        alone = jax.jit(partial(standing, built.game, draw=draw, batches=count))
        gen = alone(average.params, average.model_state, rng=jax.random.key(0)).gen
        found[f"standing {count}"] = with_weights(state.average, gen["batch_stats"])
    return found


def scores(config: dict[str, Any], seed: int) -> dict[str, dict[str, float]]:
    """{variant: report} of a seed, trained in its folder if missing."""
    from ganjax import experiment, train

    built = experiment.build({**config, "seed": seed})
    built = built._replace(scheme=tracked(built.scheme, config["average"]["decay"]))
    workdir = Path(OUT.value) / f"seed_{seed}"
    train.train(built, workdir)
    _, state = experiment.restore(built, workdir)
    rng = experiment.streams(seed).evaluation
    return {
        name: built.evaluate(each, rng, config["evaluation_samples"])
        for name, each in variants(built, state).items()
    }


def table(runs: list[dict[str, dict[str, float]]]) -> None:
    """Mean and 95% interval over seeds of every variant, and of its difference from `mixed`."""
    import numpy as np

    from ganjax import statistics

    def cell(values: list[float]) -> str:
        found = statistics.summary(values)
        return f"{found.mean:7.3f} [{found.low:6.3f}, {found.high:6.3f}]"

    print(f"{len(runs)} seeds, mean [95% interval]; beside it the difference from mixed")
    for score in ("inception_score", "frechet_distance", "class_share_min", "class_share_max"):
        print(score)
        of = {name: np.array([run[name][score] for run in runs]) for name in runs[0]}
        for name, values in of.items():
            print(f"  {name:12} {cell(values)}   {cell(values - of['mixed'])}", flush=True)


def main() -> None:
    """Trains missing seeds, scores every variant and prints the table."""
    config = cli.resolved(CONFIG.value)
    if config.get("average", {}).get("name") != "ema" or "decay" not in config["average"]:
        from ganjax.errors import ConfigError

        raise ConfigError("the benchmark needs average.name='ema' with its decay")
    seeds = range(config["seed"], config["seed"] + SEEDS.value)
    table([scores(config, seed) for seed in seeds])


if __name__ == "__main__":
    sys.exit(cli.run(main))
