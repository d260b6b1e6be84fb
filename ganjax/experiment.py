"""From a config to an experiment: the only place where a name becomes a function.

A section is a name and keyword arguments. The name is a row of one of the shelves imported here, or
`module:function` for a function of your own, which needs no registration.
"""

import hashlib
import inspect
import itertools
import math
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
import ml_collections
import numpy as np

from ganjax import (
    augmentations,
    averages,
    checkpoints,
    dynamics,
    games,
    latents,
    losses,
    metrics,
    names,
    nets,
    optimisers,
    penalties,
    run_folder,
    schemes,
    spread,
)
from ganjax import data as sources
from ganjax.averages import live as live  # scripts ask for it here
from ganjax.config import plain, staged, validate
from ganjax.errors import ConfigError, DataError, NotFiniteError, unknown
from ganjax.games.progressive import check_stage
from ganjax.schemes.growth import carried, kept
from ganjax.types import Game, GanState, Players, Scheme

SAMPLE_CHUNK = 64  # samples generated at a time
# Games that learn b from a, row by row, where there are two domains.
PAIRS = ("autoencoder", "paired")
# The option of a scheme that says how many sub-batches it wants, and how many more than it says.
SUB_BATCHES = {"disc_updates": 0, "unroll_steps": 1, "steps": 0}


class Begin(NamedTuple):
    """Where a stage begins: steps of the run before it, and updates of the generator in them."""

    step: int = 0
    updates: int = 0


START = Begin()


class Streams(NamedTuple):
    """The independent random keys that one seed gives."""

    init: jax.Array
    play: jax.Array
    pictures: jax.Array
    evaluation: jax.Array
    monitor: jax.Array


class Experiment(NamedTuple):
    """Everything a config stands for.

    Attributes:
      config: the resolved config, frozen.
      data: a `Data`, or None for toy games.
      game: the `Game`.
      scheme: the `Scheme`, averaging included.
      batch: `(train, rng) -> batch` of the config's size, pure; None for toy games. With fresh
        batches for every discriminator update it has a leading axis of sub-batches.
      one_batch: the same without sub-batches.
      asked: `state -> state` that queries, samples and evaluations are of: averaged players, if
        there are any, with batch statistics of their own; see `averages.asked`.
      sample: `(state, rng, n, y=None) -> x [n, ...]` of the state that is asked; None for games
        that generate nothing. The first samples of a key are the same whatever n. Labels y,
        int [n], are for games that have them; `default_labels` if None.
      evaluate: `(state, rng, n) -> {name: number}`, n samples where the evaluation wants samples;
        None if the config names no evaluation.
      monitor: `(state, batch, rng, means) -> {name: scalar}`, pure, the means being those of the
        metrics of the last chunk of steps; None if the config names none. Where `monitor/stop` is
        1, play ends.
      state: the restored state of a run, or None.
      step: the step of that state.
      stages: the experiments that are played one after another, `config.steps` of each being the
        step at which it ends; () for a config without stages. All else is that of the stage that
        the run ends in.
      axis_name: the mapped device axis that the scheme was built with, or None.
      begin: where the stage begins, from which schedules of rates know the run's step.
    """

    config: ml_collections.FrozenConfigDict
    data: sources.Data | None
    game: Game
    scheme: Scheme
    batch: Callable
    one_batch: Callable
    asked: Callable[[GanState], GanState]
    sample: Callable | None
    evaluate: Callable | None
    monitor: Callable | None = None
    state: GanState | None = None
    step: int = 0
    stages: tuple["Experiment", ...] = ()
    axis_name: str | None = None
    begin: Begin = START

    def stage(self, step: int) -> "Experiment":
        """The stage that the state after `step` steps belongs to; itself without stages.

        Where a stage ends, the state is still its own: it grows at the beginning of the next.
        """
        return next((stage for stage in self.stages if step <= stage.config.steps), self)

    @property
    def train(self) -> dict[str, jax.Array]:
        """The arrays that `batch` draws from; {} for closed forms and toys."""
        return self.data.train if self.data else {}

    @property
    def labelled(self) -> bool:
        """Whether samples are of a class that can be asked for."""
        return _labelled(self.game)

    def default_labels(self, n: int) -> np.ndarray | None:
        """The classes of the data in turn, [n], where samples are of a class; else None."""
        return _in_turn(self.data, n) if self.labelled else None

    @property
    def classes(self) -> np.ndarray:
        """The classes that the training data hold, in order; all of a closed form's."""
        return sources.classes(self.data)

    def queries(self, state: GanState) -> dict[str, Callable]:
        """Queries of the players of a state, see `Game`: functions of the remaining arguments.

        The generator is the averaged one if there is an average, see `asked`.
        """
        return _queries(self.game.queries, self.asked(state))

    @property
    def stop_reason(self) -> str:
        """Why the monitor stopped training; "" without a monitor.

        That of any stage ends the whole run; its own experiment knows the reason.
        """
        if self.monitor is None:
            return ""
        section = self.config.monitor.to_dict()
        return STOP_REASONS.get(section["name"], "monitor {name!r} says so").format(**section)

    def protocol(
        self,
        state: GanState,
        *,
        step: int,
        seed: int,
        scores: Mapping[str, float] = MappingProxyType({}),
    ) -> dict[str, Any]:
        """The protocol of a score of samples of `state`, to be kept beside it.

        The extractors are fitted on the data, so the data's digest and the versions stand for them.
        `average` is about the generator, `discriminator_average` about a classifier's own average,
        `standing_statistics` about the players whose batch statistics are those of their averaged
        weights. `beyond_real` has the scores that are better than real data's own.
        """
        digest = hashlib.sha256()
        for part in (*self.data.train.values(), *self.data.test.values()):
            digest.update(np.ascontiguousarray(part))  # joining them would copy large data twice
        return {
            "evaluation": dict(self.config.evaluation),
            "data": self.config.data.to_dict(),
            "data_sha256": digest.hexdigest(),
            "step": step,
            "seed": seed,
            "average": averages.averaged(state),
            "discriminator_average": averages.keeps_average(state),
            "standing_statistics": list(averages.restood(state)),
            "beyond_real": metrics.beyond_real(scores),
            "packages": run_folder.versions(("ganjax", "jax", "scikit-learn", "scipy")),
        }


