"""A shipped config, trained for the seconds that are left, and its score."""

import itertools
import json
import math
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import jax
import numpy as np

from accelerator_parts import Row, Settings, scoreless
from ganjax import chunks, cli, experiment
from ganjax.feed import Feed

RESERVE = 0.25  # share of the time that is kept for the evaluation
LENGTH = 100  # steps of a chunk


def rows(settings: Settings) -> Iterator[Row]:
    """Steps, images and scores, the protocol beside them.

    Raises:
      ValueError: the config has no `evaluation`, or trains in stages; or the loss is not finite.
    """
    spent = 0.0 if settings.tiny else (1 - RESERVE) * settings.seconds
    until = time.monotonic() + spent
    config = cli.read_config(settings.config)
    if why := scoreless(config):
        raise ValueError(f"{settings.config}: {why}")
    if settings.data:
        place = "data_dir" if config["data"]["name"] == "tfds" else "path"
        config["data"] = {**config["data"], place: settings.data}
    if settings.tiny:
        config |= {"batch_size": 4, "evaluation_samples": 64}
    built = experiment.build(config)
    if built.stages:
        raise ValueError(f"{settings.config} trains in stages; name a config without")
    state, step, seconds = _trained(built, 2 if settings.tiny else LENGTH, until)
    images = step * int(np.prod((*built.scheme.batches, built.config.batch_size)))
    yield Row(f"{settings.config}: steps", step, note=f"{seconds:.0f} s, compilation included")
    yield Row(f"{settings.config}: images of training", images / seconds, "images/s")
    seed = built.config.seed
    rng = experiment.streams(seed).evaluation
    found = built.evaluate(state, rng, built.config.evaluation_samples)
    protocol = built.protocol(state, step=step, seed=seed, scores=found)
    protocol["samples"] = built.config.evaluation_samples
    for name, value in found.items():
        yield Row(f"{settings.config}: {name}", float(value))
    yield Row(f"{settings.config}: protocol", note=json.dumps(protocol))


def _trained(built: experiment.Experiment, length: int, until: float) -> tuple[Any, int, float]:
    """(state, steps, seconds) of training in chunks until then."""
    began, keys = time.monotonic(), experiment.streams(built.config.seed)
    state = jax.jit(partial(experiment.initial_state, built))(keys.init, built.train)
    program = chunks.compiled_chunk(built, length)
    firsts = itertools.count(0, length)
    fed = Feed(built, None, keys.play, ((n, length) for n in firsts)) if built.streamed else None
    step, steps = 0, built.config.steps
    try:
        while step + length <= steps and (time.monotonic() < until or not step):
            train = next(fed) if fed else built.train
            state, outcome = program(state, train, keys.play, np.int32(step))
            step += length
            loss = float(outcome.metrics["loss/gen"])  # waits for the chunk
            if not math.isfinite(loss):
                raise ValueError(f"the loss is {loss} after {step} steps")
    finally:
        if fed:
            fed.close()
    return state, step, time.monotonic() - began
