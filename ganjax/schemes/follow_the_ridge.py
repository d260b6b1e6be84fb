"""Follow the ridge: the discriminator compensates for the generator's move along its ridge."""

from functools import partial

import jax
import optax

from ganjax import checks
from ganjax.schemes.field import finish, own_gradient, paired, start
from ganjax.schemes.solver import conjugate_gradients
from ganjax.types import Game, Players, Scheme

TOLERANCE = 1e-10  # of the solver, relative to the right-hand side


def follow_the_ridge(
    game: Game,
    tx: Players,
    *,
    cg_iterations: int = 10,
    damping: float = 0.0,
    lr_ratio: float = 1.0,
    axis_name: str | None = None,
) -> Scheme:
    """x' = x - h_x g_x, y' = y - h_y g_y + h_x H_yy^-1 H_yx g_x (Wang et al. 2020, algorithm 1).

    g_x = grad_x L_gen, g_y = grad_y L_disc, H the second derivatives of L_disc: the correction
    keeps y on the ridge grad_y L_disc = 0 while x moves (arXiv:1910.07512). The optax
    transform of the discriminator gets g_y - `lr_ratio` c, with c the solution of
    (H_yy^2 + damping I) c = H_yy H_yx g_x by conjugate gradients, as H_yy may be indefinite away
    from the ridge. At a local minimax point (Stackelberg, not necessarily Nash) the eigenvalues of
    the update are real: no rotation. They are 1 - h_x times those of the Schur complement and
    1 - h_y times those of H_yy.

    On V = x y, where H_yy = 0 has no inverse, the least-squares c is 0: simultaneous play.

    Args:
      cg_iterations: most iterations of the solver, at least 1.
      damping: added to the square of H_yy, at least 0. Where H_yy is nearly singular, as that of a
        network is, it keeps the correction small.
      lr_ratio: h_x / h_y, the generator's step over the discriminator's; at least 0.

    Returns:
      Scheme; a step costs one gradient of each player and up to 2 `cg_iterations` + 4 Jacobian
      products, the number in its metrics.

    Raises:
      ValueError: an option is out of range.
    """
    checks.whole(1, cg_iterations=cg_iterations)
    checks.within("[0, inf)", damping=damping, lr_ratio=lr_ratio)

    def step(state, batch, rng):
        def gradient_of(player, params):
            return own_gradient(game, player, params, state.model_state, batch, rng, axis_name)

        gen = gradient_of("gen", state.params)
        disc, second, loss = jax.linearize(partial(gradient_of, "disc"), state.params, has_aux=True)
        zero = optax.tree.zeros_like(state.params)

        def h_yx(v):
            return second(zero._replace(gen=v))

        def h_yy(v):
            return second(zero._replace(disc=v))

        correction = conjugate_gradients(
            lambda v: optax.tree.add_scale(h_yy(h_yy(v)), damping, v),
            h_yy(h_yx(gen[0])),
            tolerance=TOLERANCE,
            iterations=cg_iterations,
        )
        gradients, losses = paired(gen, (disc, loss))
        direction = gradients._replace(disc=optax.tree.add_scale(disc, -lr_ratio, correction))
        products = 2 * cg_iterations + 4
        return finish(tx, state, direction, gradients, losses, evaluations=1, products=products)

    return Scheme(init=partial(start, game, tx), step=step)