def streams(seed: int) -> Streams:
    """The random keys of a run: everything random in it is a function of (seed, step)."""
    return Streams(*jax.random.split(jax.random.key(seed), len(Streams._fields)))


def initial_state(experiment: Experiment, rng: jax.Array) -> GanState:
    """The state before the first step."""
    rng_batch, rng_init = jax.random.split(rng)
    return experiment.scheme.init(rng_init, experiment.batch(experiment.train, rng_batch))


def build(
    config: Mapping[str, Any],
    axis_name: str | None = None,
    forms: Sequence[Mapping[str, Any] | None] | None = None,
) -> Experiment:
    """Builds an experiment from a config.

    Args:
      config: `ml_collections.ConfigDict` or nested dict; see `ganjax.config`.
      axis_name: the device axis that the scheme's step is to be mapped over, of any name; with
        `spread.ROWS` batch statistics are each device's own, else the whole batch's. None for none.
      forms: of the data of each stage, from `forms_of`. The data are then not read; the experiment
        can be restored and sampled, and has neither evaluation nor monitor.

    Returns:
      `Experiment`, nothing initialised or compiled yet.

    Raises:
      ConfigError: an unknown name or argument (with the nearest and the known ones), a missing one,
        a wrong type or range, or sections that do not go together.
      DataError: the data are not as declared.
    """
    config = validate(config)
    stages, begin, forms = [], START, iter(forms or ())
    for label, stage in staged(config).items():
        try:
            stages.append(_build(stage, axis_name, begin, next(forms, None)))
            played = stage["steps"] - begin.step
            begin = Begin(stage["steps"], begin.updates + played * _gen_updates(stage["scheme"]))
            for old, new in itertools.pairwise(stages[-2:]):
                _try_growth(old, new)
            _check_fade(stages, config["steps"])
        except ConfigError as error:
            raise ConfigError(f"in stages.{label}: {error}") from error
    if not stages:
        experiment = _build(config, axis_name, form=next(forms, None))
        _check_fade([experiment], config["steps"])
        return experiment
    last = next(stage for stage in stages if stage.config.steps == config["steps"])
    return last._replace(config=ml_collections.FrozenConfigDict(config), stages=tuple(stages))


def reschemed(experiment: Experiment, numbers: Mapping[str, Any]) -> Scheme:
    """The experiment's scheme with other numbers in its config.

    Args:
      experiment: from `build`; its data and networks' sections stay.
      numbers: {path: number}, e.g. `{"gen_tx.learning_rate": 1e-3}`. A number may be a
        `swept.Swept`, so that one program serves many.

    Raises:
      ConfigError, TypeError: a function of the config needs a plain number there.
    """
    config = plain(experiment.config)
    for path, number in numbers.items():
        *sections, key = path.split(".")
        inside = config
        for section in sections:
            inside = inside[section]
        inside[key] = number
    game = _assembled(config, _parts(config), experiment.data)
    return _scheme(config, game, begin=experiment.begin)


def forms_of(experiment: Experiment) -> list[dict[str, Any] | None]:
    """The forms of the data of each stage, as JSON, for `build`; None where there are no data."""
    stages = experiment.stages or (experiment,)
    return [sources.form(stage.data) if stage.data else None for stage in stages]


