"""A training step on the accelerator and on CPU, in float32 and in bfloat16, by SGD."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import jax
import numpy as np
from works import images, rings

from accelerator_parts import Row, Settings
from ganjax import experiment

GOALS = {"float32": 1e-3, "bfloat16": 0.1}  # of the step


def games(tiny: bool) -> dict[str, dict[str, Any]]:
    """The configs by name."""
    size, width, batch = (8, 4, 4) if tiny else (32, 64, 64)
    data = {"data": {"name": "works.noise:images", "size": size}}
    return {
        "MLP": rings.ring_config(4 * width, 4 * batch, 64),
        "DCGAN": images.dcgan_config(size, width, batch, **data),
        "R1 + R2": images.penalised_config(size, width, batch, kind="r1_r2", **data),
    }


def rows(settings: Settings) -> Iterator[Row]:
    """Differences of one step of all parameters, from the same start on the same batch."""
    device, cpu = jax.devices()[0], jax.devices("cpu")[0]
    for name, config in games(settings.tiny).items():
        step = {compute: _step(config | {"compute": compute}) for compute in GOALS}
        given = _start(config, cpu)
        before = _vector(given[0])
        with jax.default_matmul_precision("highest"):
            there, here = (
                _vector(step["float32"](*jax.device_put(given, place))[0])
                for place in (cpu, device)
            )
        half = _vector(step["bfloat16"](*jax.device_put(given, device))[0])
        for label, compute, a, b in (
            (f"{name}: float32, {device.platform} beside cpu", "float32", here, there),
            (f"{name}: bfloat16 beside float32", "bfloat16", half, here),
        ):
            yield judged(f"{label}, parameters apart", before, a, b, GOALS[compute])


def judged(what: str, before: np.ndarray, a: np.ndarray, b: np.ndarray, goal: float) -> Row:
    """The norm of a - b over that of the step b - before, which must not be 0."""
    apart, moved = float(np.linalg.norm(a - b)), float(np.linalg.norm(b - before))
    return Row(
        what,
        apart / moved if moved else None,
        "of the step",
        f"at most {goal:g}",
        moved > 0 and apart / moved <= goal,
        f"{apart / np.linalg.norm(b):.1e} of the parameters" if moved else "there is no step",
    )


def _start(config: dict[str, Any], cpu: Any) -> tuple:
    """(state, batch, key), made on the CPU."""
    with jax.default_device(cpu):
        built = images.checkable(config, config["batch_size"])
        rng = jax.random.key(0)
        state = jax.jit(partial(experiment.initial_state, built))(rng)
        return state, built.batch(built.train, rng), rng


def _step(config: dict[str, Any]) -> Callable:
    return jax.jit(images.checkable(config, config["batch_size"]).scheme.step)


def _vector(state: Any) -> np.ndarray:
    leaves = jax.tree.leaves(jax.device_get(state.params))
    return np.concatenate([np.ravel(leaf).astype(np.float64) for leaf in leaves])
