"""The progressive game: what fades, who counts, and that growing changes nothing at first."""

from functools import cache, partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn
from marks import telling

from ganjax import games, nets, penalties, schemes
from ganjax.games.progressive import FADED, check_stage, fade
from ganjax.schemes.growth import kept
from ganjax.types import Players

RNG = jax.random.key(0)
SMALL = {"fmap_base": 16, "fmap_max": 4}


def progan(size, channels=1, networks=SMALL, **options):
    generator = nets.ProgressiveGenerator((size, size, channels), **networks)
    discriminator = nets.ProgressiveDiscriminator(**networks)
    return games.progressive(generator, discriminator, **{"z_dim": 3, **options})


def zeros(size, rows=4, channels=1):
    return {"x": jnp.zeros((rows, size, size, channels))}


class Shifted(nn.Module):
    """A generator of w (z + alpha), as images of 2x2 pixels."""

    @nn.compact
    def __call__(self, z, alpha):
        return self.param("w", nn.initializers.ones, ()) * (z + alpha).reshape(-1, 2, 2, 1)


class Corner(nn.Module):
    """A critic of w (x[0, 0] + 10 alpha), in training mode only."""

    @nn.compact
    def __call__(self, x, alpha, train=False):
        w = self.param("w", nn.initializers.ones, ())
        return w * (x[:, 0, 0, 0] + 10 * alpha) * (1.0 if train else jnp.nan)


def test_the_fade_by_hand(x64):
    x = jnp.arange(16.0).reshape(1, 4, 4, 1)
    coarse = np.kron([[2.5, 4.5], [10.5, 12.5]], np.ones((2, 2))).reshape(1, 4, 4, 1)
    np.testing.assert_array_equal(fade(x, 0.0), coarse)
    np.testing.assert_array_equal(fade(x, 1.0), x)
    np.testing.assert_allclose(fade(x, 0.25), 0.75 * coarse + 0.25 * x, rtol=1e-12)


def test_losses_by_hand(x64):
    """After 2 of 5 updates alpha is 0.4, in both networks, the data, the penalties, the samples."""
    seen = []

    def penalty(critic, x_real, x_fake, rng):
        seen.append((x_real[:, 0, 0, 0], critic(x_real) - x_real[:, 0, 0, 0]))
        return jnp.zeros(())

    game = games.progressive(
        Shifted(),
        Corner(),
        z_dim=4,
        prior=lambda rng, shape: jnp.full(shape, 2.0),
        penalties=(penalty,),
        fade_steps=5,
    )
    batch = {"x": jnp.arange(12.0).reshape(3, 2, 2, 1)}
    params, model_state = game.init(RNG, batch)
    assert model_state == Players({FADED: 0}, {})
    model_state = Players({FADED: jnp.int32(2)}, {})
    told = game.losses(params, model_state, batch, RNG)
    real = 0.6 * np.array([1.5, 5.5, 9.5]) + 0.4 * np.array([0.0, 4.0, 8.0])
    fake = 2.0 + 0.4
    np.testing.assert_allclose(told.gen.value, real.mean() - fake, rtol=1e-10)
    np.testing.assert_allclose(told.disc.value, fake - real.mean(), rtol=1e-10)
    np.testing.assert_allclose(seen, [(real, [4.0] * 3)], rtol=1e-10)
    assert told.gen.model_state == {FADED: 3}
    np.testing.assert_allclose(told.gen.metrics["alpha/gen"], 0.4, rtol=1e-12)
    z = game.queries["latents"](params, model_state, RNG, 3)
    drawn = game.queries["generate"](params, model_state, z)
    np.testing.assert_allclose(drawn, 2.4, rtol=1e-12)


@pytest.mark.parametrize(("fade_steps", "alphas"), [(2, [0.0, 0.5, 1.0, 1.0]), (0, [1.0] * 4)])
def test_alpha_follows_the_generators_updates(fade_steps, alphas):
    """Not the discriminator's, which moves three times a step; it stops at 1."""
    game = games.progressive(Shifted(), Mean(), z_dim=4, penalties=(), fade_steps=fade_steps)
    tx = Players(optax.sgd(0.0), optax.sgd(0.0))
    scheme = schemes.alternating(game, tx, disc_updates=3)
    state, step = scheme.init(RNG, zeros(2)), jax.jit(scheme.step)
    for count, alpha in enumerate(alphas):
        assert int(state.model_state.gen[FADED]) == count
        state, metrics = step(state, zeros(2), RNG)
        assert float(metrics["alpha/gen"]) == alpha


