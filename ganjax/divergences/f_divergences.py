"""f-divergences as f-GAN uses them: f, its conjugate, output activation, optimal critic, threshold.

D_f(P || Q) = E_Q[f(p/q)] = max over T of E_P[T] - E_Q[f*(T)] (Nowozin et al. 2016,
arXiv:1606.00709, equations 2 and 4, tables 1, 2, 5 and 6).
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.special import xlogy

from ganjax.errors import unknown

Function = Callable[[jax.Array], jax.Array]

# Beyond it exp is continued along its tangent. float32 ends at 88.7, the squares of slopes in Adam
# at 44.3; this leaves room for a network's factors.
LARGEST_EXPONENT = 30.0


class Divergence(NamedTuple):
    """One f-divergence; functions are elementwise, of arrays of any shape.

    Attributes:
      f: generator of the divergence, convex with f(1) = 0 unless its row says otherwise; of the
        density ratio u = p/q >= 0.
      conjugate: f*(t) = sup over u of u t - f(u); infinite above the domain.
      output_activation: g_f, from any logit v into the domain of f*, never onto an open edge of it.
      conjugate_of_output: f*(g_f(v)) in one piece, without overflow or cancellation; exponentials
        above e^30 follow their tangent, so that float32 logits of 1e4 stay finite.
      optimal_critic: T*(u) = f'(u), the critic at which the bound is tight.
      threshold: f'(1); a sample is classified as real above it.
      domain: (infimum, supremum) of the t on which f* is used; the supremum is f'(infinity).
    """

    f: Function
    conjugate: Function
    output_activation: Function
    conjugate_of_output: Function
    optimal_critic: Function
    threshold: float
    domain: tuple[float, float]


def _exp(v: jax.Array) -> jax.Array:
    """exp(v), and its tangent from v = 30 on."""
    beyond = jnp.maximum(v - LARGEST_EXPONENT, 0)
    return jnp.exp(jnp.minimum(v, LARGEST_EXPONENT)) * (1 + beyond)


def _below(edge: float, t: jax.Array) -> jax.Array:
    """t kept below an open edge onto which it may have been rounded."""
    gap = jnp.finfo(t.dtype).eps * abs(edge) or jnp.finfo(t.dtype).tiny
    return jnp.minimum(t, jnp.asarray(edge - gap, t.dtype))


def _on_domain(function: Function, t: jax.Array, edge: float, inside: float) -> jax.Array:
    """`function` below the edge of the domain, infinite from there on, without NaN gradients."""
    outside = t >= edge
    return jnp.where(outside, jnp.inf, function(jnp.where(outside, inside, t)))


@jax.custom_jvp
def _log_omega(y: jax.Array) -> jax.Array:
    """L with e^L + L = y, the logarithm of Lambert's W(e^y), by Newton's method from above."""
    root = jnp.where(y > 1, jnp.log(jnp.maximum(y, 1)), y)
    for _ in range(8):  # quadratic: 6 iterations reach float64 for any y
        root = root - (jnp.exp(root) + root - y) / (jnp.exp(root) + 1)
    return root


@_log_omega.defjvp
def _log_omega_jvp(primals, tangents):
    root = _log_omega(*primals)
    return root, tangents[0] * jax.nn.sigmoid(-root)


def _jeffrey_conjugate(t: jax.Array, exp: Function = jnp.exp) -> jax.Array:
    """f*(t) = W(e^(1-t)) + 1/W(e^(1-t)) + t - 2 with Lambert's W.

    With L = log W it is e^(-L) - L - 1, which does not cancel.
    """
    log_w = _log_omega(1 - t)
    return exp(-log_w) - log_w - 1


LOG_2 = math.log(2)
EVERYWHERE = (-math.inf, math.inf)

DIVERGENCES = {
    # The value of the original GAN, 2 JSD - log 4, from -log 4 to 0, as f(1) = -log 4:
    # f(u) = u log u - (u + 1) log(u + 1). With g_f as output activation the f-GAN is the minimax
    # game on V as the discriminator's logit.
    "gan": Divergence(
        f=lambda u: xlogy(u, u) - (u + 1) * jnp.log1p(u),
        conjugate=lambda t: _on_domain(lambda t: -jnp.log(-jnp.expm1(t)), t, 0.0, -1.0),
        output_activation=lambda v: _below(0.0, -jax.nn.softplus(-v)),
        conjugate_of_output=jax.nn.softplus,
        optimal_critic=lambda u: jnp.log(u) - jnp.log1p(u),
        threshold=-LOG_2,
        domain=(-math.inf, 0.0),
    ),
    # Jeffrey, KL(P || Q) + KL(Q || P), without a half: f(u) = (u - 1) log u.
    "jeffrey": Divergence(
        f=lambda u: (u - 1) * jnp.log(u),
        conjugate=_jeffrey_conjugate,
        output_activation=lambda v: v,
        conjugate_of_output=lambda v: _jeffrey_conjugate(v, _exp),
        optimal_critic=lambda u: 1 + jnp.log(u) - 1 / u,
        threshold=0.0,
        domain=EVERYWHERE,
    ),
    # f-GAN's Jensen-Shannon, twice the usual JSD (`jensen_shannon`), at most 2 log 2:
    # f(u) = -(u + 1) log((1 + u) / 2) + u log u.
    "jensen_shannon": Divergence(
        f=lambda u: xlogy(u, u) - (u + 1) * jnp.log((1 + u) / 2),
        conjugate=lambda t: _on_domain(
            lambda t: -jnp.log(-jnp.expm1(t - LOG_2)) - LOG_2, t, LOG_2, 0.0
        ),
        output_activation=lambda v: _below(LOG_2, LOG_2 - jax.nn.softplus(-v)),
        conjugate_of_output=lambda v: jax.nn.softplus(v) - LOG_2,
        optimal_critic=lambda u: LOG_2 + jnp.log(u) - jnp.log1p(u),
        threshold=0.0,
        domain=(-math.inf, LOG_2),
    ),
    # KL(P || Q), f(u) = u log u, in nats.
    "kl": Divergence(
        f=lambda u: xlogy(u, u),
        conjugate=lambda t: jnp.exp(t - 1),
        output_activation=lambda v: v,
        conjugate_of_output=lambda v: _exp(v - 1),
        optimal_critic=lambda u: 1 + jnp.log(u),
        threshold=1.0,
        domain=EVERYWHERE,
    ),
    # Neyman chi^2(P || Q) = integral (p - q)^2 / p, f(u) = (1 - u)^2 / u.
    "neyman": Divergence(
        f=lambda u: jnp.square(1 - u) / u,
        # The domain is closed: f*(1) = 2.
        conjugate=lambda t: jnp.where(
            t > 1, jnp.inf, jnp.where(t == 1, 2.0, 2 - 2 * jnp.sqrt(1 - jnp.where(t < 1, t, 0.0)))
        ),
        output_activation=lambda v: _below(1.0, 1 - _exp(-v)),
        conjugate_of_output=lambda v: 2 - 2 * _exp(-v / 2),
        optimal_critic=lambda u: 1 - 1 / jnp.square(u),
        threshold=0.0,
        domain=(-math.inf, 1.0),
    ),
    # Pearson chi^2(P || Q) = integral (p - q)^2 / q, f(u) = (u - 1)^2.
    "pearson": Divergence(
        f=lambda u: jnp.square(u - 1),
        conjugate=lambda t: jnp.square(t) / 4 + t,
        output_activation=lambda v: v,
        conjugate_of_output=lambda v: jnp.square(v) / 4 + v,
        optimal_critic=lambda u: 2 * (u - 1),
        threshold=0.0,
        domain=EVERYWHERE,
    ),
    # KL(Q || P), f(u) = -log u, in nats.
    "reverse_kl": Divergence(
        f=lambda u: -jnp.log(u),
        conjugate=lambda t: _on_domain(lambda t: -1 - jnp.log(-t), t, 0.0, -1.0),
        output_activation=lambda v: _below(0.0, -_exp(-v)),
        conjugate_of_output=lambda v: v - 1,
        optimal_critic=lambda u: -1 / u,
        threshold=-1.0,
        domain=(-math.inf, 0.0),
    ),
    # Squared Hellinger without a half: integral (sqrt p - sqrt q)^2, at most 2,
    # f(u) = (sqrt u - 1)^2.
    "squared_hellinger": Divergence(
        f=lambda u: jnp.square(jnp.sqrt(u) - 1),
        conjugate=lambda t: _on_domain(lambda t: t / (1 - t), t, 1.0, 0.0),
        output_activation=lambda v: _below(1.0, 1 - _exp(-v)),
        conjugate_of_output=lambda v: _exp(v) - 1,
        optimal_critic=lambda u: 1 - 1 / jnp.sqrt(u),
        threshold=0.0,
        domain=(-math.inf, 1.0),
    ),
    # Total variation, 1/2 integral |p - q|, at most 1: f(u) = |u - 1| / 2.
    "total_variation": Divergence(
        f=lambda u: jnp.abs(u - 1) / 2,
        # u >= 0 makes f* constant below -1/2; the paper restricts t to [-1/2, 1/2].
        conjugate=lambda t: jnp.where(t > 0.5, jnp.inf, jnp.maximum(t, -0.5)),
        output_activation=lambda v: jnp.tanh(v) / 2,
        conjugate_of_output=lambda v: jnp.tanh(v) / 2,
        optimal_critic=lambda u: jnp.sign(u - 1) / 2,
        threshold=0.0,
        domain=(-0.5, 0.5),
    ),
}


def named(divergence: str | Divergence) -> Divergence:
    """The row of that name; a `Divergence` is returned as it is.

    Raises:
      ValueError: the name is not known, with the nearest and the known ones.
    """
    if isinstance(divergence, Divergence):
        return divergence
    if divergence not in DIVERGENCES:
        raise ValueError(unknown("divergence", divergence, DIVERGENCES))
    return DIVERGENCES[divergence]