def _build(
    config: Mapping[str, Any],
    axis_name: str | None = None,
    begin: Begin = START,
    form: Mapping[str, Any] | None = None,
) -> Experiment:
    """The experiment of a resolved config without stages."""
    parts = _parts(config)
    _tx(config, begin)  # for its mistakes, before data are read
    data = _data(config) if form is None else sources.of_form(form)
    game = _assembled(config, parts, data)
    one_batch = _batch(config, data, fresh=False)
    asked = averages.asked(game, one_batch, data.train if data else {})
    sample = _sampler(game, data, asked)
    experiment = Experiment(
        config=ml_collections.FrozenConfigDict(config),
        data=data,
        game=game,
        scheme=_scheme(config, game, begin=begin),
        batch=_batch(config, data),
        one_batch=one_batch,
        asked=asked,
        sample=sample,
        evaluate=None if form else _evaluation(config, data, game, asked, sample),
        monitor=None if form else _monitor(config, game, begin),
        begin=begin,
    )
    _try_out(experiment)
    if axis_name is None:
        return experiment
    scheme = _scheme(config, game, axis_name, begin)
    return experiment._replace(scheme=scheme, axis_name=axis_name)


def _assembled(
    config: Mapping[str, Any], parts: Mapping[str, Any], data: sources.Data | None
) -> Game:
    """The game of a config, networks included, checked to go with the data."""
    shape, num_classes = (data.shape, data.num_classes) if data else (None, 0)
    parts = parts | {
        section: _call(section, shelf, config[section], shape=shape, num_classes=num_classes)
        for section, shelf in NETWORKS.items()
        if section in config
    }
    game = _game(config, parts, num_classes)
    if data is None and any(section in parts for section in NETWORKS):
        raise ConfigError("a game with networks needs data; add a section 'data'")
    own = ":" in config["game"]["name"]  # a game of one's own may use data without a network
    if data is not None and not own and not any(section in parts for section in NETWORKS):
        raise ConfigError(
            f"game {config['game']['name']!r} has no use for the section 'data'; remove it"
        )
    if data is not None:
        _check_pairs(config, data)
    _check_classes(config, num_classes)
    if data is not None and config["game"].get("likelihood") is not None:
        _check_support(config, data)
    return _accumulated(config, _narrowed(config, game), data)


def _narrowed(config: Mapping[str, Any], game: Game) -> Game:
    """The game with its networks in bfloat16, if the config wants that."""
    if config["compute"] == "float32":
        return game
    if not any(section in config for section in NETWORKS):
        raise ConfigError(
            f"compute={config['compute']!r} is for games of networks, and "
            f"{config['game']['name']!r} is one in closed form; leave compute out"
        )
    return games.in_bfloat16(game)


def _accumulated(config: Mapping[str, Any], game: Game, data: sources.Data | None) -> Game:
    """The game in parts of its batches, if the config wants them."""
    parts, size = config["accumulate"], config["batch_size"]
    if parts == 1:
        return game
    if data is None or size % parts:
        raise ConfigError(
            f"accumulate={parts} must divide batch_size={size}, of a game with data; take a divisor"
        )
    if config["game"]["name"] == "cycle" and config["game"].get("pool_size", 1):
        raise ConfigError(
            "the parts of a batch would each change the image pool of 'cycle' by themselves; set "
            "game.pool_size to 0 or accumulate to 1"
        )
    return games.accumulated(game, parts)


def load(workdir: str | Path, *, data: bool = True) -> Experiment:
    """The experiment of a run folder, with the state of its newest good checkpoint.

    Args:
      workdir: the run folder.
      data: whether the data are needed. Else they are not read where the folder says which form
        they have and no average is asked with statistics of the data themselves
        (`averages.needs_data`): enough to ask the players, not to evaluate them.

    Raises:
      RunFolderError: it is not a run folder.
      CheckpointError: it has no usable checkpoint.
    """
    workdir = Path(workdir)
    forms = None if data else run_folder.read_manifest(workdir).get("data")
    experiment = build(run_folder.read_config(workdir), forms=forms)
    step, state = restore(experiment, workdir)
    run = experiment.stage(step)._replace(state=state, step=step, stages=experiment.stages)
    if forms and averages.needs_data(run.game, run.one_batch, run.train, state):
        return load(workdir)
    return run


def restore(experiment: Experiment, workdir: Path) -> checkpoints.Restored:
    """The newest good checkpoint of a run folder, of whichever stage.

    Raises:
      CheckpointError: there is none.
    """
    return checkpoints.restore(
        workdir / "checkpoints", lambda step: template(experiment.stage(step))
    )


