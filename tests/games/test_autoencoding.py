"""Games of one player: what they minimise in closed form, and that every scheme plays them."""

from functools import cache, partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ganjax import augmentations, games, nets, schemes
from ganjax.metrics import best_affine
from ganjax.schemes import SCHEMES
from ganjax.types import Players

RNG = jax.random.key(0)
# What schemes cannot do without.
OPTIONS = {
    "anderson": {"inner": schemes.simultaneous},
    "averaged": {"inner": schemes.alternating},
    "competitive": {"lr": 0.01},
    "lookahead": {"inner": schemes.simultaneous, "steps": 2},
    "opponent_shaping": {"lookahead_lr": 0.01},
    "runge_kutta": {"lr": 0.01},
    "unrolled": {"unroll_steps": 2},
}


def affine(shape=(3,), z_dim=2, **options):
    return nets.AUTOENCODERS["mlp_autoencoder"](shape, z_dim=z_dim, depth=0, **options)


def points(rows=12, dim=3):
    """Correlated points, each along some axis more than along another."""
    x = jax.random.normal(jax.random.key(1), (rows, dim), float)
    return x @ jnp.diag(jnp.arange(1.0, dim + 1)) + 0.5


def weights(encoder, decoder):
    """Parameters of an affine auto-encoder: (kernel, bias) of either half."""
    layers = {"encoder": encoder, "decoder": decoder}
    return {
        name: {"Dense_0": {"kernel": jnp.asarray(kernel), "bias": jnp.asarray(bias)}}
        for name, (kernel, bias) in layers.items()
    }


def outcome(game, gen, batch, rng=RNG):
    return game.losses(Players(gen, {}), Players({}, {}), batch, rng)


def gradient(game, gen, batch):
    return jax.grad(lambda gen: outcome(game, gen, batch).gen.value)(gen)


@cache
def played(name):
    """(state, metrics) after a step of a scheme on denoising points."""
    game = games.autoencoder(affine(), corrupt=augmentations.instance_noise(0.1))
    sgd = optax.sgd(0.01)
    scheme = SCHEMES[name](game, Players(sgd, sgd), **OPTIONS.get(name, {}))
    state = scheme.init(RNG, {"x": points()})
    return state, *jax.jit(scheme.step)(state, {"x": points()}, RNG)


@pytest.mark.parametrize("name", SCHEMES)
def test_every_scheme_plays_against_a_player_with_nothing_to_learn(name):
    before, after, metrics = played(name)
    chex.assert_trees_all_equal_shapes_and_dtypes(before, after)
    chex.assert_tree_all_finite((after, metrics))
    assert before.params.disc == after.params.disc == {}
    assert metrics["loss/disc"] == metrics["grad_norm/disc"] == 0
    for a, b in zip(
        jax.tree.leaves(before.params.gen), jax.tree.leaves(after.params.gen), strict=True
    ):
        assert bool((a != b).any())


def test_without_an_opponent_there_is_no_ridge_to_follow():
    _, plain, _ = played("simultaneous")
    _, after, _ = played("follow_the_ridge")
    chex.assert_trees_all_close(after.params.gen, plain.params.gen, rtol=1e-6)


def test_principal_components_are_the_optimum(x64):
    """The value is the sum of the variances left out, the gradient 0 (Baldi & Hornik 1989)."""
    x = np.asarray(points(40, 5))
    mean, (spread, axes) = x.mean(0), np.linalg.eigh(np.cov(x.T, bias=True))
    top = axes[:, -2:]
    gen = weights((top, -mean @ top), (top.T, mean))
    game, batch = games.autoencoder(affine((5,))), {"x": jnp.asarray(x)}
    np.testing.assert_allclose(
        outcome(game, gen, batch).gen.value, spread[:-2].sum() / 5, rtol=1e-10
    )
    for leaf in jax.tree.leaves(gradient(game, gen, batch)):
        np.testing.assert_allclose(leaf, 0, atol=1e-10)
    affine_map = best_affine(x, x, rank=2)
    np.testing.assert_allclose(affine_map.matrix, top @ top.T, atol=1e-10)


