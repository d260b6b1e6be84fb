"""A loop whose backward pass stores few states and computes the others again."""

from collections.abc import Callable
from typing import Any

import jax

FLAT = 10  # loops of so many steps or fewer are not cut: few states, and no time lost


def segment_length(length: int) -> int:
    """Steps of a segment, for the fewest states stored at a time by `checkpointed_scan`.

    (length - 1) // n starts of segments and n states inside of one: about twice the root of the
    length, at an n near that root. Of equally good n, the one with the longest last segment, which
    needs no second forward pass.
    """
    if length <= FLAT:
        return max(length, 1)

    def kept(n):
        segments = (length - 1) // n
        return segments + n, segments * n

    return min(range(1, length + 1), key=kept)


def plain_scan(step: Callable[[Any, Any], Any], carry: Any, xs: Any = None, *, length: int) -> Any:
    """`checkpointed_scan` that stores all that the backward pass needs."""
    return jax.lax.scan(lambda *at: (step(*at), None), carry, xs, length=length)[0]


def checkpointed_scan(
    step: Callable[[Any, Any], Any], carry: Any, xs: Any = None, *, length: int
) -> Any:
    """The last carry of `length` steps, differentiated in the memory of about 2 root(length).

    The backward pass computes the inside of a step again, from the state before it. It stores these
    states for one segment at a time, and of the other segments the first one (Chen et al. 2016,
    section 4, arXiv:1604.06174): a second forward pass for all but the last segment. Loops of at
    most 10 steps are one segment. Compilation does not grow with the length.

    Args:
      step: pure, `(carry, x) -> carry`.
      carry: pytree before the first step.
      xs: pytree with a leading axis of `length`, one entry a step; None for none.
      length: steps, at least 0.

    Returns:
      The carry, that of a `jax.lax.scan` of all steps.
    """

    def steps(carry, xs, count):
        inside = jax.checkpoint(lambda *at: (step(*at), None), prevent_cse=False)
        return jax.lax.scan(inside, carry, xs, length=count)[0]

    segment = segment_length(length)
    segments = max(length - 1, 0) // segment
    cut = segments * segment
    if segments:
        whole = jax.tree.map(lambda x: x[:cut].reshape(segments, segment, *x.shape[1:]), xs)
        inside = jax.checkpoint(lambda *at: (steps(*at, segment), None), prevent_cse=False)
        carry, _ = jax.lax.scan(inside, carry, whole, length=segments)
    return steps(carry, jax.tree.map(lambda x: x[cut:], xs), length - cut)
