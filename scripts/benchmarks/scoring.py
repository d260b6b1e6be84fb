"""Scores of images: the judge's fit, the rate of scoring beside the bare networks', its memory.

python scripts/benchmarks/scoring.py --mnist mnist.npz --part mnist,rate,memory --json scoring.json

mnist    fits `features.classifier` to MNIST in a cache of its own: seconds, share of right answers
         on the test part, seconds from the cache, and seconds of a report on 10,000 images after
         that, the first time and again
cifar10  the same of CIFAR-10, with --cifar10 FILE.zip, by a wider network
rate     images a second that `Experiment.evaluate` scores, of a DCGAN with random weights, over the
         rate of its generator and the judge alone, in turn; MNIST at 32 pixels
memory   the largest memory of the process after 5,000 and after --n images
"""

import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from absl import flags

from ganjax import cli

MNIST = flags.DEFINE_string("mnist", None, "The npz file.", required=True)
CIFAR10 = flags.DEFINE_string("cifar10", None, "The zip of CIFAR-10.")
PART = flags.DEFINE_list("part", ["mnist", "rate", "memory"], "Parts to measure.")
N = flags.DEFINE_integer("n", 50_000, "Samples to score.", 1000)
ROUNDS = flags.DEFINE_integer("rounds", 5, "Measurements of each rate.", 1)
JSON = cli.define_output("json", (".json",), "Also write the numbers to this JSON file.")
ARRAYS = {key: key for key in ("x_test", "y_test")} | {"x": "x_train", "y": "y_train", "size": 32}
OF_CIFAR10 = {"epochs": 12, "width": 32, "smoothing": 0.1}  # options of its judge
ADAM = {"name": "adam", "learning_rate": 2e-4, "b1": 0.5}


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds, and what is returned."""
    began = time.perf_counter()
    result = call()
    return time.perf_counter() - began, result


def judged(name: str, data: Any, **options: float) -> dict[str, float]:
    """The fit of a judge and a report with it."""
    import jax
    import numpy as np

    from ganjax import features

    spent, apply = timed(features.classifier(data, **options).load)
    again, apply = timed(features.classifier(data, **options).load)
    predict = jax.jit(lambda apply, x: apply(x)[1].argmax(1))
    x, y = np.asarray(data.test["x"]), np.asarray(data.test["y"])
    found = [np.asarray(predict(apply, x[begin : begin + 500])) for begin in range(0, len(x), 500)]
    right = float((np.concatenate(found) == y).mean())
    report = features.images_report(data, lambda data: features.classifier(data, **options))
    first, _ = timed(lambda: report.of_parts([x[:10_000]]))
    second, _ = timed(lambda: report.of_parts([x[:10_000]]))
    row = {"fit": spent, "right": right, "cached": again, "report": first, "report_again": second}
    print(name, {key: round(value, 4) for key, value in row.items()}, flush=True)
    return row


def experiment_of(data: dict[str, Any]) -> Any:
    """A DCGAN of 32 pixels whose samples the judge scores."""
    from ganjax import experiment

    return experiment.build(
        {
            "batch_size": 64,
            "data": data,
            "game": {"name": "gan", "z_dim": 64},
            "generator": {"name": "dcgan", "width": 32},
            "discriminator": {"name": "dcgan", "width": 32},
            "loss": {"name": "non_saturating"},
            "scheme": {"name": "alternating"},
            "gen_tx": ADAM,
            "disc_tx": ADAM,
            "evaluation": {"name": "images", "features": "classifier"},
        }
    )


def rates(built: Any, n: int) -> dict[str, float]:
    """Images a second of both, and the median of their ratios."""
    import jax

    from ganjax import experiment, features
    from ganjax.experiment.sampling import SAMPLE_CHUNK

    state = experiment.initial_state(built, jax.random.key(0))
    apply = features.classifier(built.data).load()
    queries = built.game.queries

    @jax.jit
    def bare(state, apply, rng):
        z = queries["latents"](state.params, state.model_state, rng, SAMPLE_CHUNK)
        return apply(queries["generate"](state.params, state.model_state, z))

    def run_bare():
        for index in range(-(-n // SAMPLE_CHUNK)):
            found = bare(state, apply, jax.random.fold_in(jax.random.key(1), index))
        jax.block_until_ready(found)

    def run_whole():
        return built.evaluate(state, jax.random.key(1), n)

    run_bare()
    run_whole()
    pairs = [(timed(run_bare)[0], timed(run_whole)[0]) for _ in range(ROUNDS.value)]
    ratio = statistics.median(one / other for one, other in pairs)
    row = {"bare": n / min(one for one, _ in pairs), "scored": n / min(b for _, b in pairs)}
    print({key: round(value) for key, value in row.items()}, "ratio", round(ratio, 3), flush=True)
    return {**row, "ratio": ratio}


def peak() -> float:
    """The largest memory of the process so far, MiB."""
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size / (2**20 if sys.platform == "darwin" else 2**10)


def main() -> None:
    """Measures the parts and prints them."""
    import jax

    from ganjax import data, experiment, run_folder

    result = {}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GANJAX_CACHE"] = folder
        if "mnist" in PART.value:
            result["mnist"] = judged("MNIST", data.arrays(MNIST.value, **ARRAYS))
        if "cifar10" in PART.value:
            images = data.images(CIFAR10.value, flip=True)
            result["cifar10"] = judged("CIFAR-10", images, **OF_CIFAR10)
        if {"rate", "memory"} & {*PART.value}:
            built = experiment_of({"name": "arrays", "path": MNIST.value, **ARRAYS})
        if "memory" in PART.value:
            state, found = experiment.initial_state(built, jax.random.key(0)), {}
            for n in (5_000, N.value):
                built.evaluate(state, jax.random.key(1), n)
                found[n] = peak()
            result["memory_mib"] = found
            print("memory, MiB", found, flush=True)
        if "rate" in PART.value:
            result["rate"] = rates(built, N.value)
    if JSON.value:
        run_folder.write_json(Path(JSON.value), result)


if __name__ == "__main__":
    sys.exit(cli.run(main))
