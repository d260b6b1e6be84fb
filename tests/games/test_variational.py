"""The variational auto-encoder against a model whose likelihood is known: all of it Gaussian."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from ganjax import games, nets
from ganjax.games import LIKELIHOODS
from ganjax.types import Players

RNG = jax.random.key(0)
STD = 0.6
# Orthogonal columns, so that the posterior of z has a diagonal covariance.
W = np.array([[1.0, 0.5], [-1.0, 0.5], [0.4, 0.0], [0.0, -0.8]]) @ np.diag([1.0, 0.7])
W[:, 1] -= W[:, 0] * (W[:, 0] @ W[:, 1]) / (W[:, 0] @ W[:, 0])
OFFSET = np.array([0.3, -0.2, 0.1, 0.5])
POSTERIOR = 1 / (1 + np.diag(W.T @ W) / STD**2)  # variances of z given x
STATE = Players({}, {})


def network(z_dim=2, moments=2, shape=(4,), **options):
    return nets.AUTOENCODERS["mlp_autoencoder"](
        shape, z_dim=z_dim, depth=0, moments=moments, **options
    )


def linear_gaussian(**options):
    return games.vae(network(), z_dim=2, likelihood=LIKELIHOODS["gaussian"](STD), **options)


def params(shift=0.0, log_var=0.0):
    """x = W z + b + noise, and q its posterior, but for a shift and a change of the log-variance.

    p(z|x) = N(S W^T (x - b) / std^2, S), S = (I + W^T W / std^2)^-1.
    """
    gain = W * POSTERIOR / STD**2  # [4, 2]
    kernel = np.concatenate([gain, np.zeros((4, 2))], axis=1)
    bias = np.concatenate([-OFFSET @ gain + shift, np.log(POSTERIOR) + log_var])
    layers = {"encoder": (kernel, bias), "decoder": (W.T, OFFSET)}
    gen = {
        name: {"Dense_0": {"kernel": jnp.asarray(kernel), "bias": jnp.asarray(bias)}}
        for name, (kernel, bias) in layers.items()
    }
    return Players(gen, {})


def encoded(own, x):
    """Means and log-variances of x, [n, 2] each."""
    layer = own.gen["encoder"]["Dense_0"]
    codes = np.asarray(x) @ np.asarray(layer["kernel"]) + np.asarray(layer["bias"])
    return codes[:, :2], codes[:, 2:]


def points(rows=6):
    return jax.random.normal(jax.random.key(1), (rows, 4), float)


def log_likelihood(x):
    return stats.multivariate_normal(OFFSET, W @ W.T + STD**2 * np.eye(4)).logpdf(x)


def test_weights_of_the_true_posterior_are_the_likelihood(x64):
    """log p(x, z) - log q(z|x) = log p(x) whatever z, so every draw gives it."""
    for seed in range(3):
        found = linear_gaussian().queries["log_weights"](
            params(), STATE, points(), jax.random.key(seed)
        )
        np.testing.assert_allclose(found, log_likelihood(points()), rtol=1e-10)


def test_a_weight_by_densities(x64):
    """log p(x|z) + log p(z) - log q(z|x), z from the weight's own draw, with scipy."""
    x, own = points(), params(shift=0.3, log_var=-0.4)
    found = linear_gaussian().queries["log_weights"](own, STATE, x, RNG)
    mean, log_var = encoded(own, x)
    std = np.exp(log_var / 2)
    z = mean + std * np.asarray(jax.random.normal(RNG, (6, 2), float))
    expected = stats.norm(z @ W.T + OFFSET, STD).logpdf(x).sum(1)
    expected += stats.norm(0, 1).logpdf(z).sum(1) - stats.norm(mean, std).logpdf(z).sum(1)
    np.testing.assert_allclose(found, expected, rtol=1e-10)


@pytest.mark.parametrize(("shift", "log_var"), [(0.0, 0.0), (0.4, 0.0), (0.0, 0.7), (-0.3, -0.5)])
def test_the_loss_bounds_the_likelihood(shift, log_var, x64):
    """E[loss] = -log p(x) + KL(q || p(z|x)), in closed form; 20,000 draws of it."""
    x, rows = points(1), 20_000
    game, own = linear_gaussian(), params(shift, log_var)
    gap = np.sum(shift**2 / POSTERIOR + np.exp(log_var) - log_var - 1) / 2
    expected = -log_likelihood(x) + gap
    batch = {"x": jnp.tile(x, (rows, 1))}
    value = game.losses(own, STATE, batch, RNG).gen.value
    # The deviation of one draw is that of log p(x|z), of order 1 here.
    np.testing.assert_allclose(value, expected, atol=5 * 2 / np.sqrt(rows))
    assert gap == 0 if shift == log_var == 0 else gap > 0.05


