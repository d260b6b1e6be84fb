"""Games: factories of `Game`, from networks, a loss and penalties, or in closed form for theory."""

from ganjax.games.adversarial import gan
from ganjax.games.cycle import cycle
from ganjax.games.paired import paired
from ganjax.games.small_gans import dirac, gaussian_1d, parallel_lines
from ganjax.games.toy import bilinear, matrix_game, quadratic, stackelberg

GAMES = {
    "bilinear": bilinear,
    "cycle": cycle,
    "dirac": dirac,
    "gan": gan,
    "gaussian_1d": gaussian_1d,
    "matrix_game": matrix_game,
    "paired": paired,
    "parallel_lines": parallel_lines,
    "quadratic": quadratic,
    "stackelberg": stackelberg,
}

__all__ = [
    "GAMES",
    "bilinear",
    "cycle",
    "dirac",
    "gan",
    "gaussian_1d",
    "matrix_game",
    "paired",
    "parallel_lines",
    "quadratic",
    "stackelberg",
]
