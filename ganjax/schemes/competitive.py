"""Competitive gradient descent: each step is the equilibrium of a bilinear local game."""

from functools import partial

import jax
import optax

from ganjax import checks
from ganjax.schemes.field import device_mean, finish, own_gradient, paired, start
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
      lr: step h within the system, at least 0.
      cg_iterations: most iterations of the solver, at least 1.
      cg_tolerance: it stops at this residual, relative to the right-hand side, or where the dtype
        resolves no smaller one; greater than 0.

    Returns:
      Scheme; a step costs one gradient of each player and up to 4 `cg_iterations` + 6 Jacobian
      products, the number in its metrics.

    Raises:
      ValueError: an option is out of range.
    """
    checks.within("[0, inf)", lr=lr)
    checks.whole(1, cg_iterations=cg_iterations)
    checks.within("(0, inf)", cg_tolerance=cg_tolerance, hint="e.g. 1e-6")

    def step(state, batch, rng):
        at = state.model_state, batch, rng, axis_name

        def against(others):
            """Each player's gradient as a function of the other's parameters."""
            gen = own_gradient(game, "gen", others._replace(gen=state.params.gen), *at)
            disc = own_gradient(game, "disc", others._replace(disc=state.params.disc), *at)
            return paired(gen, disc)

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
        products = 4 * cg_iterations + 6
        return finish(tx, state, direction, gradients, losses, evaluations=1, products=products)

    return Scheme(init=partial(start, game, tx), step=step)
