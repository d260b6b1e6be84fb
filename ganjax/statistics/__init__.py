"""What can be said from a few training seeds: intervals, comparisons, convergence."""

from ganjax.statistics.comparisons import (
    PairedDifference,
    WinRate,
    holm,
    paired_difference,
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

__all__ = [
    "ContractionRate",
    "PairedDifference",
    "Summary",
    "WinRate",
    "contraction_rate",
    "convergence_step",
    "holm",
    "median_convergence",
    "paired_difference",
    "summary",
    "win_rate",
    "worth",
]
