"""Calls of the parts a user can plug into a game: prior, augmentation, penalties, loss.

Each result is checked for its shape here, so that a mistake is named where it is made.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import chex
import jax
import jax.numpy as jnp

from ganjax.augmentations import Augmentation
from ganjax.games.networks import MEMORIES
from ganjax.losses import AdversarialLoss
from ganjax.penalties import Counted, Penalty, WithMemory, penalise


def check_shape(subject: str, value: Any, expected: tuple, hint: str) -> None:
    """Checks the shape of an array, or of its `jax.ShapeDtypeStruct`.

    Args:
      subject: begins the message, e.g. "the generator makes samples of".
      value: the array.
      expected: as in `chex.assert_shape`, e.g. `(8, ...)`; () for a scalar.
      hint: ends the message.

    Raises:
      ValueError: another shape, or a tuple of arrays.
    """
    try:
        chex.assert_shape([value], [expected])
        fits = value is not None and not isinstance(value, tuple | list | dict)
    except AssertionError:
        fits = False
    if not fits:
        shapes = jax.tree.map(lambda leaf: getattr(leaf, "shape", ()), value)
        found = "None, without a `return`" if value is None else f"shape {shapes}"
        wanted = str(expected).replace("Ellipsis", "...") if expected else "a scalar"
        raise ValueError(f"{subject} {found}; expected {wanted} ({hint})")


def label(part: Callable) -> str:
    """A part's name in messages: that of its function, or of the factory that made it."""
    while isinstance(part, functools.partial | Counted):
        part = part.func if isinstance(part, functools.partial) else part.penalty
    if isinstance(part, WithMemory):
        part = part.apply
    return getattr(part, "__qualname__", type(part).__name__).split(".<locals>")[0]


def draw(prior: Callable, rng: jax.Array, n: int, z_dim: int) -> jax.Array:
    """Latents [n, z_dim] of a prior."""
    z = prior(rng, (n, z_dim))
    check_shape(f"prior.{label(prior)} returned", z, (n, z_dim), "the shape it is called with")
    return z


def augmented(
    augment: Augmentation, x: jax.Array, rng: jax.Array, updates: jax.Array | int
) -> jax.Array:
    """A batch after an augmentation, in its shape."""
    changed = augment(x, rng, updates)
    name = f"augment.{label(augment)}"
    check_shape(f"{name} returned", changed, x.shape, "the shape of the batch")
    return changed


def value_of(
    loss: AdversarialLoss, player: str, logits_real: jax.Array, logits_fake: jax.Array
) -> jax.Array:
    """A player's loss, scalar."""
    function = getattr(loss, player)
    value = function(logits_real, logits_fake)
    check_shape(f"losses.{label(function)} returned", value, (), "take the mean")
    return value


def memories(penalties: Sequence[Penalty | WithMemory], x_real: jax.Array) -> dict[str, Any]:
    """{MEMORIES: first memories} by data as the critic sees them; {} if no penalty has one."""
    first = {
        str(at): _arrays(penalty.init(x_real))
        for at, penalty in enumerate(penalties)
        if isinstance(penalty, WithMemory)
    }
    return {MEMORIES: first} if first else {}


def penalised(
    penalties: Sequence[Penalty | WithMemory],
    critic: Callable[[jax.Array], jax.Array],
    x_real: jax.Array,
    x_fake: jax.Array,
    *,
    rng: jax.Array,
    updates: jax.Array | int,
    model_state: dict[str, Any],
) -> tuple[jax.Array, dict[str, Any]]:
    """(the sum of at least one penalty, the new entry of `memories`), each with a draw of its own.

    `Counted` penalties read `updates`, the discriminator's so far; those with memory, its model
    state.
    """
    before, after, total = model_state.get(MEMORIES, {}), {}, 0.0
    rngs = jax.random.split(rng, len(penalties))
    for at, (penalty, rng) in enumerate(zip(penalties, rngs, strict=True)):
        arguments = critic, x_real, x_fake, rng
        name = f"penalties.{label(penalty)}"
        if isinstance(penalty, WithMemory):
            outcome = penalty.apply(before[str(at)], *arguments)
            if not (isinstance(outcome, tuple) and len(outcome) == 2):
                raise ValueError(
                    f"{name} returned a {type(outcome).__name__}; expected (scalar, memory)"
                )
            value, memory = outcome
            after[str(at)] = _arrays(memory)
            _check_memory(name, before[str(at)], after[str(at)])
        else:
            value = penalise(penalty, *arguments, updates=updates)
        check_shape(f"{name} returned", value, (), "take the mean")
        total += value
    return total, {MEMORIES: after} if after else {}


def _arrays(memory: Any) -> Any:
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.result_type(leaf)), memory)


def _check_memory(name: str, before: Any, after: Any) -> None:
    """Raises ValueError for a memory that changes its form, which no compiled step could hold."""
    before, after = (
        jax.tree.map(lambda leaf: f"{leaf.dtype}{list(leaf.shape)}", memory)
        for memory in (before, after)
    )
    if before != after:
        raise ValueError(
            f"{name} returned the memory {after}, its init {before}; return one form, with the "
            "same shapes and dtypes"
        )
