"""Training dynamics: near a point, along a path, and the distance from an equilibrium."""

from ganjax.dynamics.certified import CertifiedSpectrum, certified_spectrum
from ganjax.dynamics.equilibrium import (
    best_response_gains,
    box_duality_gap,
    distance_to_equilibrium,
    duality_gap,
    matrix_duality_gap,
    measure_monitor,
    nash_monitor,
)
from ganjax.dynamics.field import (
    Path,
    Portrait,
    gradient_field,
    hamiltonian,
    path_angle,
    phase_portrait,
    rotation_index,
    trajectory,
)
from ganjax.dynamics.spectra import (
    game_jacobian_spectrum,
    hessian_spectra,
    update_map_jacobian,
    update_map_spectrum,
)
from ganjax.dynamics.theory import RADII

__all__ = [
    "RADII",
    "CertifiedSpectrum",
    "Path",
    "Portrait",
    "best_response_gains",
    "box_duality_gap",
    "certified_spectrum",
    "distance_to_equilibrium",
    "duality_gap",
    "game_jacobian_spectrum",
    "gradient_field",
    "hamiltonian",
    "hessian_spectra",
    "matrix_duality_gap",
    "measure_monitor",
    "nash_monitor",
    "path_angle",
    "phase_portrait",
    "rotation_index",
    "trajectory",
    "update_map_jacobian",
    "update_map_spectrum",
]
