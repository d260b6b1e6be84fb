"""Enclosures hold the eigenvalues known in closed form, tightly, and claim nothing beyond them."""

import builtins
import math

import flint
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flint import acb, arb

from ganjax import dynamics, games, nets, schemes
from ganjax.commands.dynamics import options
from ganjax.dynamics import balls, discs
from ganjax.errors import MachineError
from ganjax.types import GanState, Players

RNG = jax.random.key(0)
STEPS = (0.05, 0.1, 0.3, 0.5, 0.7)
BITS = 256


@pytest.fixture(autouse=True)
def precise(x64):
    with flint.ctx.workprec(BITS):
        yield


def certified(name, h, game=None):
    game = games.bilinear(start=(0.0, 0.0)) if game is None else game
    factory = schemes.SCHEMES[name]
    scheme = factory(game, Players(optax.sgd(h), optax.sgd(h)), **options(factory, h))
    return dynamics.certified_spectrum(scheme.step, scheme.init(RNG))


def intervals(values):
    return balls.enclosed(np.asarray(values, float))


def root(x):
    """A square root in the complex plane."""
    return acb(x).sqrt()


# Two eigenvalues of each scheme on V = x y, of the largest modulus, in exact arithmetic. The
# solvers of `competitive` and `proximal` stop short of theirs.
CLOSED = {
    "alternating": lambda h: 1 - h**2 / 2 + h * root(h**2 / 4 - 1),
    "averaged": lambda h: acb(1, h),
    "consensus": lambda h: acb(1 - h, h),
    "extragradient": lambda h: acb(1 - h**2, h),
    "follow_the_ridge": lambda h: acb(1, h),
    "lookahead": lambda h: (1 + acb(1, h) ** 5) / 2,
    "opponent_shaping": lambda h: acb(1 - 2 * h**2, h),
    "optimistic": lambda h: (1 + 2 * acb(0, h) + root(1 - 4 * h**2)) / 2,
    "past_extragradient": lambda h: (1 + 2 * acb(0, h) + root(1 - 4 * h**2)) / 2,
    "prediction": lambda h: 1 - h**2 + h * root(h**2 - 1),
    "reflected": lambda h: (1 + 2 * acb(0, h) + root(1 - 4 * h**2)) / 2,
    "runge_kutta": lambda h: 1 + sum(acb(0, h) ** k / math.factorial(k) for k in range(1, 5)),
    "simultaneous": lambda h: acb(1, h),
    "symplectic": lambda h: acb(1 - h, h),
    "unrolled": lambda h: 1 - 5 * h**2 + h * root(25 * h**2 - 1),
}


def holding(spectrum, truth):
    """Distances of a number to the centres in units of the radii; at most 1 in a disc with it."""
    pairs = zip(spectrum.centres, spectrum.radii, strict=True)
    return [abs(acb(complex(centre)) - truth) / arb(float(radius)) for centre, radius in pairs]


@pytest.mark.parametrize("name", CLOSED)
def test_enclosures_hold_the_closed_forms(name):
    for h in STEPS:
        truth = CLOSED[name](arb(h))
        spectrum = certified(name, h)
        for value in (truth, truth.conjugate()):
            nearest = min(float(ratio.upper()) for ratio in holding(spectrum, value))
            assert nearest <= 1, (h, nearest)
        expected = {True: "converges", False: "diverges"}[bool(abs(truth) < 1)]
        assert spectrum.verdict == ("undecided" if name == "alternating" else expected), h
