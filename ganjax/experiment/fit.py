"""Checks that the sections of a config fit together: game and networks, data, settings, scheme."""

import inspect
import itertools
import math
import textwrap
import traceback
from collections.abc import Callable, Collection, Mapping
from typing import Any

import chex
import jax
import numpy as np
from flax.errors import FlaxError

from ganjax import data as sources
from ganjax import games, memory, names, optimisers
from ganjax.config import SECTIONS
from ganjax.errors import ConfigError, unknown
from ganjax.experiment.experiment import Experiment, after_a_step, initial_state
from ganjax.experiment.sections import NETWORKS
from ganjax.types import Game, GanState

Section = Mapping[str, Any]
# Errors of parts that do not fit together; any error is one, if it is of a user's function.
MISFITS = (ValueError, TypeError, AssertionError, NotImplementedError, FlaxError)
TRACED = (jax.errors.ConcretizationTypeError, jax.errors.TracerArrayConversionError)
LONGEST = 1_000  # characters of another library's message


def check_sections(section: Section, parts: Mapping[str, Any], networks: Collection[str]) -> None:
    """Every part is a parameter of the game's factory, and every network it requires is there.

    Args:
      section: of the game.
      parts: all that the factory is called with besides the section's arguments.
      networks: those of them that the section `networks` names.
    """
    for name in (*NETWORKS, "prior", "penalties", *networks):
        if name in section:
            place = "networks" if name in networks else f"a section {name!r} of its own"
            raise ConfigError(f"game.{name} belongs into {place}; move it")
    game = section["name"]
    parameters = inspect.signature(names.lookup("game", game, games.GAMES)).parameters
    for name, part in parts.items():
        if name in networks and name not in parameters:
            free = [known for known in parameters if known not in SECTIONS]
            raise ConfigError(f"in networks: {unknown(f'parameter of game {game!r}', name, free)}")
        if name not in parameters and part != ():
            raise ConfigError(f"game {game!r} has no use for the section {name!r}; remove it")
    misspelt = section.keys() - parameters.keys() - {"name"}  # more telling than a missing one
    for name, parameter in parameters.items():
        known = name in parts or name in section or name == "num_classes"
        if known or parameter.default is not parameter.empty:
            continue
        if name in NETWORKS:
            raise ConfigError(f"game {game!r} needs a section {name!r}; add one")
        named = parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        if named and not misspelt:
            raise ConfigError(
                f"section game lacks {name!r}; add game.{name} or, if it is a network, the section "
                f"networks.{name}"
            )


def check_packing(section: Section, made: Callable[[Section], Game]) -> None:
    """Says why a game has no option `packing`; `made` is the factory, for a game without it."""
    factory = names.lookup("game", section["name"], games.GAMES)
    if "packing" not in section or "packing" in inspect.signature(factory).parameters:
        return
    needs = made({key: value for key, value in section.items() if key != "packing"}).needs
    if needs.no_packing:
        raise ConfigError(
            f"game {section['name']!r} has no packing: {needs.no_packing}; remove game.packing"
        )


def check_game(config: Section, data: sources.Data | None, game: Game) -> None:
    """The game has the data that it needs and no others, and the settings are possible for it."""
    name, known = config["game"]["name"], {key: config[key] for key in NETWORKS if key in config}
    has_networks = bool(known or config.get("networks"))
    if data is None and has_networks:
        raise ConfigError("a game with networks needs data; add a section 'data'")
    if data is not None:
        if not has_networks and ":" not in name:  # a user's game may use data without networks
            raise ConfigError(f"game {name!r} has no use for the section 'data'; remove it")
        _check_pairs(config, data, game)
        _check_classes(known, data.num_classes)
        _check_support(config["data"]["name"], data, *game.needs.support)
    if config["compute"] != "float32" and not has_networks:
        raise ConfigError(
            f"compute={config['compute']!r} is for games of networks, and {name!r} is one in "
            "closed form; leave compute out"
        )
    size, parts = config["batch_size"], config["accumulate"]
    if parts > 1 and (data is None or size % parts):
        raise ConfigError(
            f"accumulate={parts} must divide batch_size={size}, of a game with data; take a divisor"
        )
    if parts > 1 and game.needs.no_accumulation:
        raise ConfigError(
            f"accumulate={parts} is not for game {name!r}: {game.needs.no_accumulation} or "
            "accumulate to 1"
        )


def _check_pairs(config: Section, data: sources.Data, game: Game) -> None:
    batch = jax.eval_shape(lambda rng: data.sample(data.train, rng, 2), jax.random.key(0))
    if game.needs.paired and "a" in batch and not data.paired:
        raise ConfigError(
            f"game {config['game']['name']!r} learns from pairs, and a and b of data "
            f"{config['data']['name']!r} are none; take paired data, e.g. paired_images, or a game "
            "of unpaired domains. A source of your own declares them with Data(..., paired=True)"
        )


def _check_classes(networks: Mapping[str, Section], num_classes: int) -> None:
    """Options of networks that count classes count those of the data."""
    for (where, section), option in itertools.product(networks.items(), ("labels", "head", "norm")):
        value = section.get(option)
        count = value.get("num_classes") if isinstance(value, Mapping) else None
        if count not in (None, num_classes):
            raise ConfigError(
                f"{where}.{option}.num_classes={count}, but the data have {num_classes} classes; "
                f"set it to {num_classes}"
            )


