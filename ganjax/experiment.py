"""From a config to an experiment: the only place where a name becomes a function.

A section is a name and keyword arguments. The name is a row of a shelf, or `module:function` for a
function of your own, which needs no registration.
"""

import importlib
import inspect
import math
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import ml_collections
import optax

from ganjax import (
    checkpoints,
    games,
    latents,
    losses,
    metrics,
    nets,
    penalties,
    run_folder,
    schemes,
)
from ganjax import data as sources
from ganjax.config import check_arguments, validate
from ganjax.errors import ConfigError, unknown
from ganjax.types import Game, GanState, Players, Scheme

SAMPLE_CHUNK = 250  # samples generated at a time


class Streams(NamedTuple):
    """The independent random keys that one seed gives."""

    init: jax.Array
    play: jax.Array
    pictures: jax.Array
    evaluation: jax.Array


class Experiment(NamedTuple):
    """Everything a config stands for.

    Attributes:
      config: the resolved config, frozen.
      data: a `Data`, or None for toy games.
      game: the `Game`.
      scheme: the `Scheme`, averaging included.
      batch: `(train, rng) -> batch` of the config's size, pure; None for toy games. With fresh
        batches for every discriminator update it has a leading axis of sub-batches.
      sample: `(state, rng, n) -> x [n, ...]` from the averaged generator if there is an average,
        else from the generator itself; None for games that generate nothing.
      evaluate: `(samples) -> {name: number}`; None if the config names no evaluation.
      state: the restored state of a run, or None.
      step: the step of that state.
    """

    config: ml_collections.FrozenConfigDict
    data: sources.Data | None
    game: Game
    scheme: Scheme
    batch: Callable
    sample: Callable | None
    evaluate: Callable | None
    state: GanState | None = None
    step: int = 0

    @property
    def train(self) -> dict[str, jax.Array]:
        """The arrays that `batch` draws from; {} for closed forms and toys."""
        return self.data.train if self.data else {}


def streams(seed: int) -> Streams:
    """The random keys of a run: everything random in it is a function of (seed, step)."""
    return Streams(*jax.random.split(jax.random.key(seed), len(Streams._fields)))


def initial_state(experiment: Experiment, rng: jax.Array) -> GanState:
    """The state before the first step."""
    rng_batch, rng_init = jax.random.split(rng)
    return experiment.scheme.init(rng_init, experiment.batch(experiment.train, rng_batch))


def build(config: Mapping[str, Any]) -> Experiment:
    """Builds an experiment from a config.

    Args:
      config: `ml_collections.ConfigDict` or nested dict; see `ganjax.config`.

    Returns:
      `Experiment`, nothing initialised or compiled yet.

    Raises:
      ConfigError: an unknown name or argument (with the nearest and the known ones), a missing one,
        a wrong type or range, or sections that do not go together.
    """
    config = validate(_plain(config))
    data = _data(config)
    modules = {
        player: _call(player, shelf, config[player], shape=data.shape if data else None)
        for player, shelf in (
            ("generator", nets.GENERATORS),
            ("discriminator", nets.DISCRIMINATORS),
        )
        if player in config
    }
    game, used = _game(config, modules)
    tx = Players(gen=_tx("gen_tx", config), disc=_tx("disc_tx", config))
    batch = _batch(config, data)
    sample = None
    if "generator" in used:
        if data is None:
            raise ConfigError("a game with networks needs data; add a section 'data'")
        z_dim = inspect.signature(games.gan).parameters["z_dim"].default
        sample = _sampler(
            modules["generator"], used.get("prior", latents.normal), used.get("z_dim", z_dim)
        )
    experiment = Experiment(
        config=ml_collections.FrozenConfigDict(config),
        data=data,
        game=game,
        scheme=_scheme(config, game, tx),
        batch=batch,
        sample=sample,
        evaluate=_evaluation(config, data, sample),
    )
    _try_out(experiment)
    return experiment


def load(workdir: str | Path) -> Experiment:
    """The experiment of a run folder, with the state of its newest good checkpoint.

    Raises:
      RunFolderError: it is not a run folder.
      CheckpointError: it has no usable checkpoint.
    """
    workdir = Path(workdir)
    experiment = build(run_folder.read_config(workdir))
    step, state = checkpoints.restore(workdir / "checkpoints", template(experiment))
    return experiment._replace(state=state, step=step)


