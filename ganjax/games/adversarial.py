"""The generative adversarial game: a generator, a discriminator, a loss and penalties."""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from flax import linen as nn

from ganjax import latents, losses
from ganjax.augmentations import Augmentation
from ganjax.games.networks import UPDATES, accuracies, ask, is_counted, penalised, run, start
from ganjax.penalties import Penalty
from ganjax.types import Game, Loss, Players


def gan(
    generator: nn.Module,
    discriminator: nn.Module,
    loss: losses.AdversarialLoss = losses.non_saturating,
    z_dim: int = 64,
    prior: Callable = latents.normal,
    penalties: Sequence[Penalty] = (),
    augment: Augmentation | None = None,
) -> Game:
    """The game of Goodfellow et al. 2014 (arXiv:1406.2661) for any pair of networks.

    Data and generated samples pass the discriminator as two batches, each with its own batch
    statistics, but otherwise from one model state: a power iteration advances once. Both players'
    losses come from that one forward pass.

    Args:
      generator: Linen module, latents [batch, z_dim] -> x_fake, of the shape of `batch["x"]`.
      discriminator: Linen module, x -> logits [batch]. A `train` argument of either module's
        `__call__` is set to True here; collections other than `params` are its model state.
      loss: both players' losses on logits.
      z_dim: width of the latent, at least 1.
      prior: `(rng, shape) -> z`.
      penalties: added to the discriminator's loss, each already carrying its weight.
      augment: applied to data and to generated samples before the discriminator and the penalties
        see them, with a draw of its own for either; None for none. If it is given, or a penalty is
        lazy, the discriminator's model state counts its updates.

    Returns:
      Game on batches with `x` [batch, ...]. The discriminator's metrics: `disc/accuracy`, its parts
      `disc/accuracy_real` and `disc/accuracy_fake` (by the loss's `realness`), and
      `penalty/disc` if there are penalties.

    Raises:
      ValueError: `z_dim` is less than 1, or, from `init`, shapes that do not fit each other.
    """
    if z_dim < 1:
        raise ValueError(f"z_dim={z_dim} must be at least 1")
    counted = is_counted(penalties, augment)

    def init(rng, batch):
        rng_gen, rng_disc, rng_z = jax.random.split(rng, 3)
        x_real = batch["x"]
        gen = start(generator, rng_gen, prior(rng_z, (x_real.shape[0], z_dim)))
        disc = start(discriminator, rng_disc, x_real)
        _check_shapes(generator, discriminator, gen, disc, x_real, z_dim)
        count = {UPDATES: jnp.zeros((), jnp.int32)} if counted else {}
        return Players(gen[0], disc[0]), Players(gen[1], {**disc[1], **count})

    def game_losses(params, model_state, batch, rng):
        rng_z, rng_gen, rng_real, rng_fake, rng_penalty, rng_augment = jax.random.split(rng, 6)
        x_real = batch["x"]
        z = prior(rng_z, (x_real.shape[0], z_dim))
        x_fake, gen_state = run(generator, params.gen, model_state.gen, z, rng=rng_gen)

        before = dict(model_state.disc)
        updates = before.pop(UPDATES, 0)
        if augment is not None:
            rngs = jax.random.split(rng_augment)
            x_real, x_fake = augment(x_real, rngs[0], updates), augment(x_fake, rngs[1], updates)
        logits_real, between = run(discriminator, params.disc, before, x_real, rng=rng_real)
        running = {name: between[name] for name in before if name == "batch_stats"}
        logits_fake, disc_state = run(
            discriminator, params.disc, {**before, **running}, x_fake, rng=rng_fake
        )
        if counted:
            disc_state[UPDATES] = updates + 1

        metrics = accuracies(loss.realness(logits_real), loss.realness(logits_fake))
        disc_value = loss.disc(logits_real, logits_fake)
        if penalties:

            def critic(x):
                return run(discriminator, params.disc, before, x, rng=rng_real)[0]

            metrics["penalty/disc"] = penalised(
                penalties, critic, x_real, x_fake, rng_penalty, updates
            )
            disc_value += metrics["penalty/disc"]
        return Players(
            gen=Loss(loss.gen(logits_real, logits_fake), gen_state, {}),
            disc=Loss(disc_value, disc_state, metrics),
        )

    queries = {
        "latents": lambda params, model_state, rng, n: prior(rng, (n, z_dim)),
        "generate": lambda params, model_state, z: ask(generator, params.gen, model_state.gen, z),
        "logits": lambda params, model_state, x: ask(
            discriminator, params.disc, model_state.disc, x
        ),
    }
    return Game(init, game_losses, queries)


def _check_shapes(generator, discriminator, gen, disc, x_real, z_dim):
    """Refuses networks whose outputs do not fit the data, before anything is compiled."""
    batch = x_real.shape[0]
    rng, z = jax.random.key(0), jnp.zeros((batch, z_dim))
    x_fake = jax.eval_shape(lambda z: run(generator, *gen, z, rng=rng)[0], z)
    if x_fake.shape != x_real.shape:
        raise ValueError(
            f"the generator makes samples of shape {x_fake.shape[1:]}, the data are "
            f"{x_real.shape[1:]}; give the generator the shape of the data"
        )
    logits = jax.eval_shape(lambda x: run(discriminator, *disc, x, rng=rng)[0], x_real)
    if logits.shape != (batch,):
        raise ValueError(
            f"the discriminator makes logits of shape {logits.shape} for a batch of {batch}; "
            f"expected ({batch},): one logit per sample, without a trailing axis"
        )
