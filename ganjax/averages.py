"""The averages that a state keeps beside its players, and the state that is asked in their place.

Averaged weights have no running statistics of their own: they are asked with standing ones.
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
    """Whether there is an average of the generator; one of a toy's may be a bare array."""
    return bool(jax.tree.leaves(state.average))


def keeps_average(state: GanState) -> bool:
    """Whether the discriminator's state holds an average of it, which is then what is asked."""
    return isinstance(state.model_state.disc, Mapping) and AVERAGE in state.model_state.disc


def players(state: GanState) -> Players:
    """Both players' parameters, the generator's averaged if there is an average."""
    return state.params._replace(gen=state.average) if averaged(state) else state.params


def live(state: GanState) -> GanState:
    """The state without averages, so that what is asked are the players themselves.

    Neither that of the generator nor the one that a game keeps of its discriminator, as
    `semi_supervised` does.
    """
    model_state = state.model_state
    if keeps_average(state):
        disc = {name: part for name, part in model_state.disc.items() if name != AVERAGE}
        model_state = model_state._replace(disc=disc)
    return state._replace(average=(), model_state=model_state)


def restood(state: GanState) -> tuple[str, ...]:
    """The players whose average is asked and whose batch statistics are therefore standing ones."""
    has = {"gen": averaged(state), "disc": keeps_average(state)}
    return tuple(p for p in has if has[p] and has_statistics(getattr(state.model_state, p)))


def needs_data(game: Game, batch: Callable, train: Any, state: GanState) -> bool:
    """Whether the state can only be asked with the data at hand, not with others of their shapes.

    So it is where standing statistics depend on the values of a batch: labels, or the images that a
    translator is given. Those of a generator of latents alone do not. Nothing is computed.

    Args:
      game: the game.
      batch: `(train, rng) -> batch`.
      train: what the batches are drawn from, or arrays of their shapes.
      state: a state, or its shapes.
    """
    of, rng = restood(state), jax.random.key(0)

    def statistics(drawn):
        told = game.losses(players(state), state.model_state, drawn, rng)
        return [getattr(told, player).model_state for player in of]

    return bool(of) and any(jax.tree.leaves(depends(statistics, jax.eval_shape(batch, train, rng))))


def asked(game: Game, batch: Callable, train: Any) -> Callable[[GanState], GanState]:
    """`state -> state`, of the same structure but for its average: what the players are asked with.

    The averaged generator takes the place of the generator. Where an average of either player
    normalises by batch statistics, they are those of the averaged weights, see `games.standing`,
    from the same draws whenever it is called. Without an average the state stays as it is.

    Args:
      game: the game.
      batch: `(train, rng) -> batch` of the size in training.
      train: what the batches are drawn from.
    """

    @partial(jax.jit, static_argnames="of")
    def stood(params, model_state, train, of):
        draw = partial(batch, train)
        told = standing(
            game, params, model_state, draw, jax.random.key(0), batches=BATCHES, players=of
        )
        return {player: getattr(told, player) for player in of}

    def ask(state: GanState) -> GanState:
        params, of = players(state), restood(state)
        model_state = state.model_state
        if of:
            disc = model_state.disc[AVERAGE] if "disc" in of else params.disc
            stands = stood(params._replace(disc=disc), model_state, train, of)
            model_state = model_state._replace(**stands)
        return state._replace(params=params, model_state=model_state, average=())

    return ask
