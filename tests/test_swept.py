"""A swept number passes for a float where it can, and says so where it cannot."""

import math
import numbers

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ganjax.swept import Swept

VALUES = (0.5, 2.0, 3.0)


@pytest.mark.parametrize(
    "of",
    [
        lambda x: 1 - x,
        lambda x: x - 1,
        lambda x: x / 3 + 3 / x,
        lambda x: -2 * x * 4,
        lambda x: x**2 + 2**x,
        lambda x: abs(-x) + (+x),
        lambda x: x * x,
        lambda x: jnp.ones(2) * x,
        lambda x: optax.sgd(x).update(jnp.ones(()), optax.sgd(x).init(jnp.ones(())))[0],
    ],
)
def test_arithmetic_is_that_of_each_value(of):
    with jax.enable_x64(True):
        found = jax.vmap(lambda x: jnp.sum(jnp.ones(()) * of(Swept(x, VALUES))))(jnp.array(VALUES))
        expected = [float(jnp.sum(jnp.asarray(of(value)))) for value in VALUES]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_comparisons_are_answered_if_all_values_agree():
    x = Swept(None, VALUES)
    assert x > 0
    assert x >= 0.5
    assert 0 < x < 4
    assert x != 1
    assert bool(x)
    some = Swept(None, (0.0, 1.0))
    for ask in (lambda: x > 1, lambda: x == 2, lambda: 0 < x < 3, lambda: bool(some)):
        with pytest.raises(TypeError, match="differ in more than a number"):
            ask()


def test_no_value_stands_silently_for_the_others():
    x = Swept(jnp.float32(1), VALUES)
    assert isinstance(x, numbers.Real)
    for plain in (float, int, math.sqrt, jnp.sqrt, np.asarray, np.float64, hash, range):
        with pytest.raises(TypeError):
            plain(x)


def test_arrays_keep_their_dtype_as_with_a_float():
    with jax.enable_x64(True):
        x = Swept(jnp.float64(0.5), VALUES)
        for dtype in (jnp.bfloat16, jnp.float32, jnp.float64):
            y = jnp.ones(3, dtype)
            assert (y * (1 - x)).dtype == ((1 - x) * y).dtype == dtype
        assert (x ** jnp.int32(2)).dtype == jnp.float64
        assert (1 - x).values == (0.5, -1.0, -2.0)
