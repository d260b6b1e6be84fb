"""Extragradient: gradients taken at an extrapolated point."""

from functools import partial

from ganjax.schemes.field import fields, finish, move_both, start
from ganjax.schemes.fresh_batches import with_batches
from ganjax.types import Game, Players, Scheme


def extragradient(
    game: Game, tx: Players, *, fresh_batches: bool = False, axis_name: str | None = None
) -> Scheme:
    """z_half = z - h F(z), z' = z - h F(z_half) (Korpelevich 1976; Gidel et al. 2019).

    With any optax transform in place of h: both moves start from z, and the optimiser's state runs
    on from the first to the second, which with `optax.adam` is ExtraAdam (arXiv:1802.10551,
    algorithm 4). A schedule of optax's own counts both moves; one of a config's counts steps.

    On V = sigma x y, s = h sigma, the spectral radius is sqrt(1 - s^2 + s^4): it converges for
    s < 1, fastest at s = 1/sqrt(2).

    Args:
      fresh_batches: if True every leaf of a batch has a leading axis of sub-batches, one for each
        gradient of a player (here 2), which then draws new latents too; if False all of a step's
        gradients see the same batch and draw.

    Returns:
      Scheme; a step costs two gradients of each player. Its metrics are those at z_half.
    """

    def step(state, part, rng):
        at = fields(game, state, part, rng, axis_name, fresh=fresh_batches)
        half = move_both(tx, state, *at(state.params, 0))
        gradients, losses = at(half.params, 1)
        state = state._replace(opt_state=half.opt_state)
        return finish(tx, state, gradients, gradients, losses, evaluations=2)

    return with_batches(partial(start, game, tx), step, count=2, fresh=fresh_batches)