def grow(stage: Experiment, state: GanState, rng: jax.Array) -> GanState:
    """The first state of a stage: the players of the last one, grown.

    Parameters and average keep every leaf of `state` and have new layers beside them; optimisers
    and the scheme's memory start anew, counts too; running statistics and the step go on.

    Args:
      stage: the next stage.
      state: the last state of the one before.
      rng: for the new layers.

    Raises:
      ValueError: the next networks have no place for a leaf.
    """
    scheme = _scheme(stage.config.to_dict(), carried(stage.game, state), begin=stage.begin)
    fresh = initial_state(stage._replace(scheme=scheme), rng)
    if averages.averaged(fresh):
        fresh = fresh._replace(average=kept(averages.players(state).gen, fresh.average))
    return fresh._replace(step=state.step)


def warm_start(experiment: Experiment, other: Experiment, rng: jax.Array) -> GanState:
    """The first state of a run that starts from the weights of another.

    Parameters and running statistics are those of the other run's players, not of their averages;
    optimisers, averages, the scheme's memory and the step are new.

    Args:
      experiment: of the new run.
      other: from `load`, with a state.
      rng: for new parameters and states.

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
    scheme = _scheme(first.config.to_dict(), carried(first.game, other.state))
    return initial_state(first._replace(scheme=scheme), rng)


def _shapes(tree: Any) -> dict[str, str]:
    """Path -> dtype and shape of every leaf, as text."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {jax.tree_util.keystr(path): f"{x.dtype}{list(x.shape)}" for path, x in leaves}


def score(
    experiment: Experiment, samples: np.ndarray, labels: np.ndarray | None = None
) -> dict[str, float]:
    """The scores of samples of any origin, by the evaluation that the config names.

    Args:
      experiment: from `build`; its data and evaluation count, not its players.
      samples: [n, ...], of the shape of the data; images in [-1, 1].
      labels: their classes, int [n]; None if they have none.

    Raises:
      ConfigError: the config names no evaluation, or one that is about more than is given; or the
        labels are not classes of the data.
      DataError: the evaluation refuses the samples, e.g. one alone where it compares covariances.
    """
    config = experiment.config.to_dict()
    if _none("evaluation", config):
        raise ConfigError("the config names no evaluation; set evaluation.name")
    name = config["evaluation"]["name"]
    report = _call("evaluation", metrics.EVALUATIONS, config["evaluation"], data=experiment.data)
    given = {"samples": samples} | ({} if labels is None else {"labels": labels})
    wanted = tuple(inspect.signature(report).parameters)
    if lacking := [part for part in wanted if part not in given]:
        raise ConfigError(
            f"evaluation {name!r} is about {' and '.join(lacking)}, which these samples come "
            "without; " + ("add labels y" if lacking == ["labels"] else "name another evaluation")
        )
    if "labels" in wanted and not np.isin(labels, experiment.classes).all():
        raise ConfigError(
            f"labels from {np.min(labels)} to {np.max(labels)} are not all of the classes "
            f"{', '.join(map(str, experiment.classes))}"
        )
    try:
        return report(**{key: given[key] for key in wanted})
    except ValueError as error:
        raise DataError(
            f"evaluation {name!r} cannot score {len(samples)} sample{'s'[: len(samples) != 1]}: "
            f"{error}"
        ) from error


def protocol_of_file(
    experiment: Experiment, path: str | Path, n: int, scores: Mapping[str, float]
) -> dict[str, Any]:
    """`Experiment.protocol` for the first n samples of a file, which stands for the players."""
    own = experiment.protocol(template(experiment), step=0, seed=0, scores=scores)
    players = ("step", "seed", "average", "discriminator_average", "standing_statistics")
    origin = {"file": str(path), "sha256": hashlib.sha256(Path(path).read_bytes()).hexdigest()}
    kept = {key: value for key, value in own.items() if key not in players}
    return {**kept, "samples": {**origin, "n": n}}


def template(experiment: Experiment) -> GanState:
    """Shapes and dtypes of the experiment's state, nothing computed."""
    return jax.eval_shape(partial(initial_state, experiment), jax.random.key(0))


def _call(where: str, shelf: Mapping[str, Any], section: Mapping[str, Any], **given: Any) -> Any:
    return names.call(where, shelf, section, NESTED, **given)


def _none(where: str, config: Mapping[str, Any]) -> bool:
    """Whether a section is absent or says 'none', which takes no arguments."""
    section = config.get(where, {"name": "none"})
    if section["name"] == "none" and len(section) > 1:
        raise ConfigError(f"{where} 'none' takes no arguments, got {dict(section)!r}")
    return section["name"] == "none"


def _data(config: Mapping[str, Any]) -> sources.Data | None:
    """The data source, checked against its declaration."""
    if _none("data", config):
        return None
    section, name = config["data"], config["data"]["name"]
    if ":" in name:  # whatever a function of the user's raises is about data
        data = sources.made(name, names.bind("data", sources.DATA, section, {}))
    else:
        data = names.call("data", sources.DATA, section, {})
    return sources.checked(name, data)


