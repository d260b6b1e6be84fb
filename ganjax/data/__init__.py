"""Data: sources of batches, each a factory in the `DATA` shelf that returns a `Data`."""

from ganjax.data.digits import digits
from ganjax.data.domains import affine_domains, photograph_domains
from ganjax.data.mixtures import gaussian_mixture, grid, ring, swiss_roll
from ganjax.data.paired import paired_images
from ganjax.data.resident import Data

DATA = {
    "affine_domains": affine_domains,
    "digits": digits,
    "gaussian_mixture": gaussian_mixture,
    "grid": grid,
    "paired_images": paired_images,
    "photograph_domains": photograph_domains,
    "ring": ring,
    "swiss_roll": swiss_roll,
}

__all__ = [
    "DATA",
    "Data",
    "affine_domains",
    "digits",
    "gaussian_mixture",
    "grid",
    "paired_images",
    "photograph_domains",
    "ring",
    "swiss_roll",
]
