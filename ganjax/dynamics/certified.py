"""Spectra with a proof: every eigenvalue of a linearised step within a disc."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from ganjax import checks
from ganjax.dynamics.spectra import update_map
from ganjax.errors import MachineError
from ganjax.types import GanState


class CertifiedSpectrum(NamedTuple):
    """Discs that hold the eigenvalues of a linearised step, by falling modulus.

    Attributes:
      centres: complex [n].
      radii: float [n]; a disc that stands k times holds k eigenvalues, counted with multiplicity.
        Infinite where there is no enclosure.
      verdict: "converges" if every disc lies within the unit circle, "diverges" if one lies
        outside, "undecided" otherwise.
      reason: why it is undecided, else "".
    """

    centres: np.ndarray
    radii: np.ndarray
    verdict: str
    reason: str


def certified_spectrum(
    step: Callable,
    state: GanState,
    batch: Any = None,
    rng: jax.Array | None = None,
    *,
    bits: int = 256,
) -> CertifiedSpectrum:
    """A rigorous enclosure of every eigenvalue of the linearised step, of a toy or small game.

    The jaxpr of `update_map_jacobian` is evaluated in ball arithmetic, which encloses the
    derivative of the step in exact arithmetic, at the floats of the state and the constants of the
    step; `discs.eigenvalue_discs` encloses its eigenvalues, multiple ones included.

    The verdict is taken at the full precision, beyond that of the floats returned. It speaks of
    the linear map; training near `state` follows it if the state is a fixed point of the step.

    Args:
      step, state, batch, rng: as for `update_map_spectrum`.
      bits: precision of the arithmetic, at least 53. A Jordan block of size k is enclosed to about
        2^(-bits / 2k); intervals that grow, as over hundreds of iterations, need more.

    Returns:
      `CertifiedSpectrum`; undecided with infinite radii where a primitive of the step has no rule,
      or a comparison is open.

    Raises:
      MachineError: python-flint is not installed.
      ValueError: too few bits.
    """
    checks.whole(53, bits=bits)
    try:
        import flint

        from ganjax.dynamics import balls, discs
    except ImportError as error:
        raise MachineError(
            "certified spectra need python-flint; pip install 'ganjax[certified]'"
        ) from error

    update, flat = update_map(step, state, batch, rng)
    jaxpr = jax.make_jaxpr(jax.jacfwd(update))(flat)
    with flint.ctx.workprec(bits):
        try:
            (matrix,) = balls.evaluate(jaxpr.jaxpr, jaxpr.consts, [flat])
            return _judged(*discs.eigenvalue_discs(matrix))
        except balls.Undecided as reason:
            centres, radii = np.zeros(len(flat), complex), np.full(len(flat), np.inf)
            return CertifiedSpectrum(centres, radii, "undecided", str(reason))


def _judged(centres: list, radii: list) -> CertifiedSpectrum:
    """The verdict on the discs, and the discs as floats, rounded outwards."""
    moduli = [abs(centre) for centre in centres]
    order = np.argsort([-float(modulus) for modulus in moduli], kind="stable")
    verdict, reason = "undecided", ""
    if any(m - r > 1 for m, r in zip(moduli, radii, strict=True)):
        verdict = "diverges"
    elif all(m + r < 1 for m, r in zip(moduli, radii, strict=True)):
        verdict = "converges"
    else:
        meets = next(i for i in order if not moduli[i] + radii[i] < 1)
        reason = (
            f"a disc of radius {float(radii[meets]):.0e} around {complex(centres[meets]):.6g} "
            "meets the unit circle"
        )
    floats = [complex(centre) for centre in centres]
    wide = [
        math.nextafter(float((r + abs(centre - near)).upper()), math.inf)
        for centre, near, r in zip(centres, floats, radii, strict=True)
    ]
    return CertifiedSpectrum(np.array(floats)[order], np.array(wide)[order], verdict, reason)
