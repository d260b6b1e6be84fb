"""Translation learned from pairs, judged by a conditional discriminator (pix2pix)."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from ganjax import checks, losses
from ganjax.games import judging, parts
from ganjax.games.batches import domains_of
from ganjax.games.judging import Judge, accuracies
from ganjax.games.networks import ask, run, start
from ganjax.games.translation import check_patches, check_translator, distance, judge_patches
from ganjax.types import Game, Loss, Needs, Players


def paired(
    generator: nn.Module,
    discriminator: nn.Module,
    loss: losses.AdversarialLoss = losses.non_saturating,
    l1_weight: float = 100.0,
    packing: int = 1,
) -> Game:
    """Image-to-image translation with a conditional GAN (Isola et al. 2017, arXiv:1611.07004).

    The discriminator judges pairs, (a, b) or (a, G(a)), joined along the channels. The generator
    descends its adversarial loss plus `l1_weight` times the mean of |G(a) - b| over pixels and
    channels, the discriminator half of its own, as in the paper. The noise of the generator is its
    dropout, if it has any.

    Args:
      generator: Linen module, a -> samples of the shape of b.
      discriminator: Linen module, [batch, ..., channels of a and b] -> logits [batch, ...], e.g.
        one a patch; all count alike. A `train` argument of either module is set to True in the
        losses.
      loss: both players' losses on logits.
      l1_weight: lambda, at least 0; the paper takes 100.
      packing: as in `gan`: a logit judges the same patch of m pairs, joined along their channels.

    Returns:
      Game on batches with pairs `a` and `b` [batch, ...] that differ in their channels at most.
      Metrics: `l1/gen`, not weighted, `accuracy/disc` and its parts.

    Raises:
      ValueError: the weight or `packing` is out of range, or, from `init`, shapes do not fit or a
        batch does not divide into packs.
    """
    checks.within("[0, inf)", l1_weight=l1_weight)
    checks.whole(1, packing=packing)
    by_pairs = Judge(discriminator, packing=packing)

    def init(rng, batch):
        a, b = domains_of(batch)
        if a.shape[:-1] != b.shape[:-1]:
            raise ValueError(
                f"pairs of shapes {a.shape[1:]} and {b.shape[1:]} cannot be joined along the "
                "channels; they must be alike but for these"
            )
        rng_gen, rng_disc = jax.random.split(rng)
        gen = start(generator, rng_gen, a)
        disc, outputs = judging.begin(by_pairs, rng_disc, jnp.concatenate([a, b], -1))
        check_translator(generator, gen, a, b)
        check_patches(outputs, a.shape[0] // packing)
        return Players(gen[0], disc[0]), Players(gen[1], disc[1])

    def game_losses(params, model_state, batch, rng):
        rng_gen, rng_disc = jax.random.split(rng)
        a, b = batch["a"], batch["b"]
        made, gen_state = run(generator, params.gen, model_state.gen, a, rng=rng_gen)
        pairs = (jnp.concatenate([a, x], -1) for x in (b, made))
        logits, disc_state = judge_patches(
            by_pairs, params.disc, model_state.disc, *pairs, rngs=jax.random.split(rng_disc)
        )
        l1 = distance(made, b)
        gen_value, disc_value = (
            parts.value_of(loss, player, *logits) for player in ("gen", "disc")
        )
        metrics = accuracies(*map(loss.realness, logits))
        return Players(
            gen=Loss(gen_value + l1_weight * l1, gen_state, {"l1/gen": l1}),
            disc=Loss(disc_value / 2, disc_state, metrics),
        )

    def translate_ab(params, model_state, a):
        return ask(generator, params.gen, model_state.gen, a)

    def panels(params, model_state, batch, rng):
        del rng
        made = translate_ab(params, model_state, batch["a"])
        return {"a": batch["a"], "a to b": made, "b": batch["b"]}

    queries = {"translate_ab": translate_ab, "panels": panels}
    return Game(init, game_losses, queries, Needs(paired=True))
