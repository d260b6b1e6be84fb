"""A claim: numbers predicted and measured, kept in a folder once computed."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ganjax import run_folder
from ganjax.disclosure import MIXED, Disclosure
from ganjax.files import replaced

EQUAL, AT_LEAST, AT_MOST = "equal", "at_least", "at_most"


class Check(NamedTuple):
    """A number that theory predicts, and the one measured.

    Attributes:
      name: of the number, its key in texts and pictures.
      predicted: by the theory.
      measured: by the library.
      tolerance: largest allowed distance, if the two must be equal.
      relation: "equal", or "at_least" or "at_most", where the prediction is a bound.
    """

    name: str
    predicted: float
    measured: float
    tolerance: float = 0.0
    relation: str = EQUAL

    @property
    def holds(self) -> bool:
        """Whether the measured number is as predicted; never where it is not a number."""
        if self.relation == AT_LEAST:
            return self.measured >= self.predicted
        if self.relation == AT_MOST:
            return self.measured <= self.predicted
        return abs(self.measured - self.predicted) <= self.tolerance


class Claim(NamedTuple):
    """The results of one claim.

    Attributes:
      name: of the claim.
      checks: its numbers; the claim holds if all of them do.
      facts: other numbers in its text.
      arrays: data of its pictures.
    """

    name: str
    checks: tuple[Check, ...]
    facts: Mapping[str, float]
    arrays: Mapping[str, np.ndarray]

    @property
    def holds(self) -> bool:
        """Whether every check holds."""
        return all(check.holds for check in self.checks)


def as_json(claim: Claim) -> dict[str, Any]:
    """The claim's numbers and verdicts for JSON: null if not finite."""

    def number(value):
        return value if math.isfinite(value) else None

    checks = [
        {
            "name": check.name,
            "relation": check.relation,
            "predicted": number(check.predicted),
            "measured": number(check.measured),
            "tolerance": check.tolerance,
            "holds": check.holds,
        }
        for check in claim.checks
    ]
    return {"holds": claim.holds, "checks": checks, "facts": dict(claim.facts)}


def keep(folder: Path, claim: Claim, code: str) -> None:
    """Writes a claim into a folder, the JSON last, so that a folder with it is complete.

    Args:
      folder: made if missing.
      claim: to write.
      code: digest of the code that computed it.
    """
    with replaced(folder / f"{claim.name}.npz") as file:
        origin = Disclosure("tour", config=code, source=MIXED)
        np.savez_compressed(file, **claim.arrays, **origin.arrays())
    run_folder.write_json(folder / f"{claim.name}.json", {"code": code, **as_json(claim)})


def kept(folder: Path, name: str, code: str) -> Claim | None:
    """The claim that the same code wrote there; None if there is none."""
    try:
        content = run_folder.read_json(folder / f"{name}.json")
    except FileNotFoundError:
        return None
    if content["code"] != code:
        return None
    checks = []
    for row in content["checks"]:
        numbers = {key: math.nan if row[key] is None else row[key] for key in row if key != "holds"}
        checks.append(Check(**numbers))
    with np.load(folder / f"{name}.npz") as arrays:
        own = {key: array for key, array in arrays.items() if key != "disclosure"}
    return Claim(name, tuple(checks), content["facts"], own)
