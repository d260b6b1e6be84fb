"""Parts of the experiment: a loss, `NAME:logistic`, and a scheme, `NAME:far_extragradient`."""

from functools import partial

import jax.numpy as jnp
import optax
from jax import nn

from ganjax.losses import AdversarialLoss
from ganjax.schemes.field import field, finish, start
from ganjax.types import Scheme

# Each player's loss, (logits_real [batch], logits_fake [batch]) -> scalar that it descends.
logistic = AdversarialLoss(
    gen=lambda real, fake: jnp.mean(nn.softplus(-fake)),
    disc=lambda real, fake: jnp.mean(nn.softplus(-real)) + jnp.mean(nn.softplus(fake)),
)


def far_extragradient(game, tx, *, reach=0.2, axis_name=None):
    """z_half = z - reach F(z), z' = z - h F(z_half) (EG+, arXiv:2011.00364)."""

    def step(state, batch, rng):
        at = field(game, state, batch, rng, axis_name)
        gradients, _ = at(state.params)
        gradients, losses = at(optax.tree.add_scale(state.params, -reach, gradients))
        return finish(tx, state, gradients, gradients, losses, evaluations=2)

    return Scheme(init=partial(start, game, tx), step=step)
