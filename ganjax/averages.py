"""Averaged players: the weights to evaluate in place of the trained ones.

Averaged weights have no running statistics of their own: they are evaluated with standing ones.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax

from ganjax.games import has_statistics, standing
from ganjax.games.networks import AVERAGE, depends
from ganjax.types import Game, GanState, Players

BATCHES = 16  # of standing statistics; 64 score the same (`scripts/benchmarks/averages.py`)


def averaged(state: GanState) -> bool:
    """Whether there is an average of the generator; that of a toy may be a bare array."""
    return bool(jax.tree.leaves(state.average))


def keeps_average(state: GanState) -> bool:
    """Whether the discriminator's state holds an average of it, which is then evaluated."""
    return isinstance(state.model_state.disc, Mapping) and AVERAGE in state.model_state.disc


def players(state: GanState) -> Players:
    """Both players' parameters, the generator's averaged if there is an average."""
    return state.params._replace(gen=state.average) if averaged(state) else state.params


def live(state: GanState) -> GanState:
    """The state without the averages of either player, so that the trained ones are evaluated."""
    model_state = state.model_state
    if keeps_average(state):
        disc = {name: part for name, part in model_state.disc.items() if name != AVERAGE}
        model_state = model_state._replace(disc=disc)
    return state._replace(average=(), model_state=model_state)


def restood(state: GanState) -> tuple[str, ...]:
    """The players whose average is evaluated and whose batch statistics are therefore standing."""
    has = {"gen": averaged(state), "disc": keeps_average(state)}
    return tuple(p for p in has if has[p] and has_statistics(getattr(state.model_state, p)))


def needs_data(game: Game, batch: Callable, train: Any, state: GanState) -> bool:
    """Whether standing statistics depend on the values of the data, not on their shapes alone.

    They do if the game draws labels or translates images. Nothing is computed.

    Args:
      game: the game.
      batch: `(train, rng) -> batch`.
      train: data to draw from, or arrays of their shapes.
      state: a state, or its shapes.
    """
    names, rng = restood(state), jax.random.key(0)

    def statistics(drawn):
        losses = game.losses(players(state), state.model_state, drawn, rng)
        return [getattr(losses, player).model_state for player in names]

    batch = jax.eval_shape(batch, train, rng)
    return bool(names) and any(jax.tree.leaves(depends(statistics, batch)))


def asked(game: Game, batch: Callable, train: Any) -> Callable[[GanState], GanState]:
    """`state -> state` to evaluate: the averaged generator in the generator's place, no average.

    Where an average of either player normalises by batch statistics, they are those of the averaged
    weights (`games.standing`), from the same draws at every call. Without an average the state
    stays as it is.

    Args:
      game: the game.
      batch: `(train, rng) -> batch` of the size in training.
      train: data to draw from.
    """

    @partial(jax.jit, static_argnames="names")
    def stood(params, model_state, train, names):
        draw, rng = partial(batch, train), jax.random.key(0)
        new = standing(game, params, model_state, draw, rng, batches=BATCHES, players=names)
        return {player: getattr(new, player) for player in names}

    def evaluated(state: GanState) -> GanState:
        params, model_state, names = players(state), state.model_state, restood(state)
        if names:
            disc = model_state.disc[AVERAGE] if "disc" in names else params.disc
            stands = stood(params._replace(disc=disc), model_state, train, names)
            model_state = model_state._replace(**stands)
        return state._replace(params=params, model_state=model_state, average=())

    return evaluated
