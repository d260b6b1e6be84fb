"""Restoration: the holes of an image, filled by a trained generator.

Masks are 1 where an image is visible and 0 in its hole, [n, height, width, 1].
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from ganjax import checks
from ganjax.latents.search import search

# (z [n, ...], G(z) [n, ...]) -> [n], small where both are plausible.
PriorLoss = Callable[[jax.Array, jax.Array], jax.Array]


class Restored(NamedTuple):
    """Images with their holes filled.

    Attributes:
      x: by the best restart of each [n, height, width, channel].
      average: by the mean of all restarts, each weighted by exp(-objective). Where the hole leaves
        several answers this is between them: blurred, and nearer to the truth in squared error.
      central: by one more search from the restart nearest to the average, for which the average is
        visible in the hole: of the images that the generator makes, with `power` 2, one with a
        small squared error in the mean over the restarts.
      z: latents of `x` [n, ...].
      value: the objective there [n].
    """

    x: jax.Array
    average: jax.Array
    central: jax.Array
    z: jax.Array
    value: jax.Array


def context_weights(mask: jax.Array, window: int = 7) -> jax.Array:
    """Weights of the visible pixels: the missing share of the window around each.

    W_i = sum over j in N(i) of (1 - M_j) / |N(i)| where M_i = 1, else 0 (Yeh et al. 2017,
    arXiv:1607.07539, section 3.2; the window of 7 is theirs). N(i) ends at the border.

    Args:
      mask: [n, height, width, 1].
      window: side of the window in pixels, odd; 0 gives every visible pixel the weight 1.

    Raises:
      ValueError: a window that has no middle.
    """
    if window == 0:
        return mask
    if window < 0 or window % 2 == 0:
        raise ValueError(f"window={window} must be odd, or 0 for equal weights")

    def added(x):
        shape = (1, window, window, 1)
        return jax.lax.reduce_window(x, 0.0, jax.lax.add, shape, (1, 1, 1, 1), "SAME")

    return mask * added(1 - mask) / added(jnp.ones_like(mask[:1]))


def context_loss(
    x: jax.Array, target: jax.Array, weights: jax.Array, *, power: int = 2
) -> jax.Array:
    """sum over pixels of W |x - target|^power, [n] (arXiv:1607.07539, section 3.2).

    Args:
      x: images [n, height, width, channel].
      target: their targets, same shape.
      weights: W [n, height, width, 1], 0 in the hole.
      power: 1 as in the paper, or 2, the likelihood of Gaussian noise; ValueError for another.
    """
    checks.one_of((1, 2), power=power)
    gap = x - target
    return jnp.sum(weights * (jnp.abs(gap) if power == 1 else gap**2), axis=(1, 2, 3))


def gaussian_prior(z: jax.Array, x: jax.Array) -> jax.Array:
    """-log N(z; 0, I) up to a constant, |z|^2 / 2 [n]; for generators of normal latents."""
    return jnp.sum(z**2, axis=tuple(range(1, z.ndim))) / 2


def discriminator_prior(judge: Callable[[jax.Array], jax.Array]) -> PriorLoss:
    """log(1 - D(G(z))) [n] (arXiv:1607.07539, section 3.3), D the sigmoid of logits `judge(x)`."""
    return lambda z, x: -jax.nn.softplus(judge(x))


def paste(x: jax.Array, fill: jax.Array, mask: jax.Array) -> jax.Array:
    """mask x + (1 - mask) fill: the image where it is visible, the fill in its hole."""
    return jnp.where(mask > 0, x, fill)


def restore(
    generate: Callable[[jax.Array], jax.Array],
    x: jax.Array,
    mask: jax.Array,
    z0: jax.Array,
    *,
    tx: optax.GradientTransformation,
    steps: int,
    weight: float = 0.5,
    prior: PriorLoss | None = gaussian_prior,
    power: int = 2,
    window: int = 0,
    keep: Callable[[jax.Array], jax.Array] = lambda z: z,
) -> Restored:
    """Fills holes with G(z), z searched to fit the visible pixels.

    Yeh et al. 2017 (arXiv:1607.07539). Each image descends context loss / weight + prior loss, from
    every start. With `power` 2 and the Gaussian prior that is -log p(z | visible pixels) for pixel
    noise of variance weight / 2. Pure: compile it as a whole.

    Paper: its prior is the discriminator's with weight 0.003, its context loss has power 1 and
    window 7; it starts once, and blends the borders by Poisson editing, which is not done here.

    Args:
      generate: latents [n, ...] -> images [n, height, width, channel].
      x: images, of which only the visible pixels matter.
      mask: [n, height, width, 1], 1 visible and 0 in the hole; holes may all differ.
      z0: starts [restarts, n, ...].
      tx: optax transform, as for `search`.
      steps: gradient steps, at least 1.
      weight: of the prior loss beside the context loss, above 0.
      prior: e.g. `gaussian_prior` or `discriminator_prior(judge)`; None for none.
      power: of the context loss, 1 or 2.
      window: of `context_weights`; 0 gives all visible pixels one weight.
      keep: as for `search`.

    Returns:
      `Restored`.

    Raises:
      ValueError: a weight that is not above 0, another power, an even window, masks that do not
        fit the images, or as `search`.
    """
    checks.within("(0, inf]", weight=weight, hint="prior=None leaves the prior out")
    if x.ndim != 4 or mask.shape != (*x.shape[:3], 1):
        raise ValueError(
            f"masks of shape {mask.shape} must be [n, height, width, 1] for images {x.shape}"
        )
    weights = context_weights(mask, window)
    # Hidden pixels must not reach the search, not even as a NaN.
    visible = paste(x, jnp.zeros_like(x), mask)

    def fitted(target, weights, starts):
        def objective(z):
            made = generate(z)
            value = context_loss(made, target, weights, power=power) / weight
            return value if prior is None else value + prior(z, made)

        return search(objective, starts, tx=tx, steps=steps, keep=keep)

    found = fitted(visible, weights, z0)
    shares = jax.nn.softmax(-found.values, axis=0)[..., None, None, None]
    fills = jax.vmap(generate)(found.ends)  # [restarts, n, height, width, channel]
    fills = jnp.where(shares > 0, fills, 0.0)  # a restart that failed is not finite
    average = jnp.sum(shares * fills, axis=0)

    gaps = jax.vmap(lambda fill: context_loss(fill, average, 1 - mask))(fills)
    middle = jnp.argmin(jnp.where(jnp.isfinite(found.values), gaps, jnp.inf), axis=0)
    start = found.ends[middle, jnp.arange(len(x))][None]
    central = fitted(paste(visible, average, mask), weights + 1 - mask, start)
    return Restored(
        x=paste(x, generate(found.z), mask),
        average=paste(x, average, mask),
        central=paste(x, generate(central.z), mask),
        z=found.z,
        value=found.value,
    )
