"""What a loss is: both players' functions of the logits, and a loss with options."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

Logits = jax.Array


class AdversarialLoss(NamedTuple):
    """Both players' losses, each `(logits_real [batch], logits_fake [batch]) -> scalar`."""

    gen: Callable[[Logits, Logits], jax.Array]
    disc: Callable[[Logits, Logits], jax.Array]

    def realness(self, logits: Logits) -> jax.Array:
        """Above 0 where the discriminator calls a sample real, for its accuracy: the logits."""
        return logits


class LossWithOptions(AdversarialLoss):
    """A loss that is one of several.

    Attributes:
      realness: as in `AdversarialLoss`.
      variant: makes the same loss with other options.
    """

    realness: Callable[[Logits], jax.Array]
    variant: Callable[..., AdversarialLoss]

    def __call__(self, *arguments: Any, **options: Any) -> AdversarialLoss:
        """The same loss with other options, e.g. `f_gan("kl")`, `energy_margin(margin=5.0)`.

        Raises:
          TypeError: an unknown option.
          ValueError: an option is out of range.
        """
        return self.variant(*arguments, **options)


def with_options(factory: Callable[..., tuple]) -> LossWithOptions:
    """The loss of a factory of (gen, disc, realness), with its default options."""

    @functools.wraps(factory)
    def variant(*arguments, **options):
        gen, disc, realness = factory(*arguments, **options)
        loss = LossWithOptions(gen, disc)
        loss.realness, loss.variant = realness, variant
        return loss

    return variant()


def above_zero(logits: Logits) -> jax.Array:
    """Realness where a logit of 0 is undecided."""
    return logits


def wide(*logits: Logits) -> tuple[Logits, ...]:
    """Logits in float32 at least, so that a bfloat16 network is judged in full precision."""
    return tuple(x.astype(jnp.promote_types(x.dtype, jnp.float32)) for x in logits)
