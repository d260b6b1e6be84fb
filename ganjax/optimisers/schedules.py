"""Rates that follow a schedule: of the run's steps, or of the optimiser's own updates.

One step of a scheme may make many moves; all of them are made at the rate of that step.
"""

import inspect
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from ganjax import names
from ganjax.errors import ConfigError

COUNTS = ("steps", "updates")


class Rate(NamedTuple):
    """A learning rate that changes.

    Attributes:
      at: `(count) -> rate`, an optax schedule.
      counts: of what: "steps" of the run, or "updates" of this optimiser.
    """

    at: optax.Schedule
    counts: str = "steps"


class Scheduled(NamedTuple):
    """The state of an optimiser whose rate follows a schedule.

    Attributes:
      updates: int32 scalar, this optimiser's own updates so far.
      learning_rate: scalar, the rate of the last of them; 0 before the first.
      inner: the state of the optimiser itself.
    """

    updates: jax.Array
    learning_rate: jax.Array
    inner: Any


def scheduled(
    factory: Callable[[optax.Schedule], optax.GradientTransformation],
    rate: Rate,
    steps_of: Callable[[jax.Array], jax.Array] = lambda step: step,
) -> optax.GradientTransformationExtraArgs:
    """An optimiser at the rate of the run's step, however many moves a step makes.

    optax's own schedules count calls of `update`: with five updates of the discriminator a step, or
    with the two moves of extragradient, a rate would fall five times or twice as fast.

    Args:
      factory: `(learning_rate) -> transform`, of an optax schedule.
      rate: the schedule and what it counts.
      steps_of: the run's step, of the `step` that `update` is called with.

    Returns:
      Transform with a `Scheduled` state, to be called `update(updates, state, params, step=...)`,
      as `ganjax.schemes.field.move` does with the state's step.

    Raises:
      ValueError: from `update`, where the rate counts steps and none is given.
    """

    def init(params):
        zero = jnp.zeros((), jnp.int32)
        return Scheduled(zero, jnp.zeros((), float), factory(rate.at).init(params))

    def update(updates, state, params=None, *, step=None, **extra):
        if rate.counts == "updates":
            count = state.updates
        elif step is None:
            raise ValueError(
                "the schedule of a learning rate counts the run's steps, and update was called "
                "without one: in a scheme of your own call ganjax.schemes.field.move, or pass "
                "step=state.step; in a transform of your own hand **extra_args on to the inner "
                "one; or let the rate's section say counts='updates'"
            )
        else:
            count = steps_of(step)
        now = jnp.asarray(rate.at(count), float)
        inner = optax.with_extra_args_support(factory(lambda _: now))
        updates, inner_state = inner.update(updates, state.inner, params, step=step, **extra)
        return updates, Scheduled(optax.safe_increment(state.updates), now, inner_state)

    return optax.GradientTransformationExtraArgs(init, update)


def schedule(where: str, section: names.Section) -> Rate:
    """A schedule of optax's, tried at a step of every order of magnitude.

    Args:
      where: name of the section, for messages.
      section: `name` of a function of `optax.schedules`, its arguments, and `counts`: "steps" of
        the run, the default, or "updates" of this optimiser.

    Raises:
      ConfigError: unknown name or argument, or a rate that is negative or not finite.
    """
    rows = {name: row for name, row in vars(optax.schedules).items() if inspect.isfunction(row)}
    counts = section.get("counts", "steps")
    if counts not in COUNTS:
        raise ConfigError(
            f"{where}.counts={counts!r} must be 'steps', those of the run, or 'updates', those of "
            "this optimiser"
        )
    own = {key: value for key, value in section.items() if key != "counts"}
    made = names.call(where, rows, own, {})
    with jax.ensure_compile_time_eval():
        for step in (0, *(10**power for power in range(7))):
            try:
                rate = float(made(step))
            except (TypeError, ValueError) as error:
                raise ConfigError(f"in {where}: {error}") from error
            if not 0 <= rate < math.inf:
                raise ConfigError(
                    f"{where} gives the rate {rate} at step {step}; expected at least 0 and finite"
                )
    return Rate(made, counts)
