"""Penalties on the critic: factories of functions `(critic, x_real, x_fake, rng) -> scalar`.

`critic` is a function `x -> logits [batch]`; a penalty is added to the discriminator's loss and
knows neither the network nor the game. Instance noise is in `augmentations/`.

A penalty with memory is a `WithMemory(init, apply)`. E.g. slopes near their own moving average m,
gamma E (|grad_x D(x)| - m)^2 with m <- d m + (1 - d) E |grad_x D(x)|, as StyleGAN2's path lengths:

    import jax
    import jax.numpy as jnp
    import optax
    from ganjax import penalties

    def steady_slopes(gamma=1.0, decay=0.99):
        def init(x_real):
            return jnp.zeros(())

        def apply(memory, critic, x_real, x_fake, rng):
            slopes = jax.grad(lambda x: jnp.sum(critic(x)))(x_real)
            slopes = slopes.reshape(len(slopes), -1)
            norms = jax.vmap(lambda row: optax.safe_norm(row, 1e-12))(slopes)
            value = gamma * jnp.mean((norms - memory) ** 2)
            return value, decay * memory + (1 - decay) * jnp.mean(norms)

        return penalties.WithMemory(init, apply)
"""

from ganjax.penalties.counted import Counted, Lazy, Scheduled, lazy, penalise, scheduled
from ganjax.penalties.critic import Critic, Penalty
from ganjax.penalties.memory import WithMemory
from ganjax.penalties.pull_away import pull_away
from ganjax.penalties.slopes import dragan, r1, r2, wgan_gp, zero_centred_gp
from ganjax.penalties.values import (
    approximate_r1,
    consistency,
    drift,
    lecam,
    lipschitz_penalty,
)

PENALTIES = {
    "approximate_r1": approximate_r1,
    "consistency": consistency,
    "dragan": dragan,
    "drift": drift,
    "lazy": lazy,
    "lecam": lecam,
    "lipschitz_penalty": lipschitz_penalty,
    "pull_away": pull_away,
    "r1": r1,
    "r2": r2,
    "scheduled": scheduled,
    "wgan_gp": wgan_gp,
    "zero_centred_gp": zero_centred_gp,
}

__all__ = [
    "PENALTIES",
    "Counted",
    "Critic",
    "Lazy",
    "Penalty",
    "Scheduled",
    "WithMemory",
    "approximate_r1",
    "consistency",
    "dragan",
    "drift",
    "lazy",
    "lecam",
    "lipschitz_penalty",
    "penalise",
    "pull_away",
    "r1",
    "r2",
    "scheduled",
    "wgan_gp",
    "zero_centred_gp",
]
