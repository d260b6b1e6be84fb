"""LEAD: momentum, and a force by which each player feels the other's last move."""

from functools import partial

import jax
import optax

from ganjax import checks
from ganjax.schemes.field import copies, field, finish, start
from ganjax.types import Game, Players, Scheme


def lead(
    game: Game,
    tx: Players,
    *,
    alpha: float = 0.1,
    beta: float = 0.0,
    axis_name: str | None = None,
) -> Scheme:
    """z_i' = z_i + u_i + beta (z_i - z_i_prev) - alpha J_ij (z_j - z_j_prev), J_ij = dF_i / dz_j.

    Least action dynamics (Hemmat et al. 2023, algorithm 1, arXiv:2010.13846): u_i is the move that
    the player's optax transform makes, -h F_i for SGD, and J_ij the mixed derivative of its loss.
    Before the first step z_prev is z.

    On V = sigma x y, s = h sigma and a = alpha sigma, the eigenvalues are the roots of
    l^2 - (1 + beta + i (s + a)) l + beta + i a and their conjugates: with beta = 0 and alpha = h it
    is `optimistic`, radius 1/sqrt(2) at s = 1/2.

    Args:
      alpha: strength of the coupling, in the units of a step size, at least 0.
      beta: momentum, greater than -1 and less than 1.

    Returns:
      Scheme; a step costs one gradient of each player and two Jacobian products, and the state
      holds one more copy of the parameters.

    Raises:
      ValueError: an option is out of range.
    """
    checks.within("[0, inf)", alpha=alpha)
    checks.within("(-1, 1)", beta=beta)

    def step(state, batch, rng):
        at = field(game, state, batch, rng, axis_name)
        gradients, losses = at(state.params)
        before = state.params
        change = optax.tree.sub(before, state.memory)

        def coupling(player, other):
            def own(moving):
                return getattr(at(before._replace(**{other: moving}))[0], player)

            return jax.jvp(own, (getattr(before, other),), (getattr(change, other),))[1]

        force = Players(gen=coupling("gen", "disc"), disc=coupling("disc", "gen"))
        state = state._replace(memory=before)
        state, metrics = finish(tx, state, gradients, gradients, losses, evaluations=1, products=2)
        params = jax.tree.map(
            lambda z, moved, f: z + beta * moved - alpha * f, state.params, change, force
        )
        return state._replace(params=params), metrics

    return Scheme(init=partial(start, game, tx, memory=copies), step=step)