def _check_pairs(config: Mapping[str, Any], data: sources.Data) -> None:
    """A game that learns from pairs would take strangers for pairs, without a sign of it."""
    name, source = config["game"]["name"], config["data"]["name"]
    batch = jax.eval_shape(lambda rng: data.sample(data.train, rng, 2), jax.random.key(0))
    if name in PAIRS and "a" in batch and not data.paired:
        raise ConfigError(
            f"game {name!r} learns from pairs, and a and b of data {source!r} are none; take "
            "paired data, e.g. paired_images, or game 'cycle'. A source of your own declares "
            "them with Data(..., paired=True)"
        )


def _check_classes(config: Mapping[str, Any], num_classes: int) -> None:
    """Options of networks that count classes must count those of the data."""
    for section, option in itertools.product(NETWORKS, ("labels", "head", "norm")):
        value = config.get(section, {}).get(option)
        given = value.get("num_classes", num_classes) if isinstance(value, Mapping) else num_classes
        if given != num_classes:
            raise ConfigError(
                f"{section}.{option}.num_classes={given}, but the data have {num_classes} classes; "
                f"set it to {num_classes}"
            )


def _check_support(config: Mapping[str, Any], data: sources.Data) -> None:
    """The data must lie where the likelihood is a density; points of a closed form may be anywhere.

    Images are in [-1, 1] by contract where they are not arrays to look into.
    """
    section = config["game"]["likelihood"]
    section = {"name": section} if isinstance(section, str) else section
    smallest, largest = NESTED["likelihood"]("game.likelihood", section).support
    name = config["data"]["name"]
    found = [part["x"] for part in (data.train, data.test) if "x" in part]
    if found:
        low, high = min(map(np.min, found)), max(map(np.max, found))
    else:
        low, high = (-1, 1) if len(data.shape) == 3 else (-math.inf, math.inf)
    if low < smallest or high > largest:
        raise ConfigError(
            f"data {name!r} have values from {low:.4g} to {high:.4g}, but the likelihood is one of "
            f"values from {smallest:g} to {largest:g}; take images or game.likelihood='gaussian'"
        )


def _activation(where: str, section: Mapping[str, Any]) -> Callable:
    return names.bind(where, nets.ACTIVATIONS, section, {}, "x")


def _loss(where: str, section: Mapping[str, Any]) -> losses.AdversarialLoss:
    name = section["name"]
    loss = names.lookup(where, name, losses.LOSSES)
    if not isinstance(loss, losses.AdversarialLoss):  # a factory of one's own
        return _call(where, losses.LOSSES, section)
    if len(section) == 1:
        return loss
    if not isinstance(loss, losses.LossWithOptions):
        raise ConfigError(f"{where} {name!r} takes no arguments, got {dict(section)!r}")
    return _call(where, {name: loss.variant}, section)


