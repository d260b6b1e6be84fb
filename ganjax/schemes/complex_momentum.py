"""Simultaneous play with momentum of a complex coefficient."""

import math
from typing import Any, NamedTuple

import jax
import optax

from ganjax import checks
from ganjax.schemes.simultaneous import simultaneous
from ganjax.types import Game, Players, Scheme


class Momentum(NamedTuple):
    """A complex buffer like the parameters, as its real and its imaginary part."""

    real: Any
    imaginary: Any


def complex_momentum(
    game: Game,
    tx: Players,
    *,
    modulus: float = 0.68,
    phase: float = 0.328 * math.pi,
    axis_name: str | None = None,
) -> Scheme:
    """m' = beta m + u, z' = z + Re m' for both players at once, beta = modulus e^(i phase).

    u is the move that the optax transforms make: -h F(z) for SGD (Lorraine et al. 2022,
    arXiv:2102.08431). Phase 0 is heavy-ball momentum, phase pi a negative one.

    On V = sigma x y, s = h sigma, the eigenvalues are the roots of
    (l - 1) (l^2 - 2 c l + modulus^2) + i s l (l - c), c = modulus cos(phase), and their
    conjugates: simultaneous play converges in between, with the defaults to 0.894 at s = 0.454, and
    for no s at phases 0 and pi.

    Args:
      modulus: at least 0 and less than 1.
      phase: in radians, finite; its sign changes nothing.

    Returns:
      Scheme; a step costs one gradient of each player, and the optimisers' states hold two more
      copies of the parameters.

    Raises:
      ValueError: an option is out of range.
    """
    checks.within("[0, 1)", modulus=modulus)
    checks.within("(-inf, inf)", phase=phase)
    beta = modulus * math.cos(phase), modulus * math.sin(phase)
    heavy = Players(*(optax.chain(transform, _trace(*beta)) for transform in tx))
    return simultaneous(game, heavy, axis_name=axis_name)


def _trace(real: float, imaginary: float) -> optax.GradientTransformation:
    """Adds up updates in a complex buffer, of which the real part is the update."""

    def init(params):
        return Momentum(optax.tree.zeros_like(params), optax.tree.zeros_like(params))

    def update(updates, state, params=None):
        del params
        turned = jax.tree.map(lambda a, b, u: real * a - imaginary * b + u, *state, updates)
        other = jax.tree.map(lambda a, b: imaginary * a + real * b, *state)
        return turned, Momentum(turned, other)

    return optax.GradientTransformation(init, update)
