"""Adversarial losses: pairs of functions `(logits_real, logits_fake) -> scalar`.

Each player descends its own. A loss knows logits alone: not which network made them, nor who moves
first. Penalties live in `penalties/`. A loss with options is used as it is, or called for another
variant: `least_squares`, `least_squares(a=0.0, b=1.0, c=1.0)`.
"""

from ganjax.losses.binary import (
    binary_disc_loss,
    minimax,
    minimax_gen_loss,
    non_saturating,
    non_saturating_gen_loss,
)
from ganjax.losses.critic import (
    hinge,
    hinge_disc_loss,
    hinge_gen_loss,
    wasserstein,
    wasserstein_disc_loss,
    wasserstein_gen_loss,
)
from ganjax.losses.f_gan import f_gan
from ganjax.losses.pair import AdversarialLoss, LossWithOptions
from ganjax.losses.relativistic import (
    relativistic,
    relativistic_average,
    relativistic_average_disc_loss,
    relativistic_average_gen_loss,
    relativistic_disc_loss,
    relativistic_gen_loss,
)
from ganjax.losses.targets import energy_margin, least_squares

LOSSES = {
    "energy_margin": energy_margin,
    "f_gan": f_gan,
    "hinge": hinge,
    "least_squares": least_squares,
    "minimax": minimax,
    "non_saturating": non_saturating,
    "relativistic": relativistic,
    "relativistic_average": relativistic_average,
    "wasserstein": wasserstein,
}

__all__ = [
    "LOSSES",
    "AdversarialLoss",
    "LossWithOptions",
    "binary_disc_loss",
    "energy_margin",
    "f_gan",
    "hinge",
    "hinge_disc_loss",
    "hinge_gen_loss",
    "least_squares",
    "minimax",
    "minimax_gen_loss",
    "non_saturating",
    "non_saturating_gen_loss",
    "relativistic",
    "relativistic_average",
    "relativistic_average_disc_loss",
    "relativistic_average_gen_loss",
    "relativistic_disc_loss",
    "relativistic_gen_loss",
    "wasserstein",
    "wasserstein_disc_loss",
    "wasserstein_gen_loss",
]
