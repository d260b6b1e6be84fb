"""`GanState` to and from disk: arrays by orbax, verified by a manifest of digests.

Layout: `<folder>/<step>/state/` and `<folder>/<step>/manifest.json`, which appear together under
their final name or not at all. The manifest has a digest of every file and one of itself. If a
checkpoint fails them, or does not belong where it is, an older one is restored.
"""

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import orbax.checkpoint as ocp

from ganjax import disk
from ganjax.errors import CheckpointError, MachineError, RunFolderError

log = logging.getLogger(__name__)

OLDER = {"step", "leaves", "files", "data"}  # of a manifest without a digest of itself


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
    names = (path.name for path in folder.iterdir() if path.name.isdecimal() and path.is_dir())
    return sorted(int(name) for name in names if name == str(int(name)))


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


def save(
    folder: Path,
    step: int,
    state: Any,
    *,
    keep: int,
    record: Mapping[str, Any] = MappingProxyType({}),
    ready: Callable[[], None] = lambda: None,
    together: bool = False,
) -> Path:
    """Writes a checkpoint, puts it in place by a rename, then removes all but the newest `keep`.

    Only checkpoints up to `step` are counted and removed: a later, damaged one, from which the run
    could not resume, must not push out the new one. It stays until its step comes again.

    Args:
      folder: of all checkpoints; made if missing.
      step: of the state; an existing checkpoint of that step is replaced.
      state: pytree of arrays, not replicated over devices.
      keep: checkpoints to keep, at least 1.
      record: more for the manifest, as JSON: what is to be compared when it is restored.
      ready: called when all is written, before the rename; an error of it leaves nothing behind.
      together: whether `state` is spread over all processes; the others call `save_part`.

    Returns:
      The checkpoint's folder.
    """
    folder = _absolute(folder)
    needed = sum(leaf.nbytes for leaf in jax.tree.leaves(state))
    draft = _draft(folder, step)
    with disk.writing(folder, needed):
        try:
            clear(folder)
            _write(draft, state, {"step": step, **record}, together)
            ready()
            return _put(draft, folder / str(step), keep)
        finally:
            _remove(draft)


def save_part(folder: Path, step: int, state: Any) -> None:
    """Writes this process's part of a state that the first process saves together with others."""
    draft = _draft(_absolute(folder), step)
    with disk.writing(folder), _checkpointer(draft.name) as checkpointer:
        checkpointer.save(draft / "state", jax.tree.map(_filled, state))


def _draft(folder: Path, step: int) -> Path:
    return folder / f".{step}.draft"


def _write(draft: Path, state: Any, record: Mapping[str, Any], together: bool) -> None:
    draft.mkdir(parents=True)
    filled = jax.tree.map(_filled, state)
    with _checkpointer(draft.name if together else None) as checkpointer:
        checkpointer.save(draft / "state", filled if together else jax.device_get(filled))
    manifest = {**record, "leaves": _leaves(state), "files": _digests(draft / "state")}
    manifest["sha256"] = _digest_of(manifest)
    with open(draft / "manifest.json", "w", encoding="utf-8") as file:
        json.dump(manifest, file, indent=1)
        file.flush()
        os.fsync(file.fileno())


def _put(draft: Path, final: Path, keep: int) -> Path:
    """Renames a draft, and removes older checkpoints."""
    aside = final.with_name(f".{final.name}.replaced")
    if final.exists():
        os.replace(final, aside)
    os.replace(draft, final)
    _remove(aside)
    _prune(final.parent, int(final.name), keep)
    return final


def _prune(folder: Path, step: int, keep: int) -> None:
    """Removes all but the newest checkpoints up to a step; none is ever seen removed in part."""
    for old in [other for other in steps(folder) if other <= step][:-keep]:
        aside = folder / f".{old}.replaced"
        os.replace(folder / str(old), aside)
        _remove(aside)


def tidy(folder: Path, step: int, keep: int) -> None:
    """Removes what a killed process has left, where a run resumes at this step."""
    clear(folder)
    _prune(folder, step, keep)


def clear(folder: Path) -> None:
    """Removes the parts of checkpoints that a killed process has left."""
    for left in (*folder.glob(".*.draft"), *folder.glob(".*.replaced")):
        _remove(left)


