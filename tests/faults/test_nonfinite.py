"""The operation that first gives a NaN or an infinity, by its name and its line."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganjax import nonfinite


def line_of(function, text):
    lines, first = inspect.getsourcelines(function)
    return first + next(i for i, line in enumerate(lines) if text in line)


def plain(x):
    y = jnp.log(x - 1)
    return y * 0


def masked(x):
    """The infinity of the division never reaches the result."""
    return jnp.where(x > 1, x, 1 / (x - 1)) * jnp.sqrt(-x)


def scanned(x):
    def body(carry, t):
        carry = carry * 1e15
        return carry, jnp.exp(t)

    carry, rows = jax.lax.scan(body, x, jnp.arange(3.0))
    return carry + rows.sum()


def looped(x):
    return jax.lax.while_loop(lambda x: jnp.abs(x) < 1e38, lambda x: x * 1e20, x)


def branched(x):
    return jax.lax.cond(x > 0, lambda x: x / 0, lambda x: x, x)


def called(x):
    return jax.jit(lambda x: jnp.arcsin(x))(3 * x)


def slope(x):
    """sqrt is finite at 0, its derivative is not."""
    return jax.grad(lambda x: jnp.sqrt(x - 1))(x)


def remembered(x):
    return jax.grad(jax.checkpoint(lambda x: jnp.sqrt(jnp.sin(x - 1))))(x)


@pytest.mark.parametrize(
    ("function", "operation", "value", "text"),
    [
        (plain, "log", "-inf", "jnp.log"),
        (masked, "sqrt", "nan", "jnp.sqrt"),
        (scanned, "mul", "inf", "carry * 1e15"),
        (looped, "mul", "inf", "x * 1e20"),
        (branched, "div", "inf", "x / 0"),
        (called, "asin", "nan", "jnp.arcsin"),
        (slope, "div", "inf", "jnp.sqrt"),
        (remembered, "div", "inf", "jnp.sqrt"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_the_operation_and_its_line_are_named(function, operation, value, text):
    x = jnp.float32(1.5 if function is masked else 1.0)
    result, (origin,) = nonfinite.origins(function, x)
    np.testing.assert_array_equal(result, function(x))
    assert (origin.operation, origin.value) == (operation, value)
    assert origin.place.startswith(f"{__file__}:{line_of(function, text)} (")
    assert text in origin.place.partition("): ")[2]
    assert f" gives {value}, at {__file__}:" in str(origin)


def test_finite_results_have_no_origin_and_bad_inputs_are_named():
    def both(inputs):
        return inputs["a"] + 1, jnp.where(inputs["b"] > 0, 0.0, 1 / inputs["a"])

    inputs = {"a": jnp.ones(2), "b": jnp.array([1.0, np.inf])}
    _, found = nonfinite.origins(both, inputs)
    assert found == [None, None]
    _, found = nonfinite.origins(both, inputs | {"a": jnp.array([np.nan, 1.0])})
    assert str(found[0]) == "['a'] is nan already at the start"
    assert found[1] is None
