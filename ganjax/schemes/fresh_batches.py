"""Fresh batches: one sub-batch for each gradient of a step, in any scheme."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from ganjax.types import Scheme


def with_batches(init: Callable, step: Callable, *, count: int, fresh: bool) -> Scheme:
    """A scheme whose gradients see one batch each, or all of them the same batch.

    Args:
      init: `(rng, batch) -> GanState`, of one batch.
      step: `(state, part, rng) -> (GanState, metrics)`; `part(index)` is the batch of one gradient,
        index an integer, which may be traced, from -count to count - 1.
      count: gradients of a step that see a batch each.
      fresh: if True every leaf of the scheme's batch has a leading axis of `count` sub-batches; if
        False `part` gives the same batch for every index.

    Returns:
      Scheme. While tracing it raises a ValueError for a batch without the leading axis.
    """

    def parts(batch):
        for leaf in jax.tree.leaves(batch) if fresh else ():
            if leaf.ndim == 0 or leaf.shape[0] != count:
                raise ValueError(
                    f"fresh_batches needs a leading axis of {count} sub-batches, got an array of "
                    f"shape {leaf.shape}; stack the sub-batches along a new first axis"
                )
        arrays = jax.tree.map(jnp.asarray, batch)  # a traced index cannot reach into NumPy's
        return lambda index: jax.tree.map(lambda leaf: leaf[index], arrays) if fresh else batch

    def init_of_first(rng: jax.Array, batch: Any = None):
        return init(rng, parts(batch)(0))

    def step_of_parts(state, batch, rng):
        return step(state, parts(batch), rng)

    return Scheme(init_of_first, step_of_parts, batches=(count,) if fresh else ())
