"""Optimisers of a player by section: tables, chains, rates that follow the run's steps.

Every transform of a section is tried on a few gradients: an optimiser goes downhill.
"""

from ganjax.optimisers.schedules import SCHEDULES, Rate, Scheduled, schedule, scheduled
from ganjax.optimisers.sections import check, is_own, rates, transform
from ganjax.optimisers.shelf import (
    OPTIMISERS,
    TRANSFORMS,
    chain,
    clip_weights,
    multi_transform,
    projected,
)

__all__ = [
    "OPTIMISERS",
    "SCHEDULES",
    "TRANSFORMS",
    "Rate",
    "Scheduled",
    "chain",
    "check",
    "clip_weights",
    "is_own",
    "multi_transform",
    "projected",
    "rates",
    "schedule",
    "scheduled",
    "transform",
]
