"""Standing statistics: batch statistics of the present weights, not those of training."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from ganjax import checks
from ganjax.games.networks import STATISTICS
from ganjax.types import Game, Players


def standing(
    game: Game,
    params: Players,
    model_state: Players,
    draw: Callable[[jax.Array], Any],
    rng: jax.Array,
    *,
    batches: int = 16,
    players: tuple[str, ...] = ("gen", "disc"),
) -> Players:
    """The model state with batch statistics that belong to `params`.

    Moving averages of weights have no running statistics of their own; those of training belong to
    the weights of the last steps. As in Brock et al. 2019 (appendix C.1, arXiv:1809.11096) the
    weights pass several batches in training mode, and a statistic is the mean of the batches'. A
    layer's running statistic s' = m s + (1 - m) b gives the batch's b: s = 0 leaves (1 - m) b, and
    m is its derivative. So any layer of that form will do, whatever its momentum. A power iteration
    stays as it is, as its norm is already that of the weights at hand. Paper: 100 batches.

    Args:
      game: any game; the statistics are those of the passes in its `losses`.
      params: `Players`, the averages among them.
      model_state: `Players`, whose other collections stay as they are.
      draw: `rng -> batch`.
      rng: a key.
      batches: how many, at least 1.
      players: those whose statistics are wanted; the others keep theirs.

    Returns:
      `Players` of the structure of `model_state`, the same bits where nothing has statistics.

    Raises:
      ValueError: `batches` is less than 1.
    """
    checks.whole(1, batches=batches)
    leaves, treedef = jax.tree_util.tree_flatten_with_path(model_state)
    places = [
        at
        for at, (path, leaf) in enumerate(leaves)
        if path[0].name in players and _is_statistic(path, leaf)
    ]
    if not places:
        return model_state

    def filled(statistics):
        values = [leaf for _, leaf in leaves]
        for at, value in zip(places, statistics, strict=True):
            values[at] = value
        return jax.tree.unflatten(treedef, values)

    def passed(statistics, batch, rng):
        outcome = game.losses(params, filled(statistics), batch, rng)
        after = jax.tree.leaves(Players(outcome.gen.model_state, outcome.disc.model_state))
        return [after[at] for at in places]

    before = [leaves[at][1] for at in places]
    empty, full = ([jnp.full_like(leaf, value) for leaf in before] for value in (0, 1))

    def of_batch(total, key):
        rng_batch, rng = jax.random.split(key)
        batch = draw(rng_batch)
        share, momentum = jax.jvp(lambda s: passed(s, batch, rng), (empty,), (full,))
        # A layer whose statistics are frozen in training keeps them.
        moves = [m < 1 for m in momentum]
        found = [
            jnp.where(moved, x / jnp.where(moved, 1 - m, 1), old)
            for moved, x, m, old in zip(moves, share, momentum, before, strict=True)
        ]
        return [a + b / batches for a, b in zip(total, found, strict=True)], None

    means, _ = jax.lax.scan(of_batch, empty, jax.random.split(rng, batches))
    return filled(means)


def has_statistics(model_state: Any) -> bool:
    """Whether some layer keeps batch statistics."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(model_state)
    return any(_is_statistic(path, leaf) for path, leaf in leaves)


def _is_statistic(path: tuple, leaf: Any) -> bool:
    named = any(getattr(entry, "key", None) == STATISTICS for entry in path)
    return named and jnp.issubdtype(jnp.result_type(leaf), jnp.inexact)
