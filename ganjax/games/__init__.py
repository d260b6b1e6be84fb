"""Games: factories of `Game`, from networks, a loss and penalties, or in closed form for theory."""

from ganjax.games.adversarial import gan, generate
from ganjax.games.toy import bilinear, dirac

GAMES = {
    "bilinear": bilinear,
    "dirac": dirac,
    "gan": gan,
}

__all__ = ["GAMES", "bilinear", "dirac", "gan", "generate"]
