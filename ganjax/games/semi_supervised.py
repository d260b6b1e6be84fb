"""The semi-supervised game: a discriminator that is a classifier, with labels for a few examples.

The fake class has no logit of its own, it is fixed at 0. Queries classify by the moving average of
the discriminator, which the game keeps in the discriminator's model state.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from ganjax import checks, latents, losses, spread
from ganjax.augmentations import Adaptive, Augmentation
from ganjax.games import generating, judging, parts
from ganjax.games.batches import data_of, labelled_of
from ganjax.games.generating import latent_generator
from ganjax.games.judging import Judge, Judged, accuracies
from ganjax.games.networks import AVERAGE, ask
from ganjax.losses.pair import wide
from ganjax.penalties import Penalty, WithMemory
from ganjax.types import Game, Loss, Needs, Players


def real_logit(class_logits: jax.Array) -> jax.Array:
    """The logit of being real: log Z, Z = sum_k exp(l_k), so that D = Z / (Z + 1) = sigmoid(log Z).

    Salimans et al. 2016, section 5, arXiv:1606.03498: a softmax over K real classes and a fake one
    whose logit is fixed at 0. Finite for any finite float32 logits.

    Args:
      class_logits: logits of the K real classes [batch, K].

    Returns:
      [batch].
    """
    return jax.nn.logsumexp(*wide(class_logits), axis=-1)


def labelled_loss(class_logits: jax.Array, y: jax.Array) -> jax.Array:
    """Mean of -log p(y | x, real) = log Z - l_y, the cross-entropy of the K real classes, in nats.

    Args:
      class_logits: [batch, K].
      y: labels, int [batch] from 0 to K - 1.
    """
    own = jnp.take_along_axis(*wide(class_logits), y[:, None], axis=-1)[:, 0]
    return jnp.mean(real_logit(class_logits) - own)


def feature_matching(features_real: jax.Array, features_fake: jax.Array) -> jax.Array:
    """|E f(x) - E f(G(z))|^2 (Salimans et al. 2016, section 3.1, arXiv:1606.03498).

    The squared norm as in the paper. Paper: its released code has the mean over features of the
    squares (digits) or of absolute differences (CIFAR-10 and SVHN). The former is the same up to a
    factor that Adam does not see; the latter is not smooth where a feature matches, which schemes
    that differentiate twice would feel.

    Args:
      features_real: f(x) [batch, dim].
      features_fake: f(G(z)) [batch, dim].

    Returns:
      Scalar. It is no mean over the batch but a function of two of them, which devices compute
      together: the axis they are mapped over must be called `data`.
    """
    return jnp.sum(jnp.square(spread.mean(features_real) - spread.mean(features_fake)))


def pseudo_labelled_loss(
    class_logits: jax.Array, average_logits: jax.Array, confidence: float
) -> jax.Array:
    """Cross-entropy, in nats, of the classes that another classifier is sure of.

    Sohn et al. 2020 (FixMatch, arXiv:2001.07685, section 2.2): the mean over all examples of
    -log p(k | x, real), k the other's likeliest class, where its probability exceeds the
    confidence; 0 elsewhere. Before that the other's probabilities are divided by their means over
    the batch and normalised again, as classes are equally frequent (Berthelot et al. 2020,
    arXiv:1911.09785, section 3.1). Paper: a mean over the last 128 batches.

    Args:
      class_logits: of the classifier that learns, [batch, K].
      average_logits: of the other one on the same examples, [batch, K]; no gradient reaches it.
      confidence: from 0 to below 1.
    """
    p = jax.nn.softmax(*wide(jax.lax.stop_gradient(average_logits)))
    p = p / jnp.maximum(spread.mean(p), jnp.finfo(p.dtype).tiny)[None]
    p = p / jnp.sum(p, axis=-1, keepdims=True)
    y = jnp.argmax(p, axis=-1)[:, None]
    log_p = jnp.take_along_axis(jax.nn.log_softmax(*wide(class_logits)), y, axis=-1)
    return -jnp.mean(jnp.where(jnp.max(p, axis=-1, keepdims=True) > confidence, log_p, 0.0))


def semi_supervised(
    generator: nn.Module,
    discriminator: nn.Module,
    num_classes: int,
    loss: losses.AdversarialLoss = losses.non_saturating,
    z_dim: int = 64,
    prior: Callable = latents.normal,
    gen: str = "feature_matching",
    unlabelled_weight: float = 1.0,
    pseudo_label_weight: float = 0.0,
    confidence: float = 0.9,
    decay: float = 0.999,
    supervised_only: bool = False,
    penalties: Sequence[Penalty | WithMemory] = (),
    augment: Augmentation | None = None,
) -> Game:
    """The game of Salimans et al. 2016, section 5 (arXiv:1606.03498), after their released code.

    With l the class logits and D = Z / (Z + 1) of `real_logit`, the discriminator descends
    E[-log p(y | x_labelled, real)] + weight / 2 (E[-log D(x)] + E[-log(1 - D(G(z)))]), the
    cross-entropy of a (K+1)-way softmax whose fake logit is 0. Paper: it has no half; the released
    code does. The three batches pass the discriminator apart, each with its own batch statistics,
    from one model state. The generator descends `feature_matching` on the unlabelled data, or its
    part of `loss`.

    The discriminator's model state keeps a moving average of its parameters, from those it starts
    with: average <- decay average + (1 - decay) params at every evaluation of the losses that a
    scheme keeps, before that update moves them. `classify` uses the average, or the discriminator
    itself if its state holds none; batch normalisation in the average would use the running
    statistics of the discriminator itself, over labelled, unlabelled and generated batches
    together, so a discriminator without it is the better classifier.

    Paper: it has no pseudo-labels. Here the discriminator can also descend `pseudo_labelled_loss`
    on the unlabelled data, which the average classifies without augmentation.

    Args:
      generator: as in `gan`.
      discriminator: Linen module, x -> (class logits [batch, num_classes], features [batch, dim]),
        as with the head `classifier`.
      num_classes: number of real classes K, at least 1.
      loss: both players' losses on the real logits of unlabelled data and generated samples.
      z_dim: as in `gan`.
      prior: as in `gan`.
      gen: the generator's loss, "feature_matching" or "adversarial", its part of `loss`.
      unlabelled_weight: weight of the unlabelled and the generated term, at least 0.
      pseudo_label_weight: weight of that term, at least 0; 0 leaves it out.
      confidence: probability from 0 to below 1 above which the average's class is a pseudo-label.
      decay: of the average, from 0 (the parameters themselves) to below 1.
      supervised_only: the control. The discriminator descends the labelled term alone, without
        unlabelled data, pseudo-labels, generated samples or penalties, and the generator's loss is
        0: it stays where it started.
      penalties: as in `gan`, on the real logit of unlabelled data and generated samples.
      augment: as in `gan`, applied to all three batches.

    Returns:
      Game on batches with `x` [batch, ...], `x_labelled` [batch, ...] and `y`, the labels of the
      latter, int [batch]. The discriminator's metrics: `class_accuracy/disc` and
      `loss_labelled/disc` on the labelled batch; unless `supervised_only`, also
      `loss_unlabelled/disc` (with the half, before its weight), `loss_pseudo_labelled/disc` (before
      its weight, if there is one) and those of `gan`.
      Queries: latents, generate, classify.

    Raises:
      ValueError: an argument is out of range, or, from `init`, a batch without labelled examples or
        shapes that do not fit each other.
    """
    checks.whole(1, num_classes=num_classes)
    checks.one_of(("feature_matching", "adversarial"), gen=gen)
    weights = dict(unlabelled_weight=unlabelled_weight, pseudo_label_weight=pseudo_label_weight)
    checks.within("[0, inf)", **weights)
    checks.within("[0, 1)", decay=decay, hint="e.g. 0.999")
    checks.within("[0, 1)", confidence=confidence, hint="e.g. 0.9")
    if isinstance(augment, Adaptive):
        raise ValueError("augment is adaptive, which is for 'gan' and 'conditional'; name 'ada'")
    generator = latent_generator(generator, z_dim, prior)
    judge = Judge(discriminator, penalties, augment, logits=lambda outputs: real_logit(outputs[0]))

    def init(rng, batch):
        rng_gen, rng_disc, rng_z = jax.random.split(rng, 3)
        x_real = data_of(batch)
        labelled_of(batch)
        gen = generating.begin(generator, rng_gen, x_real, rng_z=rng_z)
        disc, outputs = judging.begin(judge, rng_disc, x_real)
        _check_outputs(outputs, (x_real.shape[0], num_classes))
        # A copy: a donated state must not hold one buffer twice.
        average = {AVERAGE: jax.tree.map(jnp.copy, disc[0])}
        return Players(gen[0], disc[0]), Players(gen[1], {**disc[1], **average})

    def game_losses(params, model_state, batch, rng):
        rng_z, rng_gen, rng_disc, rng_augment, rng_critic, rng_penalty = jax.random.split(rng, 6)
        batches, gen_state = [batch["x_labelled"]], model_state.gen
        if not supervised_only:
            n = batch["x"].shape[0]
            x_fake, gen_state = generating.generate(
                generator, params.gen, gen_state, n, rng_z=rng_z, rng=rng_gen
            )
            batches += [batch["x"], x_fake]
        judged = judging.judge_batches(
            judge._replace(penalties=()) if supervised_only else judge,
            params.disc,
            model_state.disc,
            *batches,
            rngs=jax.random.split(rng_disc, len(batches)),
            rng_augment=rng_augment,
            rng_critic=rng_critic,
            rng_penalty=rng_penalty,
        )
        disc = _labelled(judged, batch["y"], params.disc, decay)
        if supervised_only:
            return Players(gen=Loss(jnp.zeros_like(disc.value), gen_state, {}), disc=disc)
        disc = _with_unlabelled(disc, judged, loss, unlabelled_weight)
        if pseudo_label_weight:
            own, others = judged.outputs[1][0], classify(params, model_state, batch["x"])
            value = pseudo_labelled_loss(own, others, confidence)
            metrics = {**disc.metrics, "loss_pseudo_labelled/disc": value}
            disc = disc._replace(value=disc.value + pseudo_label_weight * value, metrics=metrics)
        return Players(gen=Loss(_generator_loss(judged, loss, gen), gen_state, {}), disc=disc)

    def classify(params, model_state, x):
        average = model_state.disc.get(AVERAGE, params.disc)
        return ask(discriminator, average, model_state.disc, x)[0]

    queries = {**generating.queries(generator), "classify": classify}
    needs = Needs(
        no_packing="its discriminator classifies samples one by one, and a pack has no class"
    )
    return Game(init, game_losses, queries, needs)


def _labelled(judged: Judged, y: jax.Array, params: Any, decay: float) -> Loss:
    """The discriminator's labelled term, its accuracy there, and its state with the new average."""
    class_logits, state = judged.outputs[0][0], judged.model_state
    value = labelled_loss(class_logits, y)
    correct = jnp.mean(jnp.argmax(class_logits, axis=-1) == y)
    average = jax.tree.map(lambda a, p: _moved(a, p, decay), state[AVERAGE], params)
    metrics = {"class_accuracy/disc": correct, "loss_labelled/disc": value}
    return Loss(value, {**state, AVERAGE: average}, metrics)


