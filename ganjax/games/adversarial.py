"""The generative adversarial game: a generator, a discriminator, a loss and penalties."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from ganjax import latents, losses
from ganjax.augmentations import Augmentation
from ganjax.penalties import Lazy, Penalty
from ganjax.types import Game, Loss, Players

# The game's own entry beside the discriminator's collections, where something asks for the count.
UPDATES = "discriminator_updates"


def _mode(module: nn.Module, train: bool) -> dict[str, bool]:
    """The `train` argument for a module that has modes, nothing for one that has none."""
    return {"train": train} if "train" in inspect.signature(module.__call__).parameters else {}


def _apply(module, params, model_state, inputs, rng):
    """Runs a module in training mode: (outputs, its new model state, of the old one's dtypes)."""
    outputs, new_state = module.apply(
        {"params": params, **model_state},
        inputs,
        **_mode(module, train=True),
        mutable=list(model_state),
        rngs={"dropout": rng},
    )
    # Statistics follow the inputs' precision; a state must not change its dtypes between steps.
    return outputs, jax.tree.map(lambda new, old: new.astype(old.dtype), new_state, model_state)


def _init(module, rng, inputs):
    """(params, model_state) of a module, whose state is every collection but the parameters."""
    rng_params, rng_dropout = jax.random.split(rng)
    variables = dict(
        module.init(
            {"params": rng_params, "dropout": rng_dropout}, inputs, **_mode(module, train=True)
        )
    )
    return variables.pop("params", {}), variables


def _accuracies(real: jax.Array, fake: jax.Array) -> dict[str, jax.Array]:
    """Shares of data above 0 and of samples below; 0 itself counts half."""
    real, fake = jnp.mean(jnp.heaviside(real, 0.5)), jnp.mean(jnp.heaviside(-fake, 0.5))
    return {
        "disc/accuracy": (real + fake) / 2,
        "disc/accuracy_real": real,
        "disc/accuracy_fake": fake,
    }


def _count(penalty: Penalty, updates: jax.Array | int) -> dict[str, jax.Array | int]:
    """The count of updates for a penalty that asks for it."""
    return {"updates": updates} if isinstance(penalty, Lazy) else {}


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
    counted = augment is not None or any(isinstance(penalty, Lazy) for penalty in penalties)

    def init(rng, batch):
        rng_gen, rng_disc, rng_z = jax.random.split(rng, 3)
        x_real = batch["x"]
        gen = _init(generator, rng_gen, prior(rng_z, (x_real.shape[0], z_dim)))
        disc = _init(discriminator, rng_disc, x_real)
        _check_shapes(generator, discriminator, gen, disc, x_real, z_dim)
        count = {UPDATES: jnp.zeros((), jnp.int32)} if counted else {}
        return Players(gen[0], disc[0]), Players(gen[1], {**disc[1], **count})

    def game_losses(params, model_state, batch, rng):
        rng_z, rng_gen, rng_real, rng_fake, rng_penalty, rng_augment = jax.random.split(rng, 6)
        x_real = batch["x"]
        z = prior(rng_z, (x_real.shape[0], z_dim))
        x_fake, gen_state = _apply(generator, params.gen, model_state.gen, z, rng_gen)

        before = dict(model_state.disc)
        updates = before.pop(UPDATES, 0)
        if augment is not None:
            rngs = jax.random.split(rng_augment)
            x_real, x_fake = augment(x_real, rngs[0], updates), augment(x_fake, rngs[1], updates)
        logits_real, between = _apply(discriminator, params.disc, before, x_real, rng_real)
        running = {name: between[name] for name in before if name == "batch_stats"}
        logits_fake, disc_state = _apply(
            discriminator, params.disc, {**before, **running}, x_fake, rng_fake
        )
        if counted:
            disc_state[UPDATES] = updates + 1

        metrics = _accuracies(loss.realness(logits_real), loss.realness(logits_fake))
        disc_value = loss.disc(logits_real, logits_fake)
        if penalties:

            def critic(x):
                return _apply(discriminator, params.disc, before, x, rng_real)[0]

            rngs = jax.random.split(rng_penalty, len(penalties))
            metrics["penalty/disc"] = sum(
                penalty(critic, x_real, x_fake, rng, **_count(penalty, updates))
                for penalty, rng in zip(penalties, rngs, strict=True)
            )
            disc_value += metrics["penalty/disc"]
        return Players(
            gen=Loss(loss.gen(logits_real, logits_fake), gen_state, {}),
            disc=Loss(disc_value, disc_state, metrics),
        )

    return Game(init=init, losses=game_losses)


def _check_shapes(generator, discriminator, gen, disc, x_real, z_dim):
    """Refuses networks whose outputs do not fit the data, before anything is compiled."""
    batch = x_real.shape[0]
    rng, z = jax.random.key(0), jnp.zeros((batch, z_dim))
    x_fake = jax.eval_shape(lambda z: _apply(generator, *gen, z, rng)[0], z)
    if x_fake.shape != x_real.shape:
        raise ValueError(
            f"the generator makes samples of shape {x_fake.shape[1:]}, the data are "
            f"{x_real.shape[1:]}; give the generator the shape of the data"
        )
    logits = jax.eval_shape(lambda x: _apply(discriminator, *disc, x, rng)[0], x_real)
    if logits.shape != (batch,):
        raise ValueError(
            f"the discriminator makes logits of shape {logits.shape} for a batch of {batch}; "
            f"expected ({batch},): one logit per sample, without a trailing axis"
        )


def generate(generator: nn.Module, params: Any, model_state: Any, z: jax.Array) -> jax.Array:
    """Samples from a trained generator in evaluation mode.

    Args:
      generator: Linen module, latents -> samples.
      params: its parameters (or their moving average).
      model_state: its model state; running averages of batch statistics are used, not changed.
      z: latents [batch, z_dim].

    Returns:
      Samples [batch, ...].
    """
    return generator.apply({"params": params, **model_state}, z, **_mode(generator, train=False))
