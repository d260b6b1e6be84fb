"""Penalties that depend on how often the discriminator was updated: lazy and scheduled ones.

The game counts the discriminator's updates in its model state for them, and passes `updates`. Every
gradient that a scheme takes within one step from one state sees the same count.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ganjax import checks
from ganjax.penalties.critic import Critic, Penalty
from ganjax.penalties.memory import WithMemory
from ganjax.penalties.slopes import r1


class Lazy(NamedTuple):
    """A penalty taken every few updates of the discriminator; `lazy` makes it.

    No `WithMemory`: it reads the count of updates that the game keeps for augmentations too.

    Attributes:
      penalty: the penalty.
      every: updates from one evaluation to the next.
    """

    penalty: Penalty
    every: int

    def __call__(
        self,
        critic: Critic,
        x_real: jax.Array,
        x_fake: jax.Array,
        rng: jax.Array,
        updates: jax.Array | int | None = None,
    ) -> jax.Array:
        """`every` times the penalty where `updates` is a multiple of it, else 0.

        Without a count of updates, in a game that keeps none, it is the penalty itself.
        """
        if updates is None:
            return self.penalty(critic, x_real, x_fake, rng)
        value = jax.eval_shape(lambda: self.penalty(critic, x_real, x_fake, rng))
        return jax.lax.cond(
            jnp.asarray(updates) % self.every == 0,
            lambda: self.every * self.penalty(critic, x_real, x_fake, rng),
            lambda: jnp.zeros(value.shape, value.dtype),
        )


class Scheduled(NamedTuple):
    """A penalty whose weight changes; `scheduled` makes it.

    Attributes:
      penalty: the penalty, which may be lazy.
      schedule: `(updates) -> factor`.
    """

    penalty: Penalty | Lazy
    schedule: Callable[[jax.Array | int], jax.Array | float]

    def __call__(
        self,
        critic: Critic,
        x_real: jax.Array,
        x_fake: jax.Array,
        rng: jax.Array,
        updates: jax.Array | int | None = None,
    ) -> jax.Array:
        """The penalty times the weight; without a count of updates that of the first."""
        value = penalise(self.penalty, critic, x_real, x_fake, rng, updates=updates)
        return jnp.asarray(self.schedule(0 if updates is None else updates), value.dtype) * value


Counted = Lazy | Scheduled


def penalise(
    penalty: Penalty | Counted, *arguments: Any, updates: jax.Array | int | None
) -> jax.Array:
    """A penalty's value, with the discriminator's updates so far for one that counts them."""
    count = {"updates": updates} if isinstance(penalty, Counted) else {}
    return penalty(*arguments, **count)


R1 = r1()
UNIT_R1 = r1(1.0)


def lazy(penalty: Penalty = R1, every: int = 16) -> Lazy:
    """Evaluates a penalty every few updates of the discriminator only, with as much more weight.

    Karras et al. 2020, section 3.1 and appendix B (arXiv:1912.04958), who take R1 every 16: the
    mean over `every` updates is that of the penalty itself. Adam's moments see rare large gradients
    then; the paper scales its rates for it.

    Skipped passes are not computed (`docs/results.md` has the times), except where the count
    itself is mapped (`vmap` over seeds), which makes a `cond` do both.

    Args:
      penalty: any plain penalty.
      every: n, at least 1.

    Returns:
      `Lazy`, called like a penalty; without a count of updates it is the penalty itself.

    Raises:
      ValueError: `every` is not a whole number from 1 on, or the penalty is lazy or has memory.
    """
    checks.whole(1, every=every, hint="e.g. 16")
    if isinstance(penalty, Lazy):
        raise ValueError(
            f"the penalty is already lazy (every {penalty.every} updates); pass a plain one"
        )
    if isinstance(penalty, Scheduled):
        raise ValueError("the penalty has a schedule; schedule the lazy one instead")
    if isinstance(penalty, WithMemory):
        raise ValueError("the penalty has memory; pass lazy() a plain one")
    return Lazy(penalty, every)


def scheduled(
    schedule: Callable[[jax.Array | int], jax.Array | float], penalty: Penalty | Lazy = UNIT_R1
) -> Scheduled:
    """A penalty times a weight that changes with the discriminator's updates.

    E.g. R3GAN's gamma from 0.05 to 0.005 (arXiv:2501.05441):
    `scheduled(optax.cosine_decay_schedule(0.05, 39_000, alpha=0.1), r1(1.0))`.

    Args:
      schedule: of the weight, `(updates so far) -> factor`, e.g. an optax schedule.
      penalty: a plain or a lazy penalty.

    Returns:
      `Scheduled`, called like a penalty; without a count of updates its weight is the first.

    Raises:
      ValueError: the penalty has a schedule already, or memory.
    """
    if isinstance(penalty, Scheduled):
        raise ValueError("the penalty has a schedule already; multiply the two")
    if isinstance(penalty, WithMemory):
        raise ValueError("the penalty has memory; pass scheduled() a plain one")
    return Scheduled(penalty, schedule)
