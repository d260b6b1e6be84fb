"""Symplectic gradient adjustment: a turn by the rotating part of the Jacobian."""

from functools import partial

import jax
import jax.numpy as jnp
import optax

from ganjax import checks
from ganjax.schemes.field import device_mean, field, finish, start
from ganjax.types import Game, Players, Scheme

ALIGNMENT_MARGIN = 0.1  # the paper's epsilon


def symplectic(
    game: Game,
    tx: Players,
    *,
    strength: float = 1.0,
    align: bool = False,
    axis_name: str | None = None,
) -> Scheme:
    """z' = z - h (F + lambda A^T F)(z), A = (J - J^T) / 2 (Balduzzi et al. 2018, 1802.05642).

    Its algorithm 1 with lambda = `strength`; with `align` lambda is also multiplied by the sign of
    <F, J^T F> <A^T F, J^T F> / d + 0.1, d the number of parameters. Paper: its released code
    divides by the number of tensors; here, as in its text, by the dimension.

    On V = sigma x y it is `consensus` with gamma = lambda: spectral radius
    sqrt((1 - h lambda sigma^2)^2 + h^2 sigma^2). On a potential game it changes nothing.

    Args:
      strength: lambda, finite.
      align: whether lambda takes the sign that draws towards stable and repels from unstable
        fixed points.

    Returns:
      Scheme; a step costs one gradient of each player and four Jacobian products.

    Raises:
      ValueError: the strength is not finite.
    """
    checks.within("(-inf, inf)", strength=strength)

    def step(state, batch, rng):
        at = field(game, state, batch, rng, axis_name)
        gradients, pull_back, losses = jax.vjp(at, state.params, has_aux=True)
        (transposed,) = device_mean(pull_back(gradients), axis_name)  # J^T F
        _, product = jax.jvp(lambda p: at(p)[0], (state.params,), (gradients,))  # J F
        adjustment = optax.tree.scale(0.5, optax.tree.sub(transposed, product))  # A^T F
        weight = jnp.asarray(strength, float)
        if align:
            weight *= _alignment(gradients, transposed, adjustment)
        direction = jax.tree.map(lambda g, a: g + weight.astype(g.dtype) * a, gradients, adjustment)
        return finish(tx, state, direction, gradients, losses, evaluations=1, products=4)

    return Scheme(init=partial(start, game, tx), step=step)


def _alignment(gradients, transposed, adjustment):
    """The sign of <F, J^T F> <A^T F, J^T F> / d + epsilon."""
    size = optax.tree.size(gradients)
    dot = optax.tree.vdot
    aligned = dot(gradients, transposed) * dot(adjustment, transposed) / size
    return jnp.sign(aligned + ALIGNMENT_MARGIN)
