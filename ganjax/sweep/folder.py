"""The folder of a comparison: its description, and the results and costs of its cells.

`comparison.json` describes it. `cells/NAME.json` and `.npz` hold a cell's results, the same bits
whenever they are computed; `costs/NAME.json` its seconds.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from ganjax import run_folder
from ganjax.comparison import Comparison
from ganjax.disclosure import Disclosure
from ganjax.disk import drafted
from ganjax.errors import RunFolderError
from ganjax.nested import difference

# Keys that may change in a folder without training anything again.
CHANGEABLE = ("question", "base", "baseline", "score", "goal", "bound", "factors")


def read(workdir: Path) -> dict[str, dict[str, Any]]:
    """The results in a folder: {cell: result}, samples and trajectories as arrays among it.

    Returns:
      For every finished cell `seeds`; `status` by seed, "done", "diverged" or "out of memory";
      `stopped_at` by seed, the step of divergence or None; by evaluation its `step`, `evaluations`
      {player: gradients so far}, `scores` {name: `[by seed]`} with None after divergence, `metrics`
      {name: `[by seed]`}, means since the previous evaluation, and `seconds`, a run's share of the
      machine; `mapped`; `samples` [evaluation, n, ...] of the first seed; for toys the trajectory
      `way` [evaluation, seed, parameters] and `eigenvalues` of a step, and with two parameters the
      vector field of simultaneous gradient descent, `field` [y, x, 2] at `field_x` and `field_y`.

    Raises:
      RunFolderError: it is no folder of a comparison.
    """
    found = {}
    for name in described(workdir)["cells"]:
        path = result_path(workdir, name)
        if path.exists():
            arrays = np.load(path.with_suffix(".npz")) if path.with_suffix(".npz").exists() else {}
            costs = run_folder.read_json(workdir / "costs" / path.name)
            arrays = {key: array for key, array in arrays.items() if key != "disclosure"}
            found[name] = {**run_folder.read_json(path), **costs, **arrays}
    return found


def described(workdir: Path) -> dict[str, Any]:
    """The comparison that a folder holds, as plain JSON.

    Of a folder made before bases and factors were kept, `base` is the baseline's config and
    `factors` are {}.

    Raises:
      RunFolderError: it is no folder of a comparison.
    """
    try:
        found = run_folder.read_json(workdir / "comparison.json")
    except FileNotFoundError:
        raise RunFolderError(
            f"{workdir} is not the folder of a comparison: it has no comparison.json"
        ) from None
    return {"base": found["cells"][found["baseline"]], "factors": {}, **found}


def claim(workdir: Path, comparison: Comparison) -> None:
    """Writes `comparison.json`; an old folder must hold the same comparison.

    Raises:
      RunFolderError: it holds another one.
    """
    path = workdir / "comparison.json"
    new = json.loads(json.dumps(comparison._asdict()))
    if path.exists():
        old = run_folder.read_json(path)
        cells = {name: new["cells"].get(name) for name in old["cells"]}
        changed = {key: new[key] for key in CHANGEABLE}
        old = {key: old.get(key) for key in new}  # older folders hold the cells' overrides too
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
        with drafted(path.with_suffix(".npz")) as draft:
            np.savez_compressed(draft, **arrays, **origin.arrays())
    run_folder.write_json(workdir / "costs" / path.name, costs)
    run_folder.write_json(path, {key: result[key] for key in result if key not in arrays})
