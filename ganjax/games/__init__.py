"""Games: factories of `Game`, from networks, a loss and penalties, or in closed form for theory."""

from ganjax.games.accumulation import accumulated
from ganjax.games.adversarial import gan
from ganjax.games.adversarial_autoencoder import adversarial_autoencoder
from ganjax.games.autoencoding import autoencoder
from ganjax.games.closed_form import zero_sum
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

__all__ = [
    "GAMES",
    "LIKELIHOODS",
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
    "zero_sum",
]
