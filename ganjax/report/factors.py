"""A product of factors: heat maps of a score over two of them, and main effects."""

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from ganjax import html, metrics, statistics, sweep
from ganjax.report import figures, labels

Levels = Mapping[str, Mapping[str, str]]  # {cell: {factor: level}}
Scores = Mapping[str, np.ndarray]  # {cell: last scores [seeds], NaN where a run diverged}


def section(
    comparison: Mapping[str, Any], results: Mapping[str, Any], table: Mapping[str, Any]
) -> str:
    """The figures of a product; "" of cells that are none.

    Args:
      comparison: from `sweep.described`.
      results: from `sweep.read`.
      table: from `standings.table`.
    """
    levels = {
        cell: {labels.of(factor): level for factor, level in row.items()}
        for cell, row in comparison["factors"].items()
        if cell in results
    }
    if not levels:
        return ""
    score = table["score"]
    scores = {cell: sweep.last_scores(results[cell], score) for cell in levels}
    factors = list(next(iter(levels.values())))
    pairs = itertools.combinations(factors, 2)
    drawn = [_heat_map(scores, levels, pair, score, table["goal"]) for pair in pairs]
    found = {factor: main_effects(scores, levels, factor, score) for factor in factors}
    texts = ", ".join(
        f"{factor} {level}: {s.mean:.3g} ({s.low:.3g} to {s.high:.3g})"
        for factor, row in found.items()
        for level, s in row.items()
    )
    figure = figures.main_effects(found, x=labels.of(score))
    alt = f"means of {labels.of(score)} with 95% intervals: {texts}"
    drawn.append(html.figure_svg(figure, alt, name="effects"))
    shown = "".join(f'<div class="chosen">{svg}</div>' for svg in drawn)
    over = " and over the other factors" if len(factors) > 2 else ""
    note = (
        f"<p>Heat map: means over finished seeds{over}, bright is good. Main effects: the mean of "
        "all cells of a level with its 95% bootstrap interval over seeds. Runs that diverged are "
        "left out, which flatters their level.</p>"
    )
    return f'<h2>Factors</h2><div class="halves">{shown}</div>{note}'


def main_effects(
    scores: Scores, levels: Levels, factor: str, score: str
) -> dict[str, statistics.Summary]:
    """{level of a factor: summary over seeds of the mean over the level's cells}.

    Runs that diverged are left out; of a level without any other all numbers are NaN.

    Args:
      scores: of the cells.
      levels: of the cells.
      factor: one of the factors.
      score: name of the score, for its range.
    """
    found = {}
    for level, cells in _by_level(levels, factor).items():
        seeds = [seed[np.isfinite(seed)] for seed in np.transpose([scores[cell] for cell in cells])]
        means = [seed.mean() for seed in seeds if len(seed)]
        none = statistics.Summary(0, *[np.nan] * 4)
        within = metrics.score_range(score)
        found[level] = statistics.summary(means, within=within) if means else none
    return found


def _by_level(levels: Levels, factor: str) -> dict[str, list[str]]:
    """{level: its cells}."""
    found: dict[str, list[str]] = {}
    for cell, row in levels.items():
        found.setdefault(row[factor], []).append(cell)
    return found


def _heat_map(
    scores: Scores, levels: Levels, factors: tuple[str, str], score: str, goal: str
) -> str:
    """The means over two factors, the one with more levels downwards."""
    cells = {factor: _by_level(levels, factor) for factor in factors}
    down, across = sorted(factors, key=lambda factor: len(cells[factor]), reverse=True)
    means = np.full((len(cells[down]), len(cells[across])), np.nan)
    texts = np.full(means.shape, "", object)
    pairs = itertools.product(cells[down].items(), cells[across].items())
    described = []
    for place, ((row, of_row), (column, of_column)) in zip(
        np.ndindex(means.shape), pairs, strict=True
    ):
        values = [scores[cell] for cell in of_row if cell in of_column]
        finite = np.extract(np.isfinite(values), values)
        if len(finite):
            means[place] = finite.mean()
        if values:
            texts[place] = f"{means[place]:.3g}" if len(finite) else "diverged"
            described.append(f"{row}, {column}: {texts[place]}")
    rows, columns = (down, list(cells[down])), (across, list(cells[across]))
    title = labels.of(score)
    figure = figures.heat_map(means, texts, rows=rows, columns=columns, title=title, goal=goal)
    alt = f"{title} by {down} and {across}; {'; '.join(described)}"
    return html.figure_svg(figure, alt, name=f"heat-{'-'.join(factors)}".replace(" ", "-"))
