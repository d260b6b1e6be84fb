"""Progress on the terminal, and stopping on a signal."""

import contextlib
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping

import tqdm

log = logging.getLogger(__name__)

SECONDS = 10  # between lines about a long work
SHOWN = ("loss/gen", "loss/disc", "accuracy/disc")


@contextlib.contextmanager
def progress(step: int, steps: int) -> Iterator[Callable[[Mapping[str, float]], None]]:
    """A function that shows a row of metrics: as a bar on a terminal, else as a line.

    A row must have `step` and `time/steps_per_second`.
    """
    if sys.stderr.isatty():
        with tqdm.tqdm(total=steps, initial=step, unit="step", dynamic_ncols=True) as bar:

            def advance(row):
                bar.set_postfix(_values(row))
                bar.update(row["step"] - bar.n)

            yield advance
    else:
        yield lambda row: log.info(
            "step %d/%d  %s  %.0f steps/s  %.0f s left",
            row["step"],
            steps,
            "  ".join(f"{key} {value}" for key, value in _values(row).items()),
            row["time/steps_per_second"],
            (steps - row["step"]) / max(row["time/steps_per_second"], 0.01),  # it is rounded
        )


def counted(verb: str, parts: Iterable, total: int) -> Iterator:
    """The parts, with their lengths counted: as a bar on a terminal, else as a line every 10 s."""
    if sys.stderr.isatty():
        with tqdm.tqdm(desc=verb, total=total, dynamic_ncols=True, leave=False) as bar:
            for part in parts:
                yield part
                bar.update(len(part))
        return
    done, shown = 0, time.monotonic()
    for part in parts:
        yield part
        done += len(part)
        if time.monotonic() - shown > SECONDS:
            shown = time.monotonic()
            log.info("%s: %d of %d", verb, done, total)


def _values(row: Mapping[str, float]) -> dict[str, str]:
    return {key: f"{row[key]:.3f}" for key in SHOWN if key in row}


@contextlib.contextmanager
def interruptible() -> Iterator[threading.Event]:
    """An event that SIGINT or SIGTERM sets; a second signal raises KeyboardInterrupt at once."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def request(number, frame):
        stop.set()
        for each in before:
            signal.signal(each, signal.default_int_handler)
        log.warning("stopping after this chunk; once more to leave at once, unsaved")

    before = {number: signal.signal(number, request) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
