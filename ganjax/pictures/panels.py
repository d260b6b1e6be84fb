"""Samples by their shape, alone or in panels beside others."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from ganjax.disclosure import MIXED, Disclosure
from ganjax.pictures.charts import save_figure, save_points
from ganjax.pictures.images import drawable, grid_shape, image_grid, save_image


def save_samples(
    path: Path,
    x: np.ndarray,
    x_real: np.ndarray | None,
    *,
    disclosure: Disclosure,
    rows: int | None = None,
) -> bool:
    """Draws samples by their shape: a grid of images, or points in the plane over the data.

    Args:
      path: of the picture.
      x: the samples [n, ...].
      x_real: data [m, ...], shown beneath points only; None to leave them out.
      disclosure: of the samples' origin.
      rows: of the grid, which is then filled column by column, so that classes in turn become rows.
        If None the grid is about square, filled row by row.

    Returns:
      False, and no file, for samples that cannot be drawn.
    """
    if not drawable(x.shape[1:]):
        return False
    if x.ndim == 4:
        columns = -(-len(x) // rows) if rows else None
        grid = image_grid(_turned(x, rows) if rows else x, columns=columns)
        save_image(path, grid, disclosure=disclosure)
    else:
        save_points(path, x, x_real, disclosure=disclosure)
    return True


def _turned(x: np.ndarray, rows: int) -> np.ndarray:
    """Images reordered to fill a grid column by column, with white ones at the end."""
    blank = np.ones((-len(x) % rows, *x.shape[1:]), x.dtype)
    columns = np.concatenate([x, blank]).reshape(-1, rows, *x.shape[1:])
    return columns.swapaxes(0, 1).reshape(-1, *x.shape[1:])


def save_comparison(
    path: Path,
    x: np.ndarray,
    held_out: np.ndarray | None,
    train: np.ndarray | None,
    *,
    disclosure: Disclosure,
) -> list[str]:
    """Draws held-out real samples, generated ones, and the nearest training image of each of these.

    Args:
      path: of the picture.
      x: generated images [n, height, width, 1 or 3] in [-1, 1], or points [n, 2].
      held_out: real samples, of which n are drawn; None if there are none.
      train: the training images, searched for the nearest in Euclidean distance; None for points or
        if there are none.
      disclosure: of the generated samples' origin.

    Returns:
      Titles of the panels drawn.
    """
    panels = {"generated": x}
    if held_out is not None:
        panels = {"real, held out": held_out[: len(x)], **panels}
    if train is not None:
        flat, pool = x.reshape(len(x), -1), train.reshape(len(train), -1)
        # One at a time: all pairs of pixels are gigabytes.
        nearest = [((pool - row) ** 2).sum(1).argmin() for row in flat]
        panels["nearest training images"] = train[nearest]
    save_panels(path, panels, disclosure=disclosure)
    return list(panels)


def save_panels(
    path: Path,
    panels: Mapping[str, np.ndarray],
    *,
    disclosure: Disclosure,
    columns: int | None = None,
    row_titles: Sequence[str] = (),
    column_titles: Sequence[str] = (),
    marks: np.ndarray | None = None,
) -> bool:
    """Draws sets of images, or of points in the plane, side by side under their titles.

    Args:
      path: of the picture.
      panels: title -> images [n, height, width, 1 or 3] in [-1, 1], or points [n, 2]; all panels of
        points share one range.
      disclosure: of the generated ones' origin.
      columns: images in a row; about the square root of n if None.
      row_titles: names of the rows of images, at the left of the first panel; () for none.
      column_titles: names of the columns of images, below each panel; () for none.
      marks: points [n, 2] marked in every panel of points; the range is then 1.4 times theirs.

    Returns:
      False, and no file, if the samples are neither images nor points in the plane.

    Raises:
      ValueError: the titles are not as many as the rows or columns, or the panels are of points.
    """
    panels = {title: np.asarray(x) for title, x in panels.items()}
    images = all(x.ndim == 4 for x in panels.values())
    if not all(drawable(x.shape[1:]) and (x.ndim == 4) == images for x in panels.values()):
        return False
    if images:
        figure = _image_panels(panels, columns, row_titles, column_titles)
    elif len(row_titles) or len(column_titles):
        raise ValueError("panels of points have no rows or columns; leave out their titles")
    else:
        figure = _point_panels(panels, marks)
    save_figure(path, figure, disclosure=disclosure._replace(source=MIXED))
    return True


def _image_panels(
    panels: Mapping[str, np.ndarray],
    columns: int | None,
    row_titles: Sequence[str],
    column_titles: Sequence[str],
) -> Figure:
    grids = [image_grid(x, columns=columns) for x in panels.values()]
    height = 3 * max(grid.shape[0] / grid.shape[1] for grid in grids)
    figure = Figure(figsize=(3 * len(panels), max(1, height) + 0.3), layout="constrained")
    row = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, (title, x), grid in zip(row, panels.items(), grids, strict=True):
        axes.imshow(grid, cmap="gray", vmin=0, vmax=255, interpolation="none")
        axes.set(title=title, xticks=(), yticks=())
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0, labelsize="small")
        rows, across = grid_shape(len(x), columns)
        if len(row_titles) and axes is row[0]:
            axes.set_yticks(_middles("row_titles", row_titles, rows, grid.shape[0]), row_titles)
        if len(column_titles):
            middles = _middles("column_titles", column_titles, across, grid.shape[1])
            axes.set_xticks(middles, column_titles)
    return figure


def _middles(name: str, titles: Sequence[str], count: int, pixels: int) -> np.ndarray:
    """Pixel in the middle of each of `count` rows or columns, one for each title."""
    if len(titles) != count:
        raise ValueError(f"{name} has {len(titles)} entries, and the grid needs {count}")
    return (np.arange(count) + 0.5) * pixels / count


def _point_panels(panels: Mapping[str, np.ndarray], marks: np.ndarray | None) -> Figure:
    reach = 1.1 * max(float(np.abs(points).max()) for points in panels.values())
    if marks is not None:
        reach = 1.4 * float(np.abs(marks).max())
    figure = Figure(figsize=(3 * len(panels), 3.3), layout="constrained")
    for axes, (title, x) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True
    ):
        axes.scatter(*x.T, s=4, alpha=0.6)
        if marks is not None:
            axes.scatter(*np.asarray(marks).T, s=30, color="C1", marker="+", linewidth=0.8)
        axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
        axes.set_title(title)
    return figure
