"""Scripts, run in the process of the tests or in one of their own."""

import contextlib
import io
import logging
import os
import runpy
import subprocess
import sys
import warnings
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import pytest
from absl import flags

import ganjax
from ganjax import devices

ROOT = Path(__file__).parent.parent


class Done(NamedTuple):
    """The results of a script that has ended."""

    returncode: int
    stdout: str
    stderr: str


def command(script, *arguments):
    return [sys.executable, f"scripts/{script}.py", *map(str, arguments)]


def process(script, *arguments):
    """Runs a script in a process of its own, with one device, as a user's process has."""
    return subprocess.run(
        command(script, *arguments),
        cwd=ROOT,
        env={**os.environ, "XLA_FLAGS": ""},
        capture_output=True,
        text=True,
    )


def call(script, *arguments):
    """Runs a script in this process, with one device: the same results without the start.

    It begins as in a new process: no flags, no modules of scripts and commands, no log handlers.
    """
    path, code = ROOT / "scripts" / f"{script}.py", 0
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, _fresh(), warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.simplefilter("ignore", DeprecationWarning)
        patch.chdir(ROOT)
        patch.setattr(sys, "argv", [str(path), *map(str, arguments)])
        patch.setattr(sys, "path", [str(path.parent), *sys.path])
        patch.setenv("JAX_COMPILATION_CACHE_DIR", "")
        patch.setattr(devices, "layout", partial(devices.layout, among=jax.devices()[:1]))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                runpy.run_path(str(path), run_name="__main__")
            except SystemExit as end:
                code = end.code or 0
    return Done(code, out.getvalue(), err.getvalue())


@contextlib.contextmanager
def _fresh():
    """Hides log handlers and loaded commands; forgets flags and modules that are new at the end."""
    loggers = [logging.getLogger(name) for name in ("", "ganjax", "absl")]
    levels, handlers = [logger.level for logger in loggers], loggers[0].handlers
    defined, loaded = set(flags.FLAGS), {}
    loggers[0].handlers = []
    for name in [name for name in sys.modules if name.startswith("ganjax.commands")]:
        loaded[name] = sys.modules.pop(name)
    known = set(sys.modules)
    vars(ganjax).pop("commands", None)  # or `from ganjax import commands` takes the loaded ones
    try:
        yield
    finally:
        loggers[0].handlers = handlers
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        for name in set(flags.FLAGS) - defined:
            delattr(flags.FLAGS, name)
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None) or ""
            ours = name.startswith("ganjax.commands") or file.startswith(str(ROOT / "scripts"))
            if ours and name not in known:
                del sys.modules[name]
        sys.modules.update(loaded)
        if "ganjax.commands" in loaded:
            ganjax.commands = loaded["ganjax.commands"]
