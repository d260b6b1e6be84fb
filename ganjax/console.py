"""Progress on the terminal, and stopping on a signal."""

import contextlib
import logging
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, wait
from contextvars import ContextVar, copy_context
from typing import NoReturn, TypeVar

import tqdm

from ganjax.errors import Interrupted

log = logging.getLogger(__name__)

SECONDS = 10  # between lines about a long work
SHOWN = ("loss/gen", "loss/disc", "accuracy/disc")
ENDING = (signal.SIGTERM, signal.SIGHUP)  # signals that end a process, besides SIGINT
STOPPING = (signal.SIGINT, *ENDING)
ASIDE = "ganjax aside"
POLL = 0.2  # seconds
STREAMS = [1, 2]  # that may be terminals

Result = TypeVar("Result")


class Stop(threading.Event):
    """Set by a signal.

    Attributes:
      at_once: nothing would be lost now, and a signal leaves the block of `interruptible`.
    """

    at_once = False

    def check(self) -> None:
        """Leaves the block if a signal has come, and nothing would be lost."""
        if self.at_once and self.is_set():
            raise _Left


class _Left(KeyboardInterrupt):
    """No Exception, which a caller of a user's function would take for one of its errors."""


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
def interruptible() -> Iterator[Stop]:
    """A `Stop` that SIGINT, SIGTERM or SIGHUP sets; a second signal raises KeyboardInterrupt.

    Raises:
      Interrupted: a signal came while `at_once` was set.
    """
    stop, terminals = Stop(), [stream for stream in STREAMS if os.isatty(stream)]

    def request(number, frame):
        stop.set()
        for each in STOPPING:
            if signal.getsignal(each) is request:
                signal.signal(each, signal.default_int_handler)
        if number == signal.SIGHUP:  # the terminal is gone, and writing to it fails
            for stream in terminals:
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
        stop.check()
        log.warning("stopping in a few seconds; once more to leave at once, unsaved")

    with _handled(STOPPING, request), _raised_again(stop):
        token = _STOP.set(stop)
        try:
            yield stop
        except _Left:
            raise Interrupted("stopped; all is saved, and the same command resumes") from None
        finally:
            _STOP.reset(token)


@contextlib.contextmanager
def _raised_again(stop: Stop) -> Iterator[None]:
    """Raises a handler's error once more that is lost in a destructor or a garbage collection."""
    before = sys.unraisablehook

    def lost(error):
        if error.exc_type is _Left:
            signal.setitimer(signal.ITIMER_REAL, POLL)
        else:
            before(error)

    sys.unraisablehook = lost
    with _handled((signal.SIGALRM,), lambda number, frame: stop.check()):
        try:
            yield
        finally:
            sys.unraisablehook = before
            if stop.is_set():
                signal.setitimer(signal.ITIMER_REAL, 0)


def endable(*more: int) -> contextlib.AbstractContextManager[None]:
    """Within it SIGTERM, SIGHUP and `more` signals end the process at once, resumable.

    An error raised by a handler would be lost if it came within a callback of the collector.
    """

    def request(number, frame):
        with contextlib.suppress(OSError):
            os.write(2, b"stopped at once; the same command begins again, or resumes\n")
        os._exit(Interrupted.exit_code)

    return _handled((*ENDING, *more), request)


@contextlib.contextmanager
def _handled(numbers: Iterable[int], handler: Callable) -> Iterator[None]:
    """Signals handled so in the main thread; those that are ignored, as under nohup, stay so."""
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in numbers:
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


@contextlib.contextmanager
def piped() -> Iterator[None]:
    """Within it a reader of stdout that leaves early, as `head` does, ends the process silently.

    With the exit code that shells give to SIGPIPE.
    """
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        stdout = select.poll()
        stdout.register(1, 0)
        if not stdout.poll(0):  # it was another pipe
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Python writes the rest there at its end
        end(128 + signal.SIGPIPE)


_STOP: ContextVar[Stop] = ContextVar("stop", default=Stop())  # noqa: B039 - it is never set


def aside(work: Callable[[], Result]) -> Result:
    """The result of `work`, done in a thread while the main thread waits.

    For compilers and other code that would keep a signal waiting: it is handled at once. Where
    that raises an error, the thread is left behind, and the process must end by `end`.
    """
    if threading.current_thread() is not threading.main_thread():
        return work()
    future = beside(work)
    while not wait([future], POLL).done:
        _STOP.get().check()  # if nothing would be lost any more
    return future.result()


def beside(work: Callable[[], Result]) -> "Future[Result]":
    """The result of `work` to come, done in a thread, which may be left behind as by `aside`."""
    future, context = Future(), copy_context()

    def run():
        try:
            future.set_result(context.run(work))
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True, name=ASIDE).start()
    return future


def end(code: int) -> NoReturn:
    """Ends the process; a thread that was left behind is not waited for."""
    if any(thread.name == ASIDE for thread in threading.enumerate()):
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
