"""Eigenvalues: of the linearised update map, of a game's Jacobian, of each player's Hessian.

A step is a function of a state, however it was made. Shared arguments: `step`, a scheme's
`(state, batch, rng) -> (state, metrics)`; `game`, any game; `state`, the point of linearisation;
`batch`, as for the step or losses, None for toys; `rng`, their key, `jax.random.key(0)` if None;
`top`, the number of eigenvalues of largest modulus to find, by products with vectors alone, for
networks of any size; None for all of them, from the dense matrix. They raise a ValueError for `top`
below 1 and where the derivative is not finite.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from scipy.sparse.linalg import ArpackError, LinearOperator, eigs, eigsh

from ganjax.checks import whole
from ganjax.dynamics.field import gradient_field
from ganjax.types import Game, GanState, Players

TOY = 32  # largest Jacobian that is solved before its compilation would be done


def update_map(
    step: Callable, state: GanState, batch: Any, rng: jax.Array | None
) -> tuple[Callable, jax.Array]:
    """The step as a function of one vector of floats, and that vector at the state."""
    rng = jax.random.key(0) if rng is None else rng
    leaves, treedef = jax.tree.flatten(state._replace(average=()))
    inexact = [jnp.issubdtype(leaf.dtype, jnp.inexact) for leaf in leaves]

    def floats(leaves):
        return [leaf for leaf, is_float in zip(leaves, inexact, strict=True) if is_float]

    flat, unravel = ravel_pytree(floats(leaves))

    def update(flat):
        parts = iter(unravel(flat))
        point = jax.tree.unflatten(
            treedef,
            [next(parts) if f else leaf for leaf, f in zip(leaves, inexact, strict=True)],
        )
        following, _ = step(point._replace(average=state.average), batch, rng)
        return ravel_pytree(floats(jax.tree.leaves(following._replace(average=()))))[0]

    return update, flat


def update_map_jacobian(
    step: Callable, state: GanState, batch: Any = None, rng: jax.Array | None = None
) -> jax.Array:
    """d step(state) / d state over every float leaf that later steps depend on.

    Parameters, optimiser moments, float model state and the scheme's memory; counters and random
    keys are held fixed, and `state.average`, on which nothing depends, is left out. A stopped
    gradient counts: spectral normalisation's u is a constant. A scheduled rate stands in the
    optimiser's state and adds an eigenvalue of 0.

    Returns:
      Dense matrix [n, n], n the number of floats in the state; column j is the derivative in the
      j-th float, in the order of `jax.tree.leaves(state)`.
    """
    update, flat = update_map(step, state, batch, rng)
    return jax.jacfwd(update)(flat)


def update_map_spectrum(
    step: Callable,
    state: GanState,
    batch: Any = None,
    rng: jax.Array | None = None,
    *,
    top: int | None = None,
) -> np.ndarray:
    """Eigenvalues of the linearised update map (Mescheder et al. 2017, arXiv:1705.10461).

    A fixed point is locally attracting if all moduli are below 1, repelling if one is above.

    Returns:
      Complex array [n] or [top] by falling modulus; the first modulus is the spectral radius.
    """
    update, flat = update_map(step, state, batch, rng)
    return _eigenvalues(update, flat, top)


def game_jacobian_spectrum(
    game: Game,
    state: GanState,
    batch: Any = None,
    rng: jax.Array | None = None,
    *,
    top: int | None = None,
) -> np.ndarray:
    """Eigenvalues of the Jacobian of F(z) = (grad_x L_gen, grad_y L_disc).

    dz/dt = -F(z) is locally attracted if all real parts are positive (Mescheder et al. 2017); the
    imaginary parts turn it (Berard et al. 2020, arXiv:1906.04848). The products are J v
    by forward over reverse differentiation, not J^T v.

    Returns:
      Complex array [n] or [top] by falling modulus, n the number of parameters of both players.
    """
    field = gradient_field(game, state, batch, rng)
    flat, unravel = ravel_pytree(state.params)
    return _eigenvalues(lambda z: ravel_pytree(field(unravel(z)))[0], flat, top)


def hessian_spectra(
    game: Game,
    state: GanState,
    batch: Any = None,
    rng: jax.Array | None = None,
    *,
    top: int | None = None,
) -> Players:
    """Eigenvalues of each player's Hessian, the diagonal blocks of the game's Jacobian.

    A stationary point is a local Nash point if both are positive definite (Berard et al. 2020,
    arXiv:1906.04848).

    Returns:
      `Players` of real arrays by falling modulus.
    """
    field = gradient_field(game, state, batch, rng)

    def spectrum(player):
        flat, unravel = ravel_pytree(getattr(state.params, player))

        def gradient(z):
            params = state.params._replace(**{player: unravel(z)})
            return ravel_pytree(getattr(field(params), player))[0]

        return _eigenvalues(gradient, flat, top, symmetric=True)

    return Players(gen=spectrum("gen"), disc=spectrum("disc"))


def _eigenvalues(
    function: Callable, at: jax.Array, top: int | None, symmetric: bool = False
) -> np.ndarray:
    """Eigenvalues of a function's Jacobian, by falling modulus."""
    if top is not None:
        whole(1, top=top, hint="None for all eigenvalues")
    size = at.shape[0]
    if top is None or top >= size - 1:  # ARPACK finds at most size - 2
        jacobian = jax.jacfwd(function)
        matrix = _finite(np.asarray((jax.jit(jacobian) if size > TOY else jacobian)(at)))
        found = (np.linalg.eigvalsh if symmetric else np.linalg.eigvals)(matrix)
    else:
        found = _by_products(function, at, top, symmetric)
    found = found[np.argsort(-np.abs(found), kind="stable")][:top]
    return found if symmetric else found.astype(complex)


def _by_products(function: Callable, at: jax.Array, top: int, symmetric: bool) -> np.ndarray:
    """The top eigenvalues by Arnoldi or, of a symmetric Jacobian, Lanczos iteration."""
    size = at.shape[0]
    product = jax.jit(lambda v: jax.jvp(function, (at,), (v,))[1])
    operator = LinearOperator(
        (size, size),
        matvec=lambda v: _finite(np.asarray(product(jnp.asarray(v.ravel(), at.dtype)), float)),
        dtype=float,
    )
    start = np.random.default_rng(0).standard_normal(size)
    if not operator.matvec(start).any():
        return np.zeros(top)  # ARPACK refuses the zero operator
    # The tolerance is that of the products.
    solve = partial(eigsh if symmetric else eigs, tol=float(jnp.finfo(at.dtype).eps), v0=start)
    try:
        return solve(operator, k=top, which="LM", return_eigenvectors=False)
    except ArpackError as error:
        raise ValueError(
            f"Arnoldi iteration for top={top} of {size} eigenvalues fails ({error}); take more of "
            "them, or all with top=None"
        ) from error


def _finite(values: np.ndarray) -> np.ndarray:
    if not np.isfinite(values).all():
        raise ValueError(
            "there is no finite derivative at this point: something overflows, or Adam meets a "
            "second moment of exactly 0, as at the start or for a dead unit (give it an eps_root, "
            "e.g. 1e-8)"
        )
    return values
