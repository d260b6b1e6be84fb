"""The result of a replay: published numbers, ours beside them, and a verdict."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from ganjax import run_folder, statistics
from ganjax.errors import RunFolderError

HOLDS, DIFFERS, FAILS = "holds", "holds differently", "does not hold"


class Number(NamedTuple):
    """A published number and ours.

    Attributes:
      name: of the number.
      published: as printed; NaN where the source draws a figure and prints no number.
      ours: measured here; a mean where there are seeds.
      interval: 95% interval, of the mean over seeds or instances or of another study as large as
        the published one; None for a number without chance.
      tolerance: largest allowed distance: half of the last printed digit, or as the claim says;
        None if the interval is to hold the published number.
      source: file and commit, or equation; begins with "[memory]" if that was not read.
    """

    name: str
    published: float
    ours: float
    interval: tuple[float, float] | None = None
    tolerance: float | None = 0.0
    source: str = ""

    @property
    def holds(self) -> bool:
        """Whether ours is the printed number, if there is one, or has it within its interval."""
        if math.isnan(self.published):
            return True
        if self.tolerance is None:
            return self.interval[0] <= self.published <= self.interval[1]
        return abs(self.ours - self.published) <= self.tolerance


class Panel(NamedTuple):
    """The figure of a claim: curves by name, each (x, y) or (x, y, low, high).

    Attributes:
      curves: sequences of floats of one length each.
      xlabel: of the horizontal axis.
      ylabel: of the vertical axis.
      log: which axes are logarithmic: "", "x", "y" or "xy".
    """

    curves: Mapping[str, Sequence[Sequence[float]]]
    xlabel: str
    ylabel: str
    log: str = ""


class Result(NamedTuple):
    """What a claim's `replay` returns.

    Attributes:
      numbers: published ones and ours.
      conclusion: whether the published conclusion follows from our numbers.
      panel: its figure.
      equal: the conclusion under equal tuning; None where nothing is tuned.
      budgets: the figure of the score against the number of trials, if anything is tuned.
    """

    numbers: tuple[Number, ...]
    conclusion: bool
    panel: Panel
    equal: str | None = None
    budgets: Panel | None = None

    @property
    def verdict(self) -> str:
        """Holds, with the published numbers or with others, or does not hold."""
        if not self.conclusion:
            return FAILS
        return HOLDS if all(number.holds for number in self.numbers) else DIFFERS


def measured(
    name: str,
    published: float,
    values: Any,
    source: str,
    tolerance: float | None = None,
    within: tuple[float, float] = (-math.inf, math.inf),
) -> Number:
    """A `Number` whose value is the mean over seeds or instances, with the mean's interval.

    `within` is the range of a value, at which the interval ends.
    """
    s = statistics.summary(values, within=within)
    return Number(name, published, s.mean, (s.low, s.high), tolerance, source)


def of_one_study(name: str, published: float, studies: Any, source: str) -> Number:
    """A `Number` from repeated studies, with the 95% interval of another such study's outcome.

    Student's t prediction interval: a published number of few runs is to lie in it.
    """
    studies = np.asarray(studies)
    n, mean = len(studies), float(studies.mean())
    reach = stats.t.ppf(0.975, n - 1) * studies.std(ddof=1) * math.sqrt(1 + 1 / n)
    return Number(name, published, mean, (mean - reach, mean + reach), None, source)


def coordinates(
    name: str, published: Sequence[float], ours: np.ndarray, tolerance: float, source: str
) -> list[Number]:
    """A `Number` for each coordinate of an end state."""
    rows = enumerate(zip(published, ours.tolist(), strict=True), 1)
    return [Number(f"{name}: z{i}", a, b, None, tolerance, source) for i, (a, b) in rows]


def as_json(result: Result) -> dict[str, Any]:
    """The result for JSON, numbers that are not finite as null."""
    return _plain(
        {
            "numbers": [{**n._asdict(), "holds": n.holds} for n in result.numbers],
            "verdict": result.verdict,
            "conclusion": result.conclusion,
            "panel": result.panel._asdict(),
            "equal": result.equal,
            "budgets": result.budgets and result.budgets._asdict(),
        }
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple | range):
        return [_plain(part) for part in value]
    if hasattr(value, "tolist"):  # an array
        return _plain(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def kept(path: Path, key: str) -> Result | None:
    """The result that the same code wrote there; None if there is none that can be read."""
    try:
        content = run_folder.read_object(path)
        if content["key"] != key:
            return None
        numbers = []
        for row in content["numbers"]:
            row = {field: row[field] for field in Number._fields}
            finite = {field: _number(row[field]) for field in ("published", "ours")}
            interval = row["interval"] and tuple(row["interval"])
            numbers.append(Number(**row | finite | {"interval": interval}))
        budgets = content["budgets"] and Panel(**content["budgets"])
        panel, equal = Panel(**content["panel"]), content["equal"]
        return Result(tuple(numbers), content["conclusion"], panel, equal, budgets)
    except (FileNotFoundError, RunFolderError, KeyError, TypeError):
        return None


def _number(value: Any) -> float:
    return math.nan if value is None else value