def _with_unlabelled(
    labelled: Loss, judged: Judged, loss: losses.AdversarialLoss, weight: float
) -> Loss:
    """The discriminator's whole loss: labelled, unlabelled and generated terms, penalties."""
    logits = [real_logit(class_logits) for class_logits, _ in judged.outputs[1:]]
    unlabelled = parts.value_of(loss, "disc", *logits) / 2
    value = labelled.value + weight * unlabelled
    metrics = labelled.metrics | accuracies(*map(loss.realness, logits))
    metrics["loss_unlabelled/disc"] = unlabelled
    if judged.penalty is not None:
        metrics["penalty/disc"] = judged.penalty
        value += judged.penalty
    return labelled._replace(value=value, metrics=metrics)


def _generator_loss(judged: Judged, loss: losses.AdversarialLoss, kind: str) -> jax.Array:
    (logits_real, features_real), (logits_fake, features_fake) = judged.outputs[1:]
    if kind == "feature_matching":
        return feature_matching(features_real, features_fake)
    return parts.value_of(loss, "gen", real_logit(logits_real), real_logit(logits_fake))


def _moved(average: jax.Array, param: jax.Array, decay: float) -> jax.Array:
    return (decay * average + (1 - decay) * param).astype(average.dtype)


def _check_outputs(outputs: Any, expected: tuple[int, int]) -> None:
    """Raises ValueError for a discriminator that does not make class logits and features."""
    hint = "give it the head 'classifier' with as many classes"
    if not isinstance(outputs, tuple) or len(outputs) != 2:
        raise ValueError(f"the discriminator must make class logits and features; {hint}")
    parts.check_shape("the discriminator makes class logits of", outputs[0], expected, hint)
