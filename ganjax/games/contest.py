"""A generator against a discriminator: the forward pass that adversarial games are made of.

What a game makes of the discriminator's outputs is its own affair; `adversarial_losses` is what all
make of the logits.
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from ganjax.augmentations import Augmentation
from ganjax.games.networks import (
    UPDATES,
    accuracies,
    check_samples,
    is_counted,
    judge_both,
    penalised,
    run,
    start,
)
from ganjax.losses import AdversarialLoss
from ganjax.penalties import Penalty
from ganjax.types import Loss, Players


class Contest(NamedTuple):
    """Two networks and how they meet; see `games.gan` for what the fields mean."""

    generator: nn.Module
    discriminator: nn.Module
    z_dim: int
    prior: Callable
    penalties: Sequence[Penalty]
    augment: Augmentation | None
    packing: int

    @property
    def counted(self) -> bool:
        """Whether something asks for the count of the discriminator's updates."""
        return is_counted(self.penalties, self.augment)


class Started(NamedTuple):
    """Where both players begin.

    Attributes:
      params: `Players` of parameters.
      model_state: `Players` of model states.
      outputs: shapes of what the discriminator makes of the batch: logits [packs], or a tuple that
        starts with them.
    """

    params: Players
    model_state: Players
    outputs: Any


class Played(NamedTuple):
    """What one forward pass of both players leaves.

    Attributes:
      real: the discriminator's outputs on data: logits [packs], or a tuple that starts with them.
      fake: the same on samples.
      disc_state: the discriminator's new model state.
      penalty: sum of the penalties, scalar; None if there are none.
      gen_state: the generator's.
    """

    real: Any
    fake: Any
    disc_state: dict[str, Any]
    penalty: jax.Array | None
    gen_state: dict[str, Any]


def contest(
    generator: nn.Module,
    discriminator: nn.Module,
    *,
    z_dim: int,
    prior: Callable,
    penalties: Sequence[Penalty],
    augment: Augmentation | None,
    packing: int,
) -> Contest:
    """A `Contest` with its numbers checked.

    Raises:
      ValueError: `z_dim` or `packing` is less than 1.
    """
    at_least_1(z_dim=z_dim, packing=packing)
    return Contest(generator, discriminator, z_dim, prior, penalties, augment, packing)


def at_least_1(**counts: int) -> None:
    """Raises ValueError for a count below 1, by its name."""
    for name, value in counts.items():
        if value < 1:
            raise ValueError(f"{name}={value} must be at least 1")


def takes_labels(module: nn.Module) -> bool:
    """Whether a module is called with labels: its second argument goes by the name of y."""
    return list(inspect.signature(module.__call__).parameters)[1:2] == ["y"]


def logits_of(outputs: Any) -> jax.Array:
    """The logits among a discriminator's outputs."""
    return outputs[0] if isinstance(outputs, tuple) else outputs


def check_alone(outputs: Any) -> None:
    """Raises ValueError for a discriminator that makes more than logits."""
    if isinstance(outputs, tuple):
        raise ValueError(
            f"the discriminator makes {len(outputs)} outputs, expected logits alone; set its head "
            "to 'logit', or play the game 'conditional' with it, which has a use for more"
        )


