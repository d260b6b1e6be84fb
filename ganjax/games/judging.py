"""A discriminator's pass over batches of data and of samples, as all games make it."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from ganjax.augmentations import Adaptive, Augmentation
from ganjax.games import parts
from ganjax.games.batches import packs
from ganjax.games.networks import AUGMENTED, STATISTICS, UPDATES, inputs_of, outputs_of, run, start
from ganjax.penalties import Counted, Penalty, WithMemory


def logits_of(outputs: Any) -> jax.Array:
    """The logits among a discriminator's outputs: the outputs, or the first of a tuple."""
    return outputs[0] if isinstance(outputs, tuple) else outputs


class Judge(NamedTuple):
    """A discriminator and the parts between a batch and its logits; see `games.gan`.

    Attributes:
      discriminator: Linen module, packs (and labels) -> outputs.
      penalties: they judge `logits`.
      augment: for every batch.
      packing: samples of a pack.
      logits: outputs -> logits [packs].
    """

    discriminator: nn.Module
    penalties: Sequence[Penalty | WithMemory] = ()
    augment: Augmentation | None = None
    packing: int = 1
    logits: Callable[[Any], jax.Array] = logits_of


class Judged(NamedTuple):
    """The outputs for each batch, the discriminator's new model state, the sum of the penalties.

    `penalty` is None if there are none.
    """

    outputs: list[Any]
    model_state: dict[str, Any]
    penalty: jax.Array | None


def begin(
    judge: Judge, rng: jax.Array, x: jax.Array, y: jax.Array | None = None
) -> tuple[tuple[Any, dict[str, Any]], Any]:
    """Initialises a discriminator: its (params, model state), and the shapes of its outputs on x.

    Raises:
      ValueError: the batch does not divide into packs.
    """
    x, y = packs(x, judge.packing), packs(y, judge.packing)
    inputs = inputs_of(judge.discriminator, x, y)
    params, state = start(judge.discriminator, rng, *inputs)
    if judge.augment is not None or any(isinstance(part, Counted) for part in judge.penalties):
        state[UPDATES] = jnp.zeros((), jnp.int32)
    if isinstance(judge.augment, Adaptive):
        state[AUGMENTED] = judge.augment.start()
    state |= parts.memories(judge.penalties, x)
    return (params, state), outputs_of(judge.discriminator, (params, state), *inputs)


def judge_batches(
    judge: Judge,
    params: Any,
    model_state: dict[str, Any],
    *batches: jax.Array,
    y: jax.Array | None = None,
    rngs: Sequence[jax.Array],
    rng_augment: jax.Array | None = None,
    rng_critic: jax.Array | None = None,
    rng_penalty: jax.Array | None = None,
) -> Judged:
    """Judges batches [batch, ...], each by itself, in training mode.

    All are judged from one state but for batch statistics, which run on from batch to batch: a
    power iteration advances once. Augmentation comes first, then packs, which penalties judge too.
    The last two batches are data and samples for penalties, which hold the labels fixed.

    Args:
      judge: the discriminator with its parts.
      params: its parameters.
      model_state: its state.
      batches: at least one, two for penalties.
      y: labels of every batch, if there are any.
      rngs: a key a batch, for dropout.
      rng_augment: for the augmentation, if there is one.
      rng_critic: for dropout in the critic of the penalties.
      rng_penalty: for the draws of penalties.
    """
    module, updates = judge.discriminator, model_state.get(UPDATES, 0)
    if judge.augment is not None:
        by = model_state[AUGMENTED]["probability"] if AUGMENTED in model_state else updates
        batches = [
            parts.augmented(judge.augment, x, rng, by)
            for x, rng in zip(batches, jax.random.split(rng_augment, len(batches)), strict=True)
        ]
    *batches, y = (packs(x, judge.packing) for x in (*batches, y))

    outputs, after = [], model_state
    for x, rng in zip(batches, rngs, strict=True):
        running = {name: after[name] for name in after if name == STATISTICS}
        before = {**model_state, **running}
        judged, after = run(module, params, before, *inputs_of(module, x, y), rng=rng)
        outputs.append(judged)
    if UPDATES in model_state:
        after[UPDATES] = updates + 1
    if not judge.penalties:
        return Judged(outputs, after, None)

    def critic(x):
        inputs = inputs_of(module, x, y)
        return judge.logits(run(module, params, model_state, *inputs, rng=rng_critic)[0])

    penalty, memories = parts.penalised(
        judge.penalties,
        critic,
        *batches[-2:],
        rng=rng_penalty,
        updates=updates,
        model_state=model_state,
    )
    return Judged(outputs, {**after, **memories}, penalty)


def accuracies(real: jax.Array, fake: jax.Array) -> dict[str, jax.Array]:
    """Shares of data judged above 0 and of samples below; 0 itself counts half."""
    real, fake = jnp.mean(jnp.heaviside(real, 0.5)), jnp.mean(jnp.heaviside(-fake, 0.5))
    return {
        "accuracy/disc": (real + fake) / 2,
        "accuracy_real/disc": real,
        "accuracy_fake/disc": fake,
    }
