"""Extragradient that extrapolates with the last step's gradients."""

from functools import partial

import optax

from ganjax.schemes.field import field, finish, move_both, start
from ganjax.types import Game, Loss, Players, Scheme


def past_extragradient(game: Game, tx: Players, *, axis_name: str | None = None) -> Scheme:
    """z_half = z - h F(z_half of the last step), z' = z - h F(z_half) (Popov 1980).

    Extrapolation from the past of Gidel et al. 2019 (arXiv:1802.10551), with any optax
    transform, whose state runs on through both moves as in `extragradient`. Before the first step
    the remembered gradient is 0, so that the first z_half is z.

    On V = x y its spectral radius is that of `optimistic`, whose iterates are its z_half.

    Returns:
      Scheme; a step costs one gradient of each player, and the state holds one more.
    """

    def step(state, batch, rng):
        unchanged = Players(*(Loss(None, each, {}) for each in state.model_state))
        half = move_both(tx, state, state.memory, unchanged)
        gradients, losses = field(game, state, batch, rng, axis_name)(half.params)
        state = state._replace(opt_state=half.opt_state, memory=gradients)
        return finish(tx, state, gradients, gradients, losses, evaluations=1)

    return Scheme(init=partial(start, game, tx, memory=optax.tree.zeros_like), step=step)
