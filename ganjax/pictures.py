"""Pictures of samples and of training curves, written to files.

The ending of a file's name is the format: .png, .jpg, .webp, .pdf and, for figures, .svg.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from ganjax.errors import ConfigError

TILE = 48  # smallest side of an image in a grid, in pixels


def drawable(shape: Sequence[int]) -> bool:
    """Whether there is a picture of samples of this shape: images or points in the plane."""
    return (len(shape) == 3 and shape[-1] in (1, 3)) or tuple(shape) == (2,)


def check_drawable(shape: Sequence[int], otherwise: str) -> None:
    """Refuses samples that cannot be drawn.

    Args:
      shape: of one sample.
      otherwise: the advice at the end of the message.

    Raises:
      ConfigError: samples of this shape cannot be drawn.
    """
    if not drawable(shape):
        raise ConfigError(
            f"there is no picture of samples of shape {tuple(shape)}, only of images with 1 or 3 "
            f"channels and of points in the plane; {otherwise}"
        )


def image_grid(x: np.ndarray, *, columns: int | None = None) -> np.ndarray:
    """Tiles images into one, row by row, with a gap of a sixteenth of a tile.

    Args:
      x: images [n, height, width, channel] in [-1, 1]; 1 or 3 channels.
      columns: images in a row; about the square root of n if None.

    Returns:
      uint8 image [height, width, channel]; images below 48 pixels are enlarged by a whole factor.
    """
    x = np.asarray(x)
    scale = -(-TILE // min(x.shape[1:3]))
    x = _pixels(x).repeat(scale, axis=1).repeat(scale, axis=2)
    n, height, width, channels = x.shape
    (rows, columns), gap = _grid_shape(n, columns), max(1, min(height, width) // 16)
    canvas = np.full(
        (rows * (height + gap) + gap, columns * (width + gap) + gap, channels), 255, np.uint8
    )
    for index, image in enumerate(x):
        top = gap + index // columns * (height + gap)
        left = gap + index % columns * (width + gap)
        canvas[top : top + height, left : left + width] = image
    return canvas


def _grid_shape(n: int, columns: int | None) -> tuple[int, int]:
    """(rows, columns) of a grid of n images, about square if the columns are None."""
    columns = columns or int(np.ceil(np.sqrt(n)))
    return -(-n // columns), columns


def save_image(path: Path, image: np.ndarray) -> None:
    """Writes a uint8 image [height, width, 1 or 3] in the format of the path's ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(path)


def read_image(path: Path) -> np.ndarray:
    """The uint8 pixels of a picture's file [height, width, 3]."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def save_apart(paths: Sequence[Path], x: np.ndarray) -> None:
    """Writes images [n, height, width, 1 or 3] in [-1, 1], unscaled, each into its own file."""
    for path, image in zip(paths, _pixels(x), strict=True):
        save_image(path, image)


def _pixels(x: np.ndarray) -> np.ndarray:
    return np.clip(np.rint((x + 1) * 127.5), 0, 255).astype(np.uint8)


def save_animation(path: Path, frames: Sequence[np.ndarray], *, seconds: float = 0.12) -> None:
    """Writes uint8 images [height, width, 1 or 3] of one size as an endless GIF.

    Args:
      path: of the GIF.
      frames: at least one.
      seconds: duration of each frame.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    images = [Image.fromarray(f[..., 0] if f.shape[-1] == 1 else f) for f in frames]
    options = dict(append_images=images[1:], duration=round(1000 * seconds), loop=0)
    images[0].save(path, format="GIF", save_all=True, optimize=True, **options)


def save_points(path: Path, x: np.ndarray, x_real: np.ndarray | None) -> None:
    """Scatters generated points [n, 2] over real ones, with the real ones' limits if there are."""
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    if x_real is not None:
        axes.scatter(*np.asarray(x_real).T, s=6, color="0.75", label="data")
    axes.scatter(*np.asarray(x).T, s=6, color="C0", alpha=0.6, label="generated")
    reach = 1.3 * float(np.abs(x if x_real is None else x_real).max())
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    axes.legend(loc="upper right")
    _save(figure, path)


