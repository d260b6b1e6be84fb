"""Competitive gradient descent: each step is the equilibrium of a bilinear local game."""

import math
from functools import partial

import jax
import optax

from ganjax.schemes.field import device_mean, finish, own_gradient, start
from ganjax.schemes.solver import conjugate_gradients
from ganjax.types import Game, Players, Scheme


def competitive(
    game: Game,
    tx: Players,
    *,
    lr: float,
    cg_iterations: int = 20,
    cg_tolerance: float = 1e-6,
    axis_name: str | None = None,
) -> Scheme:
    """z' = z - h d with (I + h K) d = F(z), K the off-diagonal blocks of the game's Jacobian.

    Schaefer and Anandkumar 2019, theorem 2.2 (arXiv:1905.12103), h = `lr`. The optax transform gets
    d; `optax.sgd(lr)` gives the method itself. The system is solved without a matrix by conjugate
    gradients on its normal equations, (I + h K)^T (I + h K) d = (I + h K)^T F: in a zero-sum game
    they are the paper's two systems, with I + h^2 D_xy D_yx and I + h^2 D_yx D_xy on the diagonal,
    and they stay solvable in any other.

    On V = sigma x y it is the implicit step, with spectral radius 1 / sqrt(1 + h^2 sigma^2): it
    converges for every h.

    Args:
      game: any game.
      tx: `Players` of optax transforms.
      lr: step h within the system, at least 0.
      cg_iterations: most iterations of the solver, at least 1.
      cg_tolerance: it stops at this residual, relative to the right-hand side, or where the dtype
        resolves no smaller one; greater than 0.
      axis_name: mapped device axis over which gradients are averaged; None for none.

    Returns:
      Scheme; a step costs one gradient of each player and up to 4 `cg_iterations` + 6 Jacobian
      products, the number that its metrics give.

    Raises:
      ValueError: an option is out of range.
    """
    if not 0 <= lr < math.inf:
        raise ValueError(f"lr={lr} must be finite and at least 0")
    if cg_iterations < 1:
        raise ValueError(f"cg_iterations={cg_iterations} must be at least 1")
    if not cg_tolerance > 0:
        raise ValueError(f"cg_tolerance={cg_tolerance} must be greater than 0, e.g. 1e-6")

    def step(state, batch, rng):
        def against(others):
            """Each player's gradient, its own parameters held, as a function of the other's."""
            outcomes = [
                own_gradient(
                    game,
                    player,
                    others._replace(**{player: getattr(state.params, player)}),
                    state.model_state,
                    batch,
                    rng,
                    axis_name,
                )
                for player in Players._fields
            ]
            return Players(*(o[0] for o in outcomes)), Players(*(o[1] for o in outcomes))

        gradients, mixed, losses = jax.linearize(against, state.params, has_aux=True)  # v -> K v
        mixed_transposed = jax.linear_transpose(mixed, state.params)

        def system(v):
            return optax.tree.add_scale(v, lr, mixed(v))

        def transposed(v):
            (product,) = device_mean(mixed_transposed(v), axis_name)
            return optax.tree.add_scale(v, lr, product)

        direction = conjugate_gradients(
            lambda v: transposed(system(v)),
            transposed(gradients),
            tolerance=cg_tolerance,
            iterations=cg_iterations,
        )
        return finish(
            tx,
            state,
            direction,
            gradients,
            losses,
            evaluations=1,
            products=4 * cg_iterations + 6,
        )

    return Scheme(init=partial(start, game, tx), step=step)
