"""The figures of a page, by matplotlib; legends of curves are the page's, see `parts.lines`."""

from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ganjax.html import COLOURS
from ganjax.statistics import Summary

STYLES = ("-", "--", ":", "-.")
WIDE, SMALL = (5.2, 3.4), (4.0, 2.5)  # sizes in inches
SPAN = 100  # of values of a linear scale, the largest over the smallest
TEXT = {"font.size": 9}

Look = tuple[str, str]  # colour and style of a line


def looks(names: Sequence[str], factors: Mapping[str, Mapping[str, str]]) -> dict[str, Look]:
    """A look for each cell: colour and style are the levels of two factors, if these suffice."""
    places = {name: divmod(index, len(COLOURS))[::-1] for index, name in enumerate(names)}
    columns = list(zip(*(row.values() for row in factors.values()), strict=True))
    columns.sort(key=lambda levels: len(set(levels)), reverse=True)
    most = (len(COLOURS), len(STYLES))
    if len(columns) == 2 and all(len(set(c)) <= n for c, n in zip(columns, most, strict=True)):
        ranks = [list(map(list(dict.fromkeys(levels)).index, levels)) for levels in columns]
        places = dict(zip(factors, zip(*ranks, strict=True), strict=True))
    return {
        name: (COLOURS[places[name][0]], STYLES[places[name][1] % len(STYLES)]) for name in names
    }


@matplotlib.rc_context(TEXT)
def curves(
    rows: Mapping[str, tuple[Sequence[float], np.ndarray]],
    drawn_as: Mapping[str, Look],
    *,
    x: str,
    y: str,
    bound: float | None = None,
    size: tuple[float, float] = WIDE,
) -> Figure:
    """One line a row, the mean over seeds, in a band from the least seed to the largest.

    The ids of line and band end with the row's place in `drawn_as`, see `parts.lines`.

    Args:
      rows: {line: (abscissa [evaluations], values [evaluations, seeds], NaN if missing)}.
      drawn_as: {line: its look}, of these lines and of any others.
      x: label of the abscissa.
      y: title, the label of the values.
      bound: a score, drawn as a horizontal line.
      size: in inches.
    """
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    drawn = [values[np.isfinite(values)] for _, values in rows.values()]
    seen = np.concatenate([*drawn, np.ravel([] if bound is None else [bound])])
    axes.set_yscale("log" if _wide(seen) else "linear")
    for number, (name, (colour, style)) in enumerate(drawn_as.items()):
        places, values = rows.get(name, ([], np.empty((0, 1))))
        some = np.isfinite(values).any(1)
        places, values = np.asarray(places)[some], values[some]
        if not len(places):
            continue
        mean, low, high = (f(values, 1) for f in (np.nanmean, np.nanmin, np.nanmax))
        marker = "o" if len(places) == 1 else ""
        line = {"color": colour, "linewidth": 1.5, "marker": marker, "gid": f"line{number}"}
        axes.plot(places, mean, linestyle=style, **line)
        if values.shape[1] > 1:
            band = {"color": colour, "alpha": 0.2, "linewidth": 0, "gid": f"band{number}"}
            axes.fill_between(places, low, high, **band)
    if bound is not None:
        axes.axhline(bound, color="#8c8c8c", linestyle=":", linewidth=1)
    axes.set(xlabel=x)
    axes.set_title(y, loc="left", fontsize="medium")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _wide(values: np.ndarray) -> bool:
    """Whether values need a logarithmic scale."""
    return bool(len(values)) and 0 < SPAN * values.min() < values.max()


@matplotlib.rc_context(TEXT)
def heat_map(
    means: np.ndarray,
    texts: np.ndarray,
    *,
    rows: tuple[str, Sequence[str]],
    columns: tuple[str, Sequence[str]],
    title: str,
    goal: str,
) -> Figure:
    """Means of a score over two factors, the best of them bright.

    Args:
      means: [row, column]; NaN where there is none.
      texts: of the cells [row, column].
      rows: (factor, levels).
      columns: (factor, levels).
      title: of the score.
      goal: "min" or "max", whether a small or a large score is good.
    """
    figure = Figure(figsize=(WIDE[0], 0.9 + 0.42 * len(rows[1])), layout="constrained")
    axes = figure.subplots()
    seen = means[np.isfinite(means)]
    norm = (LogNorm if _wide(seen) else Normalize)(*((seen.min(), seen.max()) if len(seen) else ()))
    colours = matplotlib.colormaps["viridis_r" if goal == "min" else "viridis"]
    axes.pcolormesh(
        np.ma.masked_invalid(means), norm=norm, cmap=colours, edgecolor="#8c8c8c", linewidth=0.5
    )
    for place in np.ndindex(means.shape):
        ink = "#000000"  # the page's text colour
        if np.isfinite(means[place]):
            light = np.dot(colours(norm(means[place]))[:3], (0.3, 0.59, 0.11))
            ink = "#111111" if light > 0.5 else "#ffffff"
        y, x = np.add(place, 0.5)
        axes.text(x, y, texts[place], color=ink, ha="center", va="center")
    axes.set_xticks(np.arange(len(columns[1])) + 0.5, columns[1])
    axes.set_yticks(np.arange(len(rows[1])) + 0.5, rows[1])
    axes.set(xlabel=columns[0], ylabel=rows[0])
    axes.invert_yaxis()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(title, loc="left", fontsize="medium")
    return figure


