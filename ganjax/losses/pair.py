"""Adversarial losses: both players' functions of the logits, and losses with options."""

import dataclasses
import functools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp

Logits = jax.Array


def above_zero(logits: Logits) -> jax.Array:
    """Realness where a logit of 0 is undecided."""
    return logits


@dataclasses.dataclass(frozen=True)
class AdversarialLoss:
    """Both players' losses, each `(logits_real [batch], logits_fake [batch]) -> scalar`.

    It unpacks into the pair of them.

    Attributes:
      gen: the generator's loss.
      disc: the discriminator's.
      realness: logits -> numbers of their shape, above 0 where the discriminator calls a sample
        real, for its accuracy; the logits themselves by default.
    """

    gen: Callable[[Logits, Logits], jax.Array]
    disc: Callable[[Logits, Logits], jax.Array]
    realness: Callable[[Logits], jax.Array] = above_zero

    def __iter__(self) -> Iterator[Callable[[Logits, Logits], jax.Array]]:
        return iter((self.gen, self.disc))

    def _replace(self, **fields: Any) -> "AdversarialLoss":
        """The loss with other fields, and without options: they would undo the change.

        Raises:
          TypeError: an unknown field.
        """
        kept = {"gen": self.gen, "disc": self.disc, "realness": self.realness}
        return AdversarialLoss(**kept | fields)


@dataclasses.dataclass(frozen=True)
class LossWithOptions(AdversarialLoss):
    """A loss with options; `variant` makes the same loss with others."""

    variant: Callable[..., AdversarialLoss] = dataclasses.field(kw_only=True)

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
        return LossWithOptions(*factory(*arguments, **options), variant=variant)

    return variant()


def wide(*logits: Logits) -> tuple[Logits, ...]:
    """Logits in float32 at least, so that a bfloat16 network is judged in full precision."""
    return tuple(x.astype(jnp.promote_types(x.dtype, jnp.float32)) for x in logits)
