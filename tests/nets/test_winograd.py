"""Minimal filtering is convolution, its transpose the transpose, with the products it claims."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganjax.nets import winograd

RNG = jax.random.key(0)


def natively(x, kernel):
    layout = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=layout)


@pytest.mark.parametrize("sides", [(4, 6), (3, 5), (1, 2)], ids=str)
@pytest.mark.parametrize("taps", winograd.FILTERINGS)
def test_it_is_convolution_and_its_transpose(taps, sides, x64):
    x = jax.random.normal(RNG, (2, sides[0] + taps - 1, sides[1] + taps - 1, 3))
    kernel = jax.random.normal(jax.random.key(1), (taps, taps, 3, 5))
    expected, pull_back = jax.vjp(lambda x: natively(x, kernel), x)
    np.testing.assert_allclose(winograd.convolve(x, kernel), expected, rtol=1e-10, atol=1e-12)
    y = jax.random.normal(jax.random.key(2), expected.shape)
    got = winograd.transpose(y, kernel)
    np.testing.assert_allclose(got, pull_back(y)[0], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("taps", winograd.FILTERINGS)
def test_it_multiplies_less(taps):
    """(r + 1)^2 products a tile of 2x2 outputs, channel and feature."""
    x, kernel = jnp.zeros((2, 7 + taps, 3 + taps, 3)), jnp.zeros((taps, taps, 3, 5))
    equations = jax.make_jaxpr(winograd.convolve)(x, kernel).eqns
    products = [e for e in equations if e.primitive.name == "dot_general"]
    multiplied = sum(e.outvars[0].aval.size * e.invars[0].aval.shape[-1] for e in products)
    tiles = 2 * 4 * 2
    assert multiplied == (taps + 1) ** 2 * tiles * 3 * 5
