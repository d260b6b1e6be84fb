"""The adversarial auto-encoder: who sees what, and its parts by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn

from ganjax import games, losses, nets, penalties, schemes
from ganjax.types import Players

RNG = jax.random.key(0)


class Mean(nn.Module):
    """A critic whose logit is its scale times a code's mean."""

    @nn.compact
    def __call__(self, z):
        return self.param("scale", nn.initializers.constant(2.0), ()) * jnp.mean(z, axis=1)


def ones(rng, shape):
    """A prior without randomness."""
    del rng
    return jnp.ones(shape)


def network(**options):
    return nets.AUTOENCODERS["mlp_autoencoder"](
        (3,), **{"z_dim": 2, "width": 4, "depth": 0} | options
    )


def build(**options):
    options = {"loss": losses.wasserstein, "prior": ones, "z_dim": 2} | options
    return games.adversarial_autoencoder(network(), Mean(), **options)


def batch():
    return {"x": jax.random.normal(jax.random.key(1), (6, 3))}


@pytest.mark.parametrize("weight", [0.0, 0.3])
def test_losses_by_hand(weight):
    """Draws of the prior are real, codes fake; the encoder has both parts, the decoder one."""
    game = build(weight=weight)
    params, state = game.init(RNG, batch())
    x = batch()["x"]
    encoder, decoder = (params.gen[half]["Dense_0"]["kernel"] for half in ("encoder", "decoder"))
    codes = x @ encoder
    error = jnp.mean((codes @ decoder - x) ** 2)
    found = game.losses(params, state, batch(), RNG)
    np.testing.assert_allclose(found.gen.metrics["error/gen"], error, rtol=1e-5)
    np.testing.assert_allclose(
        found.gen.value, error + weight * (2 - 2 * jnp.mean(codes)), rtol=1e-5
    )
    np.testing.assert_allclose(found.disc.value, 2 * jnp.mean(codes) - 2, rtol=1e-5)

    def value(gen):
        return game.losses(params._replace(gen=gen), state, batch(), RNG).gen.value

    found = jax.grad(value)(params.gen)["encoder"]["Dense_0"]["bias"]
    plain = 2 * jnp.mean(codes @ decoder - x, axis=0) @ decoder.T / 3
    np.testing.assert_allclose(found, plain - weight, rtol=1e-4, atol=1e-6)


def test_penalties_see_codes_and_are_lazy_by_updates():
    seen = []

    def penalty(critic, x_real, x_fake, rng):
        seen.extend([x_real, x_fake, critic(x_real)])
        return jnp.ones(())

    game = build(penalties=(penalty, penalties.lazy(penalties.drift(1.0), every=2)))
    params, state = game.init(RNG, batch())
    found = game.losses(params, state, batch(), RNG).disc
    np.testing.assert_array_equal(seen[0], 1.0)
    np.testing.assert_allclose(
        seen[1], game.queries["encode"](params, state, batch()["x"]), rtol=1e-5
    )
    np.testing.assert_array_equal(seen[2], 2.0)
    plain = build().losses(params, Players({}, {}), batch(), RNG).disc
    np.testing.assert_allclose(found.value, plain.value + found.metrics["penalty/disc"], rtol=1e-6)
    assert found.model_state["discriminator_updates"] == 1


def test_codes_learn_the_prior():
    """Only the adversarial part can move the codes' mean to the prior's: N(3, 1) here."""

    def shifted(rng, shape):
        return 3 + jax.random.normal(rng, shape)

    game = games.adversarial_autoencoder(
        network(), nets.MLPDiscriminator(width=8, depth=1), z_dim=2, prior=shifted
    )
    adam = optax.adam(1e-2, b1=0.5)
    scheme = schemes.alternating(game, Players(adam, adam))

    def step(state, rng):
        return scheme.step(state, batch(), rng)

    state = scheme.init(RNG, batch())
    state, _ = jax.jit(lambda s: jax.lax.scan(step, s, jax.random.split(RNG, 1500)))(state)
    codes = game.queries["encode"](state.params, state.model_state, batch()["x"])
    assert 2 < float(codes.mean()) < 4
    reconstructed = game.queries["reconstruct"](state.params, state.model_state, batch()["x"])
    assert float(jnp.mean((reconstructed - batch()["x"]) ** 2)) < 0.5 * float(jnp.var(batch()["x"]))


def test_errors():
    with pytest.raises(ValueError, match=r"codes of shape \(6, 2\).*\(6, 5\)"):
        build(z_dim=5).init(RNG, batch())
    with pytest.raises(ValueError, match="one logit per code"):
        games.adversarial_autoencoder(network(), nn.Dense(1), z_dim=2).init(RNG, batch())
    wrong = nets.AUTOENCODERS["mlp_autoencoder"]((4,), z_dim=2, depth=0)
    with pytest.raises(ValueError, match="shape of the data"):
        games.adversarial_autoencoder(wrong, Mean(), z_dim=2).init(RNG, batch())
    for options in ({"z_dim": 0}, {"weight": -1.0}, {"weight": np.nan}):
        with pytest.raises(ValueError, match="must be"):
            build(**options)
