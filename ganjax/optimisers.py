"""Optax transforms and schedules by name, with rates that make sense; weight clipping."""

import inspect
import math
import numbers
from collections.abc import Callable

import jax
import optax

from ganjax import names
from ganjax.errors import ConfigError


def transform(where: str, section: names.Section) -> optax.GradientTransformation:
    """Any optax transform, or one of `TRANSFORMS`; a rate is a number or names a schedule.

    Args:
      where: name of the section, for messages.
      section: `name` of a public function of optax that returns a transform, or of a row of
        `TRANSFORMS`, and its arguments; `learning_rate` may be a section that names a schedule of
        optax's, `inner` is a section like this one.

    Returns:
      The transform.

    Raises:
      ConfigError: unknown name or argument, or a rate that is negative or not finite.
    """
    rate = section.get("learning_rate", 0.0)
    number = isinstance(rate, numbers.Real) and not isinstance(rate, bool)
    if not isinstance(rate, dict) and not (number and 0 <= rate < math.inf):
        raise ConfigError(
            f"{where}.learning_rate={rate!r} must be a number of at least 0, or a section that "
            "names an optax schedule"
        )
    tx = names.call(where, _transforms(), section, NESTED)
    if not isinstance(tx, optax.GradientTransformation):
        raise ConfigError(f"{where} {section['name']!r} does not return an optax transform")
    return tx


def clip_weights(
    inner: optax.GradientTransformation, limit: float = 0.01
) -> optax.GradientTransformation:
    """Clips every parameter to [-limit, limit] after the update (WGAN, arXiv:1701.07875).

    Arjovsky et al. 2017, algorithm 1, line 7: w <- clip(w + update, -c, c), biases and gains
    included. Exact to one rounding, as a transform returns the difference.

    Args:
      inner: the transform that makes the update.
      limit: c, greater than 0; the paper takes 0.01.

    Returns:
      Transform whose `update` needs the parameters.

    Raises:
      ValueError: the limit is out of range, or `update` is called without parameters.
    """
    if not 0 < limit < math.inf:
        raise ValueError(f"limit={limit} must be finite and greater than 0, e.g. 0.01")

    def update(updates, state, params=None):
        if params is None:
            raise ValueError("clip_weights needs the parameters: tx.update(updates, state, params)")
        updates, state = inner.update(updates, state, params)
        moved = optax.tree.clip(optax.apply_updates(params, updates), -limit, limit)
        return jax.tree.map(lambda new, old: new - old, moved, params), state

    return optax.GradientTransformation(inner.init, update)


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
    theirs = {
        name: function
        for name, function in vars(optax).items()
        if inspect.isfunction(function)
        and "GradientTransformation" in str(inspect.signature(function).return_annotation)
    }
    return {**theirs, **TRANSFORMS}


TRANSFORMS = {"clip_weights": clip_weights}
# Arguments that are sections themselves.
NESTED = {"inner": transform, "learning_rate": schedule}
