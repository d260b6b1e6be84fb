"""Toy games: values, starts, and the Dirac-GAN's closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganjax import games, losses, penalties
from ganjax.types import Players

RNG = jax.random.key(0)
NONE = Players(gen=(), disc=())


def play(game, gen, disc):
    return game.losses(Players(gen=jnp.asarray(gen), disc=jnp.asarray(disc)), NONE, None, RNG)


def test_bilinear_value(x64):
    outcome = play(games.bilinear(sigma=3.0, dim=2), [1.0, 2.0], [5.0, 7.0])
    assert outcome.gen.value == 3 * (5 + 14)
    assert outcome.disc.value == -outcome.gen.value


def test_bilinear_start():
    params, model_state = games.bilinear(dim=3, start=(0.5, -2.0)).init(RNG, None)
    np.testing.assert_array_equal(params.gen, [0.5] * 3)
    np.testing.assert_array_equal(params.disc, [-2.0] * 3)
    assert model_state == NONE


def log_sigmoid(t):
    return -np.log1p(np.exp(-t))


def test_dirac_value_is_the_papers(x64):
    """L = f(psi theta) + f(0) with f(t) = -log(1 + exp(-t)), psi of the opposite sign."""
    theta, psi = 0.7, -1.3
    outcome = play(games.dirac("minimax"), [theta], [psi])
    value = log_sigmoid(-psi * theta) + log_sigmoid(0.0)
    np.testing.assert_allclose(outcome.gen.value, value, rtol=1e-10)
    np.testing.assert_allclose(outcome.disc.value, -value, rtol=1e-10)
    outcome = play(games.dirac("non_saturating"), [theta], [psi])
    np.testing.assert_allclose(outcome.gen.value, -log_sigmoid(psi * theta), rtol=1e-10)


def test_dirac_r1_is_half_gamma_psi_squared(x64):
    plain, penalised = games.dirac(), games.dirac(penalty=penalties.r1(3.0))
    extra = play(penalised, [0.7], [-1.3]).disc.value - play(plain, [0.7], [-1.3]).disc.value
    np.testing.assert_allclose(extra, 1.5 * 1.3**2, rtol=1e-10)
    assert play(penalised, [0.7], [-1.3]).disc.metrics.keys() == {"penalty/disc"}


def test_dirac_instance_noise_is_an_expectation(x64):
    """Against 400,000 draws, and exactly 0 noise against the plain game."""
    theta, psi, std = 0.7, -1.3, 0.5
    noise = std * np.random.default_rng(0).standard_normal((2, 400_000))
    drawn = np.mean(log_sigmoid(psi * noise[0])) + np.mean(log_sigmoid(-psi * (theta + noise[1])))
    exact = play(games.dirac(instance_noise=std), [theta], [psi]).gen.value
    np.testing.assert_allclose(exact, drawn, rtol=2e-3)  # standard error of the draws
    plain = play(games.dirac(), [theta], [psi]).gen.value
    assert play(games.dirac(instance_noise=0.0), [theta], [psi]).gen.value == plain
    assert exact != plain


def test_dirac_takes_a_loss_of_your_own(x64):
    own = losses.AdversarialLoss(
        gen=lambda real, fake: -fake.mean(), disc=lambda real, fake: fake.mean() - real.mean()
    )
    outcome = play(games.dirac(own), [2.0], [3.0])
    np.testing.assert_allclose(outcome.gen.value, -6.0, rtol=1e-10)
    np.testing.assert_allclose(outcome.disc.value, 6.0, rtol=1e-10)


def test_mistakes_are_refused():
    with pytest.raises(ValueError, match="Did you mean 'minimax'"):
        games.dirac("minmax")
    with pytest.raises(ValueError, match="instance_noise=-1"):
        games.dirac(instance_noise=-1.0)
    with pytest.raises(ValueError, match="instance_noise=nan"):
        games.dirac(instance_noise=float("nan"))
    with pytest.raises(ValueError, match="two numbers"):
        games.dirac(start=(1.0,))
    with pytest.raises(ValueError, match="dim=0"):
        games.bilinear(dim=0)
