"""A large batch in parts, one after another: the same numbers in less memory."""

import jax
import jax.numpy as jnp

from ganjax import checks, spread
from ganjax.types import Game


def accumulated(game: Game, parts: int) -> Game:
    """The same game, whose losses are the means of those of the parts of a batch.

    Parts are passed one after another and computed again for gradients, so that the memory is that
    of one part; every scheme then accumulates gradients. Every sample has the draw that it has in
    the whole batch. Losses that are means over examples, their penalties included, are those of the
    whole batch; batch-wide layers (batch normalisation, minibatch statistics) see each part by
    itself, and the running statistics are the means of the parts'.

    Args:
      game: a game on batches.
      parts: how many, at least 1.

    Returns:
      `Game`; while tracing, its losses raise a ValueError for a batch that the parts do not divide,
      or for draws of which it is unclear whether they belong to rows (`draws.key_of_part`).

    Raises:
      ValueError: `parts` is less than 1.
    """
    checks.whole(1, parts=parts)

    def split(leaf):
        if leaf.shape[0] % parts:
            raise ValueError(
                f"a batch of {leaf.shape[0]} does not divide into {parts} parts; accumulate over a "
                "divisor of the batch size"
            )
        return leaf.reshape(parts, leaf.shape[0] // parts, *leaf.shape[1:])

    def losses(params, model_state, batch, rng):
        @jax.checkpoint
        def one(params, given):
            index, part = given
            players = params, model_state
            key = spread.key_of_part(game.losses, players, part, rng, index, parts)
            return game.losses(params, model_state, part, key)

        given = jnp.arange(parts), jax.tree.map(split, batch)
        _, each = jax.lax.scan(lambda carry, given: (carry, one(params, given)), None, given)
        return jax.tree.map(
            lambda leaf: leaf.mean(0) if jnp.issubdtype(leaf.dtype, jnp.inexact) else leaf[0], each
        )

    return game._replace(losses=losses)
