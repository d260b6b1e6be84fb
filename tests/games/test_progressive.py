"""The progressive game: what fades, who counts, and that growing changes nothing at first."""

from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn

from ganjax import games, nets, penalties, schemes
from ganjax.games.progressive import FADED, fade
from ganjax.types import Players

RNG = jax.random.key(0)
SMALL = {"fmap_base": 16, "fmap_max": 4}


def game(size, **options):
    generator = nets.ProgressiveGenerator((size, size, 1), **SMALL)
    return games.progressive(
        generator, nets.ProgressiveDiscriminator(**SMALL), z_dim=3, **options
    )


def batch(size):
    return {"x": jax.random.uniform(RNG, (4, size, size, 1), minval=-1)}


class Scaled(nn.Module):
    """A generator that draws its alpha: w (z + alpha), as images of 2x2 pixels."""

    @nn.compact
    def __call__(self, z, alpha):
        w = self.param("w", nn.initializers.ones, ())
        return w * (z + alpha).reshape(-1, 2, 2, 1)


class Mean(nn.Module):
    """A critic that is w (x[0, 0] + 10 alpha) and tells of its mode."""

    @nn.compact
    def __call__(self, x, alpha, train=True):
        w = self.param("w", nn.initializers.ones, ())
        return w * (x[:, 0, 0, 0] + 10 * alpha) + (0.0 if train else jnp.nan)


def test_fade_by_hand(x64):
    x = jnp.arange(16.0).reshape(1, 4, 4, 1)
    coarse = np.kron([[2.5, 4.5], [10.5, 12.5]], np.ones((2, 2))).reshape(1, 4, 4, 1)
    np.testing.assert_array_equal(fade(x, 0.0), coarse)
    np.testing.assert_array_equal(fade(x, 1.0), x)
    np.testing.assert_allclose(fade(x, 0.25), 0.75 * coarse + 0.25 * x, rtol=1e-12)


def test_losses_by_hand(x64):
    """Alpha 0.4 reaches both networks and the data, in both players' losses."""
    small = games.progressive(Scaled(), Mean(), z_dim=4, penalties=(), fade_steps=5)
    data = {"x": jnp.arange(12.0).reshape(3, 2, 2, 1)}
    params, model_state = small.init(RNG, data)
    assert model_state == Players({FADED: 0}, {})
    model_state = model_state._replace(gen={FADED: jnp.int32(2)})
    told = small.losses(params, model_state, data, RNG)
    real = np.mean([1.5, 5.5, 9.5]) * 0.6 + np.mean([0.0, 4.0, 8.0]) * 0.4 + 4
    plain = games.gan(Plain(), Mean0(), loss=games_loss(), z_dim=4).losses
    del plain
    fake = -told.gen.value
    np.testing.assert_allclose(told.disc.value, fake - real, rtol=1e-10)
    z = small.queries["latents"](params, model_state, RNG, 3)
    drawn = small.queries["generate"](params, model_state, z)
    np.testing.assert_allclose(drawn, (z + 0.4).reshape(3, 2, 2, 1), rtol=1e-6)
    assert told.gen.model_state == {FADED: 3}
    np.testing.assert_allclose(told.gen.metrics["gen/alpha"], 0.4, rtol=1e-12)
