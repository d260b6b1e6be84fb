"""Pictures of benchmarks: laws, scaling, densities, samples over training, intervals."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from ganjax import pictures
from ganjax.disclosure import CHART, SAMPLES, Disclosure


def save(figure: Figure, path: Path, source: str = CHART) -> None:
    """Writes a figure that discloses its `source` in the format of the ending of its path."""
    pictures.save_figure(path, figure, disclosure=Disclosure(source=source))


def laws(path: Path, panels: Mapping[str, tuple[str, str, Mapping]]) -> None:
    """Draws measured points and fitted lines, both axes logarithmic.

    Args:
      path: of the picture.
      panels: title -> (abscissa, ordinate, name -> (points (x, y), line (x, y))), each x and y [n]
        positive.
    """
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(4.4 * columns, 3.7 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, (title, (over, unit, series)) in zip(grid, panels.items(), strict=False):
        for index, (name, (points, line)) in enumerate(series.items()):
            axes.plot(*points, "o", markersize=4, color=f"C{index}", label=name)
            axes.plot(*line, color=f"C{index}", linewidth=1)
        axes.set(xscale="log", yscale="log", xlabel=over, ylabel=unit)
        axes.set_title(title, fontsize="medium")
        for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            axis.set_major_formatter("{x:g}")
            axis.set_minor_formatter(_even if high < 20 * low else "")
        axes.grid(alpha=0.3)
        axes.legend(fontsize="small", frameon=False)
    for axes in grid[len(panels) :]:
        axes.set_visible(False)
    save(figure, path)


def _even(x: float, _: int) -> str:
    """Labels of minor ticks on short axes, which show few powers of ten."""
    return f"{x:g}" if f"{x:.0e}"[0] in "2468" else ""


def point_panels(
    path: Path,
    rows: Mapping[str, Sequence[np.ndarray]],
    titles: Sequence[str],
    *,
    marks: np.ndarray,
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]],
    curve_title: str,
) -> None:
    """Scatters points [n, 2] in a grid of panels, and a panel of curves at the end of each row.

    Args:
      path: of the picture.
      rows: label of a row -> its panels from left to right.
      titles: of the columns of points.
      marks: points [n, 2] marked in every panel; they set its limits, at twice their reach.
      curves: label of a row -> abscissa [t] and one column a curve [t, curves].
      curve_title: of the column of curves.
    """
    width, reach = len(titles) + 1, 2 * np.abs(marks).max()
    figure = Figure(figsize=(2 * width + 1, 2 * len(rows) + 0.4), layout="constrained")
    grid = figure.subplots(len(rows), width, squeeze=False, width_ratios=[1] * (width - 1) + [1.4])
    highest = max(values.max() for _, values in curves.values())
    for line, (label, panels) in zip(grid, rows.items(), strict=True):
        for axes, points in zip(line, panels, strict=False):
            axes.scatter(*np.asarray(points).T, s=2, color="C0", alpha=0.5, linewidth=0)
            axes.scatter(*np.asarray(marks).T, s=12, color="0.3", marker="+", linewidth=0.6)
            axes.set(xlim=(-reach, reach), ylim=(-reach, reach), xticks=(), yticks=())
            axes.set_aspect("equal")
        line[0].set_ylabel(label, fontsize="small")
        line[-1].plot(*curves[label], color="C1", linewidth=0.8, alpha=0.7)
        line[-1].set_ylim(0, 1.05 * highest)
        line[-1].tick_params(labelsize="x-small")
    for axes, title in zip(grid[0], [*titles, curve_title], strict=True):
        axes.set_title(title, fontsize="small")
    save(figure, path, SAMPLES)


def densities(
    path: Path,
    x: np.ndarray,
    data: np.ndarray,
    panels: Mapping[str, tuple[np.ndarray, Sequence[np.ndarray]]],
) -> None:
    """Draws densities on the line over that of the data, in panels side by side.

    Args:
      path: of the picture.
      x: abscissa [points].
      data: density of the data at x.
      panels: title -> the best density at x and the learned ones.
    """
    figure = Figure(figsize=(3 * len(panels), 3.3), layout="constrained")
    grid = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, (title, (best, learned)) in zip(grid, panels.items(), strict=True):
        axes.fill_between(x, data, color="0.87", linewidth=0, label="data")
        for index, density in enumerate(learned):
            label = "learned, every seed" if index == 0 else None
            axes.plot(x, density, color="C0", linewidth=4, alpha=0.4, label=label)
        axes.plot(x, best, "k--", linewidth=1, label="best, by quadrature")
        axes.set(xlim=(x[0], x[-1]), xlabel="x")
        axes.set_title(title, fontsize="medium")
    grid[0].set(ylim=(0, None), ylabel="density")
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    save(figure, path)


def scaling(
    path: Path, panels: Mapping[str, tuple[str, Mapping[str, Mapping[str, np.ndarray]]]]
) -> None:
    """Draws rates and efficiencies over the number of chips, log-log.

    Args:
      path: of the picture.
      panels: title -> (unit, label -> curve); a curve has `chips`, `rate` and `efficiency`, all
        [points], the efficiency of the first being 1. Labels are "colour, line": those that begin
        alike have one colour, those that end alike one style of line, in all panels.
    """
    figure = Figure(figsize=(4.2 * len(panels), 6.4), layout="constrained")
    grid = figure.subplots(2, len(panels), sharex=True, squeeze=False)
    parts = [label.split(", ") for _, curves in panels.values() for label in curves]
    colours, styles = (list(dict.fromkeys(of)) for of in zip(*parts, strict=True))
    lines = {}
    for (above, below), (title, (unit, curves)) in zip(grid.T, panels.items(), strict=True):
        for label, curve in curves.items():
            colour, style = label.split(", ")
            drawn = {
                "color": f"C{colours.index(colour)}",
                "linestyle": ("-", "--", ":", "-.")[styles.index(style)],
                "marker": ".",
                "linewidth": 1.2,
            }
            (lines[label],) = above.loglog(curve["chips"], curve["rate"], **drawn)
            below.loglog(curve["chips"], curve["efficiency"], **drawn)
            ideal = curve["rate"][0] * np.asarray(curve["chips"])
            (lines["in proportion"],) = above.loglog(curve["chips"], ideal, "0.85", zorder=0)
        lines["a half"] = below.axhline(0.5, color="0.4", linestyle="--", linewidth=1)
        above.set(title=title, ylabel=unit)
        below.set(xlabel="chips", ylabel="efficiency", ylim=(0.01, 1.3))
        below.set_xscale("log", base=2)
        below.xaxis.set_major_formatter("{x:.0f}")
        for axes in (above, below):
            axes.grid(alpha=0.3)
    figure.legend(lines.values(), lines, loc="outside lower center", ncols=5, frameon=False)
    save(figure, path)


def intervals(
    path: Path, rows: Sequence[tuple[str, float, float, float, float | None]], title: str
) -> None:
    """Draws means with their intervals on a logarithmic axis, the first row on top.

    Args:
      path: of the picture.
      rows: (name, mean, low, high, p against the baseline or None for itself); an interval that
        begins at 0 is drawn from the left edge.
      title: of the abscissa.
    """
    figure = Figure(figsize=(7.2, 0.46 * len(rows) + 0.9), layout="constrained")
    axes = figure.subplots()
    least = min(min(mean, low or mean) for _, mean, low, _, _ in rows) / 2
    for place, (_, mean, low, high, p) in enumerate(rows):
        colour = "C1" if p is not None and p <= 0.05 else "C0"
        axes.plot([max(low, least), high], [place, place], color=colour, linewidth=2)
        axes.plot(mean, place, "o", color=colour)
        if low < least:
            axes.plot(least, place, "<", color=colour, markersize=7)
        note = "baseline" if p is None else f"p = {p:.2g}"
        axes.annotate(
            note,
            (1.01, place),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize="small",
        )
    axes.set_yticks(range(len(rows)), [name for name, *_ in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set(xscale="log", xlabel=title, xlim=(0.9 * least, None))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.grid(axis="x", alpha=0.3)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    save(figure, path)
