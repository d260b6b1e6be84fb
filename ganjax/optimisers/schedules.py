"""Learning rates that follow a schedule of the run's steps, or of the optimiser's updates.

One step of a scheme may make many updates; all of them have the rate of that step.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from ganjax import names
from ganjax.errors import ConfigError
from ganjax.nested import is_list
from ganjax.optimisers.shelf import rows

COUNTS = ("steps", "updates")


class Rate(NamedTuple):
    """A learning rate that changes.

    Attributes:
      at: `(count) -> rate`, an optax schedule.
      counts: "steps" of the run or "updates" of this optimiser.
    """

    at: optax.Schedule
    counts: str = "steps"


class Scheduled(NamedTuple):
    """The state of an optimiser whose rate follows a schedule.

    Attributes:
      updates: int32 scalar, this optimiser's updates so far.
      learning_rate: scalar, the rate of the last of them; 0 before the first, and where the rate
        is a number and only b1 or b2 follow a schedule.
      inner: the state of the optimiser itself.
    """

    updates: jax.Array
    learning_rate: jax.Array
    inner: Any


def scheduled(
    factory: Callable[..., optax.GradientTransformation],
    rate: Rate | None,
    steps_of: Callable[[jax.Array], jax.Array] = lambda step: step,
    **betas: Rate,
) -> optax.GradientTransformationExtraArgs:
    """An optimiser at the rate of the run's step, however many updates a step makes.

    optax's schedules count calls of `update`: with five updates of the discriminator a step, or
    with the two of extragradient, a rate would fall five times or twice as fast.

    Args:
      factory: `(learning_rate, **betas) -> transform`, of an optax schedule and of numbers; without
        the first argument if the rate is None.
      rate: the schedule and its count; None if only others change.
      steps_of: from the `step` that `update` is called with to the run's step.
      betas: b1 or b2 of Adam and its like, if they follow schedules too (R3GAN's b2,
        arXiv:2501.05441). As in PyTorch the bias correction takes the number of the moment.

    Returns:
      Transform with a `Scheduled` state, to be called `update(updates, state, params, step=...)`,
      as `ganjax.schemes.field.move` does with the state's step.

    Raises:
      ValueError: from `update`, where a schedule counts steps and none is given.
    """

    def made(count):
        now = None if rate is None else jnp.asarray(rate.at(count(rate)), float)
        others = {name: jnp.asarray(beta.at(count(beta)), float) for name, beta in betas.items()}
        first = () if now is None else (lambda _: now,)
        return now, optax.with_extra_args_support(factory(*first, **others))

    def init(params):
        zero = jnp.zeros((), jnp.int32)
        return Scheduled(zero, jnp.zeros((), float), made(lambda _: zero)[1].init(params))

    def update(updates, state, params=None, *, step=None, **extra):
        def count(beta):
            if beta.counts == "updates":
                return state.updates
            if step is None:
                raise ValueError(
                    "the schedule of a learning rate counts the run's steps, and update was called "
                    "without one: in a scheme of your own call ganjax.schemes.field.move, or pass "
                    "step=state.step; in a transform of your own hand **extra_args on to the inner "
                    "one; or let the rate's section say counts='updates'"
                )
            return steps_of(step)

        now, inner = made(count)
        moved, after = inner.update(updates, state.inner, params, step=step, **extra)
        if betas:  # strong numbers beside moments of fewer bits
            moved = optax.tree.cast_like(moved, updates)
            after = optax.tree.cast_like(after, state.inner)
        now = state.learning_rate if now is None else now
        return moved, Scheduled(optax.safe_increment(state.updates), now, after)

    return optax.GradientTransformationExtraArgs(init, update)


def schedule(where: str, section: names.Section, below: float = math.inf) -> Rate:
    """An optax schedule, tried at a step of every order of magnitude.

    Args:
      where: name of the section, for messages.
      section: `name` of a row of `SCHEDULES`, its arguments, and `counts`: "steps" of the run, the
        default, or "updates" of this optimiser. `boundaries_and_scales` is a dict {step: factor};
        `schedules` is a list of sections like this one, without `counts`.
      below: the least value that is refused, 1 for Adam's b1 and b2.

    Raises:
      ConfigError: unknown name or argument, or a value that is negative or not below that.
    """
    counts = section.get("counts", "steps")
    if counts not in COUNTS:
        raise ConfigError(
            f"{where}.counts={counts!r} must be 'steps', those of the run, or 'updates', those of "
            "this optimiser"
        )
    made = _made(where, {key: value for key, value in section.items() if key != "counts"})
    with jax.ensure_compile_time_eval():
        for step in (0, *(10**power for power in range(7))):
            try:
                rate = float(made(step))
            except (TypeError, ValueError) as error:
                raise ConfigError(f"in {where}: {error}") from error
            if not 0 <= rate < below:
                limit = "finite" if below == math.inf else f"below {below:g}"
                raise ConfigError(
                    f"{where} gives the rate {rate} at step {step}; expected at least 0 and {limit}"
                )
    return Rate(made, counts)


def _made(where: str, section: names.Section) -> optax.Schedule:
    nested = {"schedules": _listed, "boundaries_and_scales": _table}
    return names.call(where, SCHEDULES, section, nested)


def _listed(where: str, places: Mapping[str, names.Section]) -> list[optax.Schedule]:
    if not is_list(places) or not all(isinstance(part, Mapping) for part in places.values()):
        raise ConfigError(f"{where}={places!r} must be a list of sections, each a schedule")
    return [_made(f"{where}.{place}", places[place]) for place in sorted(places, key=int)]


def _table(where: str, factors: Mapping[str, float]) -> dict[int, float]:
    if not is_list(factors):
        raise ConfigError(
            f"{where}={factors!r} must be a dict {{step: factor}}, e.g. {{1000: 0.1}}"
        )
    return {int(step): factor for step, factor in factors.items()}


def join_schedules(schedules: Sequence[optax.Schedule], boundaries: tuple) -> optax.Schedule:
    """`optax.join_schedules`: schedules one after another, each counting from where it begins.

    The schedules after the first begin at `boundaries`.

    Raises:
      ValueError: the boundaries do not rise, or are not one fewer than the schedules.
    """
    if len(boundaries) != len(schedules) - 1 or list(boundaries) != sorted(set(boundaries)):
        raise ValueError(
            f"boundaries={boundaries} must be {len(schedules) - 1} rising steps, at which the "
            "schedules after the first begin"
        )
    return optax.join_schedules(schedules, boundaries)


# Without `sgdr_schedule`, which is `join_schedules` of `warmup_cosine_decay_schedule`.
SCHEDULES = rows(
    optax,
    """constant_schedule cosine_decay_schedule cosine_onecycle_schedule exponential_decay
    linear_onecycle_schedule linear_schedule piecewise_constant_schedule
    piecewise_interpolate_schedule polynomial_schedule warmup_constant_schedule
    warmup_cosine_decay_schedule warmup_exponential_decay_schedule""",
) | {"join_schedules": join_schedules}
