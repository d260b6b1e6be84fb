"""How often 95% intervals of judges' error rates cover the true rate, in %.

python scripts/benchmarks/people.py --draws 2000 --json people.json
python scripts/benchmarks/people.py --draws 20000 --judges 10 --images 100 --rates 0.03

Every study draws new judges and images. The log-odds of a wrong answer are a constant, plus
normal effects of the judge and of the image, of the given standard deviations; `bias` is that of a
judge's lean to one answer, which adds to errors on real images and takes off those on generated
ones. Methods: crossed (`statistics.error_rate`); pigeonhole, percentiles of a bootstrap of judges
and images (Owen 2007, doi:10.1214/07-AOAS122); judges alone, Student's t of their rates; answers,
Clopper and Pearson's as if all were independent.
"""

import functools
import sys
from pathlib import Path
from typing import Any

from absl import flags

from ganjax import cli

JUDGES, IMAGES = (5, 10, 30), (50, 100)
RATES = (0.03, 0.1, 0.3, 0.5)
# (judges, images, bias): standard deviations in log-odds.
SPREADS = ((0.0, 0.0, 0.0), (0.5, 0.5, 0.0), (1.0, 0.5, 0.0), (0.5, 1.5, 0.0), (0.5, 0.5, 1.0))
METHODS = ("crossed", "pigeonhole", "judges alone", "answers")
RESAMPLES = 400
CHUNK = 100  # studies at a time

DRAWS = flags.DEFINE_integer("draws", 2000, "Simulated studies a cell.", lower_bound=CHUNK)
SEED = flags.DEFINE_integer("seed", 0, "Seed of the studies.", lower_bound=0)


def all_of(rows: tuple) -> tuple[list[str], list[str]]:
    """The default and the choices of a flag that picks some of the rows."""
    values = [f"{row:g}" for row in rows]
    return values, values


SOME_JUDGES = flags.DEFINE_multi_enum("judges", *all_of(JUDGES), "Numbers of judges.")
SOME_IMAGES = flags.DEFINE_multi_enum("images", *all_of(IMAGES), "Numbers of images.")
SOME_RATES = flags.DEFINE_multi_enum("rates", *all_of(RATES), "True rates of wrong answers.")
JSON = cli.define_output("json", (".json",), "Also write the coverages to this JSON file.")


@functools.cache
def offset(rate: float, spread: float) -> float:
    """The log-odds whose logistic function, plus a normal effect inside, has mean `rate`."""
    import numpy as np
    from scipy import optimize, special

    points, weights = np.polynomial.hermite_e.hermegauss(80)
    weights /= weights.sum()
    mean = lambda at: weights @ special.expit(at + spread * points)  # noqa: E731
    return optimize.brentq(lambda at: mean(at) - rate, -20, 20)


def studies(rng: Any, judges: int, images: int, rate: float, spread: tuple) -> Any:
    """Wrong answers [CHUNK, judges, images]; the first half of the images are generated."""
    import numpy as np
    from scipy import special

    of_judges, of_images, bias = spread
    sign = np.where(np.arange(images) < images // 2, -1.0, 1.0)
    odds = offset(rate, float(np.linalg.norm(spread)))
    odds = odds + of_judges * rng.normal(size=(CHUNK, judges, 1))
    odds = odds + of_images * rng.normal(size=(CHUNK, 1, images))
    odds = odds + bias * sign * rng.normal(size=(CHUNK, judges, 1))
    return (rng.random(odds.shape) < special.expit(odds)).astype(float)


def intervals(rng: Any, wrong: Any) -> dict[str, Any]:
    """{method: ends [studies, 2]} of wrong answers [studies, judges, images]."""
    import numpy as np
    from scipy import special, stats

    from ganjax import statistics

    _, judges, images = wrong.shape
    kind = np.arange(images) < images // 2
    crossed = [statistics.error_rate(study, kind) for study in wrong]
    weights = [rng.multinomial(n, np.full(n, 1 / n), RESAMPLES) / n for n in (judges, images)]
    resampled = np.einsum("sjb,bj->sb", wrong @ weights[1].T, weights[0])
    rates = wrong.mean(2)
    reach = stats.t.ppf(0.975, judges - 1) * rates.std(1, ddof=1) / np.sqrt(judges)
    n, count = judges * images, wrong.sum((1, 2))
    low = np.where(count > 0, special.betaincinv(np.maximum(count, 1), n - count + 1, 0.025), 0)
    high = np.where(count < n, special.betaincinv(count + 1, np.maximum(n - count, 1), 0.975), 1)
    return {
        "crossed": np.array([(rate.low, rate.high) for rate in crossed]),
        "pigeonhole": np.quantile(resampled, (0.025, 0.975), axis=1).T,
        "judges alone": np.stack([rates.mean(1) - reach, rates.mean(1) + reach], 1),
        "answers": np.stack([low, high], 1),
    }


def coverage(judges: int, images: int, rate: float, spread: tuple) -> dict[str, float]:
    """{method: share of intervals that hold the true rate}."""
    import numpy as np

    place = (judges, images, RATES.index(rate), SPREADS.index(spread))
    rng = np.random.default_rng((SEED.value, *place))
    held = {method: [] for method in METHODS}
    for _ in range(DRAWS.value // CHUNK):
        wrong = studies(rng, judges, images, rate, spread)
        for method, ends in intervals(rng, wrong).items():
            held[method] += list((ends[:, 0] <= rate) & (rate <= ends[:, 1]))
    return {method: float(np.mean(found)) for method, found in held.items()}


def main() -> None:
    """Simulates the studies and prints the table."""
    from ganjax import run_folder

    numbers_of_judges = [int(judges) for judges in SOME_JUDGES.value]
    numbers_of_images = [int(images) for images in SOME_IMAGES.value]
    rates = [float(rate) for rate in SOME_RATES.value]
    rows = []
    print(f"crossed at rates {', '.join(f'{rate:g}' for rate in rates)}; of the others the range")
    print(f"judges images  sd: judges images bias  {'crossed':24}", *METHODS[1:], sep="  ")
    for judges in numbers_of_judges:
        for images in numbers_of_images:
            for spread in SPREADS:
                found = [coverage(judges, images, rate, spread) for rate in rates]
                rows += [
                    {"judges": judges, "images": images, "rate": rate, "spread": spread, **row}
                    for rate, row in zip(rates, found, strict=True)
                ]
                line = f"{judges:6} {images:6}      {spread[0]:6g} {spread[1]:6g} {spread[2]:4g}  "
                line += "".join(f"{100 * row['crossed']:6.1f}" for row in found)
                for method in METHODS[1:]:
                    shares = [100 * row[method] for row in found]
                    line += f"   {min(shares):.1f} to {max(shares):.1f}"
                print(line, flush=True)
    for judges in numbers_of_judges:
        shares = [100 * row["crossed"] for row in rows if row["judges"] == judges]
        inside = sum(93 <= share <= 97 for share in shares)
        print(
            f"{judges} judges: {min(shares):.1f} to {max(shares):.1f}, mean "
            f"{sum(shares) / len(shares):.1f}; {inside} of {len(shares)} within 93 to 97"
        )
    if JSON.value:
        run_folder.write_json(Path(JSON.value), rows)


if __name__ == "__main__":
    sys.exit(cli.run(main))
