"""Inference from a few training seeds: intervals, comparisons, convergence, power; and judges."""

from ganjax.statistics.comparisons import (
    PairedDifference,
    WinRate,
    holm,
    paired_difference,
    sign_flip_p,
    win_rate,
    worth,
)
from ganjax.statistics.convergence import (
    ContractionRate,
    contraction_rate,
    convergence_step,
    median_convergence,
)
from ganjax.statistics.intervals import Summary, summary
from ganjax.statistics.judges import Detection, ErrorRate, detection, error_rate
from ganjax.statistics.power import (
    LEVEL,
    POWER,
    detectable_difference,
    fewest_pairs,
    smallest_p,
)

__all__ = [
    "LEVEL",
    "POWER",
    "ContractionRate",
    "Detection",
    "ErrorRate",
    "PairedDifference",
    "Summary",
    "WinRate",
    "contraction_rate",
    "convergence_step",
    "detectable_difference",
    "detection",
    "error_rate",
    "fewest_pairs",
    "holm",
    "median_convergence",
    "paired_difference",
    "sign_flip_p",
    "smallest_p",
    "summary",
    "win_rate",
    "worth",
]
