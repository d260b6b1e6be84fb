"""Sinks: where metrics and pictures of a run go besides its folder.

A sink is made by a function `(workdir, config, step) -> Sink`, `config` a plain dict and `step` the
step that training goes on from: `tensorboard`, or your own `module:function`. For Weights & Biases:

    import wandb
    from ganjax.sinks import Sink

    def wandb_sink(workdir, config, step):
        run = wandb.init(project="ganjax", id=workdir.name, config=config, resume="allow")
        return Sink(
            row=lambda row: run.log(row, step=row["step"]),
            picture=lambda step, path: run.log({"samples": wandb.Image(str(path))}, step=step),
            close=run.finish,
        )

saved as mine.py, then `ganjax train ... --sink mine:wandb_sink` with mine.py on PYTHONPATH.
"""

import logging
from collections.abc import Callable, Mapping
from copy import copy
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from ganjax.errors import ConfigError

log = logging.getLogger(__name__)


class Sink(NamedTuple):
    """Three functions; any object with these three methods will do.

    Attributes:
      row: `(row) -> None`, takes a row of metrics, `step` among them.
      picture: `(step, path) -> None`, takes the picture of samples drawn at a step.
      close: `() -> None`, called once, at the end of training, however it ends.
    """

    row: Callable[[Mapping[str, float]], None]
    picture: Callable[[int, Path], None]
    close: Callable[[], None]


Factory = Callable[[Path, Mapping[str, Any], int], Sink]


def tensorboard(workdir: Path, config: Mapping[str, Any], step: int) -> Sink:
    """TensorBoard events in the run folder, those after `step` written again."""
    import tensorboardX
    from tensorboardX.proto.summary_pb2 import Summary

    writer = tensorboardX.SummaryWriter(str(workdir / "tensorboard"), purge_step=step + 1)

    def write(row):
        for key, value in row.items():
            writer.add_scalar(key, value, row["step"])
        writer.flush()

    def show(step, path):
        with Image.open(path) as image:
            width, height = image.size
        # The file unchanged: it says that it is synthetic, and `add_image` would encode it again.
        shown = Summary.Image(encoded_image_string=path.read_bytes(), width=width, height=height)
        summary = Summary(value=[Summary.Value(tag="samples", image=shown)])
        writer.file_writer.add_summary(summary, step)

    return Sink(write, show, writer.close)


SINKS = {"tensorboard": tensorboard}


def installed() -> dict[str, Factory]:
    """The sinks that every run has: TensorBoard's where its optional package is installed."""
    return dict(SINKS) if find_spec("tensorboardX") else {}


def opened(
    factories: Mapping[str, Factory], workdir: Path, config: Mapping[str, Any], step: int
) -> Sink:
    """All sinks as one.

    A sink that raises an error gets no more rows and pictures; one warning says so, and training
    goes on, as the run folder has them all.

    Args:
      factories: name -> function that makes a sink.
      workdir: the run folder.
      config: the resolved config.
      step: the step that training goes on from.

    Raises:
      ConfigError: a factory raises an error, or returns something without the three functions.
    """
    sinks, broken = {}, set()

    def call(field, *arguments):
        for name, sink in sinks.items():
            if name in broken and field != "close":
                continue
            try:
                getattr(sink, field)(*map(copy, arguments))  # a row is theirs to change
            except Exception as error:
                broken.add(name)
                log.warning(
                    "sink %r fails in %s() and gets nothing more (%s: %s); training goes on, and "
                    "%s has every row and picture",
                    *(name, field, type(error).__name__, error, workdir),
                )

    for name, factory in factories.items():
        try:
            sinks[name] = factory(workdir, config, step)
            for field in Sink._fields:
                getattr(sinks[name], field)
        except Exception as error:
            sinks.pop(name, None)
            call("close")
            raise ConfigError(
                f"sink {name!r} does not start ({type(error).__name__}: {error}); it must be a "
                "function (workdir, config, step) that returns an object with row(metrics), "
                "picture(step, path) and close()"
            ) from error
    return Sink(
        row=lambda row: call("row", row),
        picture=lambda step, path: call("picture", step, path),
        close=lambda: call("close"),
    )
