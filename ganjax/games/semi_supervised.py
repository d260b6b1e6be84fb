"""The semi-supervised game: a discriminator that is a classifier, with labels for a few examples.

The fake class has no logit of its own, it is fixed at 0. The classifier that is asked in the end is
the moving average of the discriminator, which the game keeps in the discriminator's model state.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from ganjax import latents, losses, spread
from ganjax.augmentations import Augmentation
from ganjax.errors import unknown
from ganjax.games.networks import (
    UPDATES,
    accuracies,
    ask,
    check_samples,
    data_of,
    is_counted,
    penalised,
    run,
    start,
)
from ganjax.losses.pair import wide
from ganjax.penalties import Penalty
from ganjax.types import Game, Loss, Players

# The game's own entry beside the discriminator's collections.
AVERAGE = "average"


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
    asked = jnp.take_along_axis(*wide(class_logits), y[:, None], axis=-1)[:, 0]
    return jnp.mean(real_logit(class_logits) - asked)


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


def semi_supervised(
    generator: nn.Module,
    discriminator: nn.Module,
    num_classes: int,
    loss: losses.AdversarialLoss = losses.non_saturating,
    z_dim: int = 64,
    prior: Callable = latents.normal,
    gen: str = "feature_matching",
    unlabelled_weight: float = 1.0,
    decay: float = 0.999,
    supervised_only: bool = False,
    penalties: Sequence[Penalty] = (),
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
    scheme keeps, before that update moves them. `classify` asks the average, or the discriminator
    itself if its state holds none; batch normalisation in the average would use the running
    statistics of the discriminator itself, over labelled, unlabelled and generated batches
    together, so a discriminator without it is the better classifier.

    There is no packing, as in `gan`: the logits are of one sample's classes, and a pack has none.

    Args:
      generator: Linen module, latents [batch, z_dim] -> x_fake, of the shape of `batch["x"]`.
      discriminator: Linen module, x -> (class logits [batch, num_classes], features [batch, dim]),
        as with the head `classifier`.
      num_classes: number of real classes K, at least 1.
      loss: both players' losses on the real logits of unlabelled data and generated samples.
      z_dim: width of the latent, at least 1.
      prior: `(rng, shape) -> z`.
      gen: what the generator descends, "feature_matching" or "adversarial", its part of `loss`.
      unlabelled_weight: weight of the unlabelled and the generated term, at least 0.
      decay: of the average, from 0 (the parameters themselves) to below 1.
      supervised_only: the control. The discriminator descends the labelled term alone, neither
        unlabelled data nor generated samples nor penalties have a part in it, and the generator's
        loss is 0: it has nothing to learn and stays where it started.
      penalties: added to the discriminator's loss, on the real logit of unlabelled data and
        generated samples, each already carrying its weight.
      augment: applied to all three batches before the discriminator sees them; None for none. If it
        is given, or a penalty is lazy, the discriminator's model state counts its updates.

    Returns:
      Game on batches with `x` [batch, ...], `x_labelled` [batch, ...] and `y`, the labels of the
      latter, int [batch]. Metrics of the discriminator: `class_accuracy/disc` on the labelled one,
      `loss_labelled/disc`; and, unless `supervised_only`, `loss_unlabelled/disc` (with the half,
      before its weight), `accuracy/disc` and its parts as in `gan`, and `penalty/disc` if any.
      Queries: `latents`, `generate`, `classify`.

    Raises:
      ValueError: an argument is out of range, or, from `init`, a batch without labelled examples or
        shapes that do not fit each other.
    """
    _check(num_classes, z_dim, gen, unlabelled_weight, decay)
    counted = is_counted(penalties, augment)

    def init(rng, batch):
        rng_gen, rng_disc, rng_z = jax.random.split(rng, 3)
        x_real = data_of(batch)
        gen = start(generator, rng_gen, prior(rng_z, (x_real.shape[0], z_dim)))
        disc = start(discriminator, rng_disc, x_real)
        _check_shapes(generator, discriminator, gen, disc, batch, z_dim, num_classes)
        # A copy: a donated state must not hold one buffer twice.
        own = {AVERAGE: jax.tree.map(jnp.copy, disc[0])}
        own |= {UPDATES: jnp.zeros((), jnp.int32)} if counted else {}
        return Players(gen[0], disc[0]), Players(gen[1], {**disc[1], **own})

    def game_losses(params, model_state, batch, rng):
        rng_z, rng_gen, rng_disc, rng_augment, rng_critic, rng_penalty = jax.random.split(rng, 6)
        before = dict(model_state.disc)
        average, updates = before.pop(AVERAGE), before.pop(UPDATES, 0)
        own = {AVERAGE: jax.tree.map(lambda a, p: _moved(a, p, decay), average, params.disc)}
        own |= {UPDATES: updates + 1} if counted else {}

        seen, gen_state = [batch["x_labelled"]], model_state.gen
        if not supervised_only:
            z = prior(rng_z, (batch["x"].shape[0], z_dim))
            x_fake, gen_state = run(generator, params.gen, model_state.gen, z, rng=rng_gen)
            seen += [batch["x"], x_fake]
        if augment is not None:
            rngs = jax.random.split(rng_augment, len(seen))
            seen = [augment(x, rng, updates) for x, rng in zip(seen, rngs, strict=True)]
        judged, after = _judged(discriminator, params.disc, before, seen, rng_disc)

        class_logits = judged[0][0]
        disc_value = labelled_loss(class_logits, batch["y"])
        correct = jnp.argmax(class_logits, axis=-1) == batch["y"]
        metrics = {"class_accuracy/disc": jnp.mean(correct), "loss_labelled/disc": disc_value}
        disc_state = {**after, **own}
        if supervised_only:
            return Players(
                gen=Loss(jnp.zeros_like(disc_value), gen_state, {}),
                disc=Loss(disc_value, disc_state, metrics),
            )

        (logits_real, logits_fake), features = _apart(judged[1:])
        unlabelled = loss.disc(logits_real, logits_fake) / 2
        metrics |= accuracies(loss.realness(logits_real), loss.realness(logits_fake))
        metrics["loss_unlabelled/disc"] = unlabelled
        disc_value += unlabelled_weight * unlabelled
        if penalties:

            def critic(x):
                return real_logit(run(discriminator, params.disc, before, x, rng=rng_critic)[0][0])

            metrics["penalty/disc"] = penalised(penalties, critic, *seen[1:], rng_penalty, updates)
            disc_value += metrics["penalty/disc"]
        matching = gen == "feature_matching"
        gen_value = feature_matching(*features) if matching else loss.gen(logits_real, logits_fake)
        return Players(
            gen=Loss(gen_value, gen_state, {}), disc=Loss(disc_value, disc_state, metrics)
        )

    def classify(params, model_state, x):
        collections = dict(model_state.disc)
        # Without it, as `experiment.live` leaves it, the discriminator itself is asked.
        average, _ = collections.pop(AVERAGE, params.disc), collections.pop(UPDATES, 0)
        return ask(discriminator, average, collections, x)[0]

    queries = {
        "latents": lambda params, model_state, rng, n: prior(rng, (n, z_dim)),
        "generate": lambda params, model_state, z: ask(generator, params.gen, model_state.gen, z),
        "classify": classify,
    }
    return Game(init, game_losses, queries)


