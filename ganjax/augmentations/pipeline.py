"""Augmentations that leave most samples as they are: by a probability, and ADA's pipeline of them.

Karras et al. 2020 (arXiv:2006.06676), section 2.2: changes that are left out with a probability
above 0 leak into no sample. The probability is a number or a schedule of the discriminator's
updates, as in R3GAN (arXiv:2501.05441), or follows ADA's own rule, see `adaptive`.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from ganjax import checks
from ganjax.augmentations.images import Augmentation, check_images, cutout, diff_augment
from ganjax.augmentations.warping import product, rotation, scaling, translation, warped

Probability = float | Callable[[jax.Array | int], jax.Array | float]
DIFF_AUGMENT = diff_augment()


class Adaptive(NamedTuple):
    """An augmentation with a probability that a game keeps; `adaptive` makes it.

    Attributes:
      augment: `(x, rng, probability) -> x`.
      target: of the mean sign of the logits of data.
      updates: of the discriminator, in which the probability can go from 0 to 1.
    """

    augment: Augmentation
    target: float
    updates: int

    def __call__(self, x: jax.Array, rng: jax.Array, probability: jax.Array | float) -> jax.Array:
        """The samples, each change made with this probability."""
        return self.augment(x, rng, probability)

    def start(self) -> dict[str, jax.Array]:
        """The first memory: `probability` p, and `signs`, the last mean sign of logits of data."""
        return {"probability": jnp.zeros(()), "signs": jnp.full((), self.target)}

    def follow(self, memory: dict[str, jax.Array], realness: jax.Array) -> dict[str, jax.Array]:
        """The next memory: p + sign(last mean sign - target) / updates, in [0, 1].

        The sign is taken one update late: the memory then changes linearly in means over rows, and
        its means over devices, or parts of a batch, are those of the whole batch.

        Args:
          memory: as `start` makes it.
          realness: above 0 where the discriminator calls data real, [batch].
        """
        probability, signs = memory["probability"], memory["signs"]
        probability = jnp.clip(probability + jnp.sign(signs - self.target) / self.updates, 0, 1)
        return {
            "probability": probability,
            "signs": jnp.mean(jnp.sign(realness), dtype=signs.dtype),
        }


def _at(probability: Probability) -> Callable[[jax.Array | int], jax.Array | float]:
    """`updates -> p`; ValueError for a number outside [0, 1]."""
    if callable(probability):
        return probability
    checks.within("[0, 1]", probability=probability)
    return lambda updates: probability


def with_probability(
    augment: Augmentation = DIFF_AUGMENT, probability: Probability = 0.5
) -> Augmentation:
    """Changes each sample with probability p and else leaves it exactly as it is.

    Args:
      augment: any augmentation.
      probability: p, a number in [0, 1] or a schedule `(updates) -> p` of the discriminator's
        updates so far.

    Returns:
      Augmentation of what `augment` takes.

    Raises:
      ValueError: a number outside [0, 1], or an adaptive augmentation.
    """
    if isinstance(augment, Adaptive):
        raise ValueError(
            "the augmentation is adaptive and has a probability of its own; use it alone"
        )
    at = _at(probability)

    def changed(x, rng, updates=0):
        rng_chosen, rng = jax.random.split(rng)
        shape = (x.shape[0], *(1,) * (x.ndim - 1))
        chosen = jax.random.bernoulli(rng_chosen, at(updates), shape)
        return jnp.where(chosen, augment(x, rng, updates), x)

    return changed


def ada(
    probability: Probability = 0.5,
    geometry: float = 1.0,
    colour: float = 1.0,
    cut: float = 0.0,
) -> Augmentation:
    """ADA's pipeline for images of 1 or 3 channels (Karras et al. 2020, appendix B).

    Every change is made with probability p times its group's factor, in this order. Geometry: a
    flip, quarter turns, whole pixels up to 1/8 of the side, a scale 2^N(0, 0.2^2), a turn by any
    angle, a stretch of one axis and squeeze of the other by 2^N(0, 0.2^2), a turn again (each with
    1 - sqrt(1 - p), so that one of the two has p), a shift by N(0, 1/8^2) of the side. Colour:
    brightness N(0, 0.2^2), contrast 2^N(0, 0.5^2), luma flip, hue by any angle about the grey axis,
    saturation 2^N(0, 1). Cutout: a square of half the side, set to 0. `geometry` and `colour` 1
    make the paper's 'bgc'; R3GAN has 1, 0.5 and cutout 1.

    Paper: warps images doubled by a wavelet filter, mirrored at their edges once; here by bilinear
    interpolation of the pixels, mirrored without end. Filters and noise of the image are left out.

    Args:
      probability: p, a number in [0, 1] or a schedule `(updates) -> p` of the discriminator's
        updates so far. At 0 every image stays exactly as it is.
      geometry, colour, cut: factors of p, in [0, 1].

    Raises:
      ValueError: a number outside [0, 1]; when called, an array of other shapes.
    """
    checks.within("[0, 1]", geometry=geometry, colour=colour, cut=cut)
    at, cut_out = _at(probability), cutout(0.5)

    def augment(x, rng, updates=0):
        check_images("ada", x)
        if x.shape[-1] not in (1, 3):
            raise ValueError(
                f"ada needs images of 1 or 3 channels, got an array of shape {x.shape}"
            )
        rng_geometry, rng_colour, rng_cut = jax.random.split(rng, 3)
        p = at(updates)
        if geometry:
            x = _moved(x, rng_geometry, geometry * p)
        if colour:
            x = _coloured(x, rng_colour, colour * p)
        return with_probability(cut_out, lambda _: cut * p)(x, rng_cut) if cut else x

    return augment


def adaptive(
    target: float = 0.6,
    updates: int = 8_000,
    geometry: float = 1.0,
    colour: float = 1.0,
    cut: float = 0.0,
) -> Adaptive:
    """`ada` with the probability of Karras et al. 2020 (arXiv:2006.06676, section 3.1).

    It starts at 0, rises while the discriminator is surer of data than r_t = E sign D(x) = target,
    and falls otherwise. The discriminator's model state keeps it; it is the metric
    `augment_probability/disc`. For the games `gan` and `conditional`, and losses with a logit that
    is undecided: not relativistic or Wasserstein ones, which a constant added to all logits leaves
    as they are.

    Paper: p moves every 4 batches by the sign of their mean; here every update, by the last batch.

    Args:
      target: of r_t, in (-1, 1).
      updates: of the discriminator from p = 0 to 1, at least 1; the paper's 500,000 images are
        7,812 batches of 64.
      geometry, colour, cut: as in `ada`.

    Raises:
      ValueError: a number is out of range.
    """
    checks.within("(-1, 1)", target=target)
    checks.whole(1, updates=updates)
    pipeline = ada(lambda probability: probability, geometry, colour, cut)
    return Adaptive(pipeline, target, updates)


def _picks(rng: jax.Array, count: int, rows: int) -> Callable:
    """`(p, draw, neutral) -> values` [rows, ...]: `draw(rng)` for rows chosen with p, else neutral.

    For `count` calls at most, each with keys of its own.
    """
    rngs = iter(jax.random.split(rng, 2 * count))

    def pick(p, draw, neutral):
        drawn = draw(next(rngs))
        chosen = jax.random.bernoulli(next(rngs), p, (rows, *(1,) * (drawn.ndim - 1)))
        return jnp.where(chosen, drawn, neutral)

    return pick


def _moved(x: jax.Array, rng: jax.Array, p: jax.Array | float) -> jax.Array:
    """ADA's geometric changes, as one warp."""
    rows, sides = x.shape[0], jnp.asarray(x.shape[1:3], float)[None]
    pick = _picks(rng, 8, rows)

    def normal(std, *shape):
        return lambda rng: std * jax.random.normal(rng, (rows, *shape))

    def uniform(limit, *shape):
        return lambda rng: jax.random.uniform(rng, (rows, *shape), float, -limit, limit)

    def below(count):
        return lambda rng: jax.random.randint(rng, (rows,), 0, count)

    mirrored = 1.0 - 2.0 * pick(p, below(2), 0)
    quarters = pick(p, below(4), 0)
    shift = jnp.round(sides * pick(p, uniform(1 / 8, 2), 0.0))
    scale = 2 ** pick(p, normal(0.2), 0.0)
    # p may be a little above 1 by rounding.
    half = 1 - jnp.sqrt(jnp.maximum(1 - jnp.asarray(p, float), 0))
    first = pick(half, uniform(math.pi), 0.0)
    stretch = 2 ** pick(p, normal(0.2), 0.0)
    second = pick(half, uniform(math.pi), 0.0)
    fraction = sides * pick(p, normal(1 / 8, 2), 0.0)
    # A quarter turn has exact sines; from a pixel of the output to its place in x.
    turn = jnp.array([1.0, 0.0, -1.0, 0.0])[quarters], jnp.array([0.0, 1.0, 0.0, -1.0])[quarters]
    return warped(
        x,
        product(
            scaling(jnp.ones(rows), mirrored),
            rotation(*turn),
            translation(shift),
            scaling(1 / scale, 1 / scale),
            rotation(jnp.cos(first), jnp.sin(first)),
            scaling(1 / stretch, stretch),
            rotation(jnp.cos(second), jnp.sin(second)),
            translation(fraction),
        ),
    )


