"""pix2pix: its losses by hand, the order of a pair, what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from ganjax import games
from ganjax.types import Players

RNG = jax.random.key(0)


class Scale(nn.Module):
    """x -> w x, of every coordinate."""

    @nn.compact
    def __call__(self, x):
        return self.param("w", nn.initializers.ones, ()) * x


class Pairs(nn.Module):
    """A logit for each pixel: u a + v b of a pair joined along the channels."""

    @nn.compact
    def __call__(self, pair):
        u, v = (self.param(name, nn.initializers.ones, ()) for name in "uv")
        return u * pair[..., 0] + v * pair[..., 1]


def softplus(x):
    return np.logaddexp(0, x)


def test_losses_of_linear_maps_by_hand(x64):
    rng_a, rng_b = jax.random.split(RNG)
    batch = {"a": jax.random.normal(rng_a, (4, 3, 1)), "b": jax.random.normal(rng_b, (4, 3, 1))}
    game = games.paired(Scale(), Pairs(), l1_weight=7.0)
    _, state = game.init(RNG, batch)
    params = Players(gen={"w": jnp.array(2.0)}, disc={"u": jnp.array(0.5), "v": jnp.array(-3.0)})
    outcome = game.losses(params, state, batch, RNG)
    a, b = np.asarray(batch["a"]), np.asarray(batch["b"])
    real, fake = 0.5 * a - 3 * b, 0.5 * a - 3 * 2 * a
    l1 = np.abs(2 * a - b).mean()
    np.testing.assert_allclose(outcome.gen.value, softplus(-fake).mean() + 7 * l1, rtol=1e-10)
    disc = softplus(-real).mean() + softplus(fake).mean()
    np.testing.assert_allclose(outcome.disc.value, disc / 2, rtol=1e-10)
    np.testing.assert_allclose(outcome.gen.metrics["l1/gen"], l1, rtol=1e-10)
    np.testing.assert_allclose(outcome.disc.metrics["accuracy_real/disc"], (real > 0).mean())
    np.testing.assert_allclose(outcome.disc.metrics["accuracy_fake/disc"], (fake < 0).mean())
    panels = game.queries["panels"](params, state, batch, RNG)
    assert list(panels) == sorted(panels) == ["a", "a to b", "b"]
    np.testing.assert_allclose(panels["a to b"], 2 * a, rtol=1e-10)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="l1_weight=-1"):
        games.paired(Scale(), Pairs(), l1_weight=-1)
    game = games.paired(Scale(), Pairs())
    with pytest.raises(ValueError, match="joined along the channels"):
        game.init(RNG, {"a": jnp.ones((4, 3, 1)), "b": jnp.ones((4, 2, 1))})
    with pytest.raises(ValueError, match=r"to shape \(4, 3, 1\); expected \(4, 3, 2\)"):
        game.init(RNG, {"a": jnp.ones((4, 3, 1)), "b": jnp.ones((4, 3, 2))})
