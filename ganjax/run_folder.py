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

from ganjax.disk import drafted
from ganjax.errors import RunFolderError
from ganjax.nested import difference

log = logging.getLogger(__name__)

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
    with drafted(path) as draft:
        draft.write_text(text, encoding="utf-8", errors="surrogateescape")


def write_json(path: Path, content: Any) -> None:
    """Writes a JSON file in one atomic rename; its folder is made if missing."""
    write_text(path, json.dumps(content, indent=2) + "\n")


def read_json(path: Path) -> Any:
    """The content of a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


@contextlib.contextmanager
def locked(workdir: Path) -> Iterator[Callable[[], None]]:
    """Locks the folder for one process; the system frees the lock however the process ends.

    The folder itself is locked, which nobody can remove from it, and its file `lock`, which other
    hosts of a network file system see. The file names the holder: process, host and start.

    Yields:
      A function to call before every save; it raises a RunFolderError if the folder is no longer
      this process's: moved, replaced, or taken over on another host.

    Raises:
      RunFolderError: another process holds it.
    """
    made = not workdir.exists()
    workdir.mkdir(parents=True, exist_ok=True)
    path, flags = workdir / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
    start = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    record = f"process {os.getpid()} on {platform.node()} since {start}"
    with contextlib.ExitStack() as held:
        folder, file = os.open(workdir, os.O_RDONLY), os.open(path, flags, 0o666)
        for opened in (folder, file):
            held.callback(os.close, opened)
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
        path.write_text(f"{record}\n", encoding="utf-8")

        def check():
            if not workdir.is_dir() or not os.path.samestat(os.stat(workdir), os.fstat(folder)):
                raise RunFolderError(f"{workdir} was moved or replaced while this process used it")
            holder = _holder(path)
            if not holder:  # the file was removed; the folder's lock still holds
                path.write_text(f"{record}\n", encoding="utf-8")
            elif holder != record:
                raise RunFolderError(f"{workdir} was taken over by {holder}; this process ends")

        check()
        try:
            yield check
        finally:
            with contextlib.suppress(OSError):
                if _holder(path) == record:
                    path.write_text("", encoding="utf-8")
                if made and [*workdir.iterdir()] == [path]:  # nothing came of it
                    shutil.rmtree(workdir)


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


def read_config(workdir: Path) -> dict[str, Any]:
    """The resolved config of a run.

    Raises:
      RunFolderError: the folder is no run folder, or its config cannot be read.
    """
    try:
        return read_json(workdir / "config.json")
    except FileNotFoundError:
        raise RunFolderError(f"{workdir} is not a run folder: it has no config.json") from None
    except ValueError as error:
        raise RunFolderError(f"{workdir / 'config.json'} is not JSON: {error}") from None


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Versions of the packages that are installed."""
    found = {}
    for package in packages:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found


def write_manifest(workdir: Path, devices: list[str], seed: int, **more: Any) -> None:
    """Records versions, machine, devices, seed, arguments, and more."""
    write_json(
        workdir / "manifest.json",
        {
            "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "arguments": sys.argv,
            "python": platform.python_version(),
            "platform": platform.platform(),
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
    try:
        return read_json(path) if path.exists() else {}
    except ValueError as error:
        raise RunFolderError(f"{path} is not JSON: {error}") from None


def write_status(workdir: Path, status: str, step: int, reason: str = "") -> None:
    """Writes `status.json`: running, scoring, done, diverged, interrupted or failed, and why."""
    write_json(workdir / "status.json", {"status": status, "step": step, "reason": reason})


def read_metrics(workdir: Path) -> list[dict[str, float]]:
    """Rows of `metrics.jsonl`, their steps strictly rising; a torn last line is dropped.

    Metrics of older runs go by their present names (`RENAMED`).

    Raises:
      RunFolderError: a line before the last is not JSON.
    """
    path = workdir / "metrics.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    rows = []
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
            rows.append({RENAMED.get(key, key): value for key, value in row.items()})
        except ValueError:
            if number < len(lines):
                raise RunFolderError(
                    f"{path}, line {number} is damaged; repair or remove it"
                ) from None
    return rows


def append_metrics(workdir: Path, row: Mapping[str, float]) -> None:
    """Adds one row to `metrics.jsonl`."""
    with open(workdir / "metrics.jsonl", "a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def rewind_metrics(workdir: Path, step: int) -> list[dict[str, float]]:
    """Drops the rows after `step`, which a resumed run writes again, and returns the rest."""
    rows = [row for row in read_metrics(workdir) if row["step"] <= step]
    write_text(workdir / "metrics.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    return rows
