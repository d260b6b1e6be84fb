"""Games: factories of `Game`, from networks, a loss and penalties, or in closed form for theory."""

from ganjax.games.adversarial import gan
from ganjax.games.energies import boundary_equilibrium, energy_based
from ganjax.games.small_gans import dirac, gaussian_1d, parallel_lines
from ganjax.games.toy import bilinear, matrix_game, quadratic, stackelberg

GAMES = {
    "bilinear": bilinear,
    "boundary_equilibrium": boundary_equilibrium,
    "dirac": dirac,
    "energy_based": energy_based,
    "gan": gan,
    "gaussian_1d": gaussian_1d,
    "matrix_game": matrix_game,
    "parallel_lines": parallel_lines,
    "quadratic": quadratic,
    "stackelberg": stackelberg,
}

__all__ = [
    "GAMES",
    "bilinear",
    "boundary_equilibrium",
    "dirac",
    "energy_based",
    "gan",
    "gaussian_1d",
    "matrix_game",
    "parallel_lines",
    "quadratic",
    "stackelberg",
]
