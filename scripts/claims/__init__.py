"""Published claims about update schemes, replayed by the library: one file a claim.

A file has a docstring, the set-up; `TITLE`, language -> title; `SOURCE`; and `replay() -> Result`,
with an argument `trials` where the published comparison tunes its schemes.
"""

NAMES = (
    "alex_gda",
    "double_steps",
    "weak_minty",
    "finite_tau",
    "anchoring",
    "simplex",
    "tiada",
    "same_sample",
    "time_averages",
    "reshuffling",
    "dirac",
    "ridge",
    "packing",
    "relativistic",
)
