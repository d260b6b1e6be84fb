"""Games: factories of `Game`, from networks, a loss and penalties, or in closed form for theory."""

from ganjax.games.accumulation import accumulated
from ganjax.games.adversarial import gan
from ganjax.games.adversarial_autoencoder import adversarial_autoencoder
from ganjax.games.autoencoding import autoencoder
from ganjax.games.conditional import conditional
from ganjax.games.cycle import cycle
from ganjax.games.energies import boundary_equilibrium, energy_based
from ganjax.games.likelihoods import LIKELIHOODS, Likelihood
from ganjax.games.paired import paired
from ganjax.games.precision import in_bfloat16
from ganjax.games.progressive import progressive
from ganjax.games.semi_supervised import semi_supervised
from ganjax.games.small_gans import dirac, gaussian_1d, parallel_lines
from ganjax.games.standing import has_statistics, standing
from ganjax.games.toy import bilinear, matrix_game, quadratic, stackelberg
from ganjax.games.variational import vae

GAMES = {
    "adversarial_autoencoder": adversarial_autoencoder,
    "autoencoder": autoencoder,
    "bilinear": bilinear,
    "boundary_equilibrium": boundary_equilibrium,
    "conditional": conditional,
    "cycle": cycle,
    "dirac": dirac,
    "energy_based": energy_based,
    "gan": gan,
    "gaussian_1d": gaussian_1d,
    "matrix_game": matrix_game,
    "paired": paired,
    "parallel_lines": parallel_lines,
    "progressive": progressive,
    "quadratic": quadratic,
    "semi_supervised": semi_supervised,
    "stackelberg": stackelberg,
    "vae": vae,
}

_ENERGY = (
    "its discriminator is an auto-encoder, of whose code a pack of copies takes the least, for a "
    "low energy: packs would reward collapse; its option pull_away keeps samples apart"
)
_ALONE = "it has one player, an auto-encoder, and no discriminator that could judge packs"
_TOY = "its losses are in closed form, without samples that could be joined"
# Games without the option `packing` (PacGAN), and why they have none.
UNPACKED = {
    "autoencoder": _ALONE,
    "bilinear": _TOY,
    "boundary_equilibrium": _ENERGY,
    "dirac": _TOY,
    "energy_based": _ENERGY,
    "gaussian_1d": _TOY,
    "matrix_game": _TOY,
    "parallel_lines": _TOY,
    "quadratic": _TOY,
    "semi_supervised": "its discriminator classifies, one sample at a time: a pack has no class",
    "stackelberg": _TOY,
    "vae": _ALONE,
}

__all__ = [
    "GAMES",
    "LIKELIHOODS",
    "UNPACKED",
    "Likelihood",
    "accumulated",
    "adversarial_autoencoder",
    "autoencoder",
    "bilinear",
    "boundary_equilibrium",
    "conditional",
    "cycle",
    "dirac",
    "energy_based",
    "gan",
    "gaussian_1d",
    "has_statistics",
    "in_bfloat16",
    "matrix_game",
    "paired",
    "parallel_lines",
    "progressive",
    "quadratic",
    "semi_supervised",
    "stackelberg",
    "standing",
    "vae",
]
