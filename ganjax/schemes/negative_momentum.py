"""Alternating play with momentum of a negative sign."""

import optax

from ganjax import checks
from ganjax.schemes.alternating import alternating
from ganjax.types import Game, Players, Scheme


def negative_momentum(
    game: Game,
    tx: Players,
    *,
    beta: float = -0.5,
    disc_updates: int = 1,
    first: str = "disc",
    fresh_batches: bool = False,
    axis_name: str | None = None,
) -> Scheme:
    """`alternating` with the heavy ball of each player, z_i' = z_i + u_i + beta (z_i - z_i_prev).

    u_i is the move that the player's optax transform makes: -h grad_i for SGD (Gidel et al. 2019,
    arXiv:1807.04740). A preset: `optax.trace(beta)` after each transform.

    On V = sigma x y, s = h sigma, the eigenvalues are the roots of
    (l - 1)^2 (l - beta)^2 + s^2 l^3: for beta < 0 it converges if s < 2 (1 + beta), where
    alternating play orbits and simultaneous play diverges with any momentum.

    All but beta are as in `alternating`.

    Args:
      beta: momentum, greater than -1 and less than 1.

    Returns:
      Scheme, of the cost of `alternating`.

    Raises:
      ValueError: an option is out of range.
    """
    checks.within("(-1, 1)", beta=beta, hint="e.g. -0.5")
    heavy = Players(*(optax.chain(transform, optax.trace(beta)) for transform in tx))
    return alternating(
        game,
        heavy,
        disc_updates=disc_updates,
        first=first,
        fresh_batches=fresh_batches,
        axis_name=axis_name,
    )