def template(experiment: Experiment) -> GanState:
    """Shapes and dtypes of the experiment's state, nothing computed."""
    return jax.eval_shape(partial(initial_state, experiment), jax.random.key(0))


def _plain(config: Any) -> dict[str, Any]:
    """Nested dicts and tuples out of a config or of JSON."""
    if hasattr(config, "to_dict"):
        config = config.to_dict()

    def plain(value):
        if isinstance(value, Mapping):
            return {key: plain(item) for key, item in value.items()}
        return tuple(map(plain, value)) if isinstance(value, list | tuple) else value

    return plain(config)


def _lookup(where: str, name: str, shelf: Mapping[str, Any]) -> Any:
    """A row of a shelf, or the object that `module:function` names."""
    if ":" not in name:
        if name not in shelf:
            raise ConfigError(unknown(where, name, shelf) + " Your own: 'module:function'.")
        return shelf[name]
    module, _, attribute = name.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"{where} {name!r} cannot be imported ({error}); name it 'module:function', with the "
            "module on PYTHONPATH"
        ) from None


def _call(where: str, shelf: Mapping[str, Any], section: Mapping[str, Any], **given: Any) -> Any:
    """Calls what a section names with its arguments and those of `given` that it takes."""
    function = _lookup(where, section["name"], shelf)
    if not callable(function):
        raise ConfigError(f"{where} {section['name']!r} is not a function")
    parameters = inspect.signature(function).parameters
    given = {name: value for name, value in given.items() if name in parameters}
    arguments = _arguments(where, section)
    check_arguments(where, function, arguments, given=tuple(given))
    try:
        return function(**arguments, **given)
    except ValueError as error:
        raise ConfigError(f"in {where}: {error}") from error


def _arguments(where: str, section: Mapping[str, Any]) -> dict[str, Any]:
    """A section's keyword arguments, those that name a function themselves resolved."""
    arguments = {}
    for key, value in section.items():
        if key == "name":
            continue
        inside = f"{where}.{key}"
        if key in ("activation", "output_activation"):
            value = _lookup(inside, value, nets.ACTIVATIONS)
        elif isinstance(value, Mapping):
            if key not in NESTED:
                raise ConfigError(
                    f"{inside} is a section, but only {', '.join(sorted(NESTED))} may be one"
                )
            value = NESTED[key](inside, value)
        arguments[key] = value
    return arguments


def _optax_rows(result: type) -> dict[str, Callable]:
    """Optax's public functions annotated to return `result`."""
    return {
        name: function
        for name, function in vars(optax).items()
        if inspect.isfunction(function)
        and str(result.__name__) in str(inspect.signature(function).return_annotation)
    }


def _tx(where: str, config: Mapping[str, Any]) -> optax.GradientTransformation:
    section = config[where]
    rate = section.get("learning_rate", 0.0)
    number = isinstance(rate, int | float) and not isinstance(rate, bool)
    if not isinstance(rate, Mapping) and not (number and 0 <= rate < math.inf):
        raise ConfigError(
            f"{where}.learning_rate={rate!r} must be a number of at least 0, or a section that "
            "names an optax schedule"
        )
    tx = _call(where, _optax_rows(optax.GradientTransformation), section)
    if not isinstance(tx, optax.GradientTransformation):
        raise ConfigError(f"{where} {section['name']!r} does not return an optax transform")
    return tx


def _partial(shelf: Mapping[str, Any], *given: str) -> Callable:
    """A nested section that stands for a function yet to be called with `given`."""

    def bind(where, section):
        function = _lookup(where, section["name"], shelf)
        arguments = _arguments(where, section)
        check_arguments(where, function, arguments, given=given)
        return partial(function, **arguments)

    return bind


# Arguments that may be sections of their own, and what makes a value of them.
NESTED = {
    "inner": _partial(schemes.SCHEMES, "game", "tx"),
    "kernel_init": lambda where, section: _call(where, nets.INITIALISERS, section),
    "learning_rate": lambda where, section: _call(where, _schedules(), section),
    "penalty": lambda where, section: _call(where, penalties.PENALTIES, section),
}


def _schedules() -> dict[str, Callable]:
    return {name: row for name, row in vars(optax.schedules).items() if inspect.isfunction(row)}


