"""From a config section to an optimiser: names, nested sections, rates, and a trial."""

import inspect
import math
import numbers
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import jax
import optax

from ganjax import checks, names
from ganjax.errors import ConfigError
from ganjax.nested import by_place, is_list
from ganjax.optimisers.descent import LAYER, check_descent
from ganjax.optimisers.schedules import Rate, schedule, scheduled
from ganjax.optimisers.shelf import (
    MASKS,
    NOWHERE,
    NUMBERS_ONLY,
    OPTIMISERS,
    RANGES,
    TRANSFORMS,
    matching,
)
from ganjax.swept import Swept

SHELF = {**OPTIMISERS, **TRANSFORMS}
TRIAL_RATE = 0.1
CHANGING = {"learning_rate": math.inf, "b1": 1.0, "b2": 1.0}  # what may be a schedule, below this


def transform(
    where: str,
    section: names.Section,
    steps_of: Callable[[jax.Array], jax.Array] = lambda step: step,
) -> optax.GradientTransformationExtraArgs:
    """A player's optimiser.

    Args:
      where: name of the section, for messages.
      section: `name` of a row of `OPTIMISERS`, or `module:function`, and its arguments.
        `learning_rate`, `b1` and `b2` may be sections that name an optax schedule, see `schedule`;
        `inner` and the items of the list `transforms` are sections like this one that may also
        name a row of `TRANSFORMS`; `mask` is a regular expression for parameters' names.
      steps_of: from the `step` that `update` is called with to the run's step.

    Returns:
      The transform; its `update` takes `step`, the generator's updates so far, which a schedule
      needs. Without a schedule it is optax's, bit by bit.

    Raises:
      ConfigError: unknown name or argument, a rate or a weight decay that is negative or not
        finite, or a transform that does not go downhill.
    """
    section = by_place(section)
    tx = _made(where, section, steps_of)
    try:
        check(where, section)
    except ConfigError:
        raise
    except Exception as error:  # whatever optax, or a transform of the user's, raises
        if not is_own(section):  # the user's may be made for certain parameters alone
            raise ConfigError(f"in {where}: {error}") from error
    return tx


def rates(where: str, section: names.Section) -> Iterator[tuple[str, float | Rate]]:
    """The learning rates of a section and of its nested sections, each with its path, in order."""
    section = by_place(section)
    for key in sorted(section, key=int) if is_list(section) else section:
        value = section[key]
        if key == "learning_rate":
            rate = schedule(f"{where}.{key}", value) if isinstance(value, Mapping) else value
            yield f"{where}.{key}", rate
        elif isinstance(value, Mapping):
            yield from rates(f"{where}.{key}", value)


def _made(where: str, section: names.Section, steps_of: Callable) -> Any:
    """The transform of a section, without the trial."""
    name, rate = section["name"], section.get("learning_rate", 0.0)
    number = isinstance(rate, numbers.Real) and not isinstance(rate, bool)
    if not isinstance(rate, Mapping) and not (number and 0 <= rate < math.inf):
        raise ConfigError(
            f"{where}.learning_rate={rate!r} must be a number of at least 0, or a section that "
            "names an optax schedule"
        )
    takes = inspect.signature(SHELF[name]).parameters if name in SHELF else {}
    for key in RANGES.keys() & section.keys() & takes.keys():
        if isinstance(value := section[key], numbers.Real):
            try:
                checks.within(RANGES[key], **{f"{where}.{key}": value})
            except ValueError as error:
                raise ConfigError(str(error)) from error
    parts = section.get("transforms", {"0": {}})
    if not is_list(parts) or not all(isinstance(part, Mapping) for part in parts.values()):
        raise ConfigError(
            f"{where}.transforms={parts!r} must be a list of sections, e.g. "
            "[dict(name='clip_by_global_norm', max_norm=1.0), dict(name='adam', "
            "learning_rate=1e-3)]"
        )
    part = partial(_made, steps_of=steps_of)
    # Groups of parameters have an optimiser each; a chain has one for all.
    item = partial(transform, steps_of=steps_of) if name == "multi_transform" else part
    nested = {"inner": part, "transforms": partial(_listed, item), "learning_rate": None}
    if ":" not in name:
        nested |= dict.fromkeys(MASKS, _mask)

    def made(**rate):
        return names.call(where, SHELF, {**section, **rate}, nested)

    rates = {
        key: schedule(f"{where}.{key}", section[key], below)
        for key, below in CHANGING.items()
        if isinstance(section.get(key), Mapping)
    }
    if rates and name in NUMBERS_ONLY:
        raise ConfigError(f"{where} {name!r} takes a number as its rate, no schedule")
    first = {key: rate.at if key == "learning_rate" else 0.5 for key, rate in rates.items()}
    tx = made(**first)  # for its mistakes
    if not isinstance(tx, optax.GradientTransformation):
        raise ConfigError(f"{where} {name!r} does not return an optax transform")
    if not rates:
        return optax.with_extra_args_support(tx)

    rest = {key: value for key, value in section.items() if key not in rates}
    bound = names.bind(where, SHELF, rest, nested, *rates)

    def at(rate=None, **betas):
        return bound(**betas, **({} if rate is None else {"learning_rate": rate}))

    return scheduled(at, rates.pop("learning_rate", None), steps_of, **rates)


def _mask(where: str, section: names.Section) -> Callable:
    try:
        return matching(section["name"])
    except ValueError as error:
        raise ConfigError(f"in {where}: {error}") from error


def _listed(item: Callable, where: str, places: Mapping[str, names.Section]) -> tuple:
    return tuple(item(f"{where}.{place}", places[place]) for place in sorted(places, key=int))


def check(where: str, section: names.Section, like: Any = LAYER) -> None:
    """Checks that an optimiser goes downhill, at a rate that does not begin at 0.

    Args:
      where: name of the section, for the message.
      section: as in `transform`.
      like: parameters, arrays or their shapes.

    Raises:
      ConfigError: it climbs or stands still, also where a mask leaves parameters out.
    """
    if section["name"] == "set_to_zero":
        return
    masked = _tried(section, "") != _tried(section, NOWHERE)
    for mask in ("", NOWHERE) if masked else ("",):
        tx = _made(where, _tried(section, mask), lambda step: step)
        # A mask may hold all of its parameters fixed: [adam, masked set_to_zero].
        check_descent(where, section["name"], tx, like, still=masked and mask == "")


def is_own(section: names.Section) -> bool:
    """Whether a section, or one in it, names a function outside the library."""
    parts = [part for part in section.values() if isinstance(part, Mapping)]
    return ":" in section.get("name", "") or any(map(is_own, parts))


def _tried(value: Any, mask: str) -> Any:
    """A section for the trial: at one rate, its masks true for all parameters or for none.

    The optimisers of groups have been tried one by one: the first stands for all. A projection is
    left out: from outside of its set it may climb.
    """
    if isinstance(value, Swept):
        return value.values[0]
    if not isinstance(value, Mapping):
        return value
    if value.get("name") == "multi_transform":
        return _tried(value["transforms"]["0"], mask)
    if value.get("name") == "projected":
        return _tried(value["inner"], mask)
    own = ":" in value.get("name", "")
    fixed = {key for key in CHANGING if isinstance(value.get(key), Mapping)} - {"learning_rate"}
    changed = {key: _tried(part, mask) for key, part in value.items() if key not in fixed}
    changed |= {key: mask for key in MASKS if isinstance(value.get(key), str) and not own}
    return changed | ({"learning_rate": TRIAL_RATE} if "learning_rate" in value else {})