def _remove(path: Path) -> None:
    """Removes a folder, or a link or file that stands in its place."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    shutil.rmtree(path, ignore_errors=True)


def restore(
    folder: Path, template: Any, check: Callable[[dict[str, Any]], None] | None = None
) -> Restored:
    """Reads the newest good checkpoint.

    Args:
      folder: the folder of all checkpoints.
      template: pytree of arrays or `jax.ShapeDtypeStruct`s with the structure, shapes and dtypes
        of the saved state, on the devices to restore to; or a function `step -> template`, for runs
        whose state grows.
      check: as of `newest`.

    Returns:
      `Restored`. Others are passed over with a warning.

    Raises:
      CheckpointError: there is no checkpoint, none is good, or a good one does not fit.
    """
    manifest = newest(folder, check)
    fitting = template(manifest["step"]) if callable(template) else template
    return Restored(manifest["step"], read(folder, manifest, fitting))


def newest(folder: Path, check: Callable[[dict[str, Any]], None] | None = None) -> dict[str, Any]:
    """The manifest of the newest good checkpoint: its `step`, and the `record` it was saved with.

    Args:
      folder: the folder of all checkpoints.
      check: compares a manifest with its surroundings; raises a CheckpointError or a
        RunFolderError if they disagree.

    Raises:
      RunFolderError: none is good, and `check` raised it of an intact one.
      CheckpointError: there is no checkpoint, or none is good.
    """
    folder = _absolute(folder)
    damages, refusal = [], None
    for step in reversed(steps(folder)):
        try:
            manifest = verified(folder / str(step))
            if check is not None:
                check(manifest)
            return manifest
        except CheckpointError as error:
            fault = f"is damaged ({error})"
        except RunFolderError as error:
            fault, refusal = f"does not go with its folder ({error})", refusal or error
        damages.append(f"step {step} {fault}")
        log.warning("checkpoint of step %d %s; trying an older one", step, fault)
    if refusal is not None:
        raise RunFolderError(
            f"{folder.parent} cannot be resumed: {refusal}; restore that, or start in another "
            "--workdir, with these weights by --init_from"
        )
    if damages:
        raise CheckpointError(
            f"no intact checkpoint in {folder}: {'; '.join(damages)}; start again in a new folder"
        )
    raise CheckpointError(f"no checkpoint in {folder}; has this run saved one yet?")


def verified(checkpoint: Path) -> dict[str, Any]:
    """The manifest of a checkpoint whose files, name and manifest agree.

    Raises:
      CheckpointError: they do not, or cannot be read.
    """
    try:
        manifest = json.loads((checkpoint / "manifest.json").read_text("utf-8"))
        damage = _damage(checkpoint, manifest)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        damage = f"unreadable manifest: {type(error).__name__}: {error}"
    if damage is not None:
        raise CheckpointError(damage)
    return manifest


def _damage(checkpoint: Path, manifest: dict[str, Any]) -> str | None:
    digest = manifest.pop("sha256", None)
    if digest != _digest_of(manifest) and not (digest is None and manifest.keys() <= OLDER):
        return "the manifest has changed"
    if manifest["step"] != int(checkpoint.name):
        return f"the folder's name is {checkpoint.name}, the manifest's step {manifest['step']}"
    expected, found = manifest["files"], _digests(checkpoint / "state")
    if not isinstance(manifest["leaves"], dict) or not isinstance(expected, dict):
        return "the manifest is none"
    for name in sorted({*expected, *found}):
        if name not in found:
            return f"{name} is missing"
        if name not in expected:
            return f"{name} does not belong to it"
        if found[name] != expected[name]:
            return f"{name} has changed"
    return None


def _digest_of(manifest: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def read(folder: Path, manifest: Mapping[str, Any], template: Any) -> Any:
    """The state of a checkpoint whose manifest `newest` gave.

    Leaves are compared first, as orbax silently casts dtypes and drops subtrees.

    Raises:
      CheckpointError: it does not fit the template.
    """
    checkpoint = _absolute(folder) / str(manifest["step"])
    saved, expected = manifest["leaves"], _leaves(template)
    for path in sorted({*saved, *expected}):
        if saved.get(path) != expected.get(path):
            raise CheckpointError(
                f"{checkpoint} does not fit: {path} is {saved.get(path, 'absent')} on disk and "
                f"{expected.get(path, 'absent')} here; was it written by another version?"
            )
    here = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])

    def shape(leaf):
        sharding = None if _several() else getattr(leaf, "sharding", None)
        return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding or here)

    shapes = jax.tree.map(shape, jax.tree.map(_filled, template))
    with _checkpointer() as checkpointer:
        found = checkpointer.restore(checkpoint / "state", shapes)
    return jax.tree.map(
        lambda like, leaf: leaf if like.size else jnp.zeros(like.shape, like.dtype), template, found
    )


def _filled(leaf: Any) -> Any:
    """An array; of one element in place of none, as orbax saves none without elements."""
    return leaf if leaf.size else jnp.zeros(1, leaf.dtype)


def _several() -> bool:
    return jax.process_count() > 1


def _checkpointer(meeting: str | None = None) -> ocp.StandardCheckpointer:
    """A checkpointer without cross-process barriers: each process has whole arrays and a folder.

    With a meeting's name the barriers are those of all processes, which write their shards.
    """
    if not _several():
        return ocp.StandardCheckpointer()
    this = jax.process_index()
    first, active, prefix = this, {this}, f"process_{this}"
    if meeting is not None:
        first, active, prefix = 0, {*range(jax.process_count())}, meeting
    options = ocp.options.MultiprocessingOptions(
        primary_host=first, active_processes=active, barrier_sync_key_prefix=prefix
    )
    return ocp.StandardCheckpointer(multiprocessing_options=options)
