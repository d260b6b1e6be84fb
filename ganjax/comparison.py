"""The keys of a comparison's config, and the cells it stands for: a whole config each.

A comparison is a base config, cells that override it, and a number of seeds. Light: no JAX here.
"""

import itertools
import json
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ganjax.config import CHOICES, KNOWN, SETTINGS, changes, merged, plain, validate
from ganjax.errors import ConfigError, unknown

# name: (default, meaning); a default of `...` says that there is none.
KEYS = {
    "question": (..., "the question to answer, a sentence"),
    "base": (..., "the config that every cell starts from: a file beside the comparison's"),
    "shared": ({}, "settings of all cells in place of the base's; None takes away"),
    "cells": ({}, "{name: settings of the cell in place of the base's; None takes away}"),
    "product": ({}, "{factor: {level: override}}; every combination of levels is a cell"),
    "baseline": ("", "the cell that the others are compared with; the first if ''"),
    "seeds": (5, "training seeds of every cell"),
    "seed": (0, "the first of them"),
    "score": (..., "the number of the evaluation that is compared; 'distance' for toy games"),
    "goal": ("min", "whether a small or a large score is good: min or max"),
    "bound": (None, "a score to stay under (over, if large is good): when do runs get there?"),
    "budget": (
        {"steps": 1000},
        "the cost that a run may have: {steps|evaluations|seconds: amount}",
    ),
    "looks": (10, "evaluations of a run on the way, evenly spaced, beside that at the start"),
    "search": (
        {},
        "{section: {argument: (smallest, largest, 'log' or 'linear')}} to draw cells from; "
        "'section.argument' is the same",
    ),
    "trials": (16, "cells that a search draws"),
}
BUDGETS = {
    "steps": "updates of the generator",
    "evaluations": "gradients of either player's loss",
    "seconds": "time of a run's share of the machine",
}
# Settings of a run that a comparison decides itself.
OWN = ("seed", "steps", "log_every", "sample_every", "checkpoint_every")
UNUSED = ("keep_checkpoints", "sample_count", "monitor")  # those that change nothing in one


class Comparison(NamedTuple):
    """A resolved comparison.

    Attributes:
      question: a sentence.
      base: the resolved config that the cells differ from, `shared` included.
      cells: {name: resolved config}, in the order to be shown; seed and steps are not theirs.
      baseline: name of the cell that the others are compared with.
      seeds: the training seeds, the same for every cell.
      score, goal, bound: the score, "min" or "max", and the value to stay under or over.
      budget: (unit, amount), the unit a row of `BUDGETS`.
      looks: evaluations on the way.
      search: {path: (smallest, largest, scale)}, e.g. of "gen_tx.learning_rate"; {} for none.
      trials: cells that a search draws.
    """

    question: str
    base: dict[str, Any]
    cells: dict[str, dict[str, Any]]
    baseline: str
    seeds: tuple[int, ...]
    score: str
    goal: str
    bound: float | None
    budget: tuple[str, float]
    looks: int
    search: dict[str, tuple[float, float, str]]
    trials: int


