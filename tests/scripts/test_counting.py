"""FLOPs counted in traced programs, against closed forms."""

import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest
from jax import lax

from ganjax.nets.convolutions import double_natively

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def counting(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "scripts" / "benchmarks")
    import counting

    yield counting
    sys.modules.pop("counting", None)


@pytest.fixture
def flops(counting):
    return counting.flops


def shape(*sizes):
    return jax.ShapeDtypeStruct(sizes, jnp.float32)


B, N, M = 5, 7, 3
X, W = shape(B, N), shape(N, M)
PRODUCT = 2 * B * N * M


def loss(x, w):
    return jnp.sum(jnp.tanh(x @ w))


CALLS = {
    "a dense layer": (lambda x, w: x @ w, PRODUCT),
    "what is asked for": (lambda x, w: jax.jit(lambda: (loss(x, w), loss(2 * x, w)))()[0], PRODUCT),
    "nothing elementwise": (lambda x, w: jnp.exp(x), 0),
    "both gradients": (jax.grad(loss, argnums=(0, 1)), 3 * PRODUCT),
    "one gradient": (jax.grad(loss, argnums=1), 2 * PRODUCT),
    "inside a jit": (jax.jit(lambda x, w: jax.jit(jnp.dot)(x, w)), PRODUCT),
    "mapped": (jax.vmap(lambda row, w: row @ w, in_axes=(0, None)), PRODUCT),
    "forwards": (lambda x, w: jax.jvp(loss, (x, w), (x, w)), 3 * PRODUCT),
    "a loop": (
        lambda x, w: lax.scan(lambda c, _: (c + loss(x, w), None), 0.0, length=4),
        4 * PRODUCT,
    ),
    "a loop in a loop": (
        lambda x, w: lax.fori_loop(
            0, 3, lambda _, c: lax.fori_loop(0, 2, lambda _, d: d + loss(x, w), c), 0.0
        ),
        6 * PRODUCT,
    ),
    "the dearest branch": (
        lambda x, w: lax.cond(x[0, 0] > 0, loss, lambda x, w: loss(x, w) + loss(2 * x, w), x, w),
        2 * PRODUCT,
    ),
    "computed again": (
        jax.value_and_grad(lambda x, w: jnp.sum(jax.checkpoint(lambda: jnp.tanh(x @ w))()), 1),
        3 * PRODUCT,
    ),
    "a derivative of one's own": (lambda x, w: jax.nn.relu(x @ w), PRODUCT),
}


@pytest.mark.parametrize("name", CALLS)
def test_products(name, flops):
    function, expected = CALLS[name]
    assert flops(function, X, W) == expected


SIDE, C, F, K = 8, 3, 5, 4
IMAGES, KERNEL = shape(B, SIDE, SIDE, C), shape(K, K, C, F)
LAYOUT = ("NHWC", "HWIO", "NHWC")


def convolved(stride, **options):
    options = {"padding": "SAME", "dimension_numbers": LAYOUT} | options
    return lambda x, w: lax.conv_general_dilated(x, w, (stride, stride), **options)


def test_convolutions(flops):
    """2 b h w k k c f, h and w those of the output."""
    for stride in (1, 2):
        expected = 2 * B * (SIDE // stride) ** 2 * K * K * C * F
        assert flops(convolved(stride), IMAGES, KERNEL) == expected
    grouped = convolved(1, feature_group_count=C)
    assert flops(grouped, IMAGES, shape(K, K, 1, 2 * C)) == 2 * B * SIDE**2 * K * K * 2 * C


@pytest.mark.parametrize("form", [convolved(2), double_natively])
def test_gradients_of_a_layer_are_two_more(form, flops):
    """Zeros between the pixels of dilated inputs are no work."""
    value = flops(form, IMAGES, KERNEL)
    assert value == 2 * B * SIDE**2 * K * K * C * F / (1 if form is double_natively else 4)
    both = jax.grad(lambda x, w: jnp.sum(jnp.sin(form(x, w))), argnums=(0, 1))
    assert flops(both, IMAGES, KERNEL) == 3 * value


def test_a_loop_of_unknown_length_is_refused(flops):
    def until(x, w):
        return lax.while_loop(lambda c: c < 3, lambda c: c + loss(x, w), 0.0)

    with pytest.raises(ValueError, match="unknown length"):
        flops(until, X, W)
    assert flops(lambda x, w: lax.while_loop(lambda c: c < 3, lambda c: c + 1, 0) + x @ w, X, W)


def test_traffic_and_number_of_products(counting):
    gradient = jax.grad(loss, argnums=1)
    both = B * N + N * M + B * M
    assert counting.traffic(gradient, X, W) == 2 * 2 * both
    assert counting.traffic(gradient, X, W, bytes_each=4) == 4 * 2 * both
    assert counting.products(gradient, X, W) == 2


def test_collectives(counting):
    """An average of a slope, on which that of a loss waits; three more, one after the other."""

    def told(x, w):
        slope = lax.pmean(jax.grad(loss, argnums=1)(x, w), "data")
        value = jax.jit(lambda w: lax.pmean(loss(x, w), "data"))(w - slope)
        turns = lax.scan(lambda c, _: (lax.pmean(c + 1, "data"), None), value, length=3)[0]
        return slope, turns, lax.pmean(loss(x, w), "data")

    found = counting.collectives(told, X, W, axis_name="data", devices=4)
    assert found == (4 * (N * M + 5), 5)
    gathered = counting.collectives(
        lambda x: lax.all_gather(x, "data"), X, axis_name="data", devices=4
    )
    assert gathered == (4 * 4 * B * N, 1)
    assert counting.collectives(loss, X, W, axis_name="data", devices=4) == (0, 0)
