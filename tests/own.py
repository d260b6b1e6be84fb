"""A user's own functions, `own:function` in test configs, that draw random numbers in many ways."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from ganjax import games, losses, schemes
from ganjax.types import Game, Loss, Players


def normal(rng, shape):
    """A prior."""
    return jax.random.normal(rng, shape)


def dirichlet(rng, shape):
    """A prior whose sampler rejects."""
    return jax.random.dirichlet(rng, jnp.full(shape[1], 0.5), shape[:1])


def by_row(rng, shape):
    """A prior that splits a key for each row."""
    rng_rows, _ = jax.random.split(rng)
    keys = jax.random.split(rng_rows, shape[0])
    return jax.vmap(lambda key: jax.random.normal(key, shape[1:]))(keys)


def sized(rng, shape):
    """A prior that draws once more for large batches."""
    return jax.random.normal(jax.random.split(rng)[0] if shape[0] > 8 else rng, shape)


def by_number(rng, shape):
    """A prior that folds the number of each row into its key."""
    return jax.vmap(lambda row: normal(jax.random.fold_in(rng, row), shape[1:]))(
        jnp.arange(shape[0])
    )


def in_a_loop(rng, shape):
    """The same, row after row."""
    return jax.lax.map(
        lambda row: normal(jax.random.fold_in(rng, row), shape[1:]), jnp.arange(shape[0])
    )


def keys_in_a_loop(rng, shape):
    """A prior that draws row after row, from a key of each."""
    return jax.lax.map(lambda key: normal(key, shape[1:]), jax.random.split(rng, shape[0]))


def labelled(rng, shape):
    """A prior that splits a key for each row and folds a number of the row into it."""
    keys = jax.random.split(rng, shape[0])
    return jax.vmap(lambda key, row: normal(jax.random.fold_in(key, row), shape[1:]))(
        keys, jnp.zeros(shape[0], int)
    )


def joined(rng, shape):
    """A prior that splits keys for two batches at once."""
    keys = jax.random.split(rng, 2 * shape[0])[: shape[0]]
    return jax.vmap(lambda key: normal(key, shape[1:]))(keys)


def across(rng, shape):
    """A prior that draws with the rows last."""
    return jax.random.gamma(rng, 2.0, shape[::-1]).T


def poisson(rng, shape):
    """A prior of a sampler that takes plain keys alone."""
    return jax.random.poisson(rng, 3.0, shape).astype(float)


class Dropped(nn.Module):
    """A discriminator with dropout, noise for every row and noise that all rows share."""

    joined: bool = False

    @nn.compact
    def __call__(self, x, train=True):
        rows = x.shape[0]
        if self.joined:
            x = jnp.concatenate([x, -x])
        x = nn.Dropout(0.5, deterministic=not train)(nn.relu(nn.Dense(8)(x)))
        if train:
            x += 0.1 * jax.random.normal(self.make_rng("dropout"), x.shape)
            x += 0.1 * jax.random.normal(self.make_rng("dropout"), (1, x.shape[1]))
        return nn.Dense(1)(x)[:rows, 0]


def dropped(joined: bool = False):
    return Dropped(joined)


def noisy_slopes():
    """A penalty at points of its own."""

    def penalty(critic, x_real, x_fake, rng):
        x = x_real + 0.1 * jax.random.laplace(rng, x_real.shape)
        return jnp.mean(jnp.square(jax.vmap(jax.grad(lambda x: critic(x[None])[0]))(x)))

    return penalty


def scaled():
    """An augmentation: every sample by a factor of its own, all by one more."""

    def augment(x, rng, updates=0):
        rng_rows, rng_all = jax.random.split(rng)
        factor = jax.random.exponential(rng_rows, (x.shape[0],) + (1,) * (x.ndim - 1))
        return x * factor * jax.random.uniform(rng_all)

    return augment


def game(generator, discriminator):
    """A game that draws its latents, and which logits count, by itself."""
    inner = games.gan(generator, discriminator, z_dim=2)

    def outcomes(params, model_state, batch, rng):
        rng_z, rng_mask = jax.random.split(rng)
        x = batch["x"]
        z = jax.random.truncated_normal(rng_z, -2, 2, (x.shape[0], 2))
        fake = generator.apply({"params": params.gen}, z)
        mask = jax.random.bernoulli(rng_mask, 0.7, x.shape[:1])
        real, made = (discriminator.apply({"params": params.disc}, x) for x in (x, fake))
        loss = losses.non_saturating
        return Players(
            gen=Loss(loss.gen(real, made), model_state.gen, {}),
            disc=Loss(loss.disc(real * mask, made), model_state.disc, {}),
        )

    return Game(inner.init, outcomes)


def alone(game, tx, *, axis_name=None):
    """A scheme that takes `axis_name` and does not use it."""
    del axis_name
    return schemes.simultaneous(game, tx)


def deaf(game, tx):
    """A scheme without `axis_name`."""
    return schemes.simultaneous(game, tx)