class Mean(nn.Module):
    """A critic without a mode."""

    @nn.compact
    def __call__(self, x, alpha):
        return self.param("w", nn.initializers.ones, ()) * (x.mean((1, 2, 3)) + alpha)


@cache
def grown():
    """Players of 8 pixels and those of 16 that have grown out of them, in float64."""
    random = np.random.RandomState(0)

    def normal(game, size):
        shapes = jax.eval_shape(game.init, RNG, zeros(size))[0]
        return jax.tree.map(lambda leaf: random.normal(size=leaf.shape), shapes)

    old = normal(progan(8), 8)
    return old, kept(old, normal(progan(16), 16))


def slopes(size):
    """The paper's penalties, on slopes per pixel of 16: growing halves slopes."""
    ratio = 16 / size
    return penalties.wgan_gp(10.0 / ratio**2, target=ratio), penalties.drift(1e-3)


def test_losses_do_not_jump_when_networks_grow(x64):
    """At alpha 0 all losses and penalties are those of the networks of half the size."""
    old, new = grown()
    x = np.random.RandomState(1).uniform(-1, 1, (4, 16, 16, 1))
    coarse = x.reshape(4, 8, 2, 8, 2, 1).mean((2, 4))
    told = []
    for size, params, data in ((8, old, coarse), (16, new, x)):
        game = progan(size, penalties=slopes(size), fade_steps=size - 8)
        model_state = Players({FADED: jnp.int32(0)}, {})
        told.append(jax.jit(game.losses)(params, model_state, {"x": data}, RNG))
    before, after = ({**t.disc.metrics, "disc": t.disc.value, "gen": t.gen.value} for t in told)
    assert before["penalty/disc"] > 0.1
    for name, value in before.items():
        np.testing.assert_allclose(after[name], value, rtol=1e-10, err_msg=name)


def test_the_papers_penalties_are_the_default():
    """WGAN-GP and drift."""
    batch = {"x": jax.random.normal(RNG, (4, 2, 2, 1))}
    told = []
    for options in ({}, {"penalties": (penalties.wgan_gp(10.0), penalties.drift(1e-3))}):
        game = games.progressive(Shifted(), Mean(), z_dim=4, **options)
        told.append(game.losses(*game.init(RNG, batch), batch, RNG).disc.value)
    assert told[0] == told[1]


@telling
def test_the_papers_networks_take_a_step_in_the_abstract():
    """At 256 pixels and the paper's widths shapes and dtypes of a whole state stay as they are."""
    size = 256
    game = progan(size, 3, {}, z_dim=512, fade_steps=10)
    scheme = schemes.alternating(game, Players(*[optax.adam(1e-3, b1=0.0, b2=0.99)] * 2))
    batch = jax.eval_shape(partial(zeros, size, 4, 3))
    before = jax.eval_shape(scheme.init, RNG, batch)
    after, _ = jax.eval_shape(scheme.step, before, batch, RNG)
    chex.assert_trees_all_equal_shapes_and_dtypes(before, after)


def test_mistakes_are_told():
    with pytest.raises(ValueError, match="fade_steps=-1"):
        progan(8, fade_steps=-1)
    with pytest.raises(ValueError, match=r"shape \(4, 8, 8, 1\); expected \(4, 16, 16, 1\)"):
        jax.eval_shape(progan(8).init, RNG, zeros(16))
    with pytest.raises(ValueError, match="alpha"):
        games.progressive(nets.MLPGenerator((8, 8, 1)), nets.MLPDiscriminator())


@pytest.mark.parametrize(
    ("size", "last", "fade_steps", "updates"),
    [(4, None, 0, 1), (8, 4, 5, 5), (8, 4, 0, 1), (8, 8, 0, 1), (8, 4, 9, None)],
)
def test_stages_without_a_jump(size, last, fade_steps, updates):
    check_stage(size, last, fade_steps=fade_steps, updates=updates)


@pytest.mark.parametrize(
    ("size", "last", "fade_steps", "updates", "message"),
    [
        (4, None, 1, 9, "fade_steps=1, but there are no networks of half the size"),
        (32, 8, 2, 9, "of 8 pixels cannot go on as networks of 32 .* the size, to 16 here"),
        (32, 8, 0, 9, "networks of 32 with fade_steps=0"),
        (8, 8, 2, 9, "networks of 8 with fade_steps=2"),
        (8, 16, 0, 9, "of 16 pixels cannot go on as networks of 8"),
        (8, 4, 6, 5, "over after 5 updates .* fade of fade_steps=6: .* within 5"),
    ],
)
def test_stages_with_a_jump(size, last, fade_steps, updates, message):
    with pytest.raises(ValueError, match=message):
        check_stage(size, last, fade_steps=fade_steps, updates=updates)