def test_the_wiener_filter_is_the_denoisers_optimum(x64):
    """Noise with exactly the moments of N(0, s^2 I) around every point: no draw, no tolerance."""
    std, x = 0.7, np.asarray(points(20, 3))
    covariance, mean = np.cov(x.T, bias=True), x.mean(0)
    noise = std * np.sqrt(3) * np.concatenate([np.eye(3), -np.eye(3)])

    def corrupt(x, rng, updates):
        del rng, updates
        return x + jnp.asarray(np.tile(noise, (20, 1)))

    wiener = np.linalg.inv(covariance + std**2 * np.eye(3)) @ covariance
    gen = weights((wiener, mean - mean @ wiener), (np.eye(3), np.zeros(3)))
    batch = {"x": jnp.asarray(np.repeat(x, 6, axis=0))}
    game = games.autoencoder(affine(z_dim=3), corrupt=corrupt)
    left = np.trace(covariance - covariance @ wiener) / 3
    np.testing.assert_allclose(outcome(game, gen, batch).gen.value, left, rtol=1e-10)
    for leaf in jax.tree.leaves(gradient(game, gen, batch)):
        np.testing.assert_allclose(leaf, 0, atol=1e-10)
    np.testing.assert_allclose(best_affine(x, x, rank=3, noise=std).matrix, wiener, atol=1e-10)


def test_the_two_errors():
    batch = {"x": jnp.asarray([[1.0, -1.0, 2.0], [0.0, 0.0, 3.0]])}
    nothing = weights((jnp.zeros((3, 2)), jnp.zeros(2)), (jnp.zeros((2, 3)), jnp.zeros(3)))
    for error, value in (("squared", 15 / 6), ("absolute", 7 / 6)):
        game = games.autoencoder(affine(), error=error)
        np.testing.assert_allclose(outcome(game, nothing, batch).gen.value, value, rtol=1e-6)
        energy = game.queries["energy"](Players(nothing, {}), Players({}, {}), batch["x"])
        np.testing.assert_allclose(energy.mean(), value, rtol=1e-6)


def test_two_domains_are_input_and_target():
    """A map from grey to colour, and what is drawn of it."""
    a, b = jnp.ones((4, 2, 2, 1)), jnp.zeros((4, 2, 2, 3))
    gen = weights((jnp.ones((4, 1)), jnp.zeros(1)), (jnp.full((1, 12), 0.5), jnp.zeros(12)))
    game = games.autoencoder(affine((2, 2, 3), z_dim=1))
    np.testing.assert_allclose(outcome(game, gen, {"a": a, "b": b}).gen.value, 4.0, rtol=1e-6)
    panels = game.queries["panels"](Players(gen, {}), Players({}, {}), {"a": a, "b": b}, RNG)
    assert [(key, x.shape[-1]) for key, x in panels.items()] == [
        ("original", 3),
        ("given", 1),
        ("reconstructed", 3),
    ]


def test_panels_show_the_corruption():
    noisy = games.autoencoder(affine(), corrupt=augmentations.instance_noise(0.5))
    params, state = noisy.init(RNG, {"x": points()})
    panels = noisy.queries["panels"](params, state, {"x": points()}, RNG)
    assert list(panels) == ["original", "given", "reconstructed"]
    assert 0.3 < float(jnp.std(panels["given"] - panels["original"])) < 0.7
    ask = noisy.queries["reconstruct"](params, state, panels["given"])
    np.testing.assert_array_equal(panels["reconstructed"], ask)
    clean = games.autoencoder(affine()).queries["panels"](params, state, {"x": points()}, RNG)
    assert list(clean) == ["original", "reconstructed"]


def test_queries_are_halves_of_one_map():
    game = games.autoencoder(affine((2, 2, 1), z_dim=3))
    x = jax.random.uniform(RNG, (4, 2, 2, 1))
    params, state = game.init(RNG, {"x": x})
    ask = {name: partial(query, params, state) for name, query in game.queries.items()}
    codes = ask["encode"](x)
    assert codes.shape == (4, 3)
    np.testing.assert_allclose(ask["decode"](codes), ask["reconstruct"](x), rtol=1e-5)


def test_errors():
    with pytest.raises(ValueError, match="squared"):
        games.autoencoder(affine(), error="square")
    with pytest.raises(ValueError, match=r"outputs of shape \(\d+, 4\); expected \(\d+, 3\)"):
        games.autoencoder(affine((4,))).init(RNG, {"x": points()})