def resolve(config: Mapping[str, Any], read_base: Callable[[str], dict[str, Any]]) -> Comparison:
    """Checks a comparison's config and works out its cells.

    Args:
      config: nested dict with the keys of `KEYS`; overrides are merged as `config.merged` does it.
      read_base: `(name) -> config` of the base, a nested dict.

    Returns:
      `Comparison`.

    Raises:
      ConfigError: an unknown, missing or ill-typed key, a cell that is no valid config, two that
        are the same experiment, or a search whose path leads nowhere.
    """
    config = plain(config)
    for key in config:
        if key not in KEYS:
            raise ConfigError(unknown("key of a comparison", key, KEYS))
    for key, (default, meaning) in KEYS.items():
        if default is ... and not config.get(key):
            raise ConfigError(f"the comparison has no {key!r} ({meaning}); add it")
    given = {key: config.get(key, default) for key, (default, _) in KEYS.items()}
    for key in ("shared", "cells", "product", "budget", "search"):
        if not isinstance(given[key], Mapping):
            raise ConfigError(f"{key}={given[key]!r} must be a dict ({KEYS[key][1]})")
    for key, smallest in (("seeds", 1), ("seed", 0), ("looks", 1), ("trials", 2)):
        _check_count(key, given[key], smallest)
    base = _overridden("shared", _base(given, read_base), given["shared"])
    cells = {}
    for name, overrides in _overrides(given).items():
        config = base
        for override in overrides:
            config = _overridden(f"cell {name!r}", config, override)
        try:
            cells[name] = validate(config)
        except ConfigError as error:
            raise ConfigError(f"in cell {name!r}: {error}") from error
        if "stages" in cells[name]:
            raise ConfigError(
                f"cell {name!r} has stages, and a comparison trains runs of one stage; take a base "
                "without them, or shared=dict(stages=None)"
            )
    check_distinct(cells)
    search = _ranges(given["search"])
    for path, (low, *_) in search.items():
        for cell, config in cells.items():
            _check_path(cell, config, path, low)
    baseline = given["baseline"] or next(iter(cells))
    if baseline not in cells:
        raise ConfigError(unknown("baseline", baseline, cells))
    if given["goal"] not in ("min", "max"):
        raise ConfigError(f"goal={given['goal']!r} must be 'min' or 'max'")
    if given["bound"] is not None and not isinstance(given["bound"], int | float):
        raise ConfigError(f"bound={given['bound']!r} must be a number, or None for none")
    seeds = tuple(range(given["seed"], given["seed"] + given["seeds"]))
    return Comparison(
        given["question"],
        {key: default for key, (default, *_) in (SETTINGS | CHOICES).items()} | base,
        cells,
        baseline,
        seeds,
        given["score"],
        given["goal"],
        given["bound"],
        _budget(given["budget"]),
        given["looks"],
        search,
        given["trials"],
    )


