"""Growing networks: the trained leaves keep their values."""

from typing import Any

import jax
import jax.numpy as jnp

from ganjax.types import Game, GanState


def kept(old: Any, new: Any) -> Any:
    """`new`, with every leaf of `old` in its place, by path.

    Args:
      old: pytree of arrays, trained.
      new: pytree with at least the paths of `old`, with the same shapes and dtypes.

    Raises:
      ValueError: a leaf of `old` has no place in `new` and would be lost.
    """
    leaves = {jax.tree_util.keystr(path): leaf for path, leaf in _leaves(old)}
    places = {jax.tree_util.keystr(path): leaf for path, leaf in _leaves(new)}
    for path, leaf in leaves.items():
        if path not in places or not _alike(leaf, places[path]):
            place = places.get(path)
            raise ValueError(
                f"{path} of shape {leaf.shape} would be lost: it is "
                f"{'absent' if place is None else f'of shape {place.shape}'} in the next network; "
                "grow into networks that hold all layers of the last, such as 'progressive'"
            )
    return jax.tree_util.tree_map_with_path(
        lambda path, leaf: leaves.get(jax.tree_util.keystr(path), leaf), new
    )


def carried(game: Game, state: GanState) -> Game:
    """The next, larger game, with an `init` that keeps the trained parts of `state`.

    Karras et al. 2018, section 2 (arXiv:1710.10196): layers fade into networks that go on training.
    Parameters are `kept`; of the model state, the floating-point leaves of unchanged shape and
    dtype (running statistics), while counts restart. A scheme's `init` of this game has fresh
    optimisers and a memory of the grown players.
    """

    def init(rng, batch):
        params, model_state = game.init(rng, batch)
        old = {jax.tree_util.keystr(path): leaf for path, leaf in _leaves(state.model_state)}

        def running(path, leaf):
            last = old.get(jax.tree_util.keystr(path), leaf)
            counts = not jnp.issubdtype(leaf.dtype, jnp.inexact)
            return leaf if counts or not _alike(last, leaf) else last

        return kept(state.params, params), jax.tree_util.tree_map_with_path(running, model_state)

    return game._replace(init=init)


def _leaves(tree: Any) -> list:
    return jax.tree_util.tree_leaves_with_path(tree)


def _alike(a: jax.Array, b: jax.Array) -> bool:
    return (a.shape, a.dtype) == (b.shape, b.dtype)
