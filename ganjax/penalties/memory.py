"""Penalties with memory: a pair of pure functions, as in optax."""

from collections.abc import Callable
from typing import NamedTuple


class WithMemory(NamedTuple):
    """A penalty that remembers something from one update of the discriminator to the next.

    The game keeps the memory in the discriminator's model state, so that it is saved, restored and
    averaged over devices with it, and moves whenever a scheme keeps that state. `penalties` has an
    example.

    Attributes:
      init: `x_real -> memory`, a pytree of arrays of fixed shapes and dtypes; `x_real` as the
        critic sees it.
      apply: `(memory, critic, x_real, x_fake, rng) -> (scalar, memory)`. Every gradient that a
        scheme takes from one state sees the same memory. Over several devices, or parts of a
        batch, the new memory is the mean of theirs (of integers, the first): let it change
        linearly in means over rows. A new stage, or a run from the weights of another, keeps
        floating-point leaves of unchanged shape and restarts integers.
    """

    init: Callable
    apply: Callable
