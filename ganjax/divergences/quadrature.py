"""Divergences of known densities on the line, by quadrature."""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from ganjax.divergences.f_divergences import Divergence, named

Density = Callable[[jax.Array], jax.Array]

PANELS, NODES = 1000, 16  # of the composite Gauss-Legendre rule


def _panels(lower: float, upper: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Points [panels, nodes] of the composite rule, weights [1, nodes], half a panel's width."""
    if not -math.inf < lower < upper < math.inf:
        raise ValueError(
            f"lower={lower} and upper={upper} must be finite and lower < upper; choose them so "
            "that both densities have their mass between them"
        )
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    edges = np.linspace(lower, upper, PANELS + 1)
    half = (upper - lower) / PANELS / 2
    return edges[:-1, None] + half * (1 + nodes), weights[None], half


def integral(function: Density, lower: float, upper: float) -> jax.Array:
    """Integral of a function over [lower, upper], composite Gauss-Legendre with 1000 x 16 nodes.

    Args:
      function: of an array of points, elementwise; kinks and jumps cost accuracy.
      lower: finite.
      upper: finite, above `lower`.

    Returns:
      Scalar, in JAX's precision: enable float64 for more than 6 digits.

    Raises:
      ValueError: the bounds are not finite or not in order.
    """
    points, weights, half = _panels(lower, upper)
    return half * jnp.sum(function(jnp.asarray(points)) * jnp.asarray(weights))


def f_divergence(
    divergence: str | Divergence, p: Density, q: Density, lower: float, upper: float
) -> jax.Array:
    """D_f(P || Q) = integral q f(p/q) of two known densities (arXiv:1606.00709, equation 2).

    Where q is 0 and p is not, the integrand is p f'(infinity): disjoint supports are no exception.

    Args:
      divergence: name in `DIVERGENCES`, or a row; its docstring says which constant it carries.
      p: density of the data, of an array of points.
      q: density of the model.
      lower: bound of the integral; take one where neither density underflows to 0.
      upper: the same above.

    Returns:
      Scalar in nats (or without unit), differentiable in what p and q depend on.

    Raises:
      ValueError: unknown name, or bounds that are not finite or not in order.
    """
    row = named(divergence)

    def integrand(x):
        p_x, q_x = p(x), q(x)
        held, present = jnp.where(p_x > 0, p_x, 1.0), jnp.where(q_x > 0, q_x, 1.0)
        # By logarithms, as the derivative of a quotient squares q, which underflows sooner.
        ratio = jnp.where(p_x > 0, jnp.exp(jnp.log(held) - jnp.log(present)), 0.0)
        lost = jnp.where(p_x > 0, held * row.domain[1], 0.0)
        return jnp.where(q_x > 0, present * row.f(ratio), lost)

    return integral(integrand, lower, upper)


def kl(p: Density, q: Density, lower: float, upper: float) -> jax.Array:
    """KL(P || Q) of two known densities, in nats; arguments and errors as `f_divergence`."""
    return f_divergence("kl", p, q, lower, upper)


def jensen_shannon(p: Density, q: Density, lower: float, upper: float) -> jax.Array:
    """The usual JSD, (KL(P || M) + KL(Q || M)) / 2 with M = (P + Q) / 2: at most log 2.

    Half of the row "jensen_shannon". Arguments and errors as `f_divergence`.
    """
    return f_divergence("jensen_shannon", p, q, lower, upper) / 2


def wasserstein_1d(p: Density, q: Density, lower: float, upper: float) -> jax.Array:
    """Wasserstein-1 distance of two known densities, the integral of |F - G| over the line.

    F and G are the cumulative distributions (Vallender 1974), integrated panel by panel.

    Args, errors: as `f_divergence`.

    Returns:
      Scalar, in units of x.
    """
    points, weights, half = _panels(lower, upper)
    points = jnp.asarray(points)
    difference = p(points) - q(points)  # [panels, nodes]
    nodes = np.polynomial.legendre.leggauss(NODES)[0]
    # Row i: integrals from -1 to node i of the polynomials that are 1 at one node, 0 at the others.
    powers = np.polynomial.legendre.legvander(nodes, NODES - 1)
    integrals = np.stack(
        [
            np.polynomial.legendre.legval(nodes, np.polynomial.legendre.legint(row, lbnd=-1))
            for row in np.eye(NODES)
        ],
        axis=1,
    )
    within = jnp.asarray((integrals @ np.linalg.inv(powers)).T)
    weights = jnp.asarray(weights)
    masses = half * jnp.sum(difference * weights, axis=1)
    before = jnp.cumsum(masses) - masses
    # In full precision, which matrix products on accelerators do not have by default.
    gap = before[:, None] + half * jnp.matmul(difference, within, precision="highest")
    return half * jnp.sum(jnp.abs(gap) * weights)
