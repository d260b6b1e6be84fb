"""Penalties on the critic: factories of functions `(critic, x_real, x_fake, rng) -> scalar`.

`critic` is a function `x -> logits [batch]`; a penalty is added to the discriminator's loss and
knows neither the network nor the game. Slopes are taken in reverse mode and differentiated so
again, the cheapest order by measurement (`scripts/benchmarks/penalties.py`). Instance noise changes
what the discriminator sees: it is in `augmentations.py`.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from ganjax.augmentations import Augmentation, diff_augment

Critic = Callable[[jax.Array], jax.Array]
Penalty = Callable[[Critic, jax.Array, jax.Array, jax.Array], jax.Array]

FLIPS_AND_SHIFTS = diff_augment(("flip", "translate"))


def _at_least_0(**values: float) -> None:
    for name, value in values.items():
        if not 0 <= value < math.inf:
            raise ValueError(f"{name}={value} must be finite and at least 0, e.g. 10.0")


def _wide(x: jax.Array) -> jax.Array:
    """In float32 at least, so that a bfloat16 network is judged in full precision."""
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def _squares(x: jax.Array) -> jax.Array:
    """|x|^2 of every row, [batch]."""
    return jnp.sum(jnp.square(_wide(x).reshape(x.shape[0], -1)), axis=1)


def _squared_slopes(critic: Critic, x: jax.Array) -> jax.Array:
    """|grad_x D(x)|^2 of every row, [batch]."""
    # The logits are independent per row (up to batch statistics), so the gradient of their sum
    # holds each row's own gradient.
    return _squares(jax.grad(lambda x: jnp.sum(critic(x)))(x))


def _root(squares: jax.Array) -> jax.Array:
    """Square root whose derivative at exactly 0 is taken as 0."""
    flat = squares == 0
    return jnp.where(flat, 0.0, jnp.sqrt(jnp.where(flat, 1.0, squares)))


def _check_pairs(x_real: jax.Array, x_fake: jax.Array) -> None:
    if x_real.shape != x_fake.shape:
        raise ValueError(
            f"this penalty pairs data and samples one by one, got batches {x_real.shape} and "
            f"{x_fake.shape}; make them of one shape"
        )


def _between(x_real: jax.Array, x_fake: jax.Array, rng: jax.Array) -> jax.Array:
    """Points drawn uniformly on the lines between pairs of a data point and a sample."""
    _check_pairs(x_real, x_fake)
    shape = (x_real.shape[0], *(1,) * (x_real.ndim - 1))
    share = jax.random.uniform(rng, shape, x_real.dtype)
    return share * x_real + (1 - share) * x_fake


def r1(gamma: float = 10.0) -> Penalty:
    """R1, gamma/2 * E_data |grad_x D(x)|^2 (Mescheder et al. 2018, equation 9, arXiv:1801.04406).

    The half is part of the definition. The square is taken without a root, so value and gradient
    are finite where the critic is flat.

    Args:
      gamma: weight, at least 0; with D(x) = psi*x the Dirac-GAN is critically damped at 1.

    Returns:
      Penalty; its cost is one more backward pass through the critic, differentiated once.

    Raises:
      ValueError: gamma is negative or not finite.
    """
    _at_least_0(gamma=gamma)

    def penalty(critic: Critic, x_real: jax.Array, x_fake: jax.Array, rng: jax.Array) -> jax.Array:
        del x_fake, rng
        return gamma / 2 * jnp.mean(_squared_slopes(critic, x_real))

    return penalty


def r2(gamma: float = 10.0) -> Penalty:
    """R2, gamma/2 * E_gen |grad_x D(x)|^2 (Mescheder et al. 2018, section 4, arXiv:1801.04406).

    `r1` on generated samples. Penalties belong to the discriminator alone: that this one depends
    on the generator through its samples is of no consequence to the generator.

    Args:
      gamma: weight, at least 0.

    Returns:
      Penalty, of the cost of `r1`.

    Raises:
      ValueError: gamma is negative or not finite.
    """
    on_data = r1(gamma)

    def penalty(critic: Critic, x_real: jax.Array, x_fake: jax.Array, rng: jax.Array) -> jax.Array:
        return on_data(critic, x_fake, x_real, rng)

    return penalty


def zero_centred_gp(gamma: float = 10.0) -> Penalty:
    """0-GP, gamma * E |grad_x D(x)|^2 between data and samples (Thanh-Tung et al. 2019).

    arXiv:1902.03984, on the lines of `wgan_gp`. No half here, unlike `r1` and `r2`.

    Args:
      gamma: weight, at least 0.

    Returns:
      Penalty, of the cost of `r1`.

    Raises:
      ValueError: gamma is negative or not finite.
    """
    _at_least_0(gamma=gamma)

    def penalty(critic: Critic, x_real: jax.Array, x_fake: jax.Array, rng: jax.Array) -> jax.Array:
        return gamma * jnp.mean(_squared_slopes(critic, _between(x_real, x_fake, rng)))

    return penalty


def _excess(norms: jax.Array, target: float, one_sided: bool) -> jax.Array:
    """Squared distance of norms from the target, of those above it alone if one-sided."""
    return jnp.square(jax.nn.relu(norms - target) if one_sided else norms - target)


def wgan_gp(weight: float = 10.0, target: float = 1.0, one_sided: bool = False) -> Penalty:
    """WGAN-GP, weight * E (|grad_x f(x)| - target)^2 (Gulrajani et al. 2017, arXiv:1704.00028).

    Its equation 3. The expectation is over points drawn uniformly on the lines between pairs of a
    data point and a generated sample. Where the gradient is exactly 0 the norm has no derivative;
    it is taken as 0 there, so that value and gradient stay finite. A critic with batch
    normalisation has no slope of one sample alone; the paper leaves it out.

    Args:
      weight: lambda, at least 0; the paper takes 10.
      target: norm the critic's gradient is drawn to, at least 0.
      one_sided: only norms above the target are penalised, ((|grad| - target)+)^2: WGAN-LP (Petzka
        et al. 2018, arXiv:1709.08894).

    Returns:
      Penalty; its cost is one more backward pass through the critic, differentiated once.

    Raises:
      ValueError: weight or target is negative or not finite.
    """
    _at_least_0(weight=weight, target=target)

    def penalty(critic: Critic, x_real: jax.Array, x_fake: jax.Array, rng: jax.Array) -> jax.Array:
        norms = _root(_squared_slopes(critic, _between(x_real, x_fake, rng)))
        return weight * jnp.mean(_excess(norms, target, one_sided))

    return penalty


def dragan(
    weight: float = 10.0, target: float = 1.0, spread: float = 0.5, one_sided: bool = False
) -> Penalty:
    """DRAGAN, weight * E (|grad_x D(x + d)| - target)^2 around the data (arXiv:1705.07215).

    Kodali et al. 2017. x + d lies uniformly on the line from a data point x to
    x + spread * std * u, with u uniform on [0, 1) in every coordinate and std the standard
    deviation of all numbers of the batch, as in the authors' released notebook.

    Args:
      weight: lambda, at least 0; the paper takes 10.
      target: norm the critic's gradient is drawn to, at least 0.
      spread: c, at least 0.
      one_sided: only norms above the target are penalised.

    Returns:
      Penalty, of the cost of `wgan_gp`.

    Raises:
      ValueError: an argument is negative or not finite.
    """
    _at_least_0(weight=weight, target=target, spread=spread)

    def penalty(critic: Critic, x_real: jax.Array, x_fake: jax.Array, rng: jax.Array) -> jax.Array:
        del x_fake
        rng_far, rng_between = jax.random.split(rng)
        far = jax.random.uniform(rng_far, x_real.shape, x_real.dtype)
        x = _between(x_real, x_real + spread * jnp.std(x_real) * far, rng_between)
        return weight * jnp.mean(_excess(_root(_squared_slopes(critic, x)), target, one_sided))

    return penalty


def lipschitz_penalty(weight: float = 10.0, target: float = 1.0) -> Penalty:
    """weight * E ((|f(x) - f(y)| / |x - y| - target)+)^2 over pairs of data x and samples y.

    The Lipschitz condition itself on pairs of points, not its consequence for slopes (discussed
    beside WGAN-LP by Petzka et al. 2018, arXiv:1709.08894). No derivative by x is needed, so it
    costs no double backward pass; it is `wgan_gp(one_sided=True)` for a critic that is linear
    between the pairs. A pair of equal points counts 0.

    Args:
      weight: at least 0.
      target: Lipschitz constant above which the quotient is penalised, at least 0.

    Returns:
      Penalty; pairs are made by position, which is at random for independent draws.

    Raises:
      ValueError: an argument is negative or not finite.
    """
    _at_least_0(weight=weight, target=target)

    def penalty(critic: Critic, x_real: jax.Array, x_fake: jax.Array, rng: jax.Array) -> jax.Array:
        del rng
        _check_pairs(x_real, x_fake)
        squares = _squares(x_real - x_fake)
        equal = squares == 0
        rise = jnp.abs(_wide(critic(x_real)) - _wide(critic(x_fake)))
        quotient = jnp.where(equal, 0.0, rise / jnp.sqrt(jnp.where(equal, 1.0, squares)))
        return weight * jnp.mean(_excess(quotient, target, one_sided=True))

    return penalty


def consistency(
    weight: float = 10.0,
    fake_weight: float = 0.0,
    augment: Augmentation = FLIPS_AND_SHIFTS,
) -> Penalty:
    """CR-GAN, weight * E_data |D(x) - D(T(x))|^2 (Zhang et al. 2020, arXiv:1910.12027).

    With `fake_weight` the balanced form, the same on samples (bCR, Zhao et al. 2020,
    arXiv:2002.04724). The gradient goes through both terms of the difference.

    Args:
      weight: on data, at least 0; the paper takes 10.
      fake_weight: on generated samples, at least 0.
      augment: T, `(x, rng) -> x`; by default flips and shifts, which need images. One that is
        annealed stays at its start here.

    Returns:
      Penalty; a forward pass on x (shared with the loss by the compiler) and one on T(x) each.

    Raises:
      ValueError: a weight is negative or not finite; while tracing, samples that T cannot change.
    """
    _at_least_0(weight=weight, fake_weight=fake_weight)

    def penalty(critic: Critic, x_real: jax.Array, x_fake: jax.Array, rng: jax.Array) -> jax.Array:
        rng_real, rng_fake = jax.random.split(rng)

        def apart(x, rng):
            return jnp.mean(jnp.square(_wide(critic(x)) - _wide(critic(augment(x, rng)))))

        value = weight * apart(x_real, rng_real)
        return value + fake_weight * apart(x_fake, rng_fake) if fake_weight else value

    return penalty


def drift(weight: float = 1e-3) -> Penalty:
    """weight * E_data D(x)^2, which keeps a critic's level from drifting (arXiv:1710.10196).

    Karras et al. 2018, appendix A.1: beside `wgan_gp`, whose loss does not see a constant added to
    the critic.

    Args:
      weight: epsilon, at least 0; the paper takes 0.001.

    Returns:
      Penalty; free, as the critic has been evaluated on the data.

    Raises:
      ValueError: the weight is negative or not finite.
    """
    _at_least_0(weight=weight)

    def penalty(critic: Critic, x_real: jax.Array, x_fake: jax.Array, rng: jax.Array) -> jax.Array:
        del x_fake, rng
        return weight * jnp.mean(jnp.square(_wide(critic(x_real))))

    return penalty


def pull_away(weight: float = 0.1) -> Penalty:
    """EBGAN's pull-away term on a batch of samples' codes S (arXiv:1609.03126, section 2.4).

    Zhao et al. 2017: weight / (N (N - 1)) * sum over i != j of (S_i.S_j / (|S_i| |S_j|))^2, from 0
    for orthogonal codes to `weight` for parallel ones. It is the generator's term: it pushes its
    samples apart. A code of zero length is orthogonal to every other.

    Args:
      weight: at least 0; the paper takes 0.1.

    Returns:
      Penalty, whose `critic` makes codes [batch, features] (an encoder), not logits: for games of
      your own, as `games.gan` judges by logits and penalises the discriminator alone.

    Raises:
      ValueError: the weight is out of range; while tracing, logits [batch] or a batch of one.
    """
    _at_least_0(weight=weight)

    def penalty(critic: Critic, x_real: jax.Array, x_fake: jax.Array, rng: jax.Array) -> jax.Array:
        del x_real, rng
        codes = critic(x_fake)
        if codes.ndim < 2:
            raise ValueError(
                f"pull_away compares codes [batch, features], got logits of shape {codes.shape}, "
                "of which any two are parallel; give it an encoder x -> codes as its critic"
            )
        rows = codes.shape[0]
        if rows < 2:
            raise ValueError("pull_away compares samples of a batch; batch_size must be 2 or more")
        codes, squares = _wide(codes).reshape(rows, -1), _squares(codes)
        safe = jnp.where(squares == 0, 1.0, squares)
        cosines = jnp.square(codes @ codes.T) / (safe[:, None] * safe[None, :])
        apart = jnp.sum(cosines) - jnp.sum(jnp.diagonal(cosines))
        return weight * apart / (rows * (rows - 1))

    return penalty


class Lazy(NamedTuple):
    """A penalty taken every few updates of the discriminator; `lazy` makes it.

    Attributes:
      penalty: what is evaluated.
      every: updates from one evaluation to the next.
    """

    penalty: Penalty
    every: int

    def __call__(
        self,
        critic: Critic,
        x_real: jax.Array,
        x_fake: jax.Array,
        rng: jax.Array,
        updates: jax.Array | int | None = None,
    ) -> jax.Array:
        """`every` times the penalty where `updates` is a multiple of it, else 0.

        Without a count of updates, in a game that keeps none, it is the penalty itself.
        """
        if updates is None:
            return self.penalty(critic, x_real, x_fake, rng)
        value = jax.eval_shape(lambda: self.penalty(critic, x_real, x_fake, rng))
        return jax.lax.cond(
            jnp.asarray(updates) % self.every == 0,
            lambda: self.every * self.penalty(critic, x_real, x_fake, rng),
            lambda: jnp.zeros((), value.dtype),
        )


R1 = r1()


def lazy(penalty: Penalty = R1, every: int = 16) -> Lazy:
    """Evaluates a penalty every few updates of the discriminator only, with as much more weight.

    Karras et al. 2020, section 3.1 and appendix B (arXiv:1912.04958), who take R1 every 16: the
    mean over `every` updates is that of the penalty itself. Adam's moments see rare large gradients
    then; the paper scales its rates for it.

    The game counts the discriminator's updates in its model state. Every gradient that a scheme
    takes within one step from one state sees the same count. The skipped passes cost nothing,
    except where the count itself is mapped (`vmap` over seeds), which makes a `cond` do both.

    Args:
      penalty: any penalty but a lazy one.
      every: n, at least 1.

    Returns:
      `Lazy`, called like a penalty; without a count of updates it is the penalty itself.

    Raises:
      ValueError: `every` is not a whole number from 1 on, or the penalty is lazy already.
    """
    if not isinstance(every, int) or isinstance(every, bool) or every < 1:
        raise ValueError(f"every={every} must be a whole number of at least 1, e.g. 16")
    if isinstance(penalty, Lazy):
        raise ValueError(f"the penalty is lazy already, every {penalty.every} updates; nest none")
    return Lazy(penalty, every)


PENALTIES = {
    "consistency": consistency,
    "dragan": dragan,
    "drift": drift,
    "lazy": lazy,
    "lipschitz_penalty": lipschitz_penalty,
    "pull_away": pull_away,
    "r1": r1,
    "r2": r2,
    "wgan_gp": wgan_gp,
    "zero_centred_gp": zero_centred_gp,
}
