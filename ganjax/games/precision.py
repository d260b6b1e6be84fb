"""The same game with its networks computed in bfloat16: half the memory, fast on accelerators.

The cast is at the door of the networks, in `networks.run` and `networks.ask`; all around them, and
states of a network and its sums over a batch stay in float32.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import jax
import jax.numpy as jnp

from ganjax.types import Game

# Whether the function being traced runs its networks in bfloat16; see `in_bfloat16`.
_NARROW: ContextVar[bool] = ContextVar("narrow", default=False)


@contextlib.contextmanager
def _narrow() -> Iterator[None]:
    token = _NARROW.set(True)
    try:
        yield
    finally:
        _NARROW.reset(token)


def in_bfloat16(game: Game) -> Game:
    """The same game, whose networks compute in bfloat16, 8 bits of mantissa.

    Mixed precision as in Micikevicius et al. 2018 (arXiv:1710.03740), without its scaling of the
    loss, since bfloat16 has the exponents of float32 (Kalamkar et al. 2019, arXiv:1905.12322).
    Parameters and inputs are rounded where a network begins, and its outputs are float32 again. So
    parameters, gradients, the optimisers' states, draws, losses and penalties are float32, as are
    the statistics of normalisations, power iterations and batches inside the networks. A derivative
    of any order and in any mode goes through the casts.

    Args:
      game: a game of networks; one in closed form stays as it is.

    Returns:
      `Game`; its queries compute in bfloat16 too and answer in float32.
    """

    def narrowly(function: Callable) -> Callable:
        @functools.wraps(function)
        def traced(*arguments, **named):
            with _narrow():
                return function(*arguments, **named)

        return traced

    queries = {name: narrowly(query) for name, query in game.queries.items()}
    return game._replace(losses=narrowly(game.losses), queries=queries)


def narrowed(tree: Any) -> Any:
    """Inputs of a network: floating-point leaves in bfloat16 within such a game."""
    return _cast(tree, jnp.bfloat16) if _NARROW.get() else tree


def widened(tree: Any) -> Any:
    """Outputs of a network: floating-point leaves in float32 within such a game."""
    return _cast(tree, jnp.float32) if _NARROW.get() else tree


def _cast(tree: Any, dtype: Any) -> Any:
    return jax.tree.map(
        lambda leaf: leaf.astype(dtype) if jnp.issubdtype(leaf.dtype, jnp.inexact) else leaf, tree
    )