@matplotlib.rc_context(TEXT)
def main_effects(rows: Mapping[str, Mapping[str, Summary]], *, x: str) -> Figure:
    """Means with their intervals, a panel a factor, {factor: {level: over seeds}}."""
    counts = [len(levels) for levels in rows.values()]
    height = 0.6 + sum(0.3 + 0.3 * count for count in counts)
    figure = Figure(figsize=(WIDE[0], height), layout="constrained")
    panels = figure.subplots(len(rows), 1, sharex=True, squeeze=False, height_ratios=counts)
    for axes, (factor, levels) in zip(panels[:, 0], rows.items(), strict=True):
        for place, (mean, low, high) in enumerate((s.mean, s.low, s.high) for s in levels.values()):
            axes.plot(mean, place, "o", color=COLOURS[0], markersize=5)
            axes.plot([low, high], [place, place], color=COLOURS[0], linewidth=1.5)
            text = f"{mean:.3g}" if np.isfinite(mean) else "none"
            axes.text(1.02, place, text, va="center", transform=axes.get_yaxis_transform())
        axes.set_yticks(range(len(levels)), levels)
        axes.set_ylim(len(levels) - 0.4, -0.6)
        axes.set_title(factor, loc="left", fontsize="medium")
        axes.grid(axis="x", alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    panels[-1, 0].set_xlabel(x)
    return figure


def points(samples: np.ndarray, centres: np.ndarray, reach: float) -> Figure:
    """Samples [n, 2] over the centres of a mixture [modes, 2] in a square from -reach to reach."""
    figure = Figure(figsize=(2, 2))
    axes = figure.add_axes((0, 0, 1, 1))
    if len(centres):
        axes.plot(*np.asarray(centres).T[:2], "+", color="#d4731c", markersize=9)
    axes.plot(*samples.T[:2], ".", color="#3f86c6", markersize=3, rasterized=True)
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), xticks=[], yticks=[])
    return figure


def portrait(row: Mapping[str, np.ndarray]) -> Figure:
    """Trajectories of a toy's players over the field of gradient descent.

    Args:
      row: of a cell, `way` [evaluations, seeds, 2], `field` [y, x, 2], `field_x`, `field_y`.
    """
    figure = Figure(figsize=(2.4, 2.4), layout="constrained")
    axes, x, y = figure.subplots(), row["field_x"], row["field_y"]
    axes.quiver(x, y, *np.moveaxis(row["field"], -1, 0), color="#8c8c8c", width=0.006)
    for seed, trajectory in enumerate(np.moveaxis(row["way"], 1, 0)):
        colour = COLOURS[seed % len(COLOURS)]
        axes.plot(*trajectory.T, color=colour, linewidth=1)
        axes.plot(*trajectory[0], "o", color=colour, markersize=4)
    axes.plot(0, 0, "+", color="#d4731c", markersize=9)
    axes.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]), aspect="equal")
    return figure


def eigenvalues(rows: Mapping[str, np.ndarray]) -> Figure:
    """Eigenvalues of a step in the complex plane with the unit circle, complex [n] a cell."""
    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.subplots()
    turn = np.linspace(0, 2 * np.pi, 200)
    axes.plot(np.cos(turn), np.sin(turn), color="#8c8c8c", linewidth=1)
    for index, (name, values) in enumerate(rows.items()):
        axes.plot(
            values.real, values.imag, "ox^sDv*"[index % 7], color=COLOURS[index % 7], label=name
        )
    axes.set(xlabel="real part", ylabel="imaginary part")
    axes.set_aspect("equal", adjustable="datalim")
    figure.legend(loc="outside right upper", frameon=False, fontsize="small")
    return figure


def shares(counts: np.ndarray, largest: float) -> Figure:
    """Share of the samples at every mode, a bar a mode, of counts [seeds, modes]."""
    figure = Figure(figsize=(2.4, 1.4), layout="constrained")
    axes = figure.subplots()
    share, modes = counts / counts.sum(1, keepdims=True), np.arange(1, counts.shape[1] + 1)
    axes.bar(modes, share.mean(0), color=COLOURS[0])
    ends = np.abs(np.stack([share.min(0), share.max(0)]) - share.mean(0))
    axes.errorbar(modes, share.mean(0), ends, fmt="none", ecolor="#8c8c8c", linewidth=1)
    axes.axhline(1 / len(modes), color="#8c8c8c", linestyle=":", linewidth=1)
    axes.set(xlabel="mode", ylim=(0, largest))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.spines[["top", "right"]].set_visible(False)
    return figure
