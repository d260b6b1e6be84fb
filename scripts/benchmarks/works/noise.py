"""Random images as data sets of works, where no photographs are at hand.

A section `data` names them as `works.noise:images` and `works.noise:domains`.
"""

import jax.numpy as jnp
import numpy as np

from ganjax.data.resident import Data, sample_rows

COUNT = 512


def images(size: int) -> Data:
    """`x` [batch, size, size, 3] in [-1, 1]."""
    return _drawn(size, "x")


def domains(size: int) -> Data:
    """Two domains `a` and `b`, each as `images`."""
    return _drawn(size, "ab")


def _drawn(size: int, names: str) -> Data:
    rng = np.random.default_rng(0)
    shape = COUNT, size, size, 3
    train = {name: jnp.asarray(rng.uniform(-1, 1, shape), jnp.float32) for name in names}
    return Data(shape[1:], train, {name: x[:64] for name, x in train.items()}, sample_rows)
