"""Adversarial losses: closed forms, gradients, and the contract of every row."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganjax import losses
from ganjax.losses import LOSSES

ROWS = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)


@pytest.fixture
def logits(x64):
    real, fake = jax.random.normal(jax.random.key(0), (2, 50)) * 3
    return real, fake


def test_disc_loss_is_its_definition(logits):
    real, fake = logits
    d_real, d_fake = 1 / (1 + np.exp(-np.asarray(real))), 1 / (1 + np.exp(-np.asarray(fake)))
    value = np.mean(np.log(d_real)) + np.mean(np.log(1 - d_fake))
    np.testing.assert_allclose(losses.minimax.disc(real, fake), -value, rtol=1e-10)
    np.testing.assert_allclose(losses.minimax.gen(real, fake), value, rtol=1e-10)
    np.testing.assert_allclose(losses.non_saturating.disc(real, fake), -value, rtol=1e-10)


def test_non_saturating_gen_loss_is_its_definition(logits):
    real, fake = logits
    expected = -np.mean(np.log(1 / (1 + np.exp(-np.asarray(fake)))))
    np.testing.assert_allclose(losses.non_saturating.gen(real, fake), expected, rtol=1e-10)


def test_undecided_discriminator_is_worth_log_4(x64):
    zeros = jnp.zeros(7)
    np.testing.assert_allclose(losses.minimax.disc(zeros, zeros), np.log(4), rtol=1e-15)
    np.testing.assert_allclose(losses.minimax.gen(zeros, zeros), -np.log(4), rtol=1e-15)
    np.testing.assert_allclose(losses.non_saturating.gen(zeros, zeros), np.log(2), rtol=1e-15)


def test_minimax_is_zero_sum(logits):
    assert losses.minimax.gen(*logits) == -losses.minimax.disc(*logits)


def test_only_the_minimax_generator_saturates(x64):
    """Where D rejects with confidence, d/dl is -sigmoid(l) for one and sigmoid(l) - 1 for other."""
    fake = jnp.array([-20.0])
    slope = {name: jax.grad(LOSSES[name].gen, argnums=1)(fake, fake)[0] for name in LOSSES}
    np.testing.assert_allclose(slope["minimax"], -1 / (1 + np.exp(20.0)), rtol=1e-10)
    np.testing.assert_allclose(slope["non_saturating"], -1.0, rtol=1e-8)  # 1 - 2e-9


@ROWS
def test_scalar_and_finite_far_out(loss):
    extreme = jnp.array([-1e3, 0.0, 1e3], jnp.float32)
    for function in loss:
        value, slopes = jax.value_and_grad(function, argnums=(0, 1))(extreme, -extreme)
        chex.assert_rank(value, 0)
        chex.assert_type(value, jnp.float32)
        chex.assert_tree_all_finite((value, slopes))


@ROWS
def test_gradient_signs(loss):
    """The discriminator wants real up and fake down; the generator wants its samples up."""
    real, fake = jax.random.normal(jax.random.key(0), (2, 20))
    by_real, by_fake = jax.grad(loss.disc, argnums=(0, 1))(real, fake)
    assert (by_real < 0).all()
    assert (by_fake > 0).all()
    assert (jax.grad(loss.gen, argnums=1)(real, fake) < 0).all()


@ROWS
@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=8))
def test_order_of_the_batch_is_irrelevant(loss, values):
    logits = jnp.asarray(values, jnp.float32)
    for function in loss:
        forth, back = function(logits, logits), function(logits[::-1], logits[::-1])
        np.testing.assert_allclose(forth, back, rtol=1e-5)  # float32 sums in another order


def test_wasserstein_is_its_definition(logits):
    real, fake = logits
    expected = np.mean(np.asarray(fake)) - np.mean(np.asarray(real))
    np.testing.assert_allclose(losses.wasserstein.disc(real, fake), expected, rtol=1e-10)
    assert losses.wasserstein.gen(real, fake) == -losses.wasserstein.disc(real, fake)
