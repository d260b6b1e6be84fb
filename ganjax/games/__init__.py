"""Games: factories of `Game`, from networks, a loss and penalties, or in closed form for theory."""

from ganjax.games.adversarial import gan
from ganjax.games.progressive import progressive
from ganjax.games.small_gans import dirac, gaussian_1d, parallel_lines
from ganjax.games.toy import bilinear, matrix_game, quadratic, stackelberg

GAMES = {
    "bilinear": bilinear,
    "dirac": dirac,
    "gan": gan,
    "gaussian_1d": gaussian_1d,
    "matrix_game": matrix_game,
    "parallel_lines": parallel_lines,
    "progressive": progressive,
    "quadratic": quadratic,
    "stackelberg": stackelberg,
}

__all__ = [
    "GAMES",
    "bilinear",
    "dirac",
    "gan",
    "gaussian_1d",
    "matrix_game",
    "parallel_lines",
    "progressive",
    "quadratic",
    "stackelberg",
]
