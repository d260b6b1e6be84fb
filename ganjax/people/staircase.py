"""Exposure times that adapt to a judge, and the threshold that they end at."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike


class Staircase(NamedTuple):
    """Exposure times that follow a judge's answers, all in milliseconds.

    The defaults are HYPE's (Zhou et al. 2019, section 2.1, arXiv:1904.01121), with "consistently
    right" read as three right answers in a row.

    Attributes:
      start: exposure of the first image.
      up: added after a wrong answer.
      down: taken off after `run` right answers in a row.
      run: right answers for a step down.
      low: shortest exposure.
      high: longest exposure.
    """

    start: int = 500
    up: int = 10
    down: int = 30
    run: int = 3
    low: int = 100
    high: int = 1000

    @property
    def level(self) -> float:
        """Share of right answers at which steps up and down balance, (up / (up + down))^(1/run).

        Paper: 75%, which its steps do not have: up 10, down 30 balance at 63% with runs of three.
        Up 30 and down 10 after every right answer have it (Kaernbach 1991, doi:10.3758/BF03214307).
        """
        return (self.up / (self.up + self.down)) ** (1 / self.run)

    def exposures(self, right: ArrayLike) -> np.ndarray:
        """The exposure of each image [n], given which answers were right [n], in their order."""
        shown, now, streak = [], self.start, 0
        for answer in np.asarray(right, bool):
            shown.append(now)
            streak = streak + 1 if answer else 0
            if not answer:
                now = min(now + self.up, self.high)
            elif streak == self.run:
                now, streak = max(now - self.down, self.low), 0
        return np.array(shown)


# In the command's --timed: the steps of the paper, and those that settle at its 75%.
STAIRCASES = {"hype": Staircase(), "weighted": Staircase(up=30, down=10, run=1)}


def threshold(exposures: ArrayLike) -> float:
    """The modal exposure in milliseconds, HYPE_time's score of a judge; the mean of equal modes."""
    values, counts = np.unique(np.asarray(exposures), return_counts=True)
    return float(values[counts == counts.max()].mean())
