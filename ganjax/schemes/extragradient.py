"""Extragradient play: a look at the gradients half a step ahead."""

from functools import partial

from ganjax.schemes.field import field, finish, move_both, start
from ganjax.types import Game, Players, Scheme


def extragradient(game: Game, tx: Players, *, axis_name: str | None = None) -> Scheme:
    """z_half = z - h F(z), z' = z - h F(z_half) (Korpelevich 1976; Gidel et al. 2019).

    With any optax transform in place of h: both moves start from z, and the optimiser's state runs
    on from the first to the second, which with `optax.adam` is ExtraAdam (arXiv:1802.10551,
    algorithm 4). A schedule of optax's own counts both moves; one of a config's counts steps. Both
    moves see the same batch and draw.

    On V = sigma x y, s = h sigma, the spectral radius is sqrt(1 - s^2 + s^4): it converges for
    s < 1, fastest at s = 1/sqrt(2).

    Args:
      game: any game.
      tx: `Players` of optax transforms.
      axis_name: mapped device axis over which gradients are averaged; None for none.

    Returns:
      Scheme; a step costs two gradients of each player. Its metrics are those at z_half.
    """

    def step(state, batch, rng):
        at = field(game, state, batch, rng, axis_name)
        half = move_both(tx, state, *at(state.params))
        gradients, losses = at(half.params)
        state = state._replace(opt_state=half.opt_state)
        return finish(tx, state, gradients, gradients, losses, evaluations=2)

    return Scheme(init=partial(start, game, tx), step=step)
