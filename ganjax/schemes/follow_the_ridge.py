"""Follow the ridge: the discriminator compensates for the generator's move along its ridge."""

import math
from functools import partial

import jax
import jax.numpy as jnp
import optax

from ganjax.schemes.field import finish, own_gradient, start
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

    On V = x y, where H_yy = 0 has no inverse, the least-squares solution c = 0 leaves simultaneous
    play.

    Args:
      game: any game.
      tx: `Players` of optax transforms.
      cg_iterations: most iterations of the solver, at least 1.
      damping: added to the square of H_yy, at least 0. Where H_yy is nearly singular, as that of a
        network is, it keeps the correction small.
      lr_ratio: h_x / h_y, the generator's step over the discriminator's; at least 0.
      axis_name: mapped device axis over which gradients are averaged; None for none.

    Returns:
      Scheme; a step costs one gradient of each player and up to 2 `cg_iterations` + 4 Jacobian
      products, the number that its metrics give.

    Raises:
      ValueError: an option is out of range.
    """
    if cg_iterations < 1:
        raise ValueError(f"cg_iterations={cg_iterations} must be at least 1")
    for name, value in (("damping", damping), ("lr_ratio", lr_ratio)):
        if not 0 <= value < math.inf:
            raise ValueError(f"{name}={value} must be finite and at least 0")

    def step(state, batch, rng):
        def gradient_of(player, params):
            return own_gradient(game, player, params, state.model_state, batch, rng, axis_name)

        gen, gen_loss = gradient_of("gen", state.params)
        disc, second, disc_loss = jax.linearize(
            partial(gradient_of, "disc"), state.params, has_aux=True
        )

        def across(v):  # H_yx v
            return second(Players(gen=v, disc=jax.tree.map(jnp.zeros_like, state.params.disc)))

        def own(v):  # H_yy v
            return second(Players(gen=jax.tree.map(jnp.zeros_like, state.params.gen), disc=v))

        correction = conjugate_gradients(
            lambda v: optax.tree.add_scale(own(own(v)), damping, v),
            own(across(gen)),
            tolerance=TOLERANCE,
            iterations=cg_iterations,
        )
        direction = Players(gen=gen, disc=optax.tree.add_scale(disc, -lr_ratio, correction))
        return finish(
            tx,
            state,
            direction,
            Players(gen=gen, disc=disc),
            Players(gen=gen_loss, disc=disc_loss),
            evaluations=1,
            products=2 * cg_iterations + 4,
        )

    return Scheme(init=partial(start, game, tx), step=step)
