"""The adversarial auto-encoder: between an auto-encoder and a GAN, played in code space."""

import math
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from flax import linen as nn

from ganjax import latents, losses
from ganjax.games.autoencoding import ERRORS, asking, check_codes, check_outputs, generative
from ganjax.games.networks import (
    UPDATES,
    accuracies,
    data_of,
    is_counted,
    judge_both,
    penalised,
    run,
    start,
)
from ganjax.penalties import Penalty
from ganjax.types import Game, Loss, Players


def adversarial_autoencoder(
    autoencoder: nn.Module,
    discriminator: nn.Module,
    z_dim: int,
    loss: losses.AdversarialLoss = losses.non_saturating,
    prior: Callable = latents.normal,
    penalties: Sequence[Penalty] = (),
    weight: float = 1.0,
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

    Returns:
      Game on batches with `x` [batch, ...]. Metrics: `gen/error`, `disc/accuracy` with its parts
      `disc/accuracy_real` and `disc/accuracy_fake`, and `penalty/disc` if there are penalties.
      Queries: latents, generate, encode, decode, reconstruct, energy (the squared error), panels.

    Raises:
      ValueError: an option is out of range, or, from `init`, shapes that do not fit.
    """
    if z_dim < 1:
        raise ValueError(f"z_dim={z_dim} must be at least 1")
    if not 0 <= weight < math.inf:
        raise ValueError(f"weight={weight} must be finite and at least 0")
    counted, error = is_counted(penalties), ERRORS["squared"]

    def init(rng, batch):
        rng_gen, rng_disc, rng_z = jax.random.split(rng, 3)
        x = data_of(batch)
        check_codes(autoencoder, rng_gen, x, z_dim, "moments=1")
        gen = start(autoencoder, rng_gen, x)
        z = prior(rng_z, (x.shape[0], z_dim))
        disc = start(discriminator, rng_disc, z)
        _check_shapes(autoencoder, discriminator, gen, disc, x, z)
        count = {UPDATES: jnp.zeros((), jnp.int32)} if counted else {}
        return Players(gen[0], disc[0]), Players(gen[1], {**disc[1], **count})

    def game_losses(params, model_state, batch, rng):
        rng_z, rng_gen, rng_real, rng_fake, rng_penalty = jax.random.split(rng, 5)
        x = batch["x"]
        (outputs, z_fake), gen_state = run(autoencoder, params.gen, model_state.gen, x, rng=rng_gen)
        z_real = prior(rng_z, z_fake.shape)

        before = dict(model_state.disc)
        updates = before.pop(UPDATES, 0)
        logits_real, logits_fake, disc_state = judge_both(
            discriminator, params.disc, before, (z_real,), (z_fake,), rngs=(rng_real, rng_fake)
        )
        if counted:
            disc_state[UPDATES] = updates + 1

        metrics = accuracies(loss.realness(logits_real), loss.realness(logits_fake))
        disc_value = loss.disc(logits_real, logits_fake)
        if penalties:

            def critic(z):
                return run(discriminator, params.disc, before, z, rng=rng_real)[0]

            metrics["penalty/disc"] = penalised(
                penalties, critic, z_real, z_fake, rng_penalty, updates
            )
            disc_value += metrics["penalty/disc"]
        missed = jnp.mean(error(outputs, x))
        gen_value = missed + weight * loss.gen(logits_real, logits_fake)
        return Players(
            gen=Loss(gen_value, gen_state, {"gen/error": missed}),
            disc=Loss(disc_value, disc_state, metrics),
        )

    encode, decode = asking(autoencoder, "encode"), asking(autoencoder, "decode")
    queries = generative(prior, z_dim, encode, decode)

    def energy(params, model_state, x):
        return error(queries["reconstruct"](params, model_state, x), x)

    return Game(init, game_losses, {**queries, "energy": energy})


def _check_shapes(autoencoder, discriminator, gen, disc, x, z):
    """Refuses networks whose outputs do not fit, before anything is compiled."""
    rng = jax.random.key(0)
    outputs = jax.eval_shape(lambda x: run(autoencoder, *gen, x, rng=rng)[0][0], x)
    check_outputs(outputs, x)
    logits = jax.eval_shape(lambda z: run(discriminator, *disc, z, rng=rng)[0], z)
    if logits.shape != x.shape[:1]:
        raise ValueError(
            f"the discriminator makes logits of shape {logits.shape} for {len(x)} codes; expected "
            f"({len(x)},): one logit per code, without a trailing axis"
        )