def _coloured(x: jax.Array, rng: jax.Array, p: jax.Array | float) -> jax.Array:
    """ADA's colours: x = m + d, m the mean colour of a pixel, becomes k (m + b) + c s R d.

    k is the contrast c, negative after a luma flip; R turns about the grey axis. Written as x plus
    its changes, so that none is exactly none.
    """
    rows = x.shape[0]
    pick = _picks(rng, 5, rows)
    shape = (rows, 1, 1, 1)
    b = pick(p, lambda rng: 0.2 * jax.random.normal(rng, shape), 0.0)
    c = 2 ** pick(p, lambda rng: 0.5 * jax.random.normal(rng, shape), 0.0)
    k = c * (1.0 - 2.0 * pick(p, lambda rng: jax.random.randint(rng, shape, 0, 2), 0))
    angle = pick(p, lambda rng: jax.random.uniform(rng, shape, float, -math.pi, math.pi), 0.0)
    s = c * 2 ** pick(p, lambda rng: jax.random.normal(rng, shape), 0.0)
    b, k, along, across = (
        a.astype(x.dtype) for a in (b, k, s * jnp.cos(angle), s * jnp.sin(angle))
    )
    m = jnp.mean(x, axis=3, keepdims=True)
    d = x - m
    turned = (jnp.roll(d, 1, 3) - jnp.roll(d, -1, 3)) / math.sqrt(3)  # (1, 1, 1) / sqrt(3) x d
    return x + ((k - 1) * m + k * b) + ((along - 1) * d + across * turned)
