"""Gradients needed to reach the saddle point of strongly convex-concave quadratics.

f = x'Ax/2 + x'By - y'Cy/2 in 100 + 100 dimensions, 3 starts x 10 games, stopped where
|x|^2 + |y|^2 < eps. Every scheme is tuned by grid for each instance, as published: 15 rates, 225
pairs, 10,125 triples of Alex-GDA. Equal tuning draws as many settings of each scheme's own grid;
simultaneous play needs more than its 1,000 steps and is left out there.
"""

import numpy as np

from claims import quadratics, tuning
from claims.result import Number, Panel, Result, measured

TITLE = {
    "en": "Alternation beats simultaneous play, and Alex-GDA needs the fewest gradients of all",
    "ko": "교대 갱신이 동시 갱신보다 빠르고, Alex-GDA가 기울기를 가장 적게 쓴다",
}
SOURCE = "Lee, Cho, Yun, ICML 2024, arXiv:2402.10475; HanseulJo/Alex-GDA e8a912f, stat.ipynb"
# (mu, mu_xy, L, L_xy, eps) -> mean and standard deviation over 30 instances, scheme by scheme.
TABLE = {
    (0.1, 0.1, 1, 1, 1e-8): "1974.2 123.3 105.9 6.6 133.8 16.7 132.8 16.5 90.0 14.4 62.7 10.4",
    (0.1, 0.05, 1, 2, 1e-8): "7865.0 496.4 149.1 9.4 253.2 50.0 215.1 38.9 116.1 19.9 100.6 21.3",
    (0.01, 0.01, 1, 1, 1e-4): "104220.5 12340.9 567.6 68.9 308.8 177.3 280.5 163.2 200.5 115.7 "
    "138.8 80.2",
    (0.01, 0.05, 1, 2, 1e-4): "416822.5 49430.0 777.4 97.6 347.5 193.2 337.6 181.1 162.0 85.1 "
    "135.4 77.6",
    (0.01, 0.001, 1, 0.5, 1e-4): "42762.1 5071.8 394.9 46.9 291.1 96.9 281.1 106.2 182.3 63.6 "
    "133.1 54.5",
}


def replay(trials: int = 15) -> Result:
    """The table, and the same schemes at equal numbers of random settings."""
    numbers, means, tuned = [], [], []
    for row, printed in TABLE.items():
        column, games = map(float, printed.split()), quadratics.instances(*row[:4])
        of = "mu {}, {}, L {}, {}".format(*row)
        grids = quadratics.grids(*row[:4])
        counts = {name: quadratics.fewest(grid, games, row[-1]) for name, grid in grids.items()}
        for name, values in counts.items():
            numbers += [
                measured(f"{name}, {of}: mean", next(column), values, SOURCE, 0.05),
                Number(f"{name}, {of}: sd", next(column), values.std(ddof=1), None, 0.05, SOURCE),
            ]
        means.append({name: values.mean() for name, values in counts.items()})
        least = np.min(list(counts.values()), axis=0)[:, None]
        del grids["Sim"]
        tuned.append(
            {name: quadratics.drawn(grid, games, row[-1]) / least for name, grid in grids.items()}
        )
    conclusion = all(row["Alt"] < row["Sim"] and row["Alex"] == min(row.values()) for row in means)
    curves = {name: (range(1, 6), [row[name] for row in means]) for name in means[0]}
    equal = f"least of {trials} settings each, rows of the table: {tuning.winners(tuned, trials)}"
    together = {name: np.concatenate([row[name] for row in tuned]) for name in tuned[0]}
    panel = Panel(curves, "row of the table", "gradients, mean of 30 instances", "y")
    budgets = tuning.budgets(together, "gradients over those of the best scheme, tuned by grid")
    return Result(tuple(numbers), conclusion, panel, equal, budgets)
