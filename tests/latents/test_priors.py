"""Latent priors: shapes, ranges, moments."""

import jax
import numpy as np
import pytest

from ganjax import latents
from ganjax.latents import PRIORS

MOMENTS = {"normal": 1.0, "uniform": 1 / 3}  # variance


@pytest.mark.parametrize("name", PRIORS)
def test_shape_and_moments(name):
    z = np.asarray(PRIORS[name](jax.random.key(0), (20_000, 3)))
    assert z.shape == (20_000, 3)
    np.testing.assert_allclose(z.mean(), 0, atol=0.02)  # 5 standard errors of the mean
    np.testing.assert_allclose(z.var(), MOMENTS[name], rtol=0.03)


def test_uniform_range():
    z = latents.uniform(jax.random.key(0), (10_000,))
    assert -1 <= z.min() < -0.99
    assert 0.99 < z.max() < 1
