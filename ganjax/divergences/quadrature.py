"""Divergences of known densities on the line, by quadrature that can be differentiated.

Densities p and q are functions of an array of points, elementwise; kinks and jumps cost accuracy.
`lower` and `upper` are finite and in order, or a ValueError is raised; both densities should have
their mass between them and underflow to 0 nowhere.
"""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from numpy.polynomial import legendre

from ganjax.divergences.f_divergences import Divergence, named

Density = Callable[[jax.Array], jax.Array]

PANELS, NODES = 1000, 16  # of the composite Gauss-Legendre rule


def _panels(lower: float, upper: float) -> tuple[jax.Array, jax.Array, float]:
    """Points [panels, nodes] of the composite rule , weights [1, nodes], half a panel's width."""
    if not -math.inf < lower < upper < math.inf:
        raise ValueError(
            f"lower={lower} and upper={upper} must be finite and lower < upper; choose them so "
            "that both densities have their mass between them"
        )
    nodes, weights = legendre.leggauss(NODES)
    edges = np.linspace(lower, upper, PANELS + 1)
    half = (upper - lower) / PANELS / 2
    return jnp.asarray(edges[:-1, None] + half * (1 + nodes)), jnp.asarray(weights[None]), half


def integral(function: Density, lower: float, upper: float) -> jax.Array:
    """Integral of a function over [lower, upper], composite Gauss-Legendre with 1000 x 16 nodes.

    In JAX's precision: enable float64 for more than 6 digits.
    """
    points, weights, half = _panels(lower, upper)
    return half * jnp.sum(function(points) * weights)


def f_divergence(
    divergence: str | Divergence, p: Density, q: Density, lower: float, upper: float
) -> jax.Array:
    """D_f(P || Q) = integral q f(p/q) of two known densities (arXiv:1606.00709, equation 2).

    Where q is 0 and p is not, the integrand is p f'(infinity): disjoint supports are no exception.

    Args:
      divergence: name in `DIVERGENCES`, whose comment states its constant, or a row.
      p: density of the data.
      q: density of the model.
      lower, upper: bounds of the integral.

    Returns:
      Scalar in nats (or without unit), differentiable in parameters of p and q.

    Raises:
      ValueError: unknown name, or bounds as above.
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
    """KL(P || Q) in nats."""
    return f_divergence("kl", p, q, lower, upper)


def jensen_shannon(p: Density, q: Density, lower: float, upper: float) -> jax.Array:
    """The usual JSD, (KL(P || M) + KL(Q || M)) / 2 with M = (P + Q) / 2: at most log 2.

    Half of the row "jensen_shannon".
    """
    return f_divergence("jensen_shannon", p, q, lower, upper) / 2


def wasserstein_1d(p: Density, q: Density, lower: float, upper: float) -> jax.Array:
    """Wasserstein-1 distance, the integral of |F - G| over the line, in units of x.

    F and G are the cumulative distributions (Vallender 1974), integrated panel by panel.
    """
    points, weights, half = _panels(lower, upper)
    difference = p(points) - q(points)  # [panels, nodes]
    # Column i: integrals from -1 to node i of the polynomials that are 1 at one node, else 0.
    nodes = legendre.leggauss(NODES)[0]
    integrals = legendre.legval(nodes, legendre.legint(np.eye(NODES), lbnd=-1))
    inner = np.linalg.solve(legendre.legvander(nodes, NODES - 1).T, integrals)
    masses = half * jnp.sum(difference * weights, axis=1)
    before = jnp.cumsum(masses) - masses
    # In full precision, which matrix products on accelerators do not have by default.
    gap = before[:, None] + half * jnp.matmul(difference, jnp.asarray(inner), precision="highest")
    return half * jnp.sum(jnp.abs(gap) * weights)
