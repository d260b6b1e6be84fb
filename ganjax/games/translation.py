"""What games of translation share: logits of any shape, distances, the checks of shapes."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from ganjax.games.contest import packs
from ganjax.games.networks import run


def distance(x: jax.Array, y: jax.Array) -> jax.Array:
    """Mean over batch, pixels and channels of |x - y|."""
    return jnp.mean(jnp.abs(x - y))


def judge(
    discriminator: nn.Module,
    params: Any,
    model_state: Any,
    real: jax.Array,
    *fakes: jax.Array,
    packing: int = 1,
    rng: jax.Array,
) -> tuple[list[jax.Array], Any]:
    """Logits of data and of one or more batches of samples, from one model state.

    Each batch passes by itself, as in `gan`: batch statistics run on from the data to the samples,
    other collections start from one state, so that a power iteration advances once. With packing,
    as in `gan`, a logit judges the same patch of m samples.

    Returns:
      (logits of each batch [batch / m * patches], the model state after the last one).
    """
    real, *fakes = (packs(x, packing) for x in (real, *fakes))
    rngs = jax.random.split(rng, 1 + len(fakes))
    logits, after = run(discriminator, params, model_state, real, rng=rngs[0])
    judged = [logits.reshape(-1)]
    running = {name: after[name] for name in after if name == "batch_stats"}
    for fake, rng in zip(fakes, rngs[1:], strict=True):
        logits, after = run(discriminator, params, {**model_state, **running}, fake, rng=rng)
        judged.append(logits.reshape(-1))
    return judged, after


def check_shapes(
    generator: nn.Module, gen: tuple, a: jax.Array, b: jax.Array, discriminator: nn.Module,
    disc: tuple, judged: jax.Array,
) -> None:  # fmt: skip
    """Refuses networks whose outputs do not fit the data, before anything is compiled.

    Args:
      generator: the module, a -> b.
      gen: its (params, model_state).
      a: a batch of the one domain.
      b: a batch of the other.
      discriminator: the module.
      disc: its (params, model_state).
      judged: what it judges.

    Raises:
      ValueError: a translated batch is not of b's shape, or there is not one row of logits for
        each sample.
    """
    rng = jax.random.key(0)
    made = jax.eval_shape(lambda a: run(generator, *gen, a, rng=rng)[0], a)
    if made.shape != b.shape:
        raise ValueError(
            f"the generator translates samples of shape {a.shape[1:]} to {made.shape[1:]}, but the "
            f"other domain has {b.shape[1:]}; give the generator the shape of what it makes"
        )
    logits = jax.eval_shape(lambda x: run(discriminator, *disc, x, rng=rng)[0], judged)
    shape = getattr(logits, "shape", None)
    if shape is None or shape[:1] != judged.shape[:1]:
        raise ValueError(
            f"the discriminator makes logits of shape {shape} for a batch of "
            f"{judged.shape[0]}; expected [batch] or [batch, ...], e.g. one a patch"
        )
