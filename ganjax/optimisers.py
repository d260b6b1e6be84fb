"""Optax transforms and schedules by name, with rates that make sense."""

import inspect
import math
from collections.abc import Callable

import optax

from ganjax import names
from ganjax.errors import ConfigError


def transform(where: str, section: names.Section) -> optax.GradientTransformation:
    """Any optax transform; its `learning_rate` is a number or a section that names a schedule.

    Args:
      where: name of the section, for messages.
      section: `name` of a public function of optax that returns a transform, and its arguments.

    Returns:
      The transform.

    Raises:
      ConfigError: unknown name or argument, or a rate that is negative or not finite.
    """
    rate = section.get("learning_rate", 0.0)
    number = isinstance(rate, int | float) and not isinstance(rate, bool)
    if not isinstance(rate, dict) and not (number and 0 <= rate < math.inf):
        raise ConfigError(
            f"{where}.learning_rate={rate!r} must be a number of at least 0, or a section that "
            "names an optax schedule"
        )
    tx = names.call(where, _transforms(), section, {"learning_rate": schedule})
    if not isinstance(tx, optax.GradientTransformation):
        raise ConfigError(f"{where} {section['name']!r} does not return an optax transform")
    return tx


def schedule(where: str, section: names.Section) -> optax.Schedule:
    """A schedule of optax's, tried at a step of every order of magnitude.

    Raises:
      ConfigError: unknown name or argument, or a rate that is negative or not finite.
    """
    rows = {name: row for name, row in vars(optax.schedules).items() if inspect.isfunction(row)}
    made = names.call(where, rows, section, {})
    for step in (0, *(10**power for power in range(7))):
        try:
            rate = float(made(step))
        except (TypeError, ValueError) as error:
            raise ConfigError(f"in {where}: {error}") from error
        if not 0 <= rate < math.inf:
            raise ConfigError(
                f"{where} gives the rate {rate} at step {step}; expected at least 0 and finite"
            )
    return made


def _transforms() -> dict[str, Callable]:
    """Optax's public functions that are annotated to return a transform."""
    return {
        name: function
        for name, function in vars(optax).items()
        if inspect.isfunction(function)
        and "GradientTransformation" in str(inspect.signature(function).return_annotation)
    }
