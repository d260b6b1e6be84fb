"""f-divergences: their duality, as f-GAN uses it, and their values for known densities."""

from ganjax.divergences.f_divergences import DIVERGENCES, Divergence, named
from ganjax.divergences.quadrature import (
    f_divergence,
    integral,
    jensen_shannon,
    kl,
    wasserstein_1d,
)

__all__ = [
    "DIVERGENCES",
    "Divergence",
    "f_divergence",
    "integral",
    "jensen_shannon",
    "kl",
    "named",
    "wasserstein_1d",
]
