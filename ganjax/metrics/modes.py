"""Mode coverage on mixtures with known centres."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.special import rel_entr

from ganjax.checks import within
from ganjax.metrics.finite import finite


class ModeCoverage(NamedTuple):
    """The coverage of a mixture's modes by a set of samples.

    Attributes:
      modes: number of modes with at least one high-quality sample.
      high_quality: share of samples within `radius` standard deviations of their nearest centre.
      reverse_kl: KL(p_gen || uniform) over nearest modes, in nats: 0 if all have the same share,
        log(modes) if one has every sample.
      counts: samples nearest to each centre [modes], of any quality.
    """

    modes: int
    high_quality: float
    reverse_kl: float
    counts: np.ndarray

    @property
    def over_generalisation(self) -> float:
        """Share of samples between the modes, 1 - `high_quality`.

        Of exact samples in d dimensions it is the chi-square tail, `chi2.sf(radius**2, d)`:
        0.01111 for 3 standard deviations in the plane.
        """
        return 1 - self.high_quality


def mode_coverage(
    samples: np.ndarray, centres: np.ndarray, std: float, *, radius: float = 3.0
) -> ModeCoverage:
    """Counts modes as VEEGAN and PacGAN do (arXiv:1705.07761; arXiv:1712.04086, section 4.1).

    Args:
      samples: [samples, dim]; the papers take 2,500.
      centres: centres of the mixture [modes, dim].
      std: standard deviation of each mode, greater than 0.
      radius: a sample is of high quality within `radius * std` of its nearest centre.

    Returns:
      `ModeCoverage`.

    Raises:
      ValueError: shapes do not fit, `std` is not positive, or a sample or centre is not finite.
    """
    samples, centres = finite("samples", samples), finite("centres", centres)
    if samples.ndim != 2 or centres.ndim != 2 or samples.shape[1:] != centres.shape[1:]:
        raise ValueError(
            f"expected samples [n, dim] and centres [modes, dim], got {samples.shape} and "
            f"{centres.shape}"
        )
    within("(0, inf]", std=std)
    distances = np.linalg.norm(samples[:, None] - centres, axis=-1)
    nearest = distances.argmin(1)
    good = distances.min(1) <= radius * std
    counts = np.bincount(nearest, minlength=len(centres))
    share = counts / counts.sum()
    return ModeCoverage(
        modes=int(np.unique(nearest[good]).size),
        high_quality=float(good.mean()),
        reverse_kl=float(rel_entr(share, 1 / len(centres)).sum()),
        counts=counts,
    )


def modes_report(data: Any, *, radius: float = 3.0) -> Callable[[np.ndarray], dict[str, float]]:
    """Mode coverage of samples from a mixture.

    Args:
      data: a `Data` with `centres` and `std`.
      radius: see `mode_coverage`.

    Returns:
      Report: samples [samples, dim] -> `modes`, `modes_real` (of the mixture), `high_quality`,
      `reverse_kl`.

    Raises:
      ValueError: the data have no known modes, or the radius is not positive.
    """
    within("(0, inf]", radius=radius)
    if len(data.centres) == 0:
        raise ValueError(
            "these data have no known modes; set data to ring or grid, or evaluation.name to 'none'"
        )

    def report(samples):
        coverage = mode_coverage(samples, data.centres, data.std, radius=radius)
        return {
            "modes": coverage.modes,
            "modes_real": len(data.centres),
            "high_quality": coverage.high_quality,
            "reverse_kl": coverage.reverse_kl,
        }

    return report
