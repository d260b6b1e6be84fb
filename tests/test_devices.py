"""One training on 1, 2, 4 and 8 devices, and in two processes: the same parameters.

With SGD: Adam hides gradients that are too large by the number of devices to nine digits.
"""

import json
import os
import socket
import subprocess
import sys
from functools import cache
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganjax import devices, experiment, schemes, train
from ganjax.errors import ConfigError

ROOT = Path(__file__).parent.parent
SGD = {"name": "sgd", "learning_rate": 0.05}
RING = {
    "steps": 20,
    "batch_size": 16,
    "data": {"name": "ring"},
    "game": {"name": "gan", "z_dim": 2},
    "generator": {"name": "mlp", "width": 8},
    "discriminator": {"name": "mlp", "width": 8},
    "loss": {"name": "non_saturating"},
    "scheme": {"name": "alternating"},
    "gen_tx": SGD,
    "disc_tx": SGD,
}
# Options that schemes cannot do without, or that ask most of devices.
OPTIONS = {
    "alternating": {"disc_updates": 2, "fresh_batches": True},
    "competitive": {"lr": 0.05},
    "follow_the_ridge": {"damping": 1.0},
    "lookahead": {"inner": "simultaneous", "steps": 2},
    "opponent_shaping": {"lookahead_lr": 0.01},
    "runge_kutta": {"lr": 0.05},
    "unrolled": {"unroll_steps": 3},
}
IMAGES = {
    **RING,
    "data": {"name": "digits"},
    "game": {"name": "gan", "z_dim": 4},
    "generator": {"name": "dcgan", "width": 4},
    "discriminator": {"name": "dcgan", "width": 4, "norm": "batch"},
}
CONFIGS = {
    name: {**RING, "scheme": {"name": name, **OPTIONS.get(name, {})}}
    for name in schemes.SCHEMES
    if name != "averaged"
}
CONFIGS |= {
    "averages": {**RING, "average": {"name": "ema", "decay": 0.9}},
    "batch_norm": {**IMAGES, "penalties": {"wgan_gp": {"name": "wgan_gp", "weight": 1.0}}},
    "minibatch": {**IMAGES, "discriminator": {"name": "dcgan", "width": 4, "minibatch": "stddev"}},
    "relativistic": {**RING, "loss": {"name": "relativistic_average"}},
    "augmented": {
        **IMAGES,
        "augmentations": {"shift": {"name": "translate"}, "noise": {"name": "instance_noise"}},
        "penalties": {"dragan": {"name": "dragan"}},
    },
    "pull_away": {
        **RING,
        "game": {"name": "boundary_equilibrium", "z_dim": 2, "pull_away": 0.1},
        "discriminator": {"name": "mlp_autoencoder", "z_dim": 2, "width": 8},
    },
}
CONFIGS["pull_away"] = {k: v for k, v in CONFIGS["pull_away"].items() if k != "loss"}
QUICK = ("alternating", "unrolled", "batch_norm")
NAMES = [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in CONFIGS]
COUNTS = [pytest.param(count, marks=() if count == 8 else pytest.mark.slow) for count in (2, 4, 8)]
FORMS = [("jit", False), ("jit", True), ("pmap", False)]
DIGITS = {"float32": 1e-6, "float64": 1e-12}


@cache
def played(name, dtype, form="jit", sharded=False, count=1):
    """The state and the metrics of a config after 20 steps on `count` devices."""
    layout = devices.layout(form, sharded, among=jax.devices()[:count]) if count > 1 else None
    built = experiment.build(CONFIGS[name], layout.axis_name if layout else None)

    def cast(tree):
        return jax.tree.map(
            lambda x: x.astype(dtype) if jnp.issubdtype(x.dtype, jnp.inexact) else x, tree
        )

    state = cast(experiment.initial_state(built, experiment.streams(0).init))
    given = cast(built.train), experiment.streams(0).play, jnp.int32(0)
    run = train.chunk(built, 20)
    if layout is None:
        return jax.device_get(jax.jit(run)(state, *given))
    run = devices.compiled(layout, run, state, *given)
    state, told = run(devices.put(layout, state), *given)
    return jax.device_get((devices.take(layout, state), told))


def close(one, many, rtol):
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(many), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(b, a, rtol=0, atol=rtol * max(np.abs(a).max(initial=0), 1))


@pytest.mark.parametrize("dtype", DIGITS)
@pytest.mark.parametrize(("form", "sharded"), FORMS)
@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("name", NAMES)
def test_devices_agree_with_one(name, count, form, sharded, dtype, x64):
    one, told_one = played(name, dtype)
    many, told_many = played(name, dtype, form, sharded, count)
    close(one.params, many.params, DIGITS[dtype])
    close(one, many, 10 * DIGITS[dtype])
    close(told_one, told_many, 1e-5)  # shares of a batch are counted in float32
