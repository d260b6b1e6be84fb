"""Parts in processes of their own, that may fail, crash or take too long."""

import multiprocessing
import time
import traceback
from collections.abc import Iterator
from types import ModuleType
from typing import Any, NamedTuple
from unittest import mock

from accelerator_parts import PARTS, Part, Settings

CONTEXT = multiprocessing.get_context("spawn")
PATIENCE = 5.0  # seconds that a process may take to end
ENDS = ("done", "failed", "late")


class Worker(NamedTuple):
    """A process that waits for the settings of its part, its imports done."""

    process: Any
    pipe: Any

    def end(self, patience: float = 0.0) -> None:
        """Ends the process if it does not end by itself within so many seconds."""
        self.pipe.close()
        self.process.join(patience)
        self.process.kill()
        self.process.join()


def started(name: str) -> Worker:
    """A new process for a part; it opens no device before it is given the settings."""
    here, there = CONTEXT.Pipe()
    process = CONTEXT.Process(target=_serve, args=(there, PARTS[name]))
    process.start()
    there.close()
    return Worker(process, here)


def run(worker: Worker, settings: Settings) -> Iterator[tuple[str, Any]]:
    """(kind, content) of the part as they come, the last of the kinds `ENDS`; ends the process.

    Other kinds are "machine", a dict, and "row", a dict of `Row`.
    """
    until, patience = time.monotonic() + settings.seconds, 0.0
    try:
        worker.pipe.send(settings)
        while worker.pipe.poll(max(0.0, until - time.monotonic())):
            kind, content = worker.pipe.recv()
            yield kind, content
            if kind in ENDS:
                patience = PATIENCE
                return
        yield "late", f"stopped after {settings.seconds:.0f} s"
    except (EOFError, OSError):
        worker.process.join()
        yield "failed", f"the process ended with code {worker.process.exitcode}"
    finally:
        worker.end(patience)


def _imported(name: str) -> ModuleType:
    """The module of a part, alone: the others' imports would take its time."""
    match name:
        case "beside":
            from accelerator_parts import beside as module
        case "equality":
            from accelerator_parts import equality as module
        case "feeding":
            from accelerator_parts import feeding as module
        case "scored":
            from accelerator_parts import scored as module
        case "seeds":
            from accelerator_parts import seeds as module
    return module


def _serve(pipe: Any, part: Part) -> None:
    module = _imported(part.module)
    try:
        settings = pipe.recv()
    except EOFError:
        return
    import jax
    from works.work import reason

    try:
        pipe.send(("machine", _machine()))
        # Layers choose their form by the backend; a rehearsal runs the form of accelerators.
        backend = "tpu" if settings.tiny else jax.default_backend()
        with mock.patch.object(jax, "default_backend", return_value=backend):
            for row in module.rows(settings, **part.given):
                pipe.send(("row", row._asdict()))
        pipe.send(("done", ""))
    except Exception as error:  # any failure is a result
        traceback.print_exc()
        pipe.send(("failed", reason(error)))


def _machine() -> dict[str, Any]:
    import subprocess

    import jax
    from works.measured import machine

    from ganjax import cli, run_folder

    found = {"platform": jax.devices()[0].platform, "devices": jax.device_count()}
    found |= machine() | {"cores": cli.cores()}
    found |= run_folder.versions(("jaxlib", "flax", "optax", "orbax-checkpoint", "numpy", "torch"))
    if found["platform"] == "gpu":
        asked = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
        try:
            answer = subprocess.run(asked, capture_output=True, encoding="utf-8", timeout=10)
            found["driver"] = answer.stdout.split("\n")[0]
        except (OSError, subprocess.TimeoutExpired):
            found["driver"] = "unknown"
    return found