def test_the_loss_by_hand(x64):
    """With next to no posterior variance, z is the mean: no draw is left in it."""
    x, own = points(), params(log_var=-200.0)
    mean, log_var = encoded(own, x)
    fit = stats.norm(mean @ W.T + OFFSET, STD).logpdf(x).sum(1)
    kl = (mean**2 + np.exp(log_var) - log_var - 1).sum(1) / 2
    for beta in (0.0, 1.0, 4.0):
        loss = linear_gaussian(beta=beta).losses(own, STATE, {"x": x}, RNG).gen
        np.testing.assert_allclose(loss.value, np.mean(beta * kl - fit), rtol=1e-10)
        np.testing.assert_allclose(loss.metrics["kl/gen"], kl.mean(), rtol=1e-10)
        np.testing.assert_allclose(loss.metrics["elbo/gen"], np.mean(fit - kl), rtol=1e-10)
    energy = linear_gaussian().queries["energy"](own, STATE, x)
    np.testing.assert_allclose(energy, kl - fit, rtol=1e-10)


def test_the_gradient_goes_through_the_draw(x64):
    """d/d log_var of E[-log p(x|z)] is |W|^2 exp(log_var) / (2 std^2), of the divergence the rest.

    At the true posterior they cancel, and the decoder's gradient is that of -log p(x).
    """
    x, rows, game = points(1), 20_000, linear_gaussian()
    batch = {"x": jnp.tile(x, (rows, 1))}

    def value(gen):
        return game.losses(Players(gen, {}), STATE, batch, RNG).gen.value

    found = jax.jit(jax.grad(value))(params().gen)
    np.testing.assert_allclose(found["encoder"]["Dense_0"]["bias"], 0, atol=0.05)
    covariance = W @ W.T + STD**2 * np.eye(4)
    expected = -np.linalg.solve(covariance, np.asarray(x[0]) - OFFSET)
    np.testing.assert_allclose(found["decoder"]["Dense_0"]["bias"], expected, atol=0.05)


def test_gaussian_and_bernoulli_densities(x64):
    outputs = jnp.asarray([[[0.3], [-1.2]], [[2.0], [0.0]]])
    x = jnp.asarray([[[1.0], [-1.0]], [[1.0], [1.0]]])
    gaussian = LIKELIHOODS["gaussian"](0.4)
    expected = stats.norm(outputs, 0.4).logpdf(x).sum((1, 2))
    np.testing.assert_allclose(gaussian.log_density(x, outputs), expected, rtol=1e-10)
    np.testing.assert_array_equal(gaussian.mean(outputs), outputs)
    coin = stats.bernoulli(1 / (1 + np.exp(-np.asarray(outputs))))
    bernoulli = LIKELIHOODS["bernoulli"]()
    expected = coin.logpmf((np.asarray(x) > 0).astype(int)).sum((1, 2))
    np.testing.assert_allclose(bernoulli.log_density(x, outputs), expected, rtol=1e-10)
    np.testing.assert_allclose(bernoulli.mean(outputs), 2 * coin.mean() - 1, rtol=1e-10)


def test_queries_and_model_state():
    """Batch normalisation in both halves: both run on, and keep their structure."""
    net = nets.AUTOENCODERS["mlp_autoencoder"](
        (2, 2, 1), z_dim=3, width=4, depth=1, moments=2, norm=nets.NORMS["batch"]
    )
    game = games.vae(net, z_dim=3, likelihood=LIKELIHOODS["bernoulli"]())
    x = jax.random.uniform(RNG, (6, 2, 2, 1), minval=-1)
    players, state = jax.jit(game.init)(RNG, {"x": x})
    after = jax.jit(game.losses)(players, state, {"x": x}, RNG).gen.model_state
    assert jax.tree.structure(after) == jax.tree.structure(state.gen)
    assert set(after["batch_stats"]) == {"encoder", "decoder"}
    for a, b in zip(jax.tree.leaves(state.gen), jax.tree.leaves(after), strict=True):
        assert bool((a != b).any())
    ask = {name: jax.jit(partial(query, players, state)) for name, query in game.queries.items()}
    z = game.queries["latents"](players, state, RNG, 5)
    assert z.shape == (5, 3)
    samples = ask["generate"](z)
    assert samples.shape == (5, 2, 2, 1)
    assert bool((jnp.abs(samples) < 1).all())
    again = ask["decode"](ask["encode"](x))
    np.testing.assert_allclose(again, ask["reconstruct"](x), rtol=1e-5, atol=1e-6)
    panels = ask["panels"]({"x": x}, RNG)
    assert {title: panel.shape for title, panel in panels.items()} == {
        "original": x.shape,
        "reconstructed": x.shape,
        "generated": x.shape,
    }


def test_errors():
    x = {"x": points()}
    with pytest.raises(ValueError, match=r"codes of shape \(6, 2\).*\(6, 4\).*moments=2"):
        games.vae(network(moments=1), z_dim=2).init(RNG, x)
    with pytest.raises(ValueError, match="shape of the data"):
        games.vae(network(shape=(3,)), z_dim=2).init(RNG, x)
    for options in ({"z_dim": 0}, {"z_dim": 2, "beta": -1.0}, {"z_dim": 2, "beta": np.inf}):
        with pytest.raises(ValueError, match="must be"):
            games.vae(network(), **options)
    for std in (0.0, -1.0, np.inf, np.nan):
        with pytest.raises(ValueError, match="std="):
            LIKELIHOODS["gaussian"](std)