def _moved(average: jax.Array, param: jax.Array, decay: float) -> jax.Array:
    return (decay * average + (1 - decay) * param).astype(average.dtype)


def _judged(
    discriminator: nn.Module, params: Any, before: Any, batches: list[jax.Array], rng: jax.Array
) -> tuple[list, dict[str, Any]]:
    """Every batch's outputs, from one state but for batch statistics, which run on; the state."""
    outputs, after, running = [], before, {}
    for x, rng_pass in zip(batches, jax.random.split(rng, len(batches)), strict=True):
        judged, after = run(discriminator, params, {**before, **running}, x, rng=rng_pass)
        running = {name: after[name] for name in after if name == "batch_stats"}
        outputs.append(judged)
    return outputs, after


def _apart(judged: list) -> tuple[list[jax.Array], list[jax.Array]]:
    """Outputs on data and on samples as real logits and as features."""
    return [real_logit(logits) for logits, _ in judged], [features for _, features in judged]


def _check(num_classes, z_dim, gen, unlabelled_weight, decay):
    """Refuses arguments that are out of range."""
    for name, value in {"num_classes": num_classes, "z_dim": z_dim}.items():
        if value < 1:
            raise ValueError(f"{name}={value} must be at least 1")
    if gen not in ("feature_matching", "adversarial"):
        raise ValueError(unknown("gen", gen, ("feature_matching", "adversarial")))
    if not 0 <= unlabelled_weight < float("inf"):
        raise ValueError(f"unlabelled_weight={unlabelled_weight} must be finite and at least 0")
    if not 0 <= decay < 1:
        raise ValueError(f"decay={decay} must be at least 0 and less than 1, e.g. 0.999")


def _check_shapes(generator, discriminator, gen, disc, batch, z_dim, num_classes):
    """Refuses batches and networks that do not fit each other, before anything is compiled."""
    if missing := [key for key in ("x_labelled", "y") if key not in batch]:
        raise ValueError(
            f"the batch has {', '.join(batch)}, but no {' and no '.join(missing)}; a "
            "semi-supervised game needs data with a few labels, e.g. digits_few_labels"
        )
    x_real, x_labelled, y = batch["x"], batch["x_labelled"], batch["y"]
    if x_labelled.shape[1:] != x_real.shape[1:]:
        raise ValueError(
            f"x_labelled are examples of shape {x_labelled.shape[1:]}, x of {x_real.shape[1:]}; "
            "expected one shape"
        )
    if y.shape != x_labelled.shape[:1] or not jnp.issubdtype(y.dtype, jnp.integer):
        raise ValueError(
            f"labels y must be int {list(x_labelled.shape[:1])}, got {y.dtype} {list(y.shape)}"
        )
    rng = jax.random.key(0)
    check_samples(generator, gen, x_real, jnp.zeros((x_real.shape[0], z_dim)))
    judged = jax.eval_shape(lambda x: run(discriminator, *disc, x, rng=rng)[0], x_real)
    shapes = [leaf.shape for leaf in judged] if isinstance(judged, tuple) else judged.shape
    expected = (x_real.shape[0], num_classes)
    if not isinstance(judged, tuple) or len(judged) != 2 or shapes[0] != expected:
        raise ValueError(
            f"the discriminator makes outputs of shape {shapes}; expected class logits {expected} "
            "and features: give it the head 'classifier' with as many classes"
        )
