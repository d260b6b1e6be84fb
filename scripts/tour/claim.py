"""What a claim comes to: numbers predicted and measured beside each other, kept once computed."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ganjax import run_folder

EQUAL, AT_LEAST, AT_MOST = "equal", "at_least", "at_most"


class Check(NamedTuple):
    """One number that the claim predicts beside the one that was measured.

    Attributes:
      name: of the number, by which texts and pictures know it.
      predicted: by the theory.
      measured: by the library, in this call.
      tolerance: largest distance of the two that is allowed, where they are to be equal.
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
    """What was computed of one claim.

    Attributes:
      name: of the claim.
      checks: its numbers; the claim holds if all of them do.
      facts: other numbers that its text mentions.
      arrays: what its pictures show.
    """

    name: str
    checks: tuple[Check, ...]
    facts: Mapping[str, float]
    arrays: Mapping[str, np.ndarray]

    @property
    def holds(self) -> bool:
        """Whether every check holds."""
        return all(check.holds for check in self.checks)


def told(claim: Claim) -> dict[str, Any]:
    """The claim's numbers and verdicts as JSON holds them: null for what is not finite."""

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


def keep(folder: Path, claim: Claim, made_of: str) -> None:
    """Writes a claim into a folder, the JSON last: where that is, all is.

    Args:
      folder: made if missing.
      claim: what was computed.
      made_of: digest of the code that computed it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{claim.name}.npz"
    with open(draft, "wb") as file:
        np.savez_compressed(file, **claim.arrays)
    draft.replace(folder / f"{claim.name}.npz")
    run_folder.write_json(folder / f"{claim.name}.json", {"made_of": made_of, **told(claim)})


def kept(folder: Path, name: str, made_of: str) -> Claim | None:
    """The claim that was written there by the same code; None if there is none."""
    try:
        content = run_folder.read_json(folder / f"{name}.json")
    except FileNotFoundError:
        return None
    if content["made_of"] != made_of:
        return None
    checks = []
    for row in content["checks"]:
        numbers = {key: math.nan if row[key] is None else row[key] for key in row if key != "holds"}
        checks.append(Check(**numbers))
    with np.load(folder / f"{name}.npz") as arrays:
        return Claim(name, tuple(checks), content["facts"], dict(arrays))
