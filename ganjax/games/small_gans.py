"""GANs of a few parameters, whose distributions, divergences and dynamics are known.

Expectations are taken in closed form or by quadrature: no batch, and no randomness.
"""

import jax
import jax.numpy as jnp
import numpy as np

from ganjax import checks, losses
from ganjax.errors import unknown
from ganjax.games.closed_form import NO_PACKING, closed_form, numbers, starting_at, starting_with
from ganjax.penalties import Penalty, WithMemory
from ganjax.types import Game, Loss, Needs, Players

# Gauss-Hermite nodes per expectation: exact to rounding for the smooth losses at noise of order 1.
NODES = 32
# The same of `gaussian_1d`, whose logits are quadratic: 1e-10 for standard deviations 2 to 1.
GAUSSIAN_NODES = 128


def _named(
    loss: str | losses.AdversarialLoss, refused: tuple[losses.AdversarialLoss, ...] = ()
) -> losses.AdversarialLoss:
    if isinstance(loss, str):
        if loss not in losses.LOSSES:
            raise ValueError(unknown("loss", loss, losses.LOSSES))
        loss = losses.LOSSES[loss]
    if loss in refused:
        raise ValueError(
            "relativistic losses compare a batch's samples with each other, so they are no "
            "expectation over single points; use games.gan, or dirac without noise"
        )
    return loss


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
      penalty: without memory, e.g. `penalties.r1(gamma=1.0)`; None for none.
      instance_noise: standard deviation of the Gaussian noise added to both distributions, at
        least 0. The expectation over it is a Gauss-Hermite sum over pairs of a noisy data point
        and a noisy sample, so the game has no randomness. A penalty sees the points without noise.
      start: (theta, psi) at the start.

    Returns:
      Game without batch; params are `Players` of arrays [1], theta and psi.

    Raises:
      ValueError: unknown loss, `relativistic_average` with noise, noise out of range, or a start
        that is not two numbers.
    """
    # A sum over pairs is right for `relativistic`, but not for means over the batch within.
    loss = _named(loss, (losses.relativistic_average,) if instance_noise else ())
    checks.within("[0, inf)", instance_noise=instance_noise)
    if isinstance(penalty, WithMemory):
        raise ValueError("dirac keeps no memory for its penalty; take games.gan, or a plain one")

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

    return Game(starting_at(start, 1, 1), game_losses, needs=Needs(no_packing=NO_PACKING))


def parallel_lines(
    loss: str | losses.AdversarialLoss = "wasserstein", start: tuple[float, float] = (1.0, 0.5)
) -> Game:
    """Learning a line by a parallel one (Arjovsky et al. 2017, example 1, arXiv:1701.07875).

    Data are (0, u), generated samples (theta, u), u uniform on [0, 1]. For theta != 0 the supports
    are disjoint: the Wasserstein distance is |theta|, while the Jensen-Shannon divergence is log 2
    and the total variation 1 for every theta. As u is alike on both, the critic sees the first
    coordinate t alone: f(t) = tanh(psi) t with the Wasserstein loss, 1-Lipschitz for every psi, and
    the logit psi t + b with any other.

    At the discriminator's best response the generator's value is |theta| with the first, of slope
    +-1; with "minimax" it is 2 JSD - log 4 = 0, of slope 0: nothing to learn from.

    Args:
      loss: name in `losses.LOSSES`, or an `AdversarialLoss` on logits.
      start: theta and psi at the start; b starts at 0.

    Returns:
      Game without batch or randomness; params are `Players` of theta [1] and (psi, b) [2].

    Raises:
      ValueError: unknown loss, or a start that is not two numbers.
    """
    loss = _named(loss)
    theta, psi = numbers("start", start, (2,))

    def values(theta, disc):
        slope = jnp.tanh(disc[0]) if loss == losses.wasserstein else disc[0]
        real, fake = disc[1:], slope * theta + disc[1:]
        return loss.gen(real, fake), loss.disc(real, fake)

    return closed_form(starting_with([theta], [psi, 0.0]), values)


def gaussian_1d(
    loss: str | losses.AdversarialLoss = "minimax",
    mean: float = 0.0,
    std: float = 1.0,
    start: tuple[float, float] = (1.0, 2.0),
) -> Game:
    """Learning N(mean, std^2) by a + b z, z normal, against a discriminator that can be optimal.

    Its logit is w_0 + w_1 x + w_2 x^2 / 2, of the form of log p_data / p_gen for two Gaussians, so
    the optimal discriminator of Goodfellow et al. 2014 (arXiv:1406.2661, proposition 1) is among
    them: w_2 = 1/b^2 - 1/std^2, w_1 = mean/std^2 - a/b^2,
    w_0 = log(|b|/std) + a^2/(2 b^2) - mean^2/(2 std^2). At equilibrium a = mean, |b| = std, w = 0.

    Expectations are Gauss-Hermite sums with 128 nodes.

    Args:
      loss: name in `losses.LOSSES`, or an `AdversarialLoss`.
      mean: of the data.
      std: of the data, greater than 0.
      start: (a, b) at the start; the discriminator starts undecided, w = 0.

    Returns:
      Game without batch or randomness; params are `Players` of (a, b) [2] and w [3].

    Raises:
      ValueError: unknown or relativistic loss, a standard deviation out of range, or a start that
        is not two numbers.
    """
    loss = _named(loss, (losses.relativistic, losses.relativistic_average))
    checks.within("(0, inf)", std=std)
    start = numbers("start", start, (2,))
    numbers("mean", mean, ())
    if start[1] == 0:
        raise ValueError("start: b must not be 0, where the generator makes a single point")
    nodes, weights = np.polynomial.hermite_e.hermegauss(GAUSSIAN_NODES)
    weights = weights / weights.sum()

    def values(gen, w):
        z = jnp.asarray(nodes, gen.dtype)

        def logits(x):
            return w[0] + w[1] * x + w[2] * x**2 / 2

        real, fake = logits(mean + std * z), logits(gen[0] + gen[1] * z)

        def expectation(pairwise):
            per_node = jax.vmap(pairwise)(real[:, None], fake[:, None])
            return jnp.sum(jnp.asarray(weights, per_node.dtype) * per_node)

        return expectation(loss.gen), expectation(loss.disc)

    return closed_form(starting_with(start, np.zeros(3)), values)


def categorical(
    probabilities: tuple[float, ...] = (0.5, 0.3, 0.2),
    loss: str | losses.AdversarialLoss = "minimax",
    start: tuple[float, ...] | None = None,
) -> Game:
    """A GAN of tables: a distribution over k outcomes, and a logit for each of them.

    The game in the space of functions, of Goodfellow et al. 2014 (arXiv:1406.2661, section 4). With
    "minimax" the best discriminator is log p - log q, against which the value 2 JSD(p, q) - log 4
    is convex in q. At equilibrium q = p and all its logits are 0.

    Args:
      probabilities: p of the data, k of them, above 0; scaled to a sum of 1.
      loss: name in `losses.LOSSES`, or an `AdversarialLoss`.
      start: k logits of the generator; equal ones if None. The discriminator starts undecided.

    Returns:
      Game without batch or randomness; params are `Players` of logits [k], of the generator's
      distribution q = softmax(gen), and of the outcomes.

    Raises:
      ValueError: unknown or `relativistic_average` loss, a probability that is not above 0, or a
        start that is not k numbers.
    """
    loss = _named(loss, (losses.relativistic_average,))
    p = numbers("probabilities", probabilities, (None,))
    checks.within("(0, inf)", probabilities=float(p.min()))
    p = p / p.sum()
    gen = np.zeros(len(p)) if start is None else numbers("start", start, (len(p),))
    real, fake = (places.ravel() for places in np.indices((len(p), len(p))))

    def values(gen, w):
        weights = jnp.outer(jnp.asarray(p, gen.dtype), jax.nn.softmax(gen)).ravel()

        def expectation(pairwise):
            return jnp.sum(weights * jax.vmap(pairwise)(w[real][:, None], w[fake][:, None]))

        return expectation(loss.gen), expectation(loss.disc)

    return closed_form(starting_with(gen, np.zeros(len(p))), values)