def _check_support(source: str, data: sources.Data, smallest: float, largest: float) -> None:
    """The data lie in the game's support; points in closed form may lie anywhere.

    Images without arrays are in [-1, 1] by contract.
    """
    if (smallest, largest) == (-math.inf, math.inf):
        return
    found = [part["x"] for part in (data.train, data.test) if "x" in part]
    if found and not (data.source and len(data.shape) == 3):
        low, high = min(map(np.min, found)), max(map(np.max, found))
    else:
        low, high = (-1, 1) if len(data.shape) == 3 else (-math.inf, math.inf)
    if low < smallest or high > largest:
        raise ConfigError(
            f"data {source!r} have values from {low:.4g} to {high:.4g}, but the game with these "
            f"options is for values from {smallest:g} to {largest:g}; take images, or other options"
        )


def check_step(experiment: Experiment) -> None:
    """Traces initialisation and a step, so that misfits are refused before training.

    Raises:
      ConfigError: the parts do not fit.
      MemoryError: as `memory.check_arrays`.
    """

    def first_step(rng):
        before = initial_state(experiment, rng)
        batch = experiment.batch(experiment.train, rng)
        outcome = experiment.scheme.step(before, batch, rng)
        if not (len(outcome) == 2 and isinstance(outcome[0], GanState)):
            raise TypeError("the scheme's step returned another thing than (GanState, metrics)")
        after, metrics = outcome
        if experiment.monitor is not None:
            experiment.monitor(after, experiment.one_batch(experiment.train, rng), rng, metrics)
        return before, after

    try:
        traced, (before, after) = jax.make_jaxpr(first_step, return_shape=True)(jax.random.key(0))
        _check_kept(before, after)
    except KeyError as error:
        at = traceback.extract_tb(error.__traceback__)[-1]
        batch = jax.eval_shape(experiment.one_batch, experiment.train, jax.random.key(0))
        raise ConfigError(
            f"the sections do not fit together: {at.name} ({at.filename}, line {at.lineno}) reads "
            f"{error}, which is not there; batches of these data have "
            f"{', '.join(batch or ('nothing',))}"
        ) from error
    except Exception as error:
        line = names.own_line(experiment.config.to_dict(), error)
        if not line and not isinstance(error, MISFITS):
            raise
        raise ConfigError(f"the sections do not fit together: {line}{_told(error)}") from error
    memory.check_arrays(traced.jaxpr)
    for where, like in (("gen_tx", before.params.gen), ("disc_tx", before.params.disc)):
        section = experiment.config[where].to_dict()
        if optimisers.is_own(section):
            optimisers.check(where, section, like)
    _check_count(experiment)


def _check_kept(before: GanState, after: GanState) -> None:
    """Raises ValueError for a step that changes the form of the state, naming the first place."""

    def entries(state):  # a part without arrays is one entry, e.g. {'encoder': {}}
        found, _ = jax.tree_util.tree_flatten_with_path(
            state, is_leaf=lambda part: not jax.tree.leaves(part)
        )
        return {jax.tree_util.keystr(path): _form(part) for path, part in found}

    def found(forms, path):
        inside = sum(other.startswith(path) for other in forms)
        return forms.get(path, f"a tree of {inside} entries" if inside else "absent")

    old, new = entries(before), entries(after)
    for path in {**old, **new}:
        was, becomes = found(old, path), found(new, path)
        if was != becomes:
            raise ValueError(
                f"state{path} is {was} before a step and {becomes} after it; let init and step "
                "give the same entries, with the same shapes and dtypes"
            )
    chex.assert_trees_all_equal_structs(before, after)


def _form(part: Any) -> str:
    return f"{part.dtype}{list(part.shape)}" if hasattr(part, "dtype") else repr(part)


def _told(error: Exception) -> str:
    """An error on one line, without the program that JAX prints below a traced number."""
    if isinstance(error, TRACED):
        first = str(error).splitlines()[0]
        return f"{first}; compute sizes and branches with Python or numpy, e.g. math.prod(shape)"
    if isinstance(error, TypeError) and "__call__() missing" in str(error):
        return f"{error}; a network is called with its inputs, with y for labels, and train=..."
    return textwrap.shorten(str(error), LONGEST, placeholder=" ...")


def _check_count(experiment: Experiment) -> None:
    """A user's scheme counts the generator's updates, for rates that follow the run's steps."""
    config, expected = experiment.config.to_dict(), experiment.scheme.updates
    if not optimisers.is_own(config["scheme"]):
        return
    sections = ("gen_tx", "disc_tx", "scheme")
    rates = [rate for where in sections for _, rate in optimisers.rates(where, config[where])]
    if not any(getattr(rate, "counts", "") == "steps" for rate in rates):
        return
    counted = int(after_a_step(experiment, lambda state: state.step))
    if counted != expected:
        raise ConfigError(
            f"a step of scheme {config['scheme']['name']!r} adds {counted} to state.step, and a "
            f"rate that follows the run's steps expects {expected}: let the scheme return "
            f"Scheme(..., updates={counted}), or let the rate's section say counts='updates'"
        )