def _parts(config: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a game besides networks: quickly built, so that mistakes are told first."""
    parts = {}
    if "loss" in config:
        parts["loss"] = _loss("loss", config["loss"])
    if "prior" in config:
        prior = config["prior"]
        parts["prior"] = names.bind("prior", latents.PRIORS, prior, NESTED, "rng", "shape")
    if "penalties" in config:
        parts["penalties"] = tuple(
            _call(f"penalties.{label}", penalties.PENALTIES, penalty)
            for label, penalty in config["penalties"].items()
        )
    return parts


def _game(config: Mapping[str, Any], parts: Mapping[str, Any], num_classes: int) -> Game:
    """The game, made of the parts, every one of which it must have a use for."""
    section = config["game"]
    for name in (*NETWORKS, "prior", "penalties"):
        if name in section:
            raise ConfigError(f"game.{name} belongs into a section {name!r} of its own")
    factory = names.lookup("game", section["name"], games.GAMES)
    if "packing" in section and section["name"] in games.UNPACKED:
        reason = games.UNPACKED[section["name"]]
        raise ConfigError(f"game {section['name']!r} has no packing: {reason}; remove game.packing")
    parameters = inspect.signature(factory).parameters
    for name, part in parts.items():
        if name not in parameters and part != ():
            raise ConfigError(
                f"game {section['name']!r} has no use for the section {name!r}; remove it"
            )
    for name in NETWORKS:
        needed = name in parameters and parameters[name].default is inspect.Parameter.empty
        if needed and name not in parts:
            raise ConfigError(f"game {section['name']!r} needs a section {name!r}; add one")
    return _call("game", games.GAMES, section, num_classes=num_classes, **parts)


def _steps_of(config: Mapping[str, Any], begin: Begin) -> Callable:
    """The step of the run, from 0, of the generator's updates so far, which schedules count."""
    each = _gen_updates(config["scheme"])
    return lambda updates: begin.step + (updates - begin.updates) // each


def _tx(config: Mapping[str, Any], begin: Begin) -> Players:
    made = partial(optimisers.transform, steps_of=_steps_of(config, begin))
    return Players(gen=made("gen_tx", config["gen_tx"]), disc=made("disc_tx", config["disc_tx"]))


def _scheme(
    config: Mapping[str, Any],
    game: Game,
    axis_name: str | None = None,
    begin: Begin = START,
) -> Scheme:
    if axis_name is not None:
        _check_axis(config["scheme"]["name"])
        game = game._replace(losses=spread.on_rows(game.losses, axis_name))
    given = {"game": game, "tx": _tx(config, begin), "axis_name": axis_name}
    nested = _nested(config, begin)
    scheme = names.call("scheme", schemes.SCHEMES, config["scheme"], nested, **given)
    if _none("average", config):
        return scheme
    average = config["average"]
    if average["name"] not in ("ema", "uniform"):
        raise ConfigError(unknown("average", average["name"], ("ema", "uniform", "none")))
    section = {**average, "name": "averaged"}
    return _call(
        "average",
        schemes.SCHEMES,
        section,
        **given,
        kind=average["name"],
        inner=lambda game, tx, axis_name: scheme,
    )


def _check_axis(name: str) -> None:
    """A scheme that never hears of the axis would leave every device to train on its own."""
    factory = names.lookup("scheme", name, schemes.SCHEMES)
    if "axis_name" not in inspect.signature(factory).parameters:
        raise ConfigError(
            f"scheme {name!r} has no parameter axis_name, so under --form=pmap its gradients would "
            "not be averaged over the devices; give it axis_name=None and pass it on to "
            "schemes.field (both_gradients, own_gradient, device_mean), or use --form=jit"
        )


def _nested(config: Mapping[str, Any], begin: Begin) -> names.Nested:
    """Nested sections of a scheme or a monitor: an inner scheme, an optimiser of its own."""

    def inner(where, section):
        return names.bind(where, schemes.SCHEMES, section, nested, "game", "tx")

    inner_tx = partial(optimisers.transform, steps_of=_steps_of(config, begin))
    nested = {**NESTED, "inner": inner, "inner_tx": inner_tx}
    return nested


def _batch(config: Mapping[str, Any], data: sources.Data | None, *, fresh: bool = True) -> Callable:
    if data is None:
        return lambda train, rng: None
    size, parts = config["batch_size"], tuple(_sub_batches(config["scheme"])) if fresh else ()

    def batch(train, rng):
        rows = data.sample(train, rng, math.prod(parts) * size)
        return {key: array.reshape(*parts, size, *array.shape[1:]) for key, array in rows.items()}

    return batch


def _sub_batches(scheme: Mapping[str, Any]) -> Iterator[int]:
    """The leading axes that schemes with `fresh_batches`, one inside another, expect."""
    if scheme.get("fresh_batches", False):
        factory = names.lookup("scheme", scheme["name"], schemes.SCHEMES)
        parameters = inspect.signature(factory).parameters
        options = {name: parameter.default for name, parameter in parameters.items()} | scheme
        for option, more in SUB_BATCHES.items():
            if option in parameters:
                yield options[option] + more
    if isinstance(scheme.get("inner"), Mapping):
        yield from _sub_batches(scheme["inner"])


def _queries(queries: Mapping[str, Callable], asked: GanState) -> dict[str, Callable]:
    given = asked.params, asked.model_state
    return {name: partial(query, *given) for name, query in queries.items()}


def _labelled(game: Game) -> bool:
    generate = game.queries.get("generate")
    return generate is not None and "y" in inspect.signature(generate).parameters


def _in_turn(data: sources.Data, n: int) -> np.ndarray:
    return np.resize(sources.classes(data), n).astype(np.int32)


def _sampler(game: Game, data: sources.Data | None, asked: Callable) -> Callable | None:
    if not {"latents", "generate"} <= game.queries.keys():
        return None

    @jax.jit
    def chunk(params, model_state, rng, *labels):
        z = game.queries["latents"](params, model_state, rng, SAMPLE_CHUNK)
        return game.queries["generate"](params, model_state, z, *labels)

    def sample(state: GanState, rng: jax.Array, n: int, y: np.ndarray | None = None) -> jax.Array:
        count = -(-n // SAMPLE_CHUNK)
        labels = [()] * count
        if _labelled(game):
            labels = _chunks_of_labels(y, n, count, data)
        elif y is not None:
            raise ConfigError("this game knows no labels; ask it for samples without them")
        keys, state = (jax.random.fold_in(rng, index) for index in range(count)), asked(state)
        chunks = [
            chunk(state.params, state.model_state, key, *own)
            for key, own in zip(keys, labels, strict=True)
        ]
        return jnp.concatenate(chunks)[:n]

    return sample


def _chunks_of_labels(
    y: np.ndarray | None, n: int, count: int, data: sources.Data
) -> list[tuple[np.ndarray]]:
    """Labels in chunks, the last one filled up with some class; the classes in turn if None."""
    classes = sources.classes(data)
    y = _in_turn(data, n) if y is None else np.asarray(y)
    if y.shape != (n,) or not np.isin(y, classes).all():
        raise ConfigError(
            f"labels {y} must be {n} of the classes {', '.join(map(str, classes))}, one a sample"
        )
    filled = np.full(count * SAMPLE_CHUNK, classes[0], np.int32)
    filled[:n] = y
    return [(part,) for part in filled.reshape(count, SAMPLE_CHUNK)]


def _evaluation(
    config: Mapping[str, Any],
    data: sources.Data | None,
    game: Game,
    asked: Callable,
    sample: Callable | None,
) -> Callable | None:
    """The named report, given what its parameters name: samples, their labels, queries."""
    if _none("evaluation", config):
        return None
    name = config["evaluation"]["name"]
    if data is None:
        raise ConfigError("this game generates no samples; set evaluation.name to 'none'")
    report = _call("evaluation", metrics.EVALUATIONS, config["evaluation"], data=data)
    wanted = tuple(inspect.signature(report).parameters)
    offered = {*game.queries, *(("samples",) if sample else ())}
    offered |= {"labels"} if _labelled(game) else set()
    if lacking := [part for part in wanted if part not in offered]:
        raise ConfigError(
            f"evaluation {name!r} is about {' and '.join(lacking)}, which game "
            f"{config['game']['name']!r} does not give; set evaluation.name to 'none' or another"
        )

    compiled = {key: jax.jit(query) for key, query in game.queries.items()}

    def evaluate(state: GanState, rng: jax.Array, n: int) -> dict[str, float]:
        state = asked(state)
        given = _queries(compiled, state)
        if "labels" in wanted:
            given["labels"] = _in_turn(data, n)
        if "samples" in wanted:
            given["samples"] = np.asarray(sample(state, rng, n))
        try:
            return report(**{key: given[key] for key in wanted})
        except metrics.NonFiniteError as error:
            raise NotFiniteError(f"evaluation {name!r} has no score: {error}") from error

    return evaluate


def _monitor(config: Mapping[str, Any], game: Game, begin: Begin) -> Callable | None:
    if _none("monitor", config):
        return None
    given = {"game": game, "tx": _tx(config, begin)}
    return names.call("monitor", MONITORS, config["monitor"], _nested(config, begin), **given)


def _try_out(experiment: Experiment) -> None:
    """Traces initialisation and a step, so that misfits are refused before training."""

    def first_step(rng):
        before = initial_state(experiment, rng)
        batch = experiment.batch(experiment.train, rng)
        after, metrics = experiment.scheme.step(before, batch, rng)
        if experiment.monitor is not None:
            experiment.monitor(after, experiment.one_batch(experiment.train, rng), rng, metrics)
        return before, after

    try:
        before, after = jax.eval_shape(first_step, jax.random.key(0))
        chex.assert_trees_all_equal_shapes_and_dtypes(before, after)
    except KeyError as error:
        at = traceback.extract_tb(error.__traceback__)[-1]
        raise ConfigError(
            f"the sections do not fit together: {at.name} ({at.filename}, line {at.lineno}) asks "
            f"for {error}, which is not there; batches of these data have {_keys(experiment)}"
        ) from error
    except (ValueError, TypeError, AssertionError, NotImplementedError) as error:
        raise ConfigError(f"the sections do not fit together: {error}") from error
    for where, like in (("gen_tx", before.params.gen), ("disc_tx", before.params.disc)):
        section = experiment.config[where].to_dict()
        if optimisers.is_own(section):
            optimisers.check(where, section, like)
    _check_count(experiment)


def after_a_step(experiment: Experiment, of: Callable[[GanState], Any]) -> Any:
    """`of` applied to the state after the first step; the compiler drops all else."""

    def look(rng):
        batch = experiment.batch(experiment.train, rng)
        return of(experiment.scheme.step(initial_state(experiment, rng), batch, rng)[0])

    return jax.jit(look)(jax.random.key(0))


def _check_count(experiment: Experiment) -> None:
    """A scheme of the user's must count as rates that follow the run's steps expect."""
    config = experiment.config.to_dict()
    sections = ("gen_tx", "disc_tx", "scheme")
    found = [rate for where in sections for _, rate in optimisers.rates(where, config[where])]
    steps = any(getattr(rate, "counts", "") == "steps" for rate in found)
    if steps and optimisers.is_own(config["scheme"]):
        expected = _gen_updates(config["scheme"])
        counted = int(after_a_step(experiment, lambda state: state.step))
        if counted != expected:
            raise ConfigError(
                f"a step of scheme {config['scheme']['name']!r} adds {counted} to state.step, and "
                f"a rate that follows the run's steps expects {expected}: one a step, or `steps` "
                "where the scheme has an argument of that name; count so, or let the rate's "
                "section say counts='updates'"
            )


def _keys(experiment: Experiment) -> str:
    """The keys of a batch, for error messages."""
    batch = jax.eval_shape(experiment.one_batch, experiment.train, jax.random.key(0))
    return ", ".join(batch or ("nothing",))


def _try_growth(old: Experiment, new: Experiment) -> None:
    """Traces the growth from one stage to the next, and refuses averages that cannot go on."""
    last = template(old)
    try:
        grown = jax.eval_shape(partial(grow, new), last, jax.random.key(0))
        chex.assert_trees_all_equal_shapes_and_dtypes(grown, template(new))
    except (ValueError, TypeError, AssertionError) as error:
        raise ConfigError(f"it does not grow out of the stage before: {error}") from error
    whole = jax.tree.structure(last.average) == jax.tree.structure(grown.average)
    if _uniform(new.config) and not (_uniform(old.config) and whole):
        # Its weight 1/t would count what is new as if it had been there from the first step.
        raise ConfigError(
            "average 'uniform' is the mean of all iterates of a run, and the stage before has "
            f"{'none of the new layers' if _uniform(old.config) else 'no such average'}; set "
            "average.name to 'ema'"
        )


def _uniform(config: Mapping[str, Any]) -> bool:
    """Whether all iterates weigh alike in the average, by its section or by the scheme itself."""
    averaged = config["scheme"]["name"] == "averaged" and config["scheme"].get("kind")
    return "uniform" in (averaged, config.get("average", {}).get("name"))


def _check_fade(stages: Sequence[Experiment], end: int) -> None:
    """Refuses a newest stage in which losses of the game 'progressive' would jump.

    Args:
      stages: those so far, the newest last.
      end: the step at which the run ends; play goes on after a stage that ends sooner.
    """
    new, began = stages[-1], stages[-2].config.steps if len(stages) > 1 else 0
    config = new.config.to_dict()
    if config["game"]["name"] == "progressive":
        updates = (config["steps"] - began) * _gen_updates(config["scheme"])
        try:
            check_stage(
                new.data.shape[0],
                stages[-2].data.shape[0] if len(stages) > 1 else None,
                fade_steps=config["game"].get("fade_steps", 0),
                updates=updates if config["steps"] < end else None,
            )
        except ValueError as error:
            raise ConfigError(str(error)) from error


def _gen_updates(scheme: Mapping[str, Any]) -> int:
    """Updates of the generator in a step: more than one under `lookahead` alone."""
    factory = names.lookup("scheme", scheme["name"], schemes.SCHEMES)
    parameters, inner = inspect.signature(factory).parameters, scheme.get("inner")
    own = scheme.get("steps", parameters["steps"].default) if "steps" in parameters else 1
    return own * (_gen_updates(inner) if isinstance(inner, Mapping) else 1)


# Sections that name a network, and the shelves they name it from.
NETWORKS = {
    "generator": {**nets.GENERATORS, **nets.TRANSLATORS},
    "discriminator": {**nets.DISCRIMINATORS, **nets.AUTOENCODERS, **nets.PATCH_DISCRIMINATORS},
    "autoencoder": nets.AUTOENCODERS,
}

MONITORS = {
    "measure": dynamics.measure_monitor,
    "nash": dynamics.nash_monitor,
}
# Why they stop training, in terms of their own options.
STOP_REASONS = {
    "measure": "the mean of {metric} over the last steps is at most {threshold}",
    "nash": "neither player gains more than {threshold} by a move of its own",
}

# Arguments that may be names or sections themselves, and the functions that make their values.
NESTED = {
    "activation": _activation,
    "augment": lambda where, section: _call(where, augmentations.AUGMENTATIONS, section),
    "corrupt": lambda where, section: _call(where, augmentations.AUGMENTATIONS, section),
    "head": lambda where, section: names.bind(where, nets.HEADS, section, {}, "x", "y", "dense"),
    "kernel_init": lambda where, section: _call(where, nets.INITIALISERS, section),
    "labels": lambda where, section: names.bind(where, nets.LABELS, section, {}, "x", "y"),
    "likelihood": lambda where, section: _call(where, games.LIKELIHOODS, section),
    "loss": _loss,
    "minibatch": lambda where, section: names.bind(where, nets.MINIBATCH, section, {}, "x"),
    "norm": lambda where, section: names.bind(where, nets.NORMS, section, {}),
    "output_activation": _activation,
    "penalty": lambda where, section: _call(where, penalties.PENALTIES, section),
    "weights": lambda where, section: names.bind(
        where, nets.WEIGHTS, section, {}, "layer", "train"
    ),
}
