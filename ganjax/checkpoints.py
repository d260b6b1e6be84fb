"""`GanState` to and from disk: arrays by orbax, verified by a manifest of digests.

Layout: `<folder>/<step>/state/` and `<folder>/<step>/manifest.json`, which appear together under
their final name or not at all. If a checkpoint fails its digests, an older one is restored.
"""

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import orbax.checkpoint as ocp

from ganjax import disk
from ganjax.errors import CheckpointError, MachineError

log = logging.getLogger(__name__)


class Restored(NamedTuple):
    """A state from disk and its step."""

    step: int
    state: Any


def _leaves(state: Any) -> dict[str, list]:
    """Path, dtype and shape of every leaf."""
    return {
        jax.tree_util.keystr(path): [str(leaf.dtype), list(leaf.shape)]
        for path, leaf in jax.tree_util.tree_leaves_with_path(state)
    }


def _digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def steps(folder: Path) -> list[int]:
    """Steps of the checkpoints in a folder, ascending; empty if the folder does not exist."""
    folder = _absolute(folder)
    if not folder.is_dir():
        return []
    return sorted(int(path.name) for path in folder.iterdir() if path.name.isdigit())


def digest(folder: Path, step: int) -> str:
    """SHA-256 of a checkpoint's manifest, which holds the digests of its files."""
    return hashlib.sha256((folder / str(step) / "manifest.json").read_bytes()).hexdigest()


def _absolute(folder: Path) -> Path:
    """The absolute path; refused if orbax, which writes names in UTF-8, would change it."""
    folder = folder.absolute()
    try:
        alike = str(folder).encode() == os.fsencode(folder)
    except UnicodeEncodeError:
        alike = False
    if not alike:
        raise MachineError(
            f"this locale cannot name {folder} in UTF-8; set LC_ALL=C.UTF-8 or PYTHONUTF8=1, or "
            "choose another --workdir"
        )
    return folder


def manifest(folder: Path, step: int) -> dict[str, Any]:
    """The manifest of a checkpoint, with the `record` that it was saved with."""
    return json.loads((folder / str(step) / "manifest.json").read_text("utf-8"))


def save(
    folder: Path,
    step: int,
    state: Any,
    *,
    keep: int,
    record: Mapping[str, Any] = MappingProxyType({}),
) -> Path:
    """Writes a checkpoint, puts it in place by a rename, then removes all but the newest `keep`.

    Only checkpoints up to `step` are counted and removed: a later, damaged one, from which the run
    could not resume, must not push out the new one. It stays until its step comes again.

    Args:
      folder: of all checkpoints; made if missing.
      step: of the state; an existing checkpoint of that step is replaced.
      state: pytree of arrays, not replicated over devices.
      keep: checkpoints to keep, at least 1.
      record: more for the manifest, as JSON; None is left out.

    Returns:
      The checkpoint's folder.
    """
    folder = _absolute(folder)
    needed = sum(leaf.nbytes for leaf in jax.tree.leaves(state))
    draft = folder / f".{step}.draft"
    with disk.writing(folder, needed):
        try:
            return _save(draft, step, state, keep, record)
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def _save(draft: Path, step: int, state: Any, keep: int, record: Mapping[str, Any]) -> Path:
    folder, final = draft.parent, draft.with_name(str(step))
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    with _checkpointer() as checkpointer:
        checkpointer.save(draft / "state", jax.device_get(state) if _several() else state)
    manifest = {"step": step, "leaves": _leaves(state), "files": _digests(draft / "state")}
    manifest |= {key: value for key, value in record.items() if value is not None}
    with open(draft / "manifest.json", "w", encoding="utf-8") as file:
        json.dump(manifest, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    aside = folder / f".{step}.replaced"
    shutil.rmtree(aside, ignore_errors=True)
    if final.exists():
        os.replace(final, aside)
    os.replace(draft, final)
    shutil.rmtree(aside, ignore_errors=True)
    for old in [other for other in steps(folder) if other <= step][:-keep]:
        shutil.rmtree(folder / str(old))
    return final


def restore(folder: Path, template: Any) -> Restored:
    """Reads the newest good checkpoint.

    Args:
      folder: the folder of all checkpoints.
      template: pytree of arrays or `jax.ShapeDtypeStruct`s with the structure, shapes and dtypes
        of the saved state, on the devices to restore to; or a function `step -> template`, for runs
        whose state grows.

    Returns:
      `Restored`. Damaged checkpoints are skipped with a warning.

    Raises:
      CheckpointError: there is no checkpoint, none is intact, or an intact one does not fit.
    """
    folder = _absolute(folder)
    damages = []
    for step in reversed(steps(folder)):
        damage = next(_damages(folder / str(step)), None)
        if damage is None:
            fitting = template(step) if callable(template) else template
            return Restored(step, _read(folder / str(step), fitting))
        damages.append(f"step {step}: {damage}")
        log.warning("checkpoint of step %d is damaged (%s); trying an older one", step, damage)
    if damages:
        raise CheckpointError(
            f"no intact checkpoint in {folder} ({'; '.join(damages)}); start again in a new folder"
        )
    raise CheckpointError(f"no checkpoint in {folder}; has this run saved one yet?")


def _damages(checkpoint: Path) -> Iterator[str]:
    try:
        expected = json.loads((checkpoint / "manifest.json").read_text("utf-8"))["files"]
    except (OSError, ValueError, KeyError) as error:
        yield f"unreadable manifest: {error}"
        return
    found = _digests(checkpoint / "state")
    for name in sorted({*expected, *found}):
        if name not in found:
            yield f"{name} is missing"
        elif name not in expected:
            yield f"{name} does not belong to it"
        elif found[name] != expected[name]:
            yield f"{name} has changed"


def _read(checkpoint: Path, template: Any) -> Any:
    """Restores after a comparison of leaves, as orbax silently casts dtypes and drops subtrees."""
    saved = json.loads((checkpoint / "manifest.json").read_text("utf-8"))["leaves"]
    expected = _leaves(template)
    for path in sorted({*saved, *expected}):
        if saved.get(path) != expected.get(path):
            raise CheckpointError(
                f"{checkpoint} does not fit: {path} is {saved.get(path, 'absent')} on disk and "
                f"{expected.get(path, 'absent')} here; was it written by another version?"
            )
    shapes = jax.tree.map(ocp.utils.to_shape_dtype_struct, template)
    if _several():
        here = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
        shapes = jax.tree.map(
            lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=here), shapes
        )
    with _checkpointer() as checkpointer:
        return checkpointer.restore(checkpoint / "state", shapes)


def _several() -> bool:
    return jax.process_count() > 1


def _checkpointer() -> ocp.StandardCheckpointer:
    """A checkpointer without cross-process barriers: each process has whole arrays and a folder."""
    if not _several():
        return ocp.StandardCheckpointer()
    this = jax.process_index()
    options = ocp.options.MultiprocessingOptions(
        primary_host=this, active_processes={this}, barrier_sync_key_prefix=f"process_{this}"
    )
    return ocp.StandardCheckpointer(multiprocessing_options=options)
