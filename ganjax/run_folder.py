"""The run folder's text files: config, manifest, status, metrics, and the lock.

They can be read without JAX. Arrays are in `checkpoints.py`.
"""

import contextlib
import fcntl
import importlib.metadata
import json
import logging
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ganjax.errors import RunFolderError
from ganjax.files import not_followed, replaced
from ganjax.nested import difference
from ganjax.trust import check_links, foreign

log = logging.getLogger("ganjax")

# Settings that may change when a run is resumed, as they change no mathematics.
RESUMABLE = (
    "steps",
    "log_every",
    "sample_every",
    "checkpoint_every",
    "evaluate_every",
    "keep_checkpoints",
    "sample_count",
    "evaluation_samples",
    "largest_parameter",
)
# Metrics by their names in older run folders and configs: quantity, then player, since 2026-11.
RENAMED = {
    "balance/convergence": "convergence/disc",
    "balance/k": "k/disc",
    "disc/accuracy": "accuracy/disc",
    "disc/accuracy_fake": "accuracy_fake/disc",
    "disc/accuracy_real": "accuracy_real/disc",
    "disc/class_accuracy": "class_accuracy/disc",
    "disc/class_accuracy_fake": "class_accuracy_fake/disc",
    "disc/class_accuracy_real": "class_accuracy_real/disc",
    "energy/fake": "energy_fake/disc",
    "energy/real": "energy_real/disc",
    "gen/alpha": "alpha/gen",
    "gen/elbo": "elbo/gen",
    "gen/error": "error/gen",
    "gen/kl": "kl/gen",
    "loss/labelled": "loss_labelled/disc",
    "loss/unlabelled": "loss_unlabelled/disc",
    "nash/gain_disc": "gain/disc",
    "nash/gain_gen": "gain/gen",
}
PACKAGES = ("ganjax", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")


def write_text(path: Path, text: str) -> None:
    """Writes a text file as UTF-8 in one atomic rename; its folder is made if missing.

    Bytes of file names that the locale could not decode are written as they are.
    """
    with replaced(path) as file:
        file.write(text.encode("utf-8", "surrogateescape"))
        file.flush()
        os.fsync(file.fileno())


def write_json(path: Path, content: Any) -> None:
    """Writes a JSON file in one atomic rename; its folder is made if missing."""
    write_text(path, json.dumps(content, indent=2) + "\n")


def read_json(path: Path) -> Any:
    """The content of a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def read_object(path: Path) -> dict[str, Any]:
    """The content of a JSON file that holds an object.

    Raises:
      RunFolderError: it holds something else, or is damaged.
    """
    try:
        content = read_json(path)
    except (ValueError, RecursionError) as error:
        raise RunFolderError(f"{path} is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise RunFolderError(f"{path} holds a {type(content).__name__}; expected a JSON object")
    return content


@contextlib.contextmanager
def locked(workdir: Path) -> Iterator[Callable[[], None]]:
    """Locks the folder for one process; the system frees the lock however the process ends.

    The folder itself is locked, which nobody can remove from it, and its file `lock`, which other
    hosts of a network file system see. The file names the holder: process, host and start.

    Yields:
      A function to call before every save; it raises a RunFolderError if the folder is no longer
      this process's: moved, replaced, or taken over on another host.

    Raises:
      RunFolderError: another process holds it; or as `trust.check_links`.
    """
    made = not workdir.exists()
    workdir.mkdir(parents=True, exist_ok=True)
    path, flags = workdir / "lock", os.O_RDWR | os.O_CREAT
    start = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    record = f"process {os.getpid()} on {platform.node()} since {start}"
    with contextlib.ExitStack() as held:
        folder, file = os.open(workdir, os.O_RDONLY), not_followed(path, flags)
        for opened in (folder, file):
            held.callback(os.close, opened)
        check_links(workdir)
        before = _holder(path)
        try:
            for opened in (folder, file):
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunFolderError(
                f"{workdir} is in use by {before or 'another process'}; wait for it, or choose "
                "another --workdir"
            ) from None
        if before and f" on {platform.node()} " not in before:
            log.warning("%s was not released by %s; make sure that it has ended", workdir, before)
        _hold(path, record)

        def check():
            if not workdir.is_dir() or not os.path.samestat(os.stat(workdir), os.fstat(folder)):
                raise RunFolderError(f"{workdir} was moved or replaced while this process used it")
            holder = _holder(path)
            if not holder:  # the file was removed; the folder's lock still holds
                _hold(path, record)
            elif holder != record:
                raise RunFolderError(f"{workdir} was taken over by {holder}; this process ends")

        check()
        try:
            yield check
        finally:
            with contextlib.suppress(OSError):
                if _holder(path) == record:
                    _hold(path, "")
                if made and [*workdir.iterdir()] == [path]:  # nothing came of it
                    shutil.rmtree(workdir)


def _hold(path: Path, record: str) -> None:
    with open(path, "w", encoding="utf-8", opener=not_followed) as file:
        file.write(f"{record}\n")


def _holder(path: Path) -> str:
    """The record in a lock file; "" if it has none."""
    return path.read_text(encoding="utf-8").strip() if path.exists() else ""


def claim(workdir: Path, config: Mapping[str, Any], *, trained: int = 0) -> None:
    """Writes `config.json`; a folder that has one accepts no config that changes its past.

    Args:
      workdir: the run folder.
      config: the resolved config.
      trained: steps of the run so far. `RESUMABLE` settings may change, and so may ends of stages
        after that step, their order kept.

    Raises:
      RunFolderError: the folder holds another config (the message has the differences), or has been
        trained for more steps than `steps`, or for a number that `log_every` does not divide.
    """
    path = workdir / "config.json"
    config = json.loads(json.dumps(config))
    if not path.exists():
        if (workdir / "checkpoints").exists() or (workdir / "metrics.jsonl").exists():
            raise RunFolderError(
                f"{workdir} holds a run but no config.json; restore the file, or choose another "
                "--workdir"
            )
        write_json(path, config)
        return
    old = read_config(workdir)
    changes = difference(_continued(old, config, trained), config)
    if changes:
        raise RunFolderError(
            f"{workdir} holds a run of another config:\n  "
            + "\n  ".join(changes)
            + "\nChoose another --workdir, or resume with the same config; only "
            f"{', '.join(RESUMABLE)} may change. --init_from {workdir} with another --workdir "
            "starts a new run from the weights of this one."
        )
    if config.get("steps", trained) < trained:
        raise RunFolderError(
            f"steps={config['steps']}, but {workdir} has been trained for {trained} steps already; "
            "raise steps, or choose another --workdir"
        )
    every = config.get("log_every")
    if every != old.get("log_every") and trained % every:
        raise RunFolderError(
            f"log_every={every} does not divide step {trained}, where {workdir} resumes; it was "
            f"{old['log_every']}: keep it, or take a divisor of {trained}"
        )
    if config != old:
        write_json(path, config)


def _continued(old: Mapping[str, Any], new: Mapping[str, Any], trained: int) -> dict[str, Any]:
    """`old` with those values of `new` that may change after so many steps."""
    stages, new_stages = old.get("stages", {}), new.get("stages", {})
    watched = any(
        part.get("monitor", {}).get("name", "none") != "none" for part in (old, *stages.values())
    )  # a monitor runs every `log_every` steps, and may end the run
    free = set(RESUMABLE) - ({"log_every"} if watched else set())
    accepted = {**old, **{key: new[key] for key in free & new.keys()}}
    if stages and _later(stages, new_stages, trained):
        ends = {label: {"until": stage["until"]} for label, stage in new_stages.items()}
        accepted["stages"] = {label: stages[label] | ends[label] for label in stages}
    return accepted


def _later(old: Mapping[str, Any], new: Mapping[str, Any], trained: int) -> bool:
    """Whether stages keep their order, and those that ended before `trained` keep their ends."""
    order, new_order = (sorted(both, key=lambda k: both[k]["until"]) for both in (old, new))
    ends = [(old[label]["until"], new[label]["until"]) for label in order if label in new]
    return order == new_order and all(a == b or min(a, b) >= trained for a, b in ends)


def read_config(workdir: Path, trust: str | Iterable[str] = ()) -> dict[str, Any]:
    """The resolved config of a run.

    Args:
      workdir: the run folder.
      trust: modules whose functions the config may name, see `ganjax.trust`.

    Raises:
      RunFolderError: the folder is no run folder, or its config cannot be read; or as
        `check_links`.
    """
    check_links(workdir)
    try:
        config = read_object(workdir / "config.json")
    except FileNotFoundError:
        raise RunFolderError(f"{workdir} is not a run folder: it has no config.json") from None
    return foreign(config, trust)


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Versions of the packages that are installed."""
    found = {}
    for package in packages:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found


def write_manifest(workdir: Path, devices: list[str], seed: int, **more: Any) -> None:
    """Records versions, machine and its name, devices, seed, arguments, and more."""
    write_json(
        workdir / "manifest.json",
        {
            "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "arguments": sys.argv,
            "python": platform.python_version(),
            "platform": platform.platform(),
            "host": platform.node(),
            "packages": versions(PACKAGES),
            "devices": devices,
            "seed": seed,
            **more,
        },
    )


def read_manifest(workdir: Path) -> dict[str, Any]:
    """The manifest of a run; {} if it has none.

    Raises:
      RunFolderError: it cannot be read.
    """
    path = workdir / "manifest.json"
    return read_object(path) if path.exists() else {}


def write_status(workdir: Path, status: str, step: int, reason: str = "") -> None:
    """Writes `status.json`: running, scoring, done, diverged, interrupted or failed, and why.

    `row` and `checkpoint` in it are the steps of the last row and of the last checkpoint, or null.
    """
    last = metrics_row(_last_line(workdir / "metrics.jsonl"))
    saved = [int(path.name) for path in workdir.glob("checkpoints/*") if path.name.isdecimal()]
    saved = max((at for at in saved if at <= step), default=None)  # those after it are damaged
    found = {"row": last and last["step"], "checkpoint": saved}
    write_json(workdir / "status.json", {"status": status, "step": step, "reason": reason, **found})


def read_evaluation(workdir: Path, step: int) -> dict[str, Any] | None:
    """The content of `eval/step_N.json`; None if there is none, or a damaged one."""
    path = workdir / "eval" / f"step_{step}.json"
    try:
        content = read_object(path)
        if isinstance(content["scores"], dict) and isinstance(content["protocol"], dict):
            return content
    except FileNotFoundError:
        return None
    except (RunFolderError, KeyError):
        pass
    log.warning("%s is damaged; it is left out", path)
    return None


def read_evaluations(workdir: Path) -> dict[int, dict[str, Any]]:
    """The evaluations of a run by step, in order; damaged ones are left out."""
    names = (path.stem.removeprefix("step_") for path in (workdir / "eval").glob("step_*.json"))
    steps = sorted(int(name) for name in names if name.isdecimal())
    found = {step: read_evaluation(workdir, step) for step in steps}
    return {step: content for step, content in found.items() if content is not None}


def _last_line(path: Path) -> bytes:
    """The last whole line of a file; b"" if it has none."""
    if not path.exists():
        return b""
    with open(path, "rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 2**16))
        return (b"\n" + file.read()).rsplit(b"\n", 2)[-2]


def read_metrics(workdir: Path, until: float = float("inf")) -> list[dict[str, float]]:
    """Rows of `metrics.jsonl` up to a step, their steps strictly rising; a torn end is dropped.

    Metrics of older runs go by their present names (`RENAMED`).

    Raises:
      RunFolderError: a line before the last of these rows is damaged, or its step does not rise.
    """
    rows = list(map(metrics_row, metrics_lines(workdir)))
    count = max((n for n, row in enumerate(rows, 1) if row and row["step"] <= until), default=0)
    before = 0
    for number, row in enumerate(rows[:count], start=1):
        if row is None or row["step"] <= before:
            fault = "is damaged" if row is None else f"repeats step {row['step']} after {before}"
            raise RunFolderError(
                f"{workdir / 'metrics.jsonl'}, line {number} {fault}; repair or remove it"
            )
        before = row["step"]
    return rows[:count]


def metrics_lines(workdir: Path) -> list[bytes]:
    """The lines of `metrics.jsonl` with their ends, which a torn last one lacks."""
    path = workdir / "metrics.jsonl"
    return path.read_bytes().splitlines(keepends=True) if path.exists() else []


def metrics_row(line: bytes) -> dict[str, float] | None:
    """The row of a line, by present names; None of a line that is none."""
    try:
        row = {RENAMED.get(key, key): value for key, value in json.loads(line).items()}
        numbers = all(type(value) in (int, float) for value in row.values())
        return row if numbers and type(row["step"]) is int and row["step"] >= 0 else None
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return None


def append_metrics(workdir: Path, row: Mapping[str, float]) -> bytes:
    """Adds one row to `metrics.jsonl`, and returns its line."""
    line = f"{json.dumps(row)}\n".encode()
    with open(workdir / "metrics.jsonl", "ab", opener=not_followed) as file:
        file.write(line)
    return line


def rewind_metrics(workdir: Path, step: int) -> list[dict[str, float]]:
    """Drops the rows after `step`, which a resumed run writes again, and returns the rest.

    Raises:
      RunFolderError: as `read_metrics`.
    """
    rows = read_metrics(workdir, step)
    kept = (line.rstrip(b"\n") + b"\n" for line in metrics_lines(workdir)[: len(rows)])
    write_text(workdir / "metrics.jsonl", b"".join(kept).decode(errors="surrogateescape"))
    return rows
