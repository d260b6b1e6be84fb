"""From a run folder back to its experiment and state."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ganjax import averages, checkpoints, consistency, run_folder
from ganjax import data as sources
from ganjax.errors import CheckpointError, ConfigError
from ganjax.experiment.building import build
from ganjax.experiment.experiment import Experiment, template


def load(
    workdir: str | Path,
    *,
    data: bool = True,
    best: bool = False,
    trust: str | Iterable[str] = (),
) -> Experiment:
    """The experiment of a run folder, with the state of its newest good checkpoint.

    Args:
      workdir: the run folder.
      best: take the checkpoint that is kept as the best, of a config with `best`.
      data: whether the data are needed. If not, they are read only if the folder does not record
        their form, or an average needs statistics of the data (`averages.needs_data`): enough to
        sample and query the players, not to evaluate them.
      trust: modules whose functions the folder's config may name, e.g. ("mine",); submodules are
        trusted with them. Without it, a config that names your own functions is refused.

    Raises:
      ConfigError: it keeps no best checkpoint, and that is wanted; or its config names functions
        that are not trusted.
      RunFolderError: it is not a run folder.
      CheckpointError: it has no usable checkpoint.
    """
    workdir = Path(workdir)
    if best and not checkpoints.steps(workdir / "best"):
        raise ConfigError(
            f"{workdir} keeps no best checkpoint; train with evaluate_every and best.name, or take "
            "the newest"
        )
    forms = None if data else run_folder.read_manifest(workdir).get("data")
    experiment = build(run_folder.read_config(workdir, trust), forms=forms)
    step, state = restore(experiment, workdir, "best" if best else "checkpoints")
    run = experiment.stage(step)._replace(state=state, step=step, stages=experiment.stages)
    if forms and averages.needs_data(run.game, run.one_batch, run.train, state):
        return load(workdir, best=best, trust=trust)
    return run


def restore(
    experiment: Experiment, workdir: Path, folder: str = "checkpoints"
) -> checkpoints.Restored:
    """The newest good checkpoint of a run folder, of whichever stage.

    Raises:
      CheckpointError: there is none.
    """
    return checkpoints.restore(
        workdir / folder,
        lambda step: template(experiment.stage(step)),
        belonging(experiment, workdir),
    )


def belonging(experiment: Experiment, workdir: Path) -> Callable[[Mapping[str, Any]], None]:
    """A check of a checkpoint's manifest against the settings and the schedule of its run.

    It raises a CheckpointError if they disagree.
    """
    known = (workdir / "config.json").exists()
    config = run_folder.read_config(workdir) if known else experiment.config.to_dict()

    def check(manifest):
        consistency.check_settings(config, manifest)
        stage, step = experiment.stage(manifest["step"]), manifest["step"]
        updates = stage.begin.updates + (step - stage.begin.step) * stage.scheme.updates
        if manifest.get("updates", updates) != updates:
            raise CheckpointError(
                f"its state is of {manifest['updates']} updates, and step {step} of {updates}"
            )

    return check


def forms_of(experiment: Experiment) -> list[dict[str, Any] | None]:
    """The forms of the data of each stage, as JSON, for `build`; None where there are no data."""
    stages = experiment.stages or (experiment,)
    return [sources.form(stage.data) if stage.data else None for stage in stages]
