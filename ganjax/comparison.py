"""Comparisons: a base config, cells that override it, and a number of seeds.

`resolve` turns a comparison's config into a whole config for each cell. Light: no JAX here.
"""

import itertools
import json
import string
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ganjax.checks import one_of, whole, within
from ganjax.config import CHOICES, KNOWN, SETTINGS, validate
from ganjax.errors import ConfigError, unknown
from ganjax.nested import changes, merged, plain

# name: (default, meaning); a key with the default `...` is required.
KEYS = {
    "question": (..., "the question to answer, a sentence"),
    "base": (..., "the config that every cell starts from: a file beside the comparison's"),
    "shared": ({}, "settings of all cells in place of the base's; None removes one"),
    "cells": ({}, "{name: settings of the cell in place of the base's; None removes one}"),
    "product": ({}, "{factor: {level: override}}; every combination of levels is a cell"),
    "baseline": ("", "the cell that the others are compared with; the first if ''"),
    "seeds": (5, "number of training seeds of every cell"),
    "seed": (0, "the first of them"),
    "score": (..., "the score that is compared, one of the evaluation's; 'distance' for toy games"),
    "goal": ("min", "whether a small or a large score is good: min or max"),
    "bound": (None, "a score to reach: the step is reported from which runs stay within it"),
    "budget": ({"steps": 1000}, "the cost of a run: {steps|evaluations|seconds: amount}"),
    "looks": (10, "evaluations of a run, evenly spaced, after the one at the start"),
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
DECIDED = ("seed", "steps", "log_every", "sample_every", "checkpoint_every", "evaluate_every")
# These change nothing in a comparison.
UNUSED = ("keep_checkpoints", "sample_count", "monitor", "best")
NAME_LETTERS = set(string.ascii_letters + string.digits + "._+-")  # of cells: files are named so


class Comparison(NamedTuple):
    """A resolved comparison.

    Attributes:
      question: a sentence.
      base: the resolved config that the cells differ from, `shared` included.
      cells: {name: resolved config} without seed and steps, in the order of the reports.
      baseline: name of the cell that the others are compared with.
      seeds: the training seeds, the same for every cell.
      score, goal, bound: the score, "min" or "max", and the value to stay under or over.
      budget: (unit, amount), the unit a row of `BUDGETS`.
      looks: evaluations of a run after the one at the start.
      search: {path: (smallest, largest, scale)}, e.g. of "gen_tx.learning_rate"; {} for none.
      trials: cells that a search draws.
      factors: {cell: {factor: level}} of a product; {} of cells that are no product.
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
    factors: dict[str, dict[str, str]]


def resolve(config: Mapping[str, Any], read_base: Callable[[str], dict[str, Any]]) -> Comparison:
    """Checks a comparison's config and resolves its cells.

    Args:
      config: nested dict with the keys of `KEYS`; overrides are merged as `nested.merged` does it.
      read_base: `(name) -> config` of the base, a nested dict.

    Returns:
      `Comparison`.

    Raises:
      ConfigError: an unknown, missing or ill-typed key, a cell that is no valid config, two that
        are the same experiment, or a search whose path does not exist.
    """
    given = _given(plain(config))
    base = plain(read_base(given["base"]))
    base = {key: value for key, value in base.items() if key not in DECIDED}
    base = _overridden("shared", base, given["shared"])
    cells = {name: _cell(name, base, layers) for name, layers in _overrides(given).items()}
    check_distinct(cells)
    search = _ranges(given["search"])
    for path, (low, *_) in search.items():
        for cell, config in cells.items():
            _check_path(cell, config, path, low)
    baseline = given["baseline"] or next(iter(cells))
    if baseline not in cells:
        raise ConfigError(unknown("baseline", baseline, cells))
    return Comparison(
        base={key: default for key, (default, *_) in (SETTINGS | CHOICES).items()} | base,
        cells=cells,
        baseline=baseline,
        seeds=tuple(range(given["seed"], given["seed"] + given["seeds"])),
        budget=_budget(given["budget"]),
        search=search,
        factors=_factors(given["product"]),
        **{key: given[key] for key in ("question", "score", "goal", "bound", "looks", "trials")},
    )


def _given(config: Mapping[str, Any]) -> dict[str, Any]:
    """The value of every key, checked by itself."""
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
    if given["bound"] is not None and not isinstance(given["bound"], int | float):
        raise ConfigError(f"bound={given['bound']!r} must be a number, or None for none")
    try:
        for key, least in (("seeds", 1), ("seed", 0), ("looks", 1), ("trials", 2)):
            whole(least, hint=KEYS[key][1], **{key: given[key]})
        one_of(("min", "max"), goal=given["goal"])
    except ValueError as error:
        raise ConfigError(str(error)) from error
    return given


def _cell(name: str, base: Mapping[str, Any], layers: tuple[Any, ...]) -> dict[str, Any]:
    """The resolved config of a cell: the base with overrides, one after another."""
    config = base
    for override in layers:
        config = _overridden(f"cell {name!r}", config, override)
    try:
        config = validate(config)
    except ConfigError as error:
        raise ConfigError(f"in cell {name!r}: {error}") from error
    if "stages" in config:
        raise ConfigError(
            f"cell {name!r} has stages, and a comparison trains runs of one stage; take a base "
            "without them, or shared=dict(stages=None)"
        )
    return config


def check_distinct(cells: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuses two cells that are the same experiment, since comparing them is useless.

    Args:
      cells: {name: resolved config}.

    Raises:
      ConfigError: resolved configs are equal, except for labels of penalties, sections of the name
        'none', and settings that change nothing in a comparison; the message has both names.
    """
    for (first, one), (second, other) in itertools.combinations(cells.items(), 2):
        if _essence(one) == _essence(other):
            but = ", ".join(changes(one, other))
            raise ConfigError(
                f"cells {first!r} and {second!r} are the same experiment: their resolved configs "
                f"are equal{but and f' but for {but}, which changes no score'}; remove one, or let "
                "them differ (None in a cell removes a part of the base)"
            )


def _essence(config: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a cell's config that may change its scores."""
    kept = {
        key: value
        for key, value in config.items()
        if key not in UNUSED and not (isinstance(value, Mapping) and value.get("name") == "none")
    }
    penalties = kept.get("penalties", {}).values()
    return kept | {"penalties": sorted(penalties, key=lambda p: json.dumps(p, sort_keys=True))}


def _overridden(where: str, config: Mapping[str, Any], override: Any) -> dict[str, Any]:
    """A config with an override, refused if it sets an unknown key or one of `DECIDED`."""
    if not isinstance(override, Mapping):
        raise ConfigError(f"{where}={override!r} must be a dict of settings and sections")
    for key in override:
        if key in DECIDED:
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
    """The overrides of each cell; in a product, those of a level of each factor, in turn."""
    cells, product = given["cells"], given["product"]
    if cells and product:
        raise ConfigError("give the comparison cells or a product, not both")
    if not (cells or product or given["search"]):
        raise ConfigError("the comparison has no cells; add cells, a product or a search")
    for factor, levels in product.items():
        if not isinstance(levels, Mapping) or not levels:
            raise ConfigError(f"product.{factor}={levels!r} must be a dict {{level: override}}")
    if product:
        combinations = itertools.product(*(levels.items() for levels in product.values()))
        pairs = (zip(*combination, strict=True) for combination in combinations)
        found = {"-".join(levels): overrides for levels, overrides in pairs}
    else:
        found = {name: (override,) for name, override in (cells or {"base": {}}).items()}
    for name in found:
        if not name or set(name) - NAME_LETTERS:
            raise ConfigError(
                f"cell {name!r} is the name of files too; use letters, digits and . _ + - alone"
            )
    return found


def _factors(product: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """{cell: {factor: level}} of a product, {} without one."""
    combinations = itertools.product(*product.values()) if product else ()
    return {"-".join(levels): dict(zip(product, levels, strict=True)) for levels in combinations}


def _budget(budget: Mapping[str, Any]) -> tuple[str, float]:
    if len(budget) != 1:
        raise ConfigError(f"budget={dict(budget)!r} must have one of {', '.join(BUDGETS)}")
    ((unit, amount),) = budget.items()
    if unit not in BUDGETS:
        raise ConfigError(unknown("unit of a budget", unit, BUDGETS))
    integer = isinstance(amount, int) and not isinstance(amount, bool)
    if not (integer or (unit == "seconds" and isinstance(amount, float))) or not amount > 0:
        raise ConfigError(f"budget.{unit}={amount!r} must be a whole number greater than 0")
    return unit, amount


def at_path(path: str, value: float) -> dict[str, Any]:
    """The override that puts a value at a path: 1.0 at "a.b" is {"a": {"b": 1.0}}."""
    head, _, rest = path.partition(".")
    return {head: at_path(rest, value) if rest else value}


def _ranges(search: Mapping[str, Any], prefix: str = "") -> dict[str, tuple[float, float, str]]:
    """The ranges by path, from nested sections and from paths with dots alike."""
    ranges = {}
    for key, given in search.items():
        path = f"{prefix}{key}"
        if isinstance(given, Mapping) and given:
            ranges |= _ranges(given, f"{path}.")
            continue
        try:
            low, high, scale = given
            within("(-inf, inf)", low=low, high=high)
            one_of(("log", "linear"), scale=scale)
            rising = low < high
        except (TypeError, ValueError):
            rising = False
        if not rising:
            raise ConfigError(
                f"search.{path}={given!r} must be (smallest, largest, 'log' or 'linear'), two "
                "rising numbers and the scale, e.g. (1e-4, 1e-2, 'log')"
            )
        if scale == "log" and not low > 0:
            raise ConfigError(f"search.{path}={given!r}: a log range begins above 0")
        ranges[path] = given
    return ranges


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
