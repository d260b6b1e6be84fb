"""Shared by the games of translation: distances, logits of patches, checks of shapes."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from ganjax.games import judging, parts
from ganjax.games.judging import Judge
from ganjax.games.networks import outputs_of


def distance(x: jax.Array, y: jax.Array) -> jax.Array:
    """Mean over batch, pixels and channels of |x - y|."""
    return jnp.mean(jnp.abs(x - y))


def judge_patches(
    judge: Judge, params: Any, model_state: Any, *batches: jax.Array, rngs: Sequence[jax.Array]
) -> tuple[list[jax.Array], Any]:
    """(logits of each batch [batch / m * patches], the new model state).

    As `judging.judge_batches`; with packing a logit judges the same patch of m samples.
    """
    judged = judging.judge_batches(judge, params, model_state, *batches, rngs=rngs)
    return [logits.reshape(-1) for logits in judged.outputs], judged.model_state


def check_translator(generator: nn.Module, begun: tuple, a: jax.Array, b: jax.Array) -> None:
    """Raises ValueError for a generator a -> b, begun as (params, model_state), that misses b."""
    parts.check_shape(
        f"from samples of {a.shape[1:]} the generator translates to",
        outputs_of(generator, begun, a),
        b.shape,
        "that of the other domain",
    )


def check_patches(outputs: Any, rows: int) -> None:
    """Raises ValueError for a discriminator without a row of logits for each sample or pack."""
    parts.check_shape(
        "the discriminator makes logits of", outputs, (rows, ...), "e.g. one logit per patch"
    )
