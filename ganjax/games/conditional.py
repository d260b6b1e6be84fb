"""The conditional game: both players see a label, by any of the four ways networks take one.

At their input (options `labels`), in their normalisation, by projection or by an auxiliary
classifier: the way is the networks' choice, the game is the same.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn

from ganjax import checks, latents, losses
from ganjax.augmentations import Augmentation
from ganjax.games import parts
from ganjax.games.batches import data_of, labels_of, packs
from ganjax.games.contest import (
    Contest,
    adversarial_losses,
    begin,
    check_adaptive,
    contend,
    queries,
)
from ganjax.games.generating import latent_generator
from ganjax.games.judging import Judge
from ganjax.games.networks import depends, inputs_of, run, takes_labels
from ganjax.penalties import Penalty, WithMemory
from ganjax.types import Game, Players


def conditional(
    generator: nn.Module,
    discriminator: nn.Module,
    loss: losses.AdversarialLoss = losses.non_saturating,
    *,
    num_classes: int,
    z_dim: int = 64,
    prior: Callable = latents.normal,
    penalties: Sequence[Penalty | WithMemory] = (),
    augment: Augmentation | None = None,
    packing: int = 1,
    gen_class_weight: float = 1.0,
    disc_class_weight: float = 1.0,
) -> Game:
    """The conditional game (Mirza & Osindero 2014, arXiv:1411.1784), V(D, G) with D(x|y), G(z|y).

    `gan`, with samples generated for the labels of the batch's data, so that labels are distributed
    as in the data.

    With a discriminator that classifies, its outputs a tuple (logits, logits of the classes), it is
    AC-GAN (Odena et al. 2017, arXiv:1610.09585): the cross-entropy of the labels, on data and on
    samples, is added to the discriminator's loss, that on samples to the generator's. Such a
    discriminator must not see the labels.

    Args:
      generator: Linen module, (latents z [batch, z_dim], labels y [batch]) -> x_fake.
      discriminator: Linen module, (x, y) -> logits [batch], or x -> (logits [batch], logits of the
        classes [batch, num_classes]).
      loss: as in `gan`, as the next four.
      num_classes: number of classes, at least 1.
      z_dim: width of the latent.
      prior: `(rng, shape) -> z`.
      penalties: hold the labels fixed.
      augment: leaves the labels as they are.
      packing: the discriminator is given the labels of a pack, y [batch / m, m], which it can take
        at its input alone.
      gen_class_weight: of the cross-entropy in the generator's loss, at least 0; 0.1 in the
        released code of WGAN-GP (arXiv:1704.00028). For discriminators that classify, as the next.
      disc_class_weight: of the sum of both in the discriminator's, at least 0.

    Returns:
      Game on batches with `x` [batch, ...] and `y` int [batch] from 0 to num_classes - 1. Metrics
      as in `gan`, and, with a discriminator that classifies, its shares of right classes on data
      and on samples, `class_accuracy_real/disc` and `class_accuracy_fake/disc`.

    Raises:
      ValueError: as in `gan`; also, a weight out of range, a generator not called with (z, y), or,
        from `init`: no labels or labels out of range, a player that ignores them, a discriminator
        that classifies and sees them, class weights other than 1 with one that does not classify.
    """
    checks.whole(1, num_classes=num_classes, hint="the game needs data with labels")
    weights = {"gen_class_weight": gen_class_weight, "disc_class_weight": disc_class_weight}
    checks.within("[0, inf)", **weights)
    if not takes_labels(generator):
        raise ValueError(
            f"the generator {type(generator).__name__} is not called with labels; expected a "
            "module of (z, y)"
        )
    checks.whole(1, packing=packing)
    check_adaptive(augment, loss)
    judge = Judge(discriminator, penalties, augment, packing)
    game = Contest(latent_generator(generator, z_dim, prior), judge)

    def init(rng, batch):
        y = labels_of(batch, num_classes)
        params, model_state, outputs = begin(game, rng, data_of(batch), y)
        _check_generator(game, params.gen, model_state.gen, y)
        _check_discriminator(game, params.disc, model_state.disc, batch["x"], y)
        _check_classes(game, outputs, y, num_classes, weights)
        return params, model_state

    def game_losses(params, model_state, batch, rng):
        y = batch["y"]
        judged, gen_state = contend(game, params, model_state, batch["x"], y, rng=rng)
        gen, disc = adversarial_losses(loss, judged, gen_state, augment)
        if not isinstance(judged.outputs[0], tuple):
            return Players(gen, disc)
        (_, classes_real), (_, classes_fake) = judged.outputs
        real, fake = _cross_entropy(classes_real, y), _cross_entropy(classes_fake, y)
        metrics = {
            "class_accuracy_real/disc": accuracy(classes_real, y),
            "class_accuracy_fake/disc": accuracy(classes_fake, y),
        }
        return Players(
            gen=gen._replace(value=gen.value + gen_class_weight * fake),
            disc=disc._replace(
                value=disc.value + disc_class_weight * (real + fake),
                metrics={**disc.metrics, **metrics},
            ),
        )

    return Game(init, game_losses, queries(game, labels=True))


def _cross_entropy(logits: jax.Array, y: jax.Array) -> jax.Array:
    """Mean of -log softmax(logits)[y], in float32 at least."""
    logits = logits.astype(jnp.promote_types(logits.dtype, jnp.float32))
    return jnp.mean(optax.losses.softmax_cross_entropy_with_integer_labels(logits, y))


def accuracy(logits: jax.Array, y: jax.Array) -> jax.Array:
    """Share of examples whose largest logit [batch, classes] is that of their label."""
    return jnp.mean((jnp.argmax(logits, axis=1) == y).astype(jnp.float32))


def _check_generator(game: Contest, params: Any, model_state: Any, y: jax.Array) -> None:
    """Raises ValueError for a generator whose samples do not depend on the labels."""
    rng, generator = jax.random.key(0), game.generator
    z = jnp.zeros((y.shape[0], generator.z_dim))
    if not depends(lambda y: run(generator.module, params, model_state, z, y, rng=rng)[0], y):
        raise ValueError(
            "the generator makes no use of the labels; give it the option labels "
            "('one_hot', 'embedding') or the norm 'conditional_batch'"
        )


def _check_discriminator(
    game: Contest, params: Any, model_state: Any, x: jax.Array, y: jax.Array
) -> None:
    """Raises ValueError for logits that do not depend on the labels, or class logits that do."""
    rng, judge = jax.random.key(0), game.judge
    x, y = packs(x, judge.packing), packs(y, judge.packing)

    def outputs(y):
        inputs = inputs_of(judge.discriminator, x, y)
        return run(judge.discriminator, params, model_state, *inputs, rng=rng)[0]

    uses = depends(outputs, y)
    if not isinstance(uses, tuple):
        if not uses:
            raise ValueError(
                "the discriminator makes no use of the labels; give it the option labels "
                "('one_hot', 'embedding'), or the head 'projection' or 'auxiliary'"
            )
    elif judge.packing == 1 and uses[1:] == (True,):
        raise ValueError(
            "the discriminator is to classify samples whose labels it sees; give it no labels and "
            "a norm without them"
        )


def _check_classes(
    game: Contest, outputs: Any, y: jax.Array, num_classes: int, weights: dict[str, float]
) -> None:
    """Raises ValueError for class logits that do not fit, or weights where there are none."""
    if not isinstance(outputs, tuple):
        for name, weight in weights.items():
            if weight != 1.0:
                raise ValueError(
                    f"{name}={weight} has no effect, as this discriminator does not classify; give "
                    "it the head 'auxiliary' and no labels, or leave the weight out"
                )
        return
    if game.judge.packing > 1:
        raise ValueError(
            f"packing={game.judge.packing}: a discriminator that classifies judges samples one by "
            "one; let labels join its input instead, without the head 'auxiliary'"
        )
    if len(outputs) != 2:
        raise ValueError(
            f"the discriminator makes {len(outputs)} outputs; expected 2, the logits "
            "and the logits of the classes"
        )
    parts.check_shape(
        "the discriminator makes class logits of",
        outputs[1],
        (y.shape[0], num_classes),
        "set the num_classes of its head to that of the data",
    )