def _data(config: Mapping[str, Any]) -> sources.Data | None:
    section = config.get("data", {"name": "none"})
    return None if section["name"] == "none" else _call("data", sources.DATA, section)


def _loss(config: Mapping[str, Any]) -> losses.AdversarialLoss:
    section = config["loss"]
    loss = _lookup("loss", section["name"], losses.LOSSES)
    if not isinstance(loss, losses.AdversarialLoss):
        loss = _call("loss", losses.LOSSES, section)
    elif len(section) > 1:
        raise ConfigError(f"loss {section['name']!r} takes no arguments, got {dict(section)!r}")
    return loss


def _game(config: Mapping[str, Any], modules: Mapping[str, Any]) -> tuple[Game, dict[str, Any]]:
    """The game, and what it was made of."""
    section = config["game"]
    parts = dict(modules)
    if "loss" in config:
        parts["loss"] = _loss(config)
    if "prior" in config:
        parts["prior"] = _partial(latents.PRIORS, "rng", "shape")("prior", config["prior"])
    if "penalties" in config:
        parts["penalties"] = tuple(
            _call(f"penalties.{label}", penalties.PENALTIES, penalty)
            for label, penalty in config["penalties"].items()
        )
    factory = _lookup("game", section["name"], games.GAMES)
    parameters = inspect.signature(factory).parameters
    for name, part in parts.items():
        if name not in parameters and part != ():
            raise ConfigError(
                f"game {section['name']!r} has no use for the section {name!r}; remove it"
            )
    for name in ("generator", "discriminator"):
        if name in parameters and name not in parts:
            raise ConfigError(f"game {section['name']!r} needs a section {name!r}; add one")
    game = _call("game", games.GAMES, section, **parts)
    return game, {**parts, **section}


def _scheme(config: Mapping[str, Any], game: Game, tx: Players) -> Scheme:
    scheme = _call("scheme", schemes.SCHEMES, config["scheme"], game=game, tx=tx)
    average = config.get("average", {"name": "none"})
    if average["name"] == "none":
        return scheme
    if average["name"] not in ("ema", "uniform"):
        raise ConfigError(unknown("average", average["name"], ("ema", "uniform", "none")))
    section = {**average, "name": "averaged"}
    return _call(
        "average",
        schemes.SCHEMES,
        section,
        game=game,
        tx=tx,
        kind=average["name"],
        inner=lambda game, tx, axis_name: scheme,
    )


def _batch(config: Mapping[str, Any], data: sources.Data | None) -> Callable:
    if data is None:
        return lambda train, rng: None
    size, scheme = config["batch_size"], config["scheme"]
    if not scheme.get("fresh_batches", False):
        return lambda train, rng: data.sample(train, rng, size)
    parts = scheme.get("disc_updates", 1)

    def batch(train, rng):
        rows = data.sample(train, rng, parts * size)
        return {key: array.reshape(parts, size, *array.shape[1:]) for key, array in rows.items()}

    return batch


def _sampler(generator: Any, prior: Callable, z_dim: int) -> Callable:
    @partial(jax.jit, static_argnums=3)
    def chunk(params, model_state, rng, size):
        return games.generate(generator, params, model_state, prior(rng, (size, z_dim)))

    def sample(state: GanState, rng: jax.Array, n: int) -> jax.Array:
        params = state.params.gen if state.average == () else state.average
        size = min(n, SAMPLE_CHUNK)
        keys = jax.random.split(rng, -(-n // size))
        chunks = [chunk(params, state.model_state.gen, key, size) for key in keys]
        return jnp.concatenate(chunks)[:n]

    return sample


def _evaluation(
    config: Mapping[str, Any], data: sources.Data | None, sample: Callable | None
) -> Callable | None:
    section = config.get("evaluation", {"name": "none"})
    if section["name"] == "none":
        return None
    if sample is None:
        raise ConfigError("this game generates no samples; set evaluation.name to 'none'")
    return _call("evaluation", metrics.EVALUATIONS, section, data=data)


def _try_out(experiment: Experiment) -> None:
    """Traces the initialisation, so that parts that do not fit are refused before any compiling."""
    try:
        template(experiment)
    except ValueError as error:
        raise ConfigError(f"the sections do not fit together: {error}") from error
