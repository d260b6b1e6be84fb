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
from ganjax.games.nonmonotone import fiez_ratliff, forsaken, lee_kim, polar, torus, wang
from ganjax.games.paired import paired
from ganjax.games.precision import in_bfloat16
from ganjax.games.progressive import progressive
from ganjax.games.semi_supervised import semi_supervised
from ganjax.games.small_gans import categorical, dirac, gaussian_1d, parallel_lines
from ganjax.games.standing import has_statistics, standing
from ganjax.games.stochastic import finite_sum, noisy
from ganjax.games.toy import bilinear, matrix_game, quadratic, stackelberg
from ganjax.games.variational import vae

GAMES = {
    "adversarial_autoencoder": adversarial_autoencoder,
    "autoencoder": autoencoder,
    "bilinear": bilinear,
    "boundary_equilibrium": boundary_equilibrium,
    "categorical": categorical,
    "conditional": conditional,
    "cycle": cycle,
    "dirac": dirac,
    "energy_based": energy_based,
    "fiez_ratliff": fiez_ratliff,
    "finite_sum": finite_sum,
    "forsaken": forsaken,
    "gan": gan,
    "gaussian_1d": gaussian_1d,
    "lee_kim": lee_kim,
    "matrix_game": matrix_game,
    "paired": paired,
    "parallel_lines": parallel_lines,
    "polar": polar,
    "progressive": progressive,
    "quadratic": quadratic,
    "semi_supervised": semi_supervised,
    "stackelberg": stackelberg,
    "torus": torus,
    "vae": vae,
    "wang": wang,
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
    "categorical",
    "conditional",
    "cycle",
    "dirac",
    "energy_based",
    "fiez_ratliff",
    "finite_sum",
    "forsaken",
    "gan",
    "gaussian_1d",
    "has_statistics",
    "in_bfloat16",
    "lee_kim",
    "matrix_game",
    "noisy",
    "paired",
    "parallel_lines",
    "polar",
    "progressive",
    "quadratic",
    "semi_supervised",
    "stackelberg",
    "standing",
    "torus",
    "vae",
    "wang",
    "zero_sum",
]
