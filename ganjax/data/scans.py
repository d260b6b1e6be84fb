"""Synthetic scans of an organ with lesions, and the masks of the lesions."""

import jax
import jax.numpy as jnp

from ganjax.checks import whole, within
from ganjax.data.resident import Batch, Data, sample_rows

LESIONS = 3  # at most, of a scan
VESSELS = 2
CONTRAST = (0.25, 0.5)  # of lesions and of vessels alike, of values that span 2


def scans(
    size: int = 32, count: int = 200, held_out: int = 500, noise: float = 0.15, seed: int = 0
) -> Data:
    """Pairs for segmentation: a scan, and the mask of the lesions in it.

    An ellipse of tissue with a smooth texture, brighter to one side; none to three lesions with
    uneven borders, 4 to 8 of 32 pixels wide; two vessels, lines as bright as lesions that are none;
    Gaussian noise. No brightness divides lesions from the rest. Batches are mirrored and turned.

    Args:
      size: side of the images in pixels, from 16 on.
      count: training pairs, fixed, as experts' masks are few.
      held_out: pairs for scores.
      noise: standard deviation, at least 0, of values that span 2.
      seed: of all pairs.

    Returns:
      Data with `a` and `b` [batch, size, size, 1] in [-1, 1]; b is 1 in a lesion and -1 elsewhere.

    Raises:
      ValueError: an argument is out of range.
    """
    whole(16, size=size)
    whole(1, count=count, held_out=held_out)
    within("[0, inf)", noise=noise)
    whole(0, 2**32 - 1, seed=seed)
    make = jax.jit(jax.vmap(lambda rng: _scan(rng, size, noise)))
    a, b = make(jax.random.split(jax.random.key(seed), count + held_out))
    train, test = ({"a": a[rows], "b": b[rows]} for rows in (slice(count), slice(count, None)))
    return Data((size, size, 1), train, test, _sample, paired=True)


def _sample(train: Batch, rng: jax.Array, batch_size: int) -> Batch:
    """Pairs of the training part, each mirrored and turned by quarters at random."""
    rng_rows, rng_axes = jax.random.split(rng)
    pairs = sample_rows(train, rng_rows, batch_size)
    rows, columns, turn = jax.random.bernoulli(rng_axes, shape=(3, batch_size, 1, 1, 1))

    def moved(x):
        x = jnp.where(rows, x[:, ::-1], x)
        x = jnp.where(columns, x[:, :, ::-1], x)
        return jnp.where(turn, x.swapaxes(1, 2), x)

    return {key: moved(x) for key, x in pairs.items()}


def _scan(rng: jax.Array, size: int, noise: float) -> tuple[jax.Array, jax.Array]:
    """One pair: [size, size, 1] each."""
    rngs = jax.random.split(rng, 7)
    line = (jnp.arange(size) + 0.5) / size * 2 - 1
    at = jnp.stack(jnp.meshgrid(line, line, indexing="ij"), -1)  # [size, size, 2] in [-1, 1]
    pixel = 2 / size
    axes = jax.random.uniform(rngs[0], (2,), minval=0.7, maxval=0.9)
    radius = jnp.linalg.norm(at / axes[None, None], axis=-1)
    tissue = jax.nn.sigmoid((1 - radius) * axes.min() / (0.5 * pixel))
    turns, kinds = jax.random.split(rngs[1])
    lesions = jnp.stack([_lesion(rng, at, pixel) for rng in jax.random.split(turns, LESIONS)])
    present = jnp.arange(LESIONS) < jax.random.randint(kinds, (), 0, LESIONS + 1)
    vessels = jnp.stack([_vessel(rng, at, pixel) for rng in jax.random.split(rngs[2], VESSELS)])
    low, high = CONTRAST
    contrast = jax.random.uniform(rngs[3], (LESIONS + VESSELS, 1, 1), minval=low, maxval=high)
    bright = jnp.concatenate([lesions * present[:, None, None], vessels])
    bright = jnp.max(bright * contrast, axis=0)
    coarse = jax.random.normal(rngs[4], (size // 4, size // 4))
    texture = 0.1 * jax.image.resize(coarse, (size, size), "cubic")
    gain = 1 + 0.25 * at @ jax.random.uniform(rngs[5], (2,), minval=-1)
    shown = tissue * gain * (0.7 + texture + bright) - 0.9
    shown = shown + noise * jax.random.normal(rngs[6], shown.shape)
    mask = jnp.where((lesions > 0.5) & present[:, None, None], 1.0, -1.0).max(0)
    return jnp.clip(shown, -1, 1)[..., None], mask[..., None]


def _lesion(rng: jax.Array, at: jax.Array, pixel: float) -> jax.Array:
    """Coverage of a blob whose radius has two waves along its border, [size, size] in [0, 1]."""
    rng_place, rng_radius, rng_waves, rng_phases = jax.random.split(rng, 4)
    turn, away = jax.random.uniform(rng_place, (2,))
    centre = 0.45 * jnp.sqrt(away) * _direction(turn)
    gap = at - centre[None, None]
    angle = jnp.arctan2(gap[..., 0], gap[..., 1])
    waves = jax.random.uniform(rng_waves, (2,), maxval=0.25)
    phases = jax.random.uniform(rng_phases, (2,), maxval=2 * jnp.pi)
    uneven = 1 + sum(waves[k] * jnp.sin((k + 2) * angle + phases[k]) for k in (0, 1))
    radius = jax.random.uniform(rng_radius, (), minval=0.12, maxval=0.25) * uneven
    return jax.nn.sigmoid((radius - jnp.linalg.norm(gap, axis=-1)) / (0.25 * pixel))


def _vessel(rng: jax.Array, at: jax.Array, pixel: float) -> jax.Array:
    """Coverage of a bent line, about a pixel wide, [size, size] in [0, 1]."""
    turn, shift, bend = jax.random.uniform(rng, (3,), minval=-1)
    along = _direction(turn / 2)
    across = jnp.stack([-along[1], along[0]])
    away = at @ across - 0.5 * shift - 0.4 * bend * (at @ along) ** 2
    return jnp.exp(-((away / (0.6 * pixel)) ** 2))


def _direction(turn: jax.Array) -> jax.Array:
    angle = 2 * jnp.pi * turn
    return jnp.stack([jnp.cos(angle), jnp.sin(angle)])
