"""A run mirrored as TensorBoard events."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from ganjax import pictures


class Events(NamedTuple):
    """A mirror of a run.

    Attributes:
      row: `(row) -> None`, shows a row of metrics.
      picture: `(step, path) -> None`, shows the picture of samples drawn at a step; None for none.
      close: waits until all is on disk.
    """

    row: Callable[[Mapping[str, float]], None]
    picture: Callable[[int, Path | None], None]
    close: Callable[[], None]


NONE = Events(lambda row: None, lambda step, path: None, lambda: None)


def tensorboard(workdir: Path, step: int) -> Events:
    """Events in the run folder, those after `step` anew; `NONE` without the optional package."""
    try:
        import tensorboardX
    except ImportError:
        return NONE
    writer = tensorboardX.SummaryWriter(str(workdir / "tensorboard"), purge_step=step + 1)

    def write(row):
        for key, value in row.items():
            writer.add_scalar(key, value, row["step"])
        writer.flush()

    def show(step, path):
        if path is not None:
            writer.add_image("samples", pictures.read_image(path), step, dataformats="HWC")

    return Events(write, show, writer.close)
