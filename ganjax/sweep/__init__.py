"""Many cells, many seeds, as few compiled programs as possible; finished cells are kept.

Cells whose configs differ in numbers alone, e.g. a learning rate, are one program over seeds and
numbers. The state of a run is a function of (cell, seed, step) alone.
"""

from ganjax.sweep.folder import described, read
from ganjax.sweep.programs import Program, programs
from ganjax.sweep.runner import MAPPINGS, Played, Runner, runner
from ganjax.sweep.search import drawn, halve
from ganjax.sweep.seeds import last_scores, limits, power, reach
from ganjax.sweep.study import run

__all__ = [
    "MAPPINGS",
    "Played",
    "Program",
    "Runner",
    "described",
    "drawn",
    "halve",
    "last_scores",
    "limits",
    "power",
    "programs",
    "reach",
    "read",
    "run",
    "runner",
]
