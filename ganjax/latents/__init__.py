"""Latent space: where latents are drawn from, the ways through it, and the search in it."""

from ganjax.latents.arithmetic import arithmetic
from ganjax.latents.paths import PATHS, lerp, plane, slerp, walk
from ganjax.latents.priors import PRIORS, normal, uniform
from ganjax.latents.restoration import (
    Restored,
    context_loss,
    context_weights,
    discriminator_prior,
    gaussian_prior,
    paste,
    restore,
)
from ganjax.latents.search import Found, search

__all__ = [
    "PATHS",
    "PRIORS",
    "Found",
    "Restored",
    "arithmetic",
    "context_loss",
    "context_weights",
    "discriminator_prior",
    "gaussian_prior",
    "lerp",
    "normal",
    "paste",
    "plane",
    "restore",
    "search",
    "slerp",
    "uniform",
    "walk",
]
