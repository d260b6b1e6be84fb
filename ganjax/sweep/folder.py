"""The folder of a comparison: its description, and the results and costs of its cells.

`comparison.json` describes it. `cells/NAME.json` and `.npz` hold a cell's results, the same bits
whenever they are computed; `costs/NAME.json` its seconds.
"""

import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from ganjax import run_folder, trust
from ganjax.comparison import Comparison
from ganjax.config import CHOICES, SETTINGS
from ganjax.disclosure import Disclosure
from ganjax.errors import RunFolderError
from ganjax.files import replaced
from ganjax.nested import difference

log = logging.getLogger(__name__)

RESULT = dict.fromkeys(("seeds", "status", "stopped_at", "step"), list)
RESULT |= dict.fromkeys(("evaluations", "scores", "metrics"), dict)
COSTS = {"seconds": list}
DIGEST = "content_sha256"
# Keys that may change in a folder without training anything again.
CHANGEABLE = ("question", "base", "baseline", "score", "goal", "bound", "factors")


class DamageError(Exception):
    """A file of a cell is torn, of another form, or has changed."""


def read(workdir: Path) -> dict[str, dict[str, Any]]:
    """The results in a folder: {cell: result}, samples and trajectories as arrays among it.

    Returns:
      For every finished cell `seeds`; `status` by seed, "done", "diverged", "out of memory" or
      "failed", with `reason` and `traceback`; `stopped_at` by seed, the step of divergence or None;
      by evaluation its `step`, `evaluations` {player: gradients so far}, `scores` {name: `[by
      seed]`} with None after divergence, `metrics` {name: `[by seed]`}, means since the previous
      evaluation, and `seconds`, a run's share of the machine; `mapped`; `samples` [evaluation, n,
      ...] of the first seed; for toys the trajectory `way` [evaluation, seed, parameters] and
      `eigenvalues` of a step, and with two parameters the vector field of simultaneous gradient
      descent, `field` [y, x, 2] at `field_x` and `field_y`.

    Raises:
      RunFolderError: it is no folder of a comparison.
    """
    cells = {name: read_cell(workdir, name) for name in described(workdir)["cells"]}
    return {name: cell for name, cell in cells.items() if cell is not None}


def read_cell(workdir: Path, name: str) -> dict[str, Any] | None:
    """One cell, as `read`; None, with a warning, if its files are damaged, or there are none."""
    path = result_path(workdir, name)
    if not path.exists():
        return None
    try:
        arrays = _arrays(path.with_suffix(".npz"))
        result = read_sealed(path, RESULT, arrays)
        costs = read_sealed(workdir / "costs" / path.name, COSTS)
    except DamageError as error:
        log.warning("cell %s counts as missing: %s", name, error)
        return None
    return {**result, **costs, **arrays}


def _arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with open(path, "rb") as stream, np.load(stream) as file:
            return {key: file[key] for key in file.files if key != "disclosure"}
    except FileNotFoundError:
        return {}
    except Exception as error:  # of the readers of zip files and of arrays
        raise DamageError(f"{path} is damaged ({error})") from error


def read_sealed(
    path: Path, keys: Mapping[str, type], arrays: Mapping[str, np.ndarray] = MappingProxyType({})
) -> dict[str, Any]:
    """The content of a JSON file that `write_sealed` wrote; older files have no digest.

    Args:
      path: of the file.
      keys: that it must have, and the types of their values.
      arrays: that its digest covers.

    Raises:
      DamageError: it is missing, torn, of another form, or has changed.
    """
    try:
        content = run_folder.read_json(path)
    except (OSError, ValueError) as error:
        raise DamageError(f"{path} cannot be read ({error})") from error
    if not isinstance(content, dict) or not all(
        isinstance(content.get(key), kind) and content[key] != [] for key, kind in keys.items()
    ):
        raise DamageError(f"{path} lacks one of {', '.join(keys) or 'its keys'}")
    digest = content.pop(DIGEST, None)
    if digest is not None and digest != _digest(path.stem, content, arrays):
        raise DamageError(f"{path} does not have the content that was written")
    return content


def write_sealed(
    path: Path, content: dict[str, Any], arrays: Mapping[str, np.ndarray] = MappingProxyType({})
) -> None:
    """Writes a JSON file with a digest over its name, its content and arrays beside it."""
    content = json.loads(json.dumps(content))
    run_folder.write_json(path, {**content, DIGEST: _digest(path.stem, content, arrays)})


def _digest(name: str, content: Any, arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256(json.dumps([name, content], sort_keys=True).encode())
    for key in sorted(arrays):
        array = np.ascontiguousarray(arrays[key])
        digest.update(f"{key} {array.dtype.str} {array.shape} ".encode() + array.tobytes())
    return digest.hexdigest()


def described(workdir: Path) -> dict[str, Any]:
    """The comparison that a folder holds, as plain JSON.

    Of a folder made before bases and factors were kept, `base` is the baseline's config and
    `factors` are {}.

    Raises:
      RunFolderError: it is no folder of a comparison.
    """
    trust.check_links(workdir)
    path = workdir / "comparison.json"
    try:
        found = run_folder.read_json(path)
        return {"base": found["cells"][found["baseline"]], "factors": {}, **found}
    except FileNotFoundError:
        raise RunFolderError(
            f"{workdir} is not the folder of a comparison: it has no comparison.json"
        ) from None
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise RunFolderError(
            f"{path} is damaged ({error}); remove it, and the same command writes it again"
        ) from None


def claim(workdir: Path, comparison: Comparison) -> None:
    """Writes `comparison.json`; an old folder must hold the same comparison.

    Raises:
      RunFolderError: it holds another one.
    """
    path = workdir / "comparison.json"
    new = json.loads(json.dumps(comparison._asdict()))
    if path.exists():
        old = described(workdir)
        cells = {name: new["cells"].get(name) for name in old["cells"]}
        changed = {key: new[key] for key in CHANGEABLE}
        old = {key: old.get(key) for key in new}  # older folders hold the cells' overrides too
        defaults = {key: default for key, (default, *_) in (SETTINGS | CHOICES).items()}
        old["cells"] = {name: defaults | config for name, config in old["cells"].items()}
        differences = difference({**old, **changed}, {**new, "cells": cells})
        if differences:
            raise RunFolderError(
                f"{workdir} holds another comparison:\n  "
                + "\n  ".join(differences)
                + "\nChoose another --workdir; only new cells may be added to this one."
            )
    run_folder.write_json(path, new)
    for part in ("cells", "costs"):
        (workdir / part).mkdir(exist_ok=True)


def result_path(workdir: Path, name: str) -> Path:
    """The JSON file of a cell's result."""
    return workdir / "cells" / f"{name}.json"


def write(workdir: Path, name: str, result: dict[str, Any], costs: dict[str, Any]) -> None:
    """Writes a cell; the JSON file of the result comes last, so where it is, the cell is whole."""
    arrays = {key: value for key, value in result.items() if isinstance(value, np.ndarray)}
    path = result_path(workdir, name)
    if arrays:
        config = json.dumps(described(workdir)["cells"][name]).encode()
        origin = Disclosure(f"{workdir.resolve().name}/{name}", hashlib.sha256(config).hexdigest())
        with replaced(path.with_suffix(".npz")) as file:
            np.savez_compressed(file, **arrays, **origin.arrays())
    else:
        path.with_suffix(".npz").unlink(missing_ok=True)  # of a cell that is made again
    write_sealed(workdir / "costs" / path.name, costs)
    write_sealed(path, {key: result[key] for key in result if key not in arrays}, arrays)
