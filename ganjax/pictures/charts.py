"""Charts: points in the plane, trajectories, curves of training."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from ganjax.disclosure import CHART, MIXED, Disclosure
from ganjax.files import replaced


def save_points(
    path: Path, x: np.ndarray, x_real: np.ndarray | None, *, disclosure: Disclosure
) -> None:
    """Scatters generated points [n, 2] over real ones, with the real ones' limits if there are."""
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    if x_real is not None:
        axes.scatter(*np.asarray(x_real).T, s=6, color="0.75", label="data")
    axes.scatter(*np.asarray(x).T, s=6, color="C0", alpha=0.6, label="generated")
    reach = 1.3 * float(np.abs(x if x_real is None else x_real).max())
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    axes.legend(loc="upper right")
    disclosure = disclosure if x_real is None else disclosure._replace(source=MIXED)
    save_figure(path, figure, disclosure=disclosure)


def save_portraits(
    path: Path,
    arrows: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    panels: Mapping[str, np.ndarray],
    *,
    disclosure: Disclosure,
    columns: int = 4,
) -> None:
    """Draws trajectories in the plane over arrows, one panel each.

    Args:
      path: of the picture.
      arrows: x [n], y [m] and the arrows' components u, v [m, n], as in `dynamics.Portrait`; they
        are drawn with one length.
      panels: title -> trajectory [steps, 2] from its first point.
      disclosure: of their origin.
      columns: panels in a row.
    """
    x, y, u, v = arrows
    length = np.hypot(u, v)
    length = np.where(length > 0, length, 1.0)
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(2.7 * columns + 0.3, 2.9 * rows + 0.3), layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes, (title, points) in zip(grid.ravel(), panels.items(), strict=False):
        axes.quiver(x, y, u / length, v / length, color="0.8", pivot="mid", width=0.004)
        axes.plot(*np.asarray(points).T, linewidth=1, color="C0")
        axes.plot(*points[0], "ko", markersize=4)
        axes.plot(0, 0, "k+", markersize=9)
        axes.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]), aspect="equal")
        axes.set_title(title, fontsize="medium")
    for axes in grid.ravel()[len(panels) :]:
        axes.set_visible(False)
    figure.supxlabel("generator")
    figure.supylabel("discriminator")
    save_figure(path, figure, disclosure=disclosure._replace(source=CHART))


def save_curves(
    path: Path, rows: Sequence[Mapping[str, float]], title: str, *, disclosure: Disclosure
) -> None:
    """Draws losses, energies, gradient norms and the accuracy with its 50:50 line.

    Args:
      path: of the picture.
      rows: rows of metrics with `step`; missing metrics are left out.
      title: above the panels.
      disclosure: of the run.
    """
    panels = {
        "loss": ["loss/gen", "loss/disc", "penalty/disc"],
        "energy": ["energy_real/disc", "energy_fake/disc", "convergence/disc", "k/disc"],
        "gradient norm": ["grad_norm/gen", "grad_norm/disc"],
        "discriminator accuracy": ["accuracy_real/disc", "accuracy_fake/disc", "accuracy/disc"],
    }
    panels = {
        label: [key for key in keys if any(key in row for row in rows)]
        for label, keys in panels.items()
    }
    panels = {label: keys for label, keys in panels.items() if keys}
    figure = Figure(figsize=(9, 2.6 * max(1, len(panels))), layout="constrained")
    figure.suptitle(title)
    grid = figure.subplots(max(1, len(panels)), sharex=True, squeeze=False)[:, 0]
    for axes, (label, keys) in zip(grid, panels.items(), strict=False):
        for key in keys:
            some = [row for row in rows if key in row]  # stages may have different metrics
            axes.plot([row["step"] for row in some], [row[key] for row in some], label=key)
        if label == "discriminator accuracy":
            axes.axhline(0.5, color="0.4", linestyle="--", linewidth=1, label="50:50")
            axes.set_ylim(0, 1)
        if label == "gradient norm" and all(row.get(key, 1) > 0 for row in rows for key in keys):
            axes.set_yscale("log")
        axes.set_ylabel(label)
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize="small")
        axes.grid(alpha=0.3)
    grid[-1].set_xlabel("step")
    save_figure(path, figure, disclosure=disclosure._replace(source=CHART))


def save_figure(path: Path, figure: Figure, *, disclosure: Disclosure) -> None:
    """Writes a figure in the format of the path's ending; equal figures give equal bytes."""
    kind, options = path.suffix[1:].lower(), disclosure.figure_options(path.suffix)
    with matplotlib.rc_context({"svg.hashsalt": path.name}), replaced(path) as file:
        figure.savefig(file, format=kind, dpi=110, **options)
