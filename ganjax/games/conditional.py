"""The conditional game: both players are told a label, by any of the four ways networks take one.

At their input (options `labels`), in their normalisation, by projection or by an auxiliary
classifier: how is the networks' choice, the game is the same.
"""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from ganjax import latents, losses
from ganjax.augmentations import Augmentation
from ganjax.games.contest import (
    Contest,
    Started,
    adversarial_losses,
    begin,
    contest,
    generated,
    given,
    judged,
    logits_of,
    packs,
    play,
    takes_labels,
)
from ganjax.games.networks import ask, data_of, depends
from ganjax.penalties import Penalty
from ganjax.types import Game, Players


def conditional(
    generator: nn.Module,
    discriminator: nn.Module,
    loss: losses.AdversarialLoss = losses.non_saturating,
    *,
    num_classes: int,
    z_dim: int = 64,
    prior: Callable = latents.normal,
    penalties: Sequence[Penalty] = (),
    augment: Augmentation | None = None,
    packing: int = 1,
    gen_class_weight: float = 1.0,
    disc_class_weight: float = 1.0,
) -> Game:
    """The conditional game (Mirza & Osindero 2014, arXiv:1411.1784), V(D, G) with D(x|y), G(z|y).

    Samples are generated for the labels of the batch's data, so labels are drawn as the data have
    them. Penalties hold the labels fixed. For the rest it is `gan`.

    With a discriminator that classifies, its outputs a tuple (logits, logits of the classes), it is
    AC-GAN (Odena et al. 2017, arXiv:1610.09585): the cross-entropy of the labels, on data and on
    samples, is added to the discriminator's loss, that on samples to the generator's. Such a
    discriminator is not to see the labels.

    Args:
      generator: Linen module, (latents z [batch, z_dim], labels y [batch]) -> x_fake.
      discriminator: Linen module, (x, y) -> logits [batch], or x -> (logits [batch], logits of the
        classes [batch, num_classes]).
      loss: both players' losses on logits.
      num_classes: number of classes, at least 1.
      z_dim: as in `gan`.
      prior: as in `gan`.
      penalties: as in `gan`.
      augment: as in `gan`.
      packing: as in `gan`; the discriminator is given the labels of a pack, y [batch / m, m], which
        it can take at its input alone.
      gen_class_weight: of the cross-entropy in the generator's loss, at least 0; 0.1 in the
        released code of WGAN-GP (arXiv:1704.00028). For discriminators that classify, as the next.
      disc_class_weight: of the sum of both in the discriminator's, at least 0.

    Returns:
      Game on batches with `x` [batch, ...] and `y` int [batch] from 0 to num_classes - 1. Metrics
      as in `gan`, and, with a discriminator that classifies, its shares of right classes on data
      and on samples, `class_accuracy_real/disc` and `class_accuracy_fake/disc`.

    Raises:
      ValueError: an argument is out of range, the generator is not called with (z, y), or, from
        `init`: no labels or labels out of range, a player that makes no use of them, a
        discriminator that classifies and sees them, class weights other than 1 with one that does
        not classify, and what `gan` refuses.
    """
    if num_classes < 1:
        raise ValueError(
            f"num_classes={num_classes} must be at least 1; the game needs data with labels"
        )
    for name, weight in (("gen", gen_class_weight), ("disc", disc_class_weight)):
        if not 0 <= weight < float("inf"):
            raise ValueError(f"{name}_class_weight={weight} must be finite and at least 0")
    if not takes_labels(generator):
        raise ValueError(
            f"the generator {type(generator).__name__} is not called with labels; expected a "
            "module of (z, y)"
        )
    game = contest(
        generator,
        discriminator,
        z_dim=z_dim,
        prior=prior,
        penalties=penalties,
        augment=augment,
        packing=packing,
    )

    def init(rng, batch):
        y = _labels(batch, num_classes)
        started = begin(game, rng, data_of(batch), y)
        _check_use(game, started, batch["x"], y, num_classes)
        if not isinstance(started.outputs, tuple):
            _check_weights(gen_class_weight, disc_class_weight)
        return started.params, started.model_state

    def game_losses(params, model_state, batch, rng):
        y = batch["y"]
        played = play(game, params, model_state, batch["x"], y, rng=rng)
        outcome = adversarial_losses(loss, played)
        if not isinstance(played.real, tuple):
            return outcome
        real, fake = (_cross_entropy(outputs[1], y) for outputs in (played.real, played.fake))
        metrics = {
            "class_accuracy_real/disc": _accuracy(played.real[1], y),
            "class_accuracy_fake/disc": _accuracy(played.fake[1], y),
        }
        gen, disc = outcome
        return Players(
            gen=gen._replace(value=gen.value + gen_class_weight * fake),
            disc=disc._replace(
                value=disc.value + disc_class_weight * (real + fake),
                metrics={**disc.metrics, **metrics},
            ),
        )

    queries = {
        "latents": lambda params, model_state, rng, n: prior(rng, (n, z_dim)),
        "generate": lambda params, model_state, z, y: ask(
            generator, params.gen, model_state.gen, z, y
        ),
    }
    if packing == 1:
        queries["logits"] = lambda params, model_state, x, y: logits_of(
            ask(discriminator, params.disc, model_state.disc, *given(discriminator, x, y))
        )
    return Game(init, game_losses, queries)


