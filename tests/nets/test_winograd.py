"""Minimal filtering is convolution, its transpose the transpose, with the products it claims."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from marks import TELLING

from ganjax.nets import products, winograd

RNG = jax.random.key(0)
TILES = pytest.mark.parametrize(("outputs", "taps"), winograd.FILTERINGS)


def natively(x, kernel):
    layout = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=layout)


@TILES
@pytest.mark.parametrize(
    "sides",
    [
        pytest.param(sides, id=str(sides), marks=() if sides in ((3, 5), (1, 2)) else TELLING)
        for sides in ((4, 6), (3, 5), (1, 2), (8, 9))
    ],
)
def test_it_is_convolution_and_its_transpose(outputs, taps, sides, x64):
    x = jax.random.normal(RNG, (2, sides[0] + taps - 1, sides[1] + taps - 1, 3))
    kernel = jax.random.normal(jax.random.key(1), (taps, taps, 3, 5))
    expected, pull_back = jax.vjp(lambda x: natively(x, kernel), x)
    got = winograd.convolve(x, kernel, outputs)
    np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-12)
    y = jax.random.normal(jax.random.key(2), expected.shape)
    got = winograd.transpose(y, kernel, outputs)
    np.testing.assert_allclose(got, pull_back(y)[0], rtol=1e-10, atol=1e-12)


@TILES
def test_rounding_errors_are_at_most_four_times_those_of_sums(outputs, taps, x64):
    """Root mean squares of 128 channels in float32, over those of products added up."""
    x = jax.random.normal(RNG, (4, 15 + taps, 15 + taps, 128))
    kernel = jax.random.normal(jax.random.key(1), (taps, taps, 128, 8))
    exact, narrow = natively(x, kernel), (x.astype(jnp.float32), kernel.astype(jnp.float32))

    def error(found):
        return jnp.sqrt(jnp.mean((found - exact) ** 2))

    filtered = error(winograd.convolve(*narrow, outputs))
    assert filtered < 4 * error(products.by_neighbourhoods(*narrow))


@TILES
def test_it_multiplies_less(outputs, taps):
    """(m + r - 1)^2 products a tile of m x m outputs, channel and feature, and the kernel's own."""
    x, kernel = jnp.zeros((2, 7 + taps, 3 + taps, 3)), jnp.zeros((taps, taps, 3, 5))
    side = outputs + taps - 1
    tiles = 2 * (8 // outputs) * (4 // outputs)
    with jax.disable_jit():  # a program without others in it
        traced = jax.make_jaxpr(partial(winograd.convolve, outputs=outputs))(x, kernel)
    dots = [e for e in traced.eqns if e.primitive.name == "dot_general"]
    multiplied = sum(e.outvars[0].aval.size * e.invars[0].aval.shape[-1] for e in dots)
    assert multiplied == side**2 * (tiles + taps**2) * 3 * 5