def save_portraits(
    path: Path,
    arrows: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    panels: Mapping[str, np.ndarray],
    *,
    columns: int = 4,
) -> None:
    """Draws trajectories in the plane over arrows, one panel each.

    Args:
      path: of the picture.
      arrows: x [n], y [m] and the arrows' components u, v [m, n], as in `dynamics.Portrait`; they
        are drawn with one length.
      panels: title -> trajectory [steps, 2] from its first point.
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
    _save(figure, path)


def save_samples(
    path: Path, x: np.ndarray, x_real: np.ndarray | None, *, rows: int | None = None
) -> bool:
    """Draws samples by their shape: a grid of images, or points in the plane over the data.

    Args:
      path: of the picture.
      x: the samples [n, ...].
      x_real: data [m, ...], shown beneath points only; None to leave them out.
      rows: of the grid, which is then filled column by column, so that classes in turn become rows.
        If None the grid is about square, filled row by row.

    Returns:
      False, and no file, for samples that cannot be drawn.
    """
    if not drawable(x.shape[1:]):
        return False
    if x.ndim == 4:
        columns = -(-len(x) // rows) if rows else None
        save_image(path, image_grid(_turned(x, rows) if rows else x, columns=columns))
    else:
        save_points(path, x, x_real)
    return True


def _turned(x: np.ndarray, rows: int) -> np.ndarray:
    """Images reordered to fill a grid column by column, with white ones at the end."""
    blank = np.ones((-len(x) % rows, *x.shape[1:]), x.dtype)
    columns = np.concatenate([x, blank]).reshape(-1, rows, *x.shape[1:])
    return columns.swapaxes(0, 1).reshape(-1, *x.shape[1:])


def save_comparison(
    path: Path, x: np.ndarray, held_out: np.ndarray | None, train: np.ndarray | None
) -> list[str]:
    """Draws held-out real samples, generated ones, and the nearest training image of each of these.

    Args:
      path: of the picture.
      x: generated images [n, height, width, 1 or 3] in [-1, 1], or points [n, 2].
      held_out: real samples, of which n are drawn; None if there are none.
      train: the training images, searched for the nearest in Euclidean distance; None for points or
        if there are none.

    Returns:
      Titles of the panels drawn.
    """
    panels = {"generated": x}
    if held_out is not None:
        panels = {"real, held out": held_out[: len(x)], **panels}
    if train is not None:
        flat, pool = x.reshape(len(x), -1), train.reshape(len(train), -1)
        nearest = train[((flat[:, None] - pool[None]) ** 2).sum(-1).argmin(1)]
        panels["nearest training images"] = nearest
    save_panels(path, panels)
    return list(panels)


def save_panels(
    path: Path,
    panels: Mapping[str, np.ndarray],
    *,
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
        _image_panels(path, panels, columns, row_titles, column_titles)
    elif len(row_titles) or len(column_titles):
        raise ValueError("panels of points have no rows or columns; leave out their titles")
    else:
        _point_panels(path, panels, marks)
    return True


def _image_panels(
    path: Path,
    panels: Mapping[str, np.ndarray],
    columns: int | None,
    row_titles: Sequence[str],
    column_titles: Sequence[str],
) -> None:
    grids = [image_grid(x, columns=columns) for x in panels.values()]
    height = 3 * max(grid.shape[0] / grid.shape[1] for grid in grids)
    figure = Figure(figsize=(3 * len(panels), max(1, height) + 0.3), layout="constrained")
    row = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, (title, x), grid in zip(row, panels.items(), grids, strict=True):
        axes.imshow(grid, cmap="gray", vmin=0, vmax=255, interpolation="none")
        axes.set(title=title, xticks=(), yticks=())
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0, labelsize="small")
        rows, across = _grid_shape(len(x), columns)
        if len(row_titles) and axes is row[0]:
            axes.set_yticks(_middles("row_titles", row_titles, rows, grid.shape[0]), row_titles)
        if len(column_titles):
            middles = _middles("column_titles", column_titles, across, grid.shape[1])
            axes.set_xticks(middles, column_titles)
    _save(figure, path)


def _middles(name: str, titles: Sequence[str], count: int, pixels: int) -> np.ndarray:
    """Pixel in the middle of each of `count` rows or columns, one for each title."""
    if len(titles) != count:
        raise ValueError(f"{name} has {len(titles)} entries, and the grid needs {count}")
    return (np.arange(count) + 0.5) * pixels / count


def _point_panels(path: Path, panels: Mapping[str, np.ndarray], marks: np.ndarray | None) -> None:
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
    _save(figure, path)


def save_curves(path: Path, rows: Sequence[Mapping[str, float]], title: str) -> None:
    """Draws losses, energies, gradient norms and the accuracy with its 50:50 line.

    Args:
      path: of the picture.
      rows: rows of metrics with `step`; missing metrics are left out.
      title: above the panels.
    """
    panels = {
        "loss": ["loss/gen", "loss/disc", "penalty/disc"],
        "energy": ["energy/real", "energy/fake", "balance/convergence", "balance/k"],
        "gradient norm": ["grad_norm/gen", "grad_norm/disc"],
        "discriminator accuracy": ["disc/accuracy_real", "disc/accuracy_fake", "disc/accuracy"],
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
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
