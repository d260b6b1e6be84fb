"""Gradient penalties against closed forms and finite differences."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganjax import penalties
from ganjax.nets import MLPDiscriminator
from ganjax.penalties import PENALTIES

ROWS = pytest.mark.parametrize("factory", PENALTIES.values(), ids=PENALTIES)
RNG = jax.random.key(0)


def test_r1_of_a_linear_critic(x64):
    """D(x) = <w, x>: the penalty is gamma/2 |w|^2, its gradient gamma w."""
    w, x = jax.random.normal(jax.random.key(1), (5,)), jnp.ones((3, 5))
    value, slope = jax.value_and_grad(lambda w: penalties.r1(7.0)(lambda x: x @ w, x, x, RNG))(w)
    np.testing.assert_allclose(value, 3.5 * np.sum(np.square(w)), rtol=1e-10)
    np.testing.assert_allclose(slope, 7.0 * w, rtol=1e-10)


def test_r1_looks_at_data_alone(x64):
    """D(x) = x^2/2 has slope x: the mean of x^2 over the data, wherever the samples are."""
    real, fake = jnp.array([[1.0], [3.0]]), jnp.full((2, 1), 100.0)
    value = penalties.r1(2.0)(lambda x: x[:, 0] ** 2 / 2, real, fake, RNG)
    np.testing.assert_allclose(value, (1 + 9) / 2, rtol=1e-15)


@ROWS
def test_double_backward_against_central_differences(factory, x64):
    critic = MLPDiscriminator(width=8, depth=2)
    x_real, x_fake = jax.random.normal(jax.random.key(2), (2, 6, 3))
    params = jax.tree.map(lambda p: p.astype(float), critic.init(RNG, x_real))

    def value(params):
        return factory()(lambda x: critic.apply(params, x), x_real, x_fake, RNG)

    direction = jax.tree.map(
        lambda p: jax.random.normal(jax.random.key(p.size), p.shape, p.dtype), params
    )
    _, slope = jax.jvp(value, (params,), (direction,))
    h = 1e-6

    def at(t):
        return value(jax.tree.map(lambda p, d: p + t * d, params, direction))

    np.testing.assert_allclose(slope, (at(h) - at(-h)) / (2 * h), rtol=1e-6)  # central, h^2


@ROWS
def test_finite_where_the_critic_is_flat(factory):
    x = jnp.zeros((4, 3))
    value, slope = jax.value_and_grad(lambda w: factory()(lambda x: x @ w, x, x, RNG))(jnp.zeros(3))
    chex.assert_rank(value, 0)
    chex.assert_tree_all_finite((value, slope))


@pytest.mark.parametrize("gamma", [-1.0, float("nan"), float("inf")])
def test_weights_out_of_range_are_refused(gamma):
    with pytest.raises(ValueError, match=f"gamma={gamma}"):
        penalties.r1(gamma)


@pytest.mark.parametrize("name", ["weight", "target"])
def test_wgan_gp_out_of_range_is_refused(name):
    with pytest.raises(ValueError, match=f"{name}=-1"):
        penalties.wgan_gp(**{name: -1.0})


def test_wgan_gp_of_a_linear_critic(x64):
    """f(x) = <w, x>: weight (|w| - target)^2 wherever the points lie."""
    w, x = jnp.array([3.0, 4.0]), jax.random.normal(jax.random.key(1), (6, 2))
    value = penalties.wgan_gp(7.0, 2.0)(lambda x: x @ w, x, -x, RNG)
    np.testing.assert_allclose(value, 7 * 9, rtol=1e-10)


def test_wgan_gp_looks_between_data_and_samples(x64):
    """f(x) = x^2/2 has the norm |x|: points uniform between 0 and 2 give E (x - 1)^2 = 1/3."""
    zeros, twos = jnp.zeros((100_000, 1)), jnp.full((100_000, 1), 2.0)
    value = penalties.wgan_gp(1.0)(lambda x: x[:, 0] ** 2 / 2, zeros, twos, RNG)
    np.testing.assert_allclose(value, 1 / 3, rtol=1e-2)  # standard error of the draws