def packs(x: jax.Array | None, packing: int) -> jax.Array | None:
    """Joins every m successive samples along the last axis, [n, ..., c] -> [n / m, ..., m c].

    Labels [n] become [n / m, m], and None stays None.

    Raises:
      ValueError: the batch does not divide into packs.
    """
    if packing == 1 or x is None:
        return x
    n = x.shape[0]
    if n % packing:
        fits = max(n // packing, 1) * packing
        raise ValueError(
            f"a batch of {n} does not divide into packs of {packing}; use a multiple of {packing}, "
            f"e.g. {fits} or {fits + packing}"
        )
    x = x.reshape(n // packing, packing, *x.shape[1:])
    if x.ndim == 2:  # labels
        return x
    return jnp.moveaxis(x, 1, -2).reshape(x.shape[0], *x.shape[2:-1], -1)


def begin(game: Contest, rng: jax.Array, x_real: jax.Array, y: jax.Array | None = None) -> Started:
    """Initialises both players.

    Raises:
      ValueError: shapes that do not fit each other, before anything is compiled.
    """
    rng_gen, rng_disc, rng_z = jax.random.split(rng, 3)
    z = game.prior(rng_z, (x_real.shape[0], game.z_dim))
    gen = start(game.generator, rng_gen, *given(game.generator, z, y))
    check_samples(game.generator, gen, x_real, *given(game.generator, z, y))
    disc, outputs = begin_judging(game, rng_disc, x_real, y)
    return Started(Players(gen[0], disc[0]), Players(gen[1], disc[1]), outputs)


def begin_judging(
    game: Contest, rng: jax.Array, x: jax.Array, y: jax.Array | None = None, what: str = "sample"
) -> tuple[tuple[Any, dict[str, Any]], Any]:
    """((params, model state), shapes of outputs) of the discriminator, whose updates may count.

    Args:
      game: the contest.
      rng: a key.
      x: what it is to judge [batch, ...].
      y: its labels, if there are any.
      what: one of x is, for the message.

    Raises:
      ValueError: it does not make one logit of each pack, or the batch does not divide into packs.
    """
    x, y = packs(x, game.packing), packs(y, game.packing)
    params, state = start(game.discriminator, rng, *given(game.discriminator, x, y))
    outputs = jax.eval_shape(lambda x: judged(game, params, state, x, y, rng=rng)[0], x)
    shape, number = getattr(logits_of(outputs), "shape", None), x.shape[0]
    if shape != (number,):
        many = f"{what}s" if game.packing == 1 else f"packs of {game.packing} {what}s"
        raise ValueError(
            f"the discriminator makes logits of shape {shape} for {number} {many}; expected "
            f"({number},): one logit per {what if game.packing == 1 else 'pack'}, without a "
            "trailing axis"
        )
    count = {UPDATES: jnp.zeros((), jnp.int32)} if game.counted else {}
    return (params, {**state, **count}), outputs


def given(module: nn.Module, x: jax.Array, y: jax.Array | None) -> tuple[jax.Array, ...]:
    """What a module is called with: labels too, if there are any and it takes them."""
    return (x,) if y is None or not takes_labels(module) else (x, y)


def generated(
    game: Contest, params: Any, state: Any, z: jax.Array, y: jax.Array | None, *, rng: jax.Array
) -> tuple[jax.Array, dict[str, Any]]:
    """(samples, the generator's new model state), in training mode."""
    return run(game.generator, params, state, *given(game.generator, z, y), rng=rng)


def judged(
    game: Contest, params: Any, state: Any, x: jax.Array, y: jax.Array | None, *, rng: jax.Array
) -> tuple[Any, dict[str, Any]]:
    """(the discriminator's outputs on packs, its new collections), in training mode."""
    collections = {name: own for name, own in state.items() if name != UPDATES}
    return run(game.discriminator, params, collections, *given(game.discriminator, x, y), rng=rng)


def play(
    game: Contest,
    params: Players,
    model_state: Players,
    x_real: jax.Array,
    y: jax.Array | None = None,
    *,
    rng: jax.Array,
) -> Played:
    """Generates, judges and penalises: one forward pass of both players in training mode.

    Samples are of the labels of the data.
    """
    rng_z, rng_gen, *rngs, rng_augment = jax.random.split(rng, 6)
    z = game.prior(rng_z, (x_real.shape[0], game.z_dim))
    x_fake, gen_state = generated(game, params.gen, model_state.gen, z, y, rng=rng_gen)
    judgement = judge_penalised(
        game,
        params.disc,
        model_state.disc,
        x_real,
        x_fake,
        y,
        rngs=rngs,
        rng_augment=rng_augment,
    )
    return Played(*judgement, gen_state)


def judge_penalised(
    game: Contest,
    params: Any,
    before: dict[str, Any],
    x_real: jax.Array,
    x_fake: jax.Array,
    y: jax.Array | None = None,
    *,
    rngs: Sequence[jax.Array],
    rng_augment: jax.Array | None = None,
) -> tuple[Any, Any, dict[str, Any], jax.Array | None]:
    """The discriminator's part of a pass: the fields of `Played` but for the generator's.

    Packs are made after the augmentation, and penalties judge them; they hold the labels fixed.

    Args:
      game: the contest.
      params: the discriminator's parameters.
      before: its model state.
      x_real: data [batch, ...].
      x_fake: samples [batch, ...].
      y: labels of both, if there are any.
      rngs: for dropout on data and on samples, and for penalties.
      rng_augment: for an augmentation, if there is one.
    """
    rng_real, rng_fake, rng_penalty = rngs
    updates = before.get(UPDATES, 0)
    if game.augment is not None:
        rngs = jax.random.split(rng_augment)
        x_real = game.augment(x_real, rngs[0], updates)
        x_fake = game.augment(x_fake, rngs[1], updates)
    x_real, x_fake, y = (packs(x, game.packing) for x in (x_real, x_fake, y))

    real, fake, after = judge_both(
        game.discriminator,
        params,
        {name: own for name, own in before.items() if name != UPDATES},
        given(game.discriminator, x_real, y),
        given(game.discriminator, x_fake, y),
        rngs=(rng_real, rng_fake),
    )
    if game.counted:
        after[UPDATES] = updates + 1

    penalty = None
    if game.penalties:

        def critic(x):
            return logits_of(judged(game, params, before, x, y, rng=rng_real)[0])

        penalty = penalised(game.penalties, critic, x_real, x_fake, rng_penalty, updates)
    return real, fake, after, penalty


def adversarial_losses(loss: AdversarialLoss, played: Played) -> Players:
    """Both players' `Loss` by the logits, the discriminator's with the penalties."""
    real, fake = logits_of(played.real), logits_of(played.fake)
    metrics = accuracies(loss.realness(real), loss.realness(fake))
    disc_value = loss.disc(real, fake)
    if played.penalty is not None:
        metrics["penalty/disc"] = played.penalty
        disc_value += played.penalty
    return Players(
        gen=Loss(loss.gen(real, fake), played.gen_state, {}),
        disc=Loss(disc_value, played.disc_state, metrics),
    )
