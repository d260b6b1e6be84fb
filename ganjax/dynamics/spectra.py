"""Eigenvalues: of the linearised update map, of a game's Jacobian, of each player's Hessian.

A step is looked at from outside: nothing is known of how it was made. Small problems are solved
densely; with `top` only products with vectors are taken, for networks of any size.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from scipy.sparse.linalg import ArpackError, LinearOperator, eigs, eigsh

from ganjax.dynamics.field import gradient_field
from ganjax.types import Game, GanState, Players

TOY = 32  # largest size of a Jacobian that is not worth compiling


def _update_map(step: Callable, state: GanState, batch: Any, rng: jax.Array | None):
    """The step as a function of one flat vector, and that vector: every float that play depends on.

    Counters and random keys are held fixed; `state.average` is left out, as nothing depends on it.
    """
    rng = jax.random.key(0) if rng is None else rng
    leaves, treedef = jax.tree.flatten(state._replace(average=()))
    moves = [jnp.issubdtype(leaf.dtype, jnp.inexact) for leaf in leaves]

    def floats(leaves):
        return [leaf for leaf, float_leaf in zip(leaves, moves, strict=True) if float_leaf]

    flat, unravel = ravel_pytree(floats(leaves))

    def update(flat):
        given = iter(unravel(flat))
        point = jax.tree.unflatten(
            treedef,
            [next(given) if m else leaf for leaf, m in zip(leaves, moves, strict=True)],
        )
        following, _ = step(point._replace(average=state.average), batch, rng)
        return ravel_pytree(floats(jax.tree.leaves(following._replace(average=()))))[0]

    return update, flat


def update_map_jacobian(
    step: Callable, state: GanState, batch: Any = None, rng: jax.Array | None = None
) -> jax.Array:
    """d step(state) / d state over every float leaf that the play depends on.

    Parameters, optimiser moments, float model state and the scheme's memory are included; counters
    and random keys are held fixed; `state.average` is left out, as nothing depends on it. A layer
    that stops gradients is taken at its word: spectral normalisation's u counts as a constant. A
    rate that follows a schedule stands in the optimiser's state, and adds an eigenvalue of 0.

    Args:
      step: a scheme's step, `(state, batch, rng) -> (state, metrics)`.
      state: the point of linearisation.
      batch: what the step gets; None for toys.
      rng: key for the step; `jax.random.key(0)` if None.

    Returns:
      Dense matrix [n, n], n the number of floats in the state; column j is the derivative in the
      j-th float, in the order of `jax.tree.leaves(state)`.
    """
    update, flat = _update_map(step, state, batch, rng)
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

    Args:
      step: a scheme's step, `(state, batch, rng) -> (state, metrics)`.
      state: the point of linearisation.
      batch: what the step gets; None for toys.
      rng: key for the step; `jax.random.key(0)` if None.
      top: only the eigenvalues of largest modulus, this many, by Arnoldi iteration on products
        with vectors; None for all, from the dense matrix.

    Returns:
      Complex array [n] or [top] by falling modulus; the first modulus is the spectral radius.

    Raises:
      ValueError: `top` is less than 1, or the step has no finite derivative at the state.
    """
    update, flat = _update_map(step, state, batch, rng)
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

    Args:
      game: any game.
      state: parameters and model state at the point; its other parts are not read.
      batch: what the losses get; None for toys.
      rng: key for the losses; `jax.random.key(0)` if None.
      top: as in `update_map_spectrum`.

    Returns:
      Complex array [n] or [top] by falling modulus, n the number of parameters of both players.

    Raises:
      ValueError: `top` is less than 1.
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
    """Eigenvalues of each player's own Hessian, the diagonal blocks of the game's Jacobian.

    A stationary point is a local Nash point if both are positive definite (Berard et al. 2020,
    arXiv:1906.04848).

    Args:
      game: any game.
      state: parameters and model state at the point.
      batch: what the losses get; None for toys.
      rng: key for the losses; `jax.random.key(0)` if None.
      top: as in `update_map_spectrum`, by Lanczos iteration.

    Returns:
      `Players` of real arrays by falling modulus.

    Raises:
      ValueError: `top` is less than 1.
    """
    field = gradient_field(game, state, batch, rng)

    def spectrum(player):
        flat, unravel = ravel_pytree(getattr(state.params, player))

        def own(z):
            params = state.params._replace(**{player: unravel(z)})
            return ravel_pytree(getattr(field(params), player))[0]

        return _eigenvalues(own, flat, top, symmetric=True)

    return Players(gen=spectrum("gen"), disc=spectrum("disc"))


def _eigenvalues(
    function: Callable, at: jax.Array, top: int | None, symmetric: bool = False
) -> np.ndarray:
    """Eigenvalues of a function's Jacobian, by falling modulus."""
    if top is not None and top < 1:
        raise ValueError(f"top={top} must be at least 1, or None for all eigenvalues")
    size = at.shape[0]
    if top is None or top >= size - 1:  # as few as Arnoldi iteration cannot spare
        jacobian = jax.jacfwd(function)
        # Compiling pays for networks; a toy is done before its compiler is.
        matrix = _finite(np.asarray((jax.jit(jacobian) if size > TOY else jacobian)(at)))
        found = (np.linalg.eigvalsh if symmetric else np.linalg.eigvals)(matrix)
    else:
        product = jax.jit(lambda v: jax.jvp(function, (at,), (v,))[1])
        operator = LinearOperator(
            (size, size),
            matvec=lambda v: _finite(np.asarray(product(jnp.asarray(v.ravel(), at.dtype)), float)),
            dtype=float,
        )
        start = np.random.default_rng(0).standard_normal(size)
        # As exact as the products are.
        tolerance = float(jnp.finfo(at.dtype).eps)
        solve = partial(eigsh if symmetric else eigs, tol=tolerance, return_eigenvectors=False)
        if not operator.matvec(start).any():
            found = np.zeros(top)  # ARPACK refuses the zero operator
        else:
            try:
                found = solve(operator, k=top, which="LM", v0=start)
            except ArpackError as error:
                raise ValueError(
                    f"Arnoldi iteration for top={top} of {size} eigenvalues fails ({error}); ask "
                    "for more of them, or for all with top=None"
                ) from error
    found = found[np.argsort(-np.abs(found), kind="stable")][:top]
    return found if symmetric else found.astype(complex)


def _finite(values: np.ndarray) -> np.ndarray:
    if not np.isfinite(values).all():
        raise ValueError(
            "there is no finite derivative at this point: something overflows, or Adam meets a "
            "second moment of exactly 0, as at the start or for a dead unit (give it an eps_root, "
            "e.g. 1e-8)"
        )
    return values
