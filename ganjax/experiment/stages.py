"""From one stage to the next, and from one run to another: players that keep what they learned."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import chex
import jax

from ganjax import averages
from ganjax.data import Batch
from ganjax.errors import ConfigError
from ganjax.experiment.experiment import Experiment, initial_state, template
from ganjax.experiment.sections import scheme_of
from ganjax.schemes.growth import carried, kept
from ganjax.types import GanState


def grow(
    stage: Experiment, state: GanState, rng: jax.Array, train: Batch | None = None
) -> GanState:
    """The first state of a stage: the players of the last one, grown.

    Parameters and average keep every leaf of `state` and gain new layers; optimisers, counts and
    the scheme's memory restart; running statistics and the step continue.

    Args:
      stage: the next stage.
      state: the last state of the one before.
      rng: for the new layers.
      train: see `initial_state`.

    Raises:
      ValueError: the next networks have no place for a leaf.
    """
    scheme = scheme_of(stage.config.to_dict(), carried(stage.game, state), begin=stage.begin)
    fresh = initial_state(stage._replace(scheme=scheme), rng, train)
    if averages.averaged(fresh):
        fresh = fresh._replace(average=kept(averages.players(state).gen, fresh.average))
    return fresh._replace(step=state.step)


def warm_start(
    experiment: Experiment, other: Experiment, rng: jax.Array, train: Batch | None = None
) -> GanState:
    """The first state of a run that starts from the weights of another.

    Parameters and running statistics are those of the other run's players, not of their averages;
    optimisers, averages, the scheme's memory and the step are new.

    Args:
      experiment: of the new run.
      other: from `load`, with a state.
      rng: for new parameters and states.
      train: of the first stage, see `initial_state`.

    Raises:
      ConfigError: the players have other parameters.
    """
    first = experiment.stage(0)
    there, here = (_shapes(state.params) for state in (other.state, template(first)))
    different = [path for path in sorted({*there, *here}) if there.get(path) != here.get(path)]
    if different:
        path = different[0]
        raise ConfigError(
            f"the weights do not fit these networks: {path} is {there.get(path, 'absent')} there "
            f"and {here.get(path, 'absent')} here, one of {len(different)} differences; take the "
            "generator and discriminator of that run's config.json"
        )
    scheme = scheme_of(first.config.to_dict(), carried(first.game, other.state))
    return initial_state(first._replace(scheme=scheme), rng, train)


def _shapes(tree: Any) -> dict[str, str]:
    """Path -> dtype and shape of every leaf, as text."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {jax.tree_util.keystr(path): f"{x.dtype}{list(x.shape)}" for path, x in leaves}


def check_growth(old: Experiment, new: Experiment) -> None:
    """Traces the growth from one stage to the next, and refuses averages that cannot continue.

    Raises:
      ConfigError: the new stage loses players' leaves, or its average cannot take in new layers.
    """
    last = template(old)
    try:
        grown = jax.eval_shape(partial(grow, new), last, jax.random.key(0))
        chex.assert_trees_all_equal_shapes_and_dtypes(grown, template(new))
    except (ValueError, TypeError, AssertionError) as error:
        raise ConfigError(f"it does not grow out of the stage before: {error}") from error
    whole = jax.tree.structure(last.average) == jax.tree.structure(grown.average)
    if new.scheme.uniform and not (old.scheme.uniform and whole):
        # Its weight 1/t would count new layers as if they had been there from the first step.
        raise ConfigError(
            "average 'uniform' is the mean of all iterates of a run, and the stage before has "
            f"{'none of the new layers' if old.scheme.uniform else 'no such average'}; set "
            "average.name to 'ema'"
        )


def check_fade(stages: Sequence[Experiment], end: int) -> None:
    """Refuses a newest stage in which the losses of its game would jump.

    Args:
      stages: those so far, the newest last.
      end: the step at which the run ends; a stage that ends sooner is followed by another.

    Raises:
      ConfigError: as the game's `Needs.check_stage`.
    """
    new, last = stages[-1], stages[-2] if len(stages) > 1 else None
    if new.game.needs.check_stage is None:
        return
    updates = (new.config.steps - new.begin.step) * new.scheme.updates
    try:
        new.game.needs.check_stage(
            new.data.shape[0],
            last and last.data.shape[0],
            updates=updates if new.config.steps < end else None,
        )
    except ValueError as error:
        raise ConfigError(str(error)) from error
