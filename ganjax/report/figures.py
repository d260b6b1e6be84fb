"""The figures of a page, by matplotlib."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from ganjax.html import COLOURS

MARKS = ("", "--", ":", "-.")  # lines of more cells than there are colours


def curves(
    rows: Mapping[str, tuple[Sequence[float], np.ndarray]],
    *,
    x: str,
    y: str,
    bound: float | None = None,
) -> Figure:
    """One line a cell, the mean over seeds, in a band from the least seed to the largest.

    Args:
      rows: {cell: (abscissa [evaluations], values [evaluations, seeds], NaN if missing)}.
      x: label of the abscissa.
      y: label of the values.
      bound: a score, drawn as a horizontal line.
    """
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    drawn = [values[np.isfinite(values)] for _, values in rows.values()]
    seen = np.concatenate([*drawn, np.ravel([] if bound is None else [bound])])
    if len(seen) and seen.min() > 0 and seen.max() > 100 * seen.min():
        axes.set_yscale("log")
    for index, (name, (places, values)) in enumerate(rows.items()):
        colour = COLOURS[index % len(COLOURS)]
        style = MARKS[index // len(COLOURS) % len(MARKS)] or "-"
        some = np.isfinite(values).any(1)
        places, values = np.asarray(places)[some], values[some]
        if not len(places):
            axes.plot([], [], style, color=colour, label=f"{name} (none)")
            continue
        axes.plot(places, np.nanmean(values, 1), style, color=colour, label=name, linewidth=1.5)
        low, high = np.nanmin(values, 1), np.nanmax(values, 1)
        axes.fill_between(places, low, high, color=colour, alpha=0.2, linewidth=0)
    if bound is not None:
        axes.axhline(bound, color="#8c8c8c", linestyle=":", linewidth=1)
    axes.set(xlabel=x, ylabel=y)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize="small")
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


def portraits(rows: Mapping[str, Mapping[str, np.ndarray]]) -> Figure:
    """Trajectories of a toy's players over the field of gradient descent, a panel a cell.

    Args:
      rows: of every cell `way` [evaluations, seeds, 2], `field` [y, x, 2], `field_x`, `field_y`.
    """
    count = len(rows)
    columns = min(count, 3)
    height = -(-count // columns)
    figure = Figure(figsize=(2.4 * columns, 2.5 * height), layout="constrained")
    panels = figure.subplots(height, columns, squeeze=False).ravel()
    for axes, (name, row) in zip(panels, rows.items(), strict=False):
        x, y = row["field_x"], row["field_y"]
        axes.quiver(x, y, *np.moveaxis(row["field"], -1, 0), color="#8c8c8c", width=0.006)
        for seed, trajectory in enumerate(np.moveaxis(row["way"], 1, 0)):
            colour = COLOURS[seed % len(COLOURS)]
            axes.plot(*trajectory.T, color=colour, linewidth=1)
            axes.plot(*trajectory[0], "o", color=colour, markersize=4)
        axes.plot(0, 0, "+", color="#d4731c", markersize=9)
        axes.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]), aspect="equal")
        axes.set_title(name, fontsize="small")
    for axes in panels[count:]:
        axes.set_axis_off()
    figure.supxlabel("generator's parameter", fontsize="small")
    figure.supylabel("discriminator's parameter", fontsize="small")
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


def shares(rows: Mapping[str, np.ndarray]) -> Figure:
    """Share of the samples at every mode, a bar a mode, a panel a cell, counts [seeds, modes]."""
    figure = Figure(figsize=(7, 1.1 * len(rows) + 0.4), layout="constrained")
    panels = figure.subplots(len(rows), 1, squeeze=False, sharex=True, sharey=True).ravel()
    for axes, (name, counts) in zip(panels, rows.items(), strict=True):
        share = counts / counts.sum(1, keepdims=True)
        modes = np.arange(1, counts.shape[1] + 1)
        axes.bar(modes, share.mean(0), color="#3f86c6")
        ends = np.abs(np.stack([share.min(0), share.max(0)]) - share.mean(0))
        axes.errorbar(modes, share.mean(0), ends, fmt="none", ecolor="#8c8c8c", linewidth=1)
        axes.axhline(1 / len(modes), color="#8c8c8c", linestyle=":", linewidth=1)
        axes.set_title(name, fontsize="small", loc="left")
        axes.spines[["top", "right"]].set_visible(False)
    panels[-1].set_xlabel("mode")
    return figure
