"""The adversarial auto-encoder: between an auto-encoder and a GAN, played in code space."""

import math
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from flax import linen as nn

from ganjax import latents, losses
from ganjax.games.autoencoding import ERRORS, asking, check_codes, check_outputs, generative
from ganjax.games.contest import (
    Played,
    adversarial_losses,
    begin_judging,
    check_alone,
    contest,
    judge_penalised,
)
from ganjax.games.networks import data_of, run, start
from ganjax.penalties import Penalty
from ganjax.types import Game, Players


def adversarial_autoencoder(
    autoencoder: nn.Module,
    discriminator: nn.Module,
    z_dim: int,
    loss: losses.AdversarialLoss = losses.non_saturating,
    prior: Callable = latents.normal,
    penalties: Sequence[Penalty] = (),
    weight: float = 1.0,
    packing: int = 1,
) -> Game:
    """Adversarial auto-encoder with a deterministic encoder (Makhzani et al. 2016, 1511.05644).

    The discriminator takes draws of the prior for real and codes for fake; the auto-encoder
    descends mean |D(E(x)) - x|^2 + weight * loss.gen(real, fake). Once the codes are distributed as
    the prior, the decoder is a generator.

    Paper: it alternates an update of reconstruction with one of the encoder against the
    discriminator; here the sum of the two is the generator's loss, and the order is the scheme's.

    Args:
      autoencoder: Linen module, x -> (reconstructions, codes [batch, z_dim]), with methods `encode`
        and `decode`, as `nets.AutoEncoder`.
      discriminator: Linen module, codes [batch, z_dim] -> logits [batch]. A `train` argument of
        either module is set to True here; collections other than `params` are its model state.
      z_dim: width of the codes, at least 1.
      loss: both players' losses on logits.
      prior: `(rng, shape) -> z`.
      penalties: added to the discriminator's loss, on prior draws and codes, each already carrying
        its weight.
      weight: of the adversarial part of the auto-encoder's loss beside the squared error, which is
        the mean over all numbers; at least 0. 0 leaves an ordinary auto-encoder.
      packing: as in `gan`; the discriminator takes m codes or m draws of the prior joined,
        [batch / m, m z_dim].

    Returns:
      Game on batches with `x` [batch, ...]. Metrics: `error/gen`, `accuracy/disc` with its parts
      `accuracy_real/disc` and `accuracy_fake/disc`, and `penalty/disc` if there are penalties.
      Queries: latents, generate, encode, decode, reconstruct, energy (the squared error), panels.

    Raises:
      ValueError: an option is out of range, or, from `init`, shapes that do not fit.
    """
    if not 0 <= weight < math.inf:
        raise ValueError(f"weight={weight} must be finite and at least 0")
    error = ERRORS["squared"]
    game = contest(
        autoencoder,
        discriminator,
        z_dim=z_dim,
        prior=prior,
        penalties=penalties,
        augment=None,
        packing=packing,
    )

    def init(rng, batch):
        rng_gen, rng_disc, rng_z = jax.random.split(rng, 3)
        x = data_of(batch)
        check_codes(autoencoder, rng_gen, x, z_dim, "moments=1")
        gen = start(autoencoder, rng_gen, x)
        outputs = jax.eval_shape(lambda x: run(autoencoder, *gen, x, rng=rng)[0][0], x)
        check_outputs(outputs, x)
        z = prior(rng_z, (x.shape[0], z_dim))
        disc, judged = begin_judging(game, rng_disc, z, what="code")
        check_alone(judged)
        return Players(gen[0], disc[0]), Players(gen[1], disc[1])

    def game_losses(params, model_state, batch, rng):
        rng_z, rng_gen, *rngs = jax.random.split(rng, 5)
        x = batch["x"]
        (outputs, z_fake), gen_state = run(autoencoder, params.gen, model_state.gen, x, rng=rng_gen)
        judgement = judge_penalised(
            game,
            params.disc,
            model_state.disc,
            prior(rng_z, z_fake.shape),
            z_fake,
            rngs=rngs,
        )
        gen, disc = adversarial_losses(loss, Played(*judgement, gen_state))
        missed = jnp.mean(error(outputs, x))
        gen = gen._replace(value=missed + weight * gen.value, metrics={"error/gen": missed})
        return Players(gen, disc)

    encode, decode = asking(autoencoder, "encode"), asking(autoencoder, "decode")
    queries = generative(prior, z_dim, encode, decode)

    def energy(params, model_state, x):
        return error(queries["reconstruct"](params, model_state, x), x)

    return Game(init, game_losses, {**queries, "energy": energy})
