"""Test errors with few labels: the semi-supervised GAN, its supervised-only control, a baseline.

python scripts/benchmarks/few_labels.py --config configs/digits_semi_supervised.py --seeds 4

Every seed varies both the training and the choice of labelled examples; the control is the same
game with `supervised_only`, from the same initial players. The baseline is label spreading from the
same labels, without a network.
"""

import sys
import time
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from absl import flags

from ganjax import cli, run_folder
from ganjax.errors import ConfigError, NotFiniteError

PLAYS = {"semi_supervised": False, "supervised_only": True}
SHOWN = 49  # images of a panel

CONFIG = cli.define_config()
LABELS = flags.DEFINE_list("labels", ["2", "10"], "Numbers of labelled examples of each class.")
SEEDS = flags.DEFINE_integer("seeds", 4, "Number of seeds, from the config's on.", lower_bound=1)
JSON = cli.define_output("json", (".json",), "Also write every error to this JSON file.")
PICTURE = cli.define_output(
    "picture",
    cli.FIGURES,
    "Draw the labelled digits, samples and the errors of one run into this file.",
)


class Trained(NamedTuple):
    """A finished run: its experiment and state, and errors on the test examples in percent."""

    built: Any
    state: Any
    error: float
    spreading: float


def counts(labels: list[str]) -> list[int]:
    """The numbers of `--labels`.

    Raises:
      ConfigError: there are none, or one is no whole number from 1 on.
    """
    if not labels or not all(label.isdecimal() and int(label) for label in labels):
        raise ConfigError(
            f"--labels={','.join(labels)} must be whole numbers from 1 on, e.g. --labels=2,10"
        )
    return [int(label) for label in labels]


def check(config: dict[str, Any]) -> None:
    """Refuses a config of which no control can be made, or whose errors are not reported."""
    of_labels = "the number of labels is its option labels_per_class"
    for section, names, why in (
        ("game", ("semi_supervised",), "the control is its option supervised_only"),
        ("data", ("digits_few_labels", "few_labels"), of_labels),
        ("evaluation", ("classification",), "it reports the test error"),
    ):
        given = config.get(section, {}).get("name")
        if given not in names:
            raise ConfigError(
                f"{section}.name={given!r}, expected {' or '.join(map(repr, names))}, as {why}; "
                "take configs/digits_semi_supervised.py or one like it"
            )


def trained(config: dict[str, Any], *, supervised_only: bool, seeds: int) -> list[Trained]:
    """One run for every seed, of training and of labels, with one compiled program."""
    import jax
    import jax.numpy as jnp

    from ganjax import experiment, train

    steps, compiled, runs = config["steps"], None, []
    for seed in range(config["seed"], config["seed"] + seeds):
        built = experiment.build(
            {
                **config,
                "seed": seed,
                "data": {**config["data"], "seed": seed},
                "game": {**config["game"], "supervised_only": supervised_only},
            }
        )
        compiled = compiled or train.compiled_chunk(built, steps)
        streams = experiment.streams(seed)
        state = jax.jit(partial(experiment.initial_state, built))(streams.init)
        state, outcome = compiled(state, built.train, streams.play, jnp.int32(0))
        if outcome.bad_step != train.FINITE:
            raise NotFiniteError(f"seed {seed} diverged; lower a learning rate")
        scores = built.evaluate(state, streams.evaluation, config["evaluation_samples"])
        runs.append(Trained(built, state, scores["test_error"], scores["test_error_spreading"]))
    return runs


def draw(path: Path, run: Trained) -> None:
    """All labelled digits, generated ones, and the test digits that the classifier gets wrong."""
    import numpy as np

    from ganjax import experiment, pictures
    from ganjax.disclosure import Disclosure

    rng, test = experiment.streams(run.built.config.seed).pictures, run.built.data.test
    logits = run.built.queries(run.state)["classify"](test["x"])
    wrong = np.asarray(logits).argmax(-1) != np.asarray(test["y"])
    panels = {
        "all labelled digits": np.asarray(run.built.train["x_labelled"]),
        "generated": np.asarray(run.built.sample(run.state, rng, SHOWN)),
        f"{wrong.sum()} errors in {len(wrong)} test digits": np.asarray(test["x"])[wrong][:SHOWN],
    }
    pictures.save_panels(path, panels, disclosure=Disclosure())


def main() -> None:
    """Trains both games for every number of labels and prints the table."""
    config, numbers = cli.resolved(CONFIG.value), counts(LABELS.value)
    check(config)

    import numpy as np

    errors, seconds, first = {}, {}, None
    for labels in numbers:
        data = {**config["data"], "labels_per_class": labels}
        for name, supervised_only in PLAYS.items():
            began = time.perf_counter()
            runs = trained(
                {**config, "data": data}, supervised_only=supervised_only, seeds=SEEDS.value
            )
            first = first or runs[0]
            errors.setdefault(labels, {})[name] = [run.error for run in runs]
            spreading = [run.spreading for run in runs]
            seconds.setdefault(labels, {})[name] = time.perf_counter() - began
            print(labels, name, errors[labels][name], file=sys.stderr, flush=True)
        errors[labels]["label_spreading"] = spreading
    if JSON.value:
        results = {"seeds": SEEDS.value, "test_error": errors, "seconds": seconds}
        run_folder.write_json(Path(JSON.value), results)
    print(f"test error in %, mean and sd over {SEEDS.value} seeds; seconds of all of them")
    print(f"{'labels a class':>14}" + "".join(f"  {name:>24}" for name in errors[numbers[0]]))
    for labels, by_name in errors.items():
        line = f"{labels:14}"
        for name, found in by_name.items():
            spread = np.std(found, ddof=1) if len(found) > 1 else float("nan")
            spent = f" {seconds[labels][name]:6.0f} s" if name in seconds[labels] else ""
            line += f"  {f'{np.mean(found):.2f} +- {spread:.2f}{spent}':>24}"
        print(line)
    if PICTURE.value:
        draw(Path(PICTURE.value), first)


if __name__ == "__main__":
    sys.exit(cli.run(main))
