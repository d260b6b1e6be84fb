"""The loss of another process of a run, which must end this one soon and resumable.

JAX's runtime aborts a process whose partner is silent. The process that was called therefore only
watches: it goes on in a child, and turns its abort into one line, a status and an exit code.
"""

import _thread
import contextlib
import logging
import os
import re
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from ganjax import cluster, console, run_folder
from ganjax.errors import GanjaxError, Interrupted

REASON = "another process of the run is lost or has failed"
LOST = 128 + signal.SIGABRT  # exit code of the child where JAX raises an error instead of aborting
# Texts of JAX's runtime about other processes: in errors of collectives, and in its own log.
BROKEN = re.compile("Gloo|NCCL|CoordinationService|coordination service|distributed service")
LOGGED = re.compile(rb"coordination_service|preemption_sync_manager|distributed service")
FATAL, UNMET = b"distributed service", b"RegisterTask"  # before it aborts; if they have not met


def lost(error: BaseException | None) -> bool:
    """Whether an error is that of a collective, one of whose processes is lost."""
    while error is not None and not BROKEN.search(str(error)):
        error = error.__cause__ or error.__context__
    if error is None:
        return False
    import jax

    return jax.distributed.is_initialized()


@contextlib.contextmanager
def watched(processes: Sequence[Any], workdir: Path | None = None) -> Iterator[None]:
    """Of several processes, goes on in a child, before JAX is imported; this process only watches.

    It passes SIGINT, SIGTERM and SIGHUP on and ends with the child's exit code; if another process
    of the run is lost, with one line, the code of `Interrupted`, and that status in the run folder.
    The child ends with this process. If it fails it leaves the others at once; else all wait for
    each other.

    Args:
      processes: the arguments of `devices.initialise`.
      workdir: the run folder; None if there is none.
    """
    coordinator, _, place, seconds = processes
    if not coordinator and not cluster.announced(os.environ):
        yield
        return
    sys.stdout.flush()
    sys.stderr.flush()
    orders, lines = os.pipe(), os.pipe()
    signals = signal.pthread_sigmask(signal.SIG_BLOCK, console.STOPPING)  # until there are handlers
    with warnings.catch_warnings(action="ignore"):  # of threads, which JAX has not started yet
        child = os.fork()
    if child:
        code = 1
        try:
            os.close(orders[0])
            os.close(lines[1])
            _forward(orders[1], signals)
            code = _watch(child, lines[0], seconds, workdir, first=place == 0)
        finally:
            os._exit(code)
    os.close(orders[1])
    os.close(lines[0])
    listener = _listening(orders[0])
    _apart(lines[1])
    try:
        yield
    except Interrupted:
        raise
    except BaseException as error:
        if lost(error):
            os._exit(LOST)
        listener.name, sys.excepthook = console.ASIDE, _bug  # `console.end` is then at once
        raise


def _forward(orders: int, blocked: set[int]) -> None:
    """Passes signals on to the child, and blocks only those that were blocked before."""

    def forward(number, frame):
        with contextlib.suppress(OSError):
            os.write(orders, bytes([number]))

    for number in console.STOPPING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, forward)
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _watch(child: int, lines: int, seconds: int, workdir: Path | None, first: bool) -> int:
    """Waits for the child; returns the exit code of this process."""
    held: list[bytes] = []
    passing = threading.Thread(target=_pass_on, args=(lines, held), daemon=True)
    passing.start()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    passing.join(1)  # a process of the child may hold its end of the pipe
    text = b"".join(held)
    if code == LOST or (code == -signal.SIGABRT and FATAL in text):
        if workdir is not None:
            _interrupted(workdir, first)
        line = f"{REASON}; start all processes again, and the run resumes"
        if UNMET in text:
            line = (
                f"the processes did not find each other within {seconds} s; start all of them with "
                "the same --coordinator, or raise --partner_seconds"
            )
        text, code = f"stopped: {line}\n".encode(), Interrupted.exit_code
    elif code < 0:
        code = 128 - code
    else:
        return code
    with contextlib.suppress(OSError):
        os.write(2, text)
    return code


def _pass_on(lines: int, held: list[bytes]) -> None:
    """Writes the log of JAX's runtime to stderr, and holds it from the first line on partners."""
    with open(lines, "rb") as stream:
        for line in stream:
            if held or LOGGED.search(line):
                held.append(line)
            else:
                with contextlib.suppress(OSError):
                    os.write(2, line)


def _interrupted(workdir: Path, first: bool) -> None:
    """Marks a run as interrupted that its first process has left as running, or never began."""
    path = workdir / "status.json"
    with contextlib.suppress(OSError, GanjaxError):
        found = run_folder.read_object(path) if path.exists() else {}
        if found.get("status") in ("running", "scoring") or (first and not found):
            with run_folder.locked(workdir):
                step = found.get("checkpoint") or 0
                run_folder.write_status(workdir, "interrupted", step, REASON)


def _listening(orders: int) -> threading.Thread:
    """A thread that hears signals from the watching process, and its end.

    They stay blocked, and are taken from there alone: launchers signal every process of a task, and
    terminals too, and a second signal would stop a run unsaved.
    """

    def listen():
        while order := os.read(orders, 1):
            _thread.interrupt_main(order[0])
        os._exit(128 + signal.SIGKILL)

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    return listener


def _apart(lines: int) -> None:
    """Leads the log of JAX's runtime to the watching process, Python's own stderr aside."""
    before, own = sys.stderr, os.dup(2)
    sys.stderr = open(  # noqa: SIM115
        own, "w", buffering=1, encoding=before.encoding, errors=before.errors
    )
    console.STREAMS.append(own)
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(sys.stderr)
    os.dup2(lines, 2)
    os.close(lines)


def _bug(*error: object) -> NoReturn:
    sys.__excepthook__(*error)
    sys.stdout.flush()
    os._exit(1)
