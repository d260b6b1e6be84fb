"""Commands called as the command line calls them: exit code, output, messages."""

import contextlib
import logging
import os
import subprocess
import sys
import time
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import NamedTuple

import pytest

from ganjax import cli
from ganjax.errors import GanjaxError

ROOT = Path(__file__).parent.parent.parent


class Ended(NamedTuple):
    """A command that has ended."""

    code: int
    out: str
    err: str


def ended(command, *arguments, closed="", **environment):
    """A command in a process of its own, started by a shell that may close streams."""
    done = subprocess.run(
        [
            *("sh", "-c", f'exec "$@" {closed}', "sh"),
            *(sys.executable, "-m", "ganjax", command, *map(str, arguments)),
        ],
        capture_output=True,
        encoding="utf-8",
        cwd=ROOT,
        env={**os.environ, "XLA_FLAGS": "", **environment},
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def refused(done, code, *told):
    """Whether a command ended by one line with the words, without a traceback."""
    last = (done.err.strip().splitlines() or [""])[-1]
    assert done.code == code, done
    assert "Traceback" not in done.err
    assert last.startswith("error: "), done.err
    for text in told:
        assert text in done.err
    return True


@contextlib.contextmanager
def soon(seconds=3.0):
    """A block that takes fewer seconds of the processor; on a busy machine more pass."""
    began = time.process_time()
    yield
    assert time.process_time() - began < seconds


@contextlib.contextmanager
def only(*codes):
    """A block that may be ended by an error of the library with one of these exit codes."""
    try:
        yield
    except GanjaxError as error:
        if error.exit_code not in codes or not str(error):
            raise


@pytest.fixture
def called(capsys, monkeypatch):
    """Calls a command in this process, its flags fresh."""
    root, levels = logging.getLogger(), {}
    handlers = root.handlers[:]
    for name in ("", "ganjax", "absl"):
        levels[name] = logging.getLogger(name).level
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "")

    def call(command, *arguments):
        path = ROOT / "ganjax" / "commands" / f"{command}.py"
        spec = spec_from_file_location("__command__", path)
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        capsys.readouterr()
        code = 0
        try:
            cli.run(module.main, module.FLAGS.values, [command, *map(str, arguments)])
        except SystemExit as error:
            code = error.code
        return Ended(code, *capsys.readouterr())

    yield call
    root.handlers[:] = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