def _cross_entropy(logits: jax.Array, y: jax.Array) -> jax.Array:
    """Mean of -log softmax(logits)[y], in float32 at least."""
    logits = logits.astype(jnp.promote_types(logits.dtype, jnp.float32))
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], axis=1))


def _accuracy(logits: jax.Array, y: jax.Array) -> jax.Array:
    return jnp.mean((jnp.argmax(logits, axis=1) == y).astype(jnp.float32))


def _labels(batch: dict[str, jax.Array], num_classes: int) -> jax.Array:
    """The labels of a batch, refused if they are none; their values only if they are known yet."""
    if "y" not in batch:
        raise ValueError(
            f"a batch of {', '.join(sorted(batch))} has no labels y; take data with labels, e.g. "
            "digits or ring"
        )
    if "x_labelled" in batch:
        raise ValueError(
            "only x_labelled has labels in this batch, not all of x; take data that are labelled "
            "throughout, e.g. digits, or play the game 'semi_supervised'"
        )
    y, rows = batch["y"], data_of(batch).shape[:1]
    if y.shape != rows or not jnp.issubdtype(y.dtype, jnp.integer):
        raise ValueError(f"labels y must be int {list(rows)}, got {y.dtype} {list(y.shape)}")
    if not isinstance(y, jax.core.Tracer) and not np.isin(y, np.arange(num_classes)).all():
        raise ValueError(f"labels y={y} must be from 0 to {num_classes - 1}")
    return y


def _check_weights(gen: float, disc: float) -> None:
    """Refuses class weights that were chosen where nothing is classified; 1 is no choice."""
    for player, weight in (("gen", gen), ("disc", disc)):
        if weight != 1.0:
            raise ValueError(
                f"{player}_class_weight={weight} has no effect, as this discriminator does not "
                "classify; give it the head 'auxiliary' and no labels, or leave the weight out"
            )


def _check_use(
    game: Contest, started: Started, x: jax.Array, y: jax.Array, num_classes: int
) -> None:
    """Refuses players that make no use of the labels, or the wrong one."""
    rng = jax.random.key(0)
    gen, disc = zip(started.params, started.model_state, strict=True)
    z = jnp.zeros((x.shape[0], game.z_dim), x.dtype)
    if not depends(lambda y: generated(game, *gen, z, y, rng=rng)[0], y):
        raise ValueError(
            "the generator makes no use of the labels; give it the option labels "
            "('one_hot', 'embedding') or the norm 'conditional_batch'"
        )
    x_packs, y_packs = packs(x, game.packing), packs(y, game.packing)
    uses = depends(lambda y: judged(game, *disc, x_packs, y, rng=rng)[0], y_packs)
    if not isinstance(uses, tuple):
        if not uses:
            raise ValueError(
                "the discriminator makes no use of the labels; give it the option labels "
                "('one_hot', 'embedding'), or the head 'projection' or 'auxiliary'"
            )
        return
    if game.packing > 1:
        raise ValueError(
            f"packing={game.packing}: a discriminator that classifies judges samples one by one; "
            "let labels join its input instead, without the head 'auxiliary'"
        )
    shape = started.outputs[1].shape
    if len(uses) != 2 or shape != (x.shape[0], num_classes):
        raise ValueError(
            f"the discriminator makes {len(uses)} outputs, the second of shape {shape}; expected "
            f"(logits, logits of the classes) with the shape ({x.shape[0]}, {num_classes}) of the "
            "latter: set the num_classes of its head to that of the data"
        )
    if uses[1]:
        raise ValueError(
            "the discriminator is to classify samples whose labels it sees; give it no labels and "
            "a norm without them"
        )
