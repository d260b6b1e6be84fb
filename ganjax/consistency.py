"""Checks that settings, rows and checkpoints of one run folder belong together.

A checkpoint's manifest records them as they were when it was saved. Checkpoints of older versions
record less; a part that a manifest lacks is not checked.
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from ganjax import checkpoints, run_folder
from ganjax.errors import CheckpointError, DataError, GanjaxError, RunFolderError


def settings_digest(config: Mapping[str, Any], step: int) -> str:
    """SHA-256 of the settings that fixed the first `step` steps of a run.

    These are all but `run_folder.RESUMABLE` and the ends of stages at or after `step`.
    """
    config = json.loads(json.dumps(config))  # tuples as they come back from a file
    fixed = {key: value for key, value in config.items() if key not in run_folder.RESUMABLE}
    stages = sorted(config.get("stages", {}).items(), key=lambda item: item[1]["until"])
    fixed["stages"] = [
        [label, {key: value for key, value in stage.items() if key != "until" or value < step}]
        for label, stage in stages
    ]
    return hashlib.sha256(json.dumps(fixed, sort_keys=True).encode()).hexdigest()


def check_settings(config: Mapping[str, Any], manifest: Mapping[str, Any]) -> None:
    """Compares a checkpoint with the config of its folder.

    Raises:
      CheckpointError: its settings are others, or it is of a step after the run's last.
    """
    step = manifest["step"]
    if step > config.get("steps", step):
        raise CheckpointError(f"it is of step {step}, and the run has {config['steps']} steps")
    digest = settings_digest(config, step)
    if manifest.get("config", digest) != digest:
        raise CheckpointError(
            "it was trained with other settings than config.json has; restore that file"
        )


class Rows:
    """The rows that a run has written to metrics.jsonl: number, last step and digest."""

    def __init__(self, workdir: Path, rows: list[Mapping[str, float]]):
        """Takes over a file that `run_folder.rewind_metrics` has left with these rows."""
        self._workdir, self._path = workdir, workdir / "metrics.jsonl"
        self._count, self._step = len(rows), rows[-1]["step"] if rows else 0
        self._sha256 = hashlib.sha256(self._path.read_bytes())

    def append(self, row: Mapping[str, float]) -> None:
        """Adds a row to the file."""
        self._sha256.update(run_folder.append_metrics(self._workdir, row))
        self._count, self._step = self._count + 1, row["step"]

    def record(self) -> dict[str, Any]:
        """`count`, `step` and `sha256` for a manifest; `sync` comes before that."""
        return {"count": self._count, "step": self._step, "sha256": self._sha256.hexdigest()}

    def sync(self) -> None:
        """Makes the rows safe on the disk."""
        with open(self._path, "ab") as file:
            os.fsync(file.fileno())


def check_rows(workdir: Path, manifest: Mapping[str, Any]) -> None:
    """Compares the rows of a run folder with those that a checkpoint's manifest records.

    Raises:
      RunFolderError: rows before the checkpoint are missing, damaged, repeated or changed.
    """
    record = manifest.get("rows")
    if record is None:
        return
    lines = run_folder.metrics_lines(workdir)
    before = lines[: record["count"]]
    if hashlib.sha256(b"".join(before)).hexdigest() != record["sha256"]:
        raise RunFolderError(
            f"metrics.jsonl: {_fault(lines, record)}, before the checkpoint of step "
            f"{manifest['step']}"
        )


def _fault(lines: list[bytes], record: Mapping[str, Any]) -> str:
    """The first fault of the rows up to the record's step; of missing ones, the widest gap."""
    before, gaps, last = 0, [], record["step"]
    for number, line in enumerate(lines, start=1):
        row = run_folder.metrics_row(line)
        if row is None:
            return f"line {number}, after step {before}, is damaged"
        if row["step"] <= before:
            return f"line {number} repeats step {row['step']} after step {before}"
        if row["step"] > last:
            break
        gaps.append((row["step"] - before, before, row["step"]))
        before = row["step"]
    missing = record["count"] - len(gaps)
    if missing <= 0:
        return f"rows up to step {last} have changed"
    _, start, end = max([*gaps, (last - before, before, last)])
    return f"{missing} of {record['count']} rows are missing, between step {start} and step {end}"


def check_data(workdir: Path, manifest: Mapping[str, Any], digest: str | None, where: str) -> None:
    """Compares the data, of a digest and from somewhere, with those of a checkpoint.

    Raises:
      DataError: the checkpoint was trained on others.
    """
    then = manifest.get("data")
    if then is not None and then != digest:
        raise DataError(
            f"{where} has changed since step {manifest['step']} of {workdir}: its digest was "
            f"{then} and is {digest}; restore the data, or train in another --workdir"
        )


Check = Callable[[Mapping[str, Any]], None]  # of a manifest against settings


def newest(workdir: Path, check: Check) -> dict[str, Any]:
    """The manifest of the checkpoint that a run resumes from; {} if none has been saved.

    Args:
      workdir: the run folder.
      check: raises a CheckpointError if a manifest does not agree with the settings.

    Raises:
      RunFolderError, CheckpointError: as `checkpoints.newest`.
    """
    folder = workdir / "checkpoints"
    return (
        checkpoints.newest(folder, _with_rows(workdir, check)) if checkpoints.steps(folder) else {}
    )


def _with_rows(workdir: Path, check: Check) -> Check:
    def both(manifest):
        check(manifest)
        check_rows(workdir, manifest)

    return both


def overview(workdir: Path) -> tuple[dict[str, Any], GanjaxError | None]:
    """The content of a run folder as JSON, and the error of one that does not resume.

    Returns:
      `steps` of the run; `settings`, their digest; `rows` of metrics; `checkpoints` and `best`, by
      step, each intact with the digest of its data, or its fault; `resumes`, a step.

    Raises:
      RunFolderError: it is no run folder.
    """
    config = run_folder.read_config(workdir)
    lines = run_folder.metrics_lines(workdir)
    rows = [row for row in map(run_folder.metrics_row, lines) if row is not None]
    damaged = f", {len(lines) - len(rows)} damaged" if len(lines) > len(rows) else ""
    found = {
        "steps": config.get("steps"),
        "settings": settings_digest(config, 0),
        "rows": f"{len(rows)}, to step {rows[-1]['step'] if rows else 0}{damaged}",
    }
    check = _with_rows(workdir, partial(check_settings, config))
    for name in ("checkpoints", "best"):
        folder = workdir / name
        found[name] = {
            step: _condition(folder / str(step), check) for step in checkpoints.steps(folder)
        }
    try:
        found["resumes"] = newest(workdir, partial(check_settings, config)).get("step", 0)
    except (CheckpointError, RunFolderError) as error:
        return found, error
    return found, None


def _condition(checkpoint: Path, check: Check) -> str:
    try:
        manifest = checkpoints.verified(checkpoint)
        check(manifest)
    except (CheckpointError, RunFolderError) as error:
        return str(error)
    return f"intact, data {manifest.get('data')}"
