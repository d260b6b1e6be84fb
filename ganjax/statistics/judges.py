"""Error rates of judges, with intervals that hold for other judges and other images."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special, stats

from ganjax.checks import whole

NORMAL = float(stats.norm.ppf(0.975))
LARGE = 1e6  # degrees of freedom


class ErrorRate(NamedTuple):
    """A share of wrong answers.

    Attributes:
      rate: wrong answers over answers.
      low: lower end of the 95% interval; NaN with one judge or one image a group.
      high: upper end.
      judges: number of judges who answered.
      images: number of images that were judged.
      answers: number of answers.
    """

    rate: float
    low: float
    high: float
    judges: int
    images: int
    answers: int


def error_rate(wrong: ArrayLike, group: ArrayLike | None = None) -> ErrorRate:
    """The share of wrong answers, with judges and images both drawn at random.

    With residuals r_ji = wrong_ji - rate of the image's group, N answers, J judges and I images in
    G groups, the variance is clustered both ways (Cameron, Gelbach and Miller 2011,
    doi:10.1198/jbes.2010.07136):

        V_J = J / (J - 1) sum_j (sum_i r_ji)^2 / N^2
        V_I = I / (I - G) sum_i (sum_j r_ji)^2 / N^2
        W   = sum_ji r_ji^2 / N^2
        V   = max(V_J + V_I - W, V_J, V_I).

    The interval is Clopper and Pearson's for the effective number of answers (Korn and Graubard
    1998, Survey Methodology 24), `_interval`. That number is min(J, I) if all residuals are 0.
    Coverage in simulation: docs/people.md.

    Args:
      wrong: [judges, images], 1 or True where the answer is wrong, 0 where right, NaN where there
        is none.
      group: of each image [images], e.g. real or generated; one group if None.

    Raises:
      ValueError: not two axes, a value other than 0, 1 and NaN, or no answer.
    """
    wrong = np.asarray(wrong, np.float64)
    if wrong.ndim != 2 or not np.isin(wrong[~np.isnan(wrong)], (0, 1)).all():
        raise ValueError("expected wrong [judges, images] of 0, 1 and, without an answer, NaN")
    group = np.zeros(wrong.shape[1]) if group is None else np.asarray(group)
    if group.shape != wrong.shape[1:]:
        raise ValueError(f"expected a group of each image {wrong.shape[1:]}, got {group.shape}")
    answered = ~np.isnan(wrong)
    if not answered.any():
        raise ValueError("expected at least one answer")
    kept = answered.any(1), answered.any(0)
    wrong, answered, group = wrong[np.ix_(*kept)], answered[np.ix_(*kept)], group[kept[1]]
    (judges, images), answers = wrong.shape, int(answered.sum())
    rate, groups = float(np.nansum(wrong) / answers), np.unique(group)
    low = high = math.nan
    if judges > 1 and images > len(groups):
        residual = np.zeros_like(wrong)
        for name in groups:
            inside = group == name
            residual[:, inside] = wrong[:, inside] - np.nanmean(wrong[:, inside])
        residual[~answered] = 0.0
        low, high = _interval(rate, residual / answers, images - len(groups))
    return ErrorRate(rate, low, high, judges, images, answers)


def _interval(rate: float, residual: np.ndarray, free_images: int) -> tuple[float, float]:
    """The ends of the interval, of residuals divided by the number of answers.

    Each end p solves an equation of its own, as the variance grows towards rates of 1/2. With
    q = p (1 - p) / (rate (1 - rate)), to the power 5/4 where it is above 1,

        V(p) = W + (V - W) q                            effects of judges and images in log-odds
        n(p) = rate (1 - rate) / V(p) (z / t)^2         effective number of answers

    and t of V(p)^2 / D degrees of freedom. With s = (W / V(p))^2 and the surplus (V_J - W)_+ q and
    (V_I - W)_+ q of judges and images, D is Satterthwaite's (1946) sum of squares over degrees of
    freedom: of the surpluses with weight s, as W is known, of W + surplus with weight 1 - s.
    Clopper and Pearson add an answer to each tail, this 3/4 of one at the end away from 1/2. That
    and the power are chosen by simulation.
    """
    judges, images = residual.shape
    free = np.array([judges - 1, free_images])
    sums = np.array([(residual.sum(axis) ** 2).sum() for axis in (1, 0)])
    own, independent = sums * (judges, images) / free, (residual**2).sum()
    variance = max(own.sum() - independent, *own)
    independent = min(independent, variance)
    surplus = np.maximum(own - independent, 0)

    def away(p: float, tail: float, more: float) -> float:
        """How far the quantile for the variance at p lies above p."""
        number, t = min(judges, images), stats.t.ppf(0.975, min(free))
        if variance > 0:
            q = p * (1 - p) / (rate * (1 - rate))
            q = q if q < 1 else q**1.25
            at = independent + (variance - independent) * q
            known = (independent / at) ** 2
            squares = known * (surplus * q) ** 2 + (1 - known) * (independent + surplus * q) ** 2
            number = min(rate * (1 - rate) / at, judges * images)
            t = stats.t.ppf(0.975, at**2 / max((squares / free).sum(), at**2 / LARGE))
        number *= (NORMAL / t) ** 2
        return special.betaincinv(rate * number + more, (1 - rate) * number + 1 - more, tail) - p

    low, high = 0.0, 1.0
    if rate > 0:
        low = optimize.brentq(away, 0, rate, (0.025, 0.25 if rate <= 0.5 else 0.0))
    if rate < 1:
        high = optimize.brentq(away, rate, 1, (0.975, 0.75 if rate >= 0.5 else 1.0))
    return low, high


class Detection(NamedTuple):
    """A judge's sensitivity and bias, in standard deviations of signal detection theory.

    Attributes:
      sensitivity: d'; 0 for a judge who cannot tell generated from real images.
      criterion: c; above 0 for a judge who leans to the answer "real".
    """

    sensitivity: float
    criterion: float


def detection(*, hits: int, generated: int, false_alarms: int, real: int) -> Detection:
    """d' = z(H) - z(F) and c = -(z(H) + z(F)) / 2 of answers to generated and to real images.

    The rates have the log-linear correction (Hautus 1995, doi:10.3758/BF03203619), so that they
    are neither 0 nor 1: H = (hits + 1/2) / (generated + 1), F = (false_alarms + 1/2) / (real + 1).

    Args:
      hits: generated images called generated.
      generated: generated images.
      false_alarms: real images called generated.
      real: real images.

    Raises:
      ValueError: a count is negative, or exceeds the number of its images.
    """
    whole(0, generated=generated, real=real)
    whole(0, generated, hits=hits)
    whole(0, real, false_alarms=false_alarms)
    z_hit = stats.norm.ppf((hits + 0.5) / (generated + 1))
    z_false = stats.norm.ppf((false_alarms + 0.5) / (real + 1))
    return Detection(float(z_hit - z_false), float(-(z_hit + z_false) / 2))
