"""Games of a few parameters with known dynamics: they are how schemes are tested."""

import math

import jax
import jax.numpy as jnp
import numpy as np

from ganjax import losses
from ganjax.errors import unknown
from ganjax.penalties import Penalty
from ganjax.types import Game, Loss, Players

# Gauss-Hermite nodes per expectation: exact to rounding for the smooth losses at noise of order 1.
NODES = 32


def _starting_at(start: tuple[float, float], dim: int):
    """An `init` that puts both players, arrays [dim], at fixed coordinates."""
    if len(start) != 2:
        raise ValueError(f"start={start} must be two numbers, one for each player")
    gen, disc = map(float, start)

    def init(rng, batch=None):
        del rng, batch
        params = Players(gen=jnp.full((dim,), gen, float), disc=jnp.full((dim,), disc, float))
        return params, Players(gen=(), disc=())

    return init


def bilinear(sigma: float = 1.0, dim: int = 1, start: tuple[float, float] = (1.0, 1.0)) -> Game:
    """V(x, y) = sigma * <x, y>: the generator x descends V, the discriminator y ascends it.

    Its equilibrium is the origin and its gradient flow an orbit around it, which conserves
    |x|^2 + |y|^2 (Goodfellow et al. 2014 onwards; Mescheder et al. 2017, arXiv:1705.10461).

    Args:
      sigma: strength of the interaction.
      dim: length of either player's vector, at least 1.
      start: first value of every coordinate of x and of y.

    Returns:
      Game without batch or randomness; params are `Players` of arrays [dim].

    Raises:
      ValueError: `dim` is less than 1.
    """
    if dim < 1:
        raise ValueError(f"dim={dim} must be at least 1")

    def game_losses(params, model_state, batch, rng):
        del batch, rng
        value = sigma * jnp.vdot(params.gen, params.disc)
        return Players(
            gen=Loss(value, model_state.gen, {}), disc=Loss(-value, model_state.disc, {})
        )

    return Game(init=_starting_at(start, dim), losses=game_losses)


def dirac(
    loss: str | losses.AdversarialLoss = "minimax",
    penalty: Penalty | None = None,
    instance_noise: float = 0.0,
    start: tuple[float, float] = (1.0, 1.0),
) -> Game:
    """The Dirac-GAN (Mescheder et al. 2018, definition 2.1, arXiv:1801.04406).

    Data are a point mass at 0, generated samples one at theta, the discriminator is D(x) = psi * x.
    Equilibrium at theta = psi = 0. Paper: its discriminator calls generated samples positive, which
    only changes the sign of psi.

    Args:
      loss: name in `losses.LOSSES`, or an `AdversarialLoss`.
      penalty: e.g. `penalties.r1(gamma=1.0)`, added to the discriminator's loss; None for none.
      instance_noise: standard deviation of the Gaussian noise added to both distributions, at
        least 0. The expectation over it is a Gauss-Hermite sum over pairs of a noisy data point
        and a noisy sample, so the game has no randomness. A penalty sees the points without noise.
      start: (theta, psi) at the start.

    Returns:
      Game without batch; params are `Players` of arrays [1], theta and psi.

    Raises:
      ValueError: unknown loss, noise out of range, or a start that is not two numbers.
    """
    if isinstance(loss, str):
        if loss not in losses.LOSSES:
            raise ValueError(unknown("loss", loss, losses.LOSSES))
        loss = losses.LOSSES[loss]
    if not 0 <= instance_noise < math.inf:
        raise ValueError(f"instance_noise={instance_noise} must be finite and at least 0")

    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES if instance_noise else 1)
    weights = weights / weights.sum()
    noise_real, noise_fake = (instance_noise * n.ravel() for n in np.meshgrid(nodes, nodes))
    pair_weights = np.outer(weights, weights).ravel()

    def expectation(pairwise, logits_real, logits_fake):
        per_pair = jax.vmap(pairwise)(logits_real[:, None], logits_fake[:, None])
        return jnp.sum(pair_weights.astype(per_pair.dtype) * per_pair)

    def game_losses(params, model_state, batch, rng):
        del batch
        theta, psi = params.gen[0], params.disc[0]
        real, fake = psi * noise_real, psi * (theta + noise_fake)
        disc_value = expectation(loss.disc, real, fake)
        metrics = {}
        if penalty is not None:
            x_fake = params.gen[:, None]
            metrics["penalty/disc"] = penalty(
                lambda x: x[:, 0] * psi, jnp.zeros_like(x_fake), x_fake, rng
            )
            disc_value += metrics["penalty/disc"]
        return Players(
            gen=Loss(expectation(loss.gen, real, fake), model_state.gen, {}),
            disc=Loss(disc_value, model_state.disc, metrics),
        )

    return Game(init=_starting_at(start, 1), losses=game_losses)