def check_distinct(cells: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuses two cells that are the same experiment: nothing could come of comparing them.

    Args:
      cells: {name: resolved config}.

    Raises:
      ConfigError: resolved configs are equal, but for labels of penalties, sections of the name
        'none', and settings that change nothing in a comparison; the message has both names.
    """
    for (first, one), (second, other) in itertools.combinations(cells.items(), 2):
        if _essence(one) == _essence(other):
            but = ", ".join(changes(one, other))
            raise ConfigError(
                f"cells {first!r} and {second!r} are the same experiment: their resolved configs "
                f"are equal{but and f' but for {but}, which changes no score'}; remove one, or let "
                "them differ (None in a cell takes a part of the base away)"
            )


def _essence(config: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a cell's config that may change its scores."""
    kept = {
        key: value
        for key, value in config.items()
        if key not in UNUSED and not (isinstance(value, Mapping) and value.get("name") == "none")
    }
    of = kept.get("penalties", {}).values()
    return kept | {"penalties": sorted(of, key=lambda section: json.dumps(section, sort_keys=True))}


def _base(given: Mapping[str, Any], read_base: Callable) -> dict[str, Any]:
    return {key: value for key, value in plain(read_base(given["base"])).items() if key not in OWN}


def _overridden(where: str, config: Mapping[str, Any], override: Any) -> dict[str, Any]:
    """A config with an override, refused if it sets what the comparison decides, or no key."""
    if not isinstance(override, Mapping):
        raise ConfigError(f"{where}={override!r} must be a dict of settings and sections")
    for key in override:
        if key in OWN:
            raise ConfigError(
                f"{where} sets {key!r}, which the comparison decides for all cells: use seeds, "
                "budget and looks"
            )
        if key not in KNOWN:
            raise ConfigError(f"in {where}: " + unknown("config key", key, KNOWN))
    try:
        return merged(config, override)
    except ConfigError as error:
        raise ConfigError(f"in {where}: {error}") from error


def _overrides(given: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
    """Each cell's overrides: its own, or in a product one of a level of each factor, in turn."""
    cells, product = given["cells"], given["product"]
    if cells and product:
        raise ConfigError("give the comparison cells or a product, not both")
    if product:
        for factor, levels in product.items():
            if not isinstance(levels, Mapping) or not levels:
                raise ConfigError(f"product.{factor}={levels!r} must be a dict {{level: override}}")
        return _named(
            {
                "-".join(levels): overrides
                for combination in itertools.product(*(of.items() for of in product.values()))
                for levels, overrides in [zip(*combination, strict=True)]
            }
        )
    if not cells and not given["search"]:
        raise ConfigError("the comparison has no cells; add cells, a product or a search")
    return _named({name: (override,) for name, override in (cells or {"base": {}}).items()})


def _named(cells: dict[str, Any]) -> dict[str, Any]:
    """The cells, refused if files cannot be named after them."""
    for name in cells:
        if not name or set(name) - set(NAME_LETTERS):
            raise ConfigError(
                f"cell {name!r} must be named by letters, digits and . _ + - alone: files are "
                "named after it"
            )
    return cells


def _budget(budget: Mapping[str, Any]) -> tuple[str, float]:
    if len(budget) != 1:
        raise ConfigError(f"budget={dict(budget)!r} must have one of {', '.join(BUDGETS)}")
    ((unit, amount),) = budget.items()
    if unit not in BUDGETS:
        raise ConfigError(unknown("unit of a budget", unit, BUDGETS))
    whole = isinstance(amount, int) and not isinstance(amount, bool)
    if not (whole or (unit == "seconds" and isinstance(amount, float))) or not amount > 0:
        raise ConfigError(f"budget.{unit}={amount!r} must be a whole number greater than 0")
    return unit, amount


def at_path(path: str, value: float) -> dict[str, Any]:
    """The override that puts a value at a path: 1.0 at "a.b" is {"a": {"b": 1.0}}."""
    head, _, rest = path.partition(".")
    return {head: at_path(rest, value) if rest else value}


def _ranges(search: Mapping[str, Any], prefix: str = "") -> dict[str, tuple[float, float, str]]:
    """The ranges by path, of sections in one another and of paths with dots alike."""
    ranges = {}
    for key, given in search.items():
        path = f"{prefix}{key}"
        if isinstance(given, Mapping) and given:
            ranges |= _ranges(given, f"{path}.")
            continue
        right = isinstance(given, tuple) and len(given) == 3 and given[2] in ("log", "linear")
        if not right or not all(map(_is_finite, given[:2])) or not given[0] < given[1]:
            raise ConfigError(
                f"search.{path}={given!r} must be (smallest, largest, 'log' or 'linear'), two "
                "rising numbers and the scale, e.g. (1e-4, 1e-2, 'log')"
            )
        if given[2] == "log" and not given[0] > 0:
            raise ConfigError(f"search.{path}={given!r}: a log range begins above 0")
        ranges[path] = given
    return ranges


def _is_finite(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value)


def _check_path(cell: str, config: Mapping[str, Any], path: str, low: float) -> None:
    """Refuses a path whose sections the cell lacks, or whose end may not be a number."""
    *sections, _ = path.split(".")
    inside: Any = config
    for section in sections:
        inside = inside.get(section) if isinstance(inside, Mapping) else None
    if not isinstance(inside, Mapping):
        raise ConfigError(
            f"search.{path} leads nowhere in cell {cell!r}: it has no section "
            f"{'.'.join(sections)!r}"
        )
    try:
        validate(merged(config, at_path(path, float(low))))
    except ConfigError as error:
        raise ConfigError(f"search.{path} leads to no number in cell {cell!r}: {error}") from error


def _check_count(key: str, value: Any, smallest: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < smallest:
        raise ConfigError(
            f"{key}={value!r} must be a whole number from {smallest} ({KEYS[key][1]})"
        )


NAME_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-"
