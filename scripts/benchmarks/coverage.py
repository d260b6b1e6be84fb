"""Coverage of 95% intervals of the mean over seeds: `ganjax.statistics.summary` and others.

python scripts/benchmarks/coverage.py --sets 2000

Sets of n values are drawn from distributions of known mean; the table has the percentage of sets
whose interval contains it, and the median width over that of Student's t. Percentile and BCa are
scipy's with 999 resamples; `summary` modifies bootstrap-t. For values of a range, `summary` gets
the range; "no range" does not, and brackets have the share that leaves it; "transformed"
is Student's t of log x, or of the logit in a range of two ends, transformed back.
"""

import math
import sys
import warnings
from typing import Any

from absl import flags

from ganjax import cli

SIZES = (2, 3, 4, 5, 6, 8, 10, 16, 30)
LINE, ABOVE, SHARE = (-math.inf, math.inf), (0.0, math.inf), (0.0, 1.0)
# name: (method of numpy's generator, its arguments, mean, range).
DISTRIBUTIONS = {
    "normal": ("normal", (), 0.0, LINE),
    "uniform": ("uniform", (), 0.5, LINE),
    "log-normal, sigma 0.5": ("lognormal", (0.0, 0.5), 1.1331484530668263, LINE),
    "exponential": ("exponential", (), 1.0, LINE),
    "1 in 5 fails": ("binomial", (1, 0.8), 0.8, LINE),
    "exponential >= 0": ("exponential", (), 1.0, ABOVE),
    "beta(9, 1) in [0, 1]": ("beta", (9.0, 1.0), 0.9, SHARE),
    "uniform in [0, 1]": ("uniform", (), 0.5, SHARE),
    "1 in 5 fails in [0, 1]": ("binomial", (1, 0.8), 0.8, SHARE),
}

SETS = flags.DEFINE_integer("sets", 2000, "Sets of values a cell.", lower_bound=2)
ONLY = flags.DEFINE_string("only", "", "Only distributions with this in their name.")
SEED = flags.DEFINE_integer("seed", 0, "Seed of the sets.", lower_bound=0)


def intervals(values: Any, within: tuple[float, float]) -> dict[str, tuple]:
    """Lower and upper ends of every method's interval of each set [sets, n] -> [sets] twice."""
    import numpy as np
    from scipy import stats

    n, mean, std = values.shape[1], values.mean(1), values.std(1, ddof=1)
    student = stats.t.ppf(0.975, n - 1) * std / np.sqrt(n)
    found = {
        "summary": ours(values, within),
        "no range": ours(values, LINE),
        "Student's t": (mean - student, mean + student),
        "transformed": transformed(values, within),
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


def ours(values: Any, within: tuple[float, float]) -> tuple:
    """The ends of the interval of `summary`."""
    import numpy as np

    from ganjax import statistics

    found = [statistics.summary(each, within=within) for each in values]
    return np.array([each.low for each in found]), np.array([each.high for each in found])


def transformed(values: Any, within: tuple[float, float]) -> tuple:
    """The ends of Student's t on the unbounded scale, transformed back; 1e-3 off a range's ends."""
    import numpy as np
    from scipy import special, stats

    there, back = {
        LINE: (lambda x: x, lambda x: x),
        ABOVE: (np.log, np.exp),
        SHARE: (special.logit, special.expit),
    }[within]
    values = there(np.clip(values, within[0] + 1e-3, within[1] - 1e-3))
    n, mean = values.shape[1], values.mean(1)
    reach = stats.t.ppf(0.975, n - 1) * values.std(1, ddof=1) / np.sqrt(n)
    return back(mean - reach), back(mean + reach)


def main() -> None:
    """Draws the sets and prints the table."""
    import numpy as np

    print(f"{'covers, % (width over t)':24}  n", end="", flush=True)
    header = False
    for name, (method, arguments, true, within) in DISTRIBUTIONS.items():
        for n in SIZES if ONLY.value in name else ():
            rng = np.random.default_rng((SEED.value, n))
            values = getattr(rng, method)(*arguments, size=(SETS.value, n)).astype(float)
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")  # scipy of sets that are all equal
                found = intervals(values, within)
            if not header:
                print("".join(f"{method:>20}" for method in found))
                header = True
            low, high = found["Student's t"]
            spread = high > low
            cells = []
            for lower, upper in found.values():
                # A mean of 0.8 may be 0.8000000000000002.
                covered = (lower <= true + 1e-12) & (true - 1e-12 <= upper)
                width = np.median((upper - lower)[spread] / (high - low)[spread])
                outside = (lower < within[0]) | (upper > within[1])
                left = f" [{100 * outside.mean():.0f}]" if outside.any() else ""
                cells.append(f"{100 * covered.mean():.1f} ({width:.2f}){left}")
            print(f"{name:24} {n:2}" + "".join(f"{cell:>20}" for cell in cells), flush=True)


if __name__ == "__main__":
    sys.exit(cli.run(main))
