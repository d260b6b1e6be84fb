"""How often 95% intervals of the mean over seeds hold it: `ganjax.statistics.summary` and others.

python scripts/benchmarks/coverage.py --sets 2000

Sets of n values are drawn from distributions of known mean; the table has the percentage of sets
whose interval holds it, and the median width over that of Student's t. Percentile and BCa are
scipy's with 999 resamples; bootstrap-t is what `summary` departs from.
"""

import sys
import warnings
from typing import Any

from absl import flags

from ganjax import cli

SIZES = (2, 3, 4, 5, 6, 8, 10, 16, 30)
# name: (method of numpy's generator, its arguments, mean).
DISTRIBUTIONS = {
    "normal": ("normal", (), 0.0),
    "uniform": ("uniform", (), 0.5),
    "log-normal, sigma 0.5": ("lognormal", (0.0, 0.5), 1.1331484530668263),
    "exponential": ("exponential", (), 1.0),
    "1 in 5 fails": ("binomial", (1, 0.8), 0.8),
}

SETS = flags.DEFINE_integer("sets", 2000, "Sets of values a cell.", lower_bound=2)
SEED = flags.DEFINE_integer("seed", 0, "Seed of the sets.", lower_bound=0)


def intervals(values: Any) -> dict[str, tuple]:
    """Lower and upper ends of every method's interval of each set [sets, n] -> [sets] twice."""
    import numpy as np
    from scipy import stats

    from ganjax import statistics

    n, mean, std = values.shape[1], values.mean(1), values.std(1, ddof=1)
    ours = [statistics.summary(each) for each in values]
    student = stats.t.ppf(0.975, n - 1) * std / np.sqrt(n)
    found = {
        "summary": (np.array([s.low for s in ours]), np.array([s.high for s in ours])),
        "Student's t": (mean - student, mean + student),
    }
    for name in ("percentile", "BCa"):
        rng = np.random.default_rng(0)
        parts = [  # in parts, for memory
            stats.bootstrap(
                (part,), np.mean, axis=1, n_resamples=999, method=name, rng=rng
            ).confidence_interval
            for part in np.array_split(values, 10)
        ]
        found[name] = tuple(np.concatenate(ends) for ends in zip(*parts, strict=True))
    ends = []
    for each, centre, spread in zip(values, mean, std, strict=True):
        resamples = each[np.random.default_rng(0).integers(n, size=(999, n))]
        ratio = (resamples.mean(1) - centre) / resamples.std(1, ddof=1)
        # A resample of equal values is infinitely far off, or says nothing where all are equal.
        ratio = np.where(np.isnan(ratio), 0.0, ratio)
        ends.append(centre - spread * np.quantile(ratio, (0.975, 0.025), method="nearest"))
    found["bootstrap-t"] = tuple(np.array(ends).T)
    return found


def main() -> None:
    """Draws the sets and prints the table."""
    import numpy as np

    print(f"{'covers, % (width over t)':24}  n", end="", flush=True)
    header = False
    for name, (method, arguments, true) in DISTRIBUTIONS.items():
        for n in SIZES:
            rng = np.random.default_rng((SEED.value, n))
            values = getattr(rng, method)(*arguments, size=(SETS.value, n)).astype(float)
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")  # scipy of sets that are all equal
                found = intervals(values)
            if not header:
                print("".join(f"{method:>16}" for method in found))
                header = True
            low, high = found["Student's t"]
            spread = high > low
            cells = []
            for lower, upper in found.values():
                # A mean of 0.8 may be 0.8000000000000002.
                covered = (lower <= true + 1e-12) & (true - 1e-12 <= upper)
                width = np.median((upper - lower)[spread] / (high - low)[spread])
                cells.append(f"{100 * covered.mean():8.1f} ({width:5.2f})")
            print(f"{name:24} {n:2}" + "".join(f"{cell:>16}" for cell in cells), flush=True)


if __name__ == "__main__":
    sys.exit(cli.run(main))
