"""The adversarial auto-encoder: a GAN in the space of an auto-encoder's codes."""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from flax import linen as nn

from ganjax import checks, latents, losses
from ganjax.games import judging, parts
from ganjax.games.autoencoding import ERRORS, check_codes, check_outputs, generative, query_of
from ganjax.games.batches import data_of
from ganjax.games.contest import adversarial_losses, check_alone, check_logits
from ganjax.games.judging import Judge
from ganjax.games.networks import outputs_of, run, start
from ganjax.penalties import Penalty, WithMemory
from ganjax.types import Game, Players


def adversarial_autoencoder(
    autoencoder: nn.Module,
    discriminator: nn.Module,
    z_dim: int,
    loss: losses.AdversarialLoss = losses.non_saturating,
    prior: Callable = latents.normal,
    penalties: Sequence[Penalty | WithMemory] = (),
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
      discriminator: as in `gan`, of codes [batch, z_dim].
      z_dim: width of the codes, at least 1.
      loss: as in `gan`.
      prior: as in `gan`.
      penalties: as in `gan`, on prior draws and codes.
      weight: of the adversarial part of the auto-encoder's loss beside the squared error, which is
        the mean over all numbers; at least 0. 0 leaves an ordinary auto-encoder.
      packing: as in `gan`; the discriminator takes m codes or m draws of the prior joined,
        [batch / m, m z_dim].

    Returns:
      Game on batches with `x` [batch, ...]. Metrics: `error/gen`, and those of `gan`.
      Queries: latents, generate, encode, decode, reconstruct, energy (the squared error), panels.

    Raises:
      ValueError: as in `gan`, or a weight out of range.
    """
    checks.within("[0, inf)", weight=weight)
    checks.whole(1, z_dim=z_dim, packing=packing)
    error = ERRORS["squared"]
    by_codes = Judge(discriminator, penalties, packing=packing)

    def init(rng, batch):
        rng_gen, rng_disc, rng_z = jax.random.split(rng, 3)
        x = data_of(batch)
        check_codes(autoencoder, rng_gen, x, z_dim, "moments=1")
        gen = start(autoencoder, rng_gen, x)
        check_outputs(outputs_of(autoencoder, gen, x)[0], x)
        z = parts.draw(prior, rng_z, x.shape[0], z_dim)
        disc, outputs = judging.begin(by_codes, rng_disc, z)
        check_logits(outputs, x.shape[0], packing, "code")
        check_alone(outputs)
        return Players(gen[0], disc[0]), Players(gen[1], disc[1])

    def game_losses(params, model_state, batch, rng):
        rng_z, rng_gen, rng_real, rng_fake, rng_penalty = jax.random.split(rng, 5)
        x = batch["x"]
        (outputs, z_fake), gen_state = run(autoencoder, params.gen, model_state.gen, x, rng=rng_gen)
        judged = judging.judge_batches(
            by_codes,
            params.disc,
            model_state.disc,
            parts.draw(prior, rng_z, x.shape[0], z_dim),
            z_fake,
            rngs=(rng_real, rng_fake),
            rng_critic=rng_real,
            rng_penalty=rng_penalty,
        )
        gen, disc = adversarial_losses(loss, judged, gen_state)
        missed = jnp.mean(error(outputs, x))
        gen = gen._replace(value=missed + weight * gen.value, metrics={"error/gen": missed})
        return Players(gen, disc)

    encode, decode = query_of(autoencoder, "encode"), query_of(autoencoder, "decode")
    queries = generative(prior, z_dim, encode, decode)

    def energy(params, model_state, x):
        return error(queries["reconstruct"](params, model_state, x), x)

    return Game(init, game_losses, {**queries, "energy": energy})
