"""How often comparisons detect the difference that `ganjax.statistics` calls detectable, in %.

python scripts/benchmarks/power.py --draws 4000

A comparison is simulated: a score of every cell and seed, with a component that all cells of a seed
share. One cell is better by the difference detectable with power 80%, given the spread of another
cell of the same comparison ("first cell") or of another comparison; it counts as detected if its p
of sign flips is at most 0.05 after Holm over all cells.
"""

import sys
from typing import Any

from absl import flags

from ganjax import cli

SEEDS = range(3, 13)
COMPARISONS = (1, 4, 9)
# name: (method of numpy's generator, its arguments), of a score.
NOISES = {
    "normal": ("normal", ()),
    "log-normal, sigma 0.5": ("lognormal", (0.0, 0.5)),
    "Laplace": ("laplace", ()),
}

DRAWS = flags.DEFINE_integer("draws", 4000, "Simulated comparisons a cell.", lower_bound=2)
SEED = flags.DEFINE_integer("seed", 0, "Seed of the scores.", lower_bound=0)


def p_values(differences: Any) -> Any:
    """As `statistics.sign_flip_p`, of many sets of exact flips [..., pairs] -> [...]."""
    import numpy as np

    n = differences.shape[-1]
    signs = 1.0 - 2 * (np.arange(2 ** (n - 1))[:, None] >> np.arange(n) & 1)  # the last one kept
    flat = differences.reshape(-1, n)
    least = np.abs(flat.sum(1)) - 1e-12 * np.abs(flat).sum(1)
    parts = np.array_split(np.arange(len(flat)), -(-flat.size * len(signs) // 2**25))
    p = [(np.abs(flat[rows] @ signs.T) >= least[rows, None]).mean(1) for rows in parts]
    return np.concatenate(p).reshape(differences.shape[:-1])


def detected(noise: str, pairs: int, comparisons: int) -> dict[str, float]:
    """Share of comparisons that detect the difference, by whose spread it was stated."""
    import numpy as np

    from ganjax import statistics

    method, arguments = NOISES[noise]
    rng = np.random.default_rng((SEED.value, pairs, comparisons))

    def differences():
        draw = getattr(rng, method)
        scores = draw(*arguments, size=(DRAWS.value, comparisons + 1, pairs))
        scores = scores + 2 * rng.normal(size=(DRAWS.value, 1, pairs))  # shared by a seed's cells
        return scores[:, 1:] - scores[:, :1]

    ratio = statistics.detectable_difference(1.0, pairs, comparisons)
    ratio = ratio if np.isfinite(ratio) else 1e6
    of, other = differences(), differences()
    spreads = {"another comparison": other[:, 0].std(1, ddof=1)}
    if comparisons > 1:
        spreads["first cell"] = of[:, 0].std(1, ddof=1)
    found = {}
    for name, spread in spreads.items():
        shifted = of.copy()
        shifted[:, -1] += ratio * spread[:, None]
        adjusted = [statistics.holm(p)[-1] for p in p_values(shifted)]
        found[name] = float((np.array(adjusted) <= statistics.LEVEL).mean())
    return found


def main() -> None:
    """Simulates the comparisons and prints the table."""
    from ganjax import statistics

    print("detected by the spread of another comparison, of the first cell of the same")
    print(f"{'comparisons':11} seeds  ratio" + "".join(f"{name:>24}" for name in NOISES))
    for comparisons in COMPARISONS:
        for pairs in SEEDS:
            ratio = statistics.detectable_difference(1.0, pairs, comparisons)
            row = f"{comparisons:11} {pairs:5} {ratio:6.2f}"
            for noise in NOISES:
                shares = (f"{share:6.1%}" for share in detected(noise, pairs, comparisons).values())
                row += f"{', '.join(shares):>24}"
            print(row, flush=True)


if __name__ == "__main__":
    sys.exit(cli.run(main))
