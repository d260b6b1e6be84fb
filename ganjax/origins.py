"""The run whose weights another one starts from."""

import logging
from collections.abc import Collection
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from ganjax import checkpoints, devices, run_folder
from ganjax.errors import RunFolderError
from ganjax.experiment import Experiment, load, streams, template, warm_start
from ganjax.types import GanState

log = logging.getLogger(__name__)


def origin(
    experiment: Experiment, workdir: Path, init_from: Path | None, trust: Collection[str]
) -> tuple[dict[str, Any] | None, GanState | None]:
    """The record of that run and the state to start at, if any.

    Those of the first process; the others get the state from it.

    Raises:
      RunFolderError: the folder holds a run that starts otherwise.
    """
    manifest, begun = run_folder.read_manifest(workdir), checkpoints.steps(workdir / "checkpoints")
    record = manifest.get("init_from")
    known, wanted = (record or {}).get("workdir"), init_from and str(init_from.resolve())
    if (manifest or begun) and wanted != known and (wanted or not begun):
        raise RunFolderError(
            f"{workdir} holds a run that starts from {known or 'new weights'}, not from "
            f"{wanted or 'new weights'}; call it as before, or choose another --workdir"
        )
    if wanted is None or begun:
        return record, None
    if not devices.leads():
        return None, jax.tree.map(jnp.zeros_like, template(experiment.stage(0)))
    other = load(init_from, data=False, trust=trust)
    state = jax.jit(
        lambda state, rng, train: warm_start(experiment, other._replace(state=state), rng, train)
    )(other.state, streams(experiment.config.seed).init, experiment.stage(0).train)
    log.info("starting from the weights of %s at step %d", init_from, other.step)
    digest = checkpoints.digest(init_from / "checkpoints", other.step)
    return {"workdir": wanted, "step": other.step, "checkpoint_sha256": digest}, state
