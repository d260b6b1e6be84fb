"""Penalties on the critic: factories of functions `(critic, x_real, x_fake, rng) -> scalar`.

`critic` is a function `x -> logits [batch]`; a penalty is added to the discriminator's loss and
knows neither the network nor the game. Instance noise changes what the discriminator sees: it is in
`augmentations.py`.
"""

from ganjax.penalties.critic import Critic, Penalty
from ganjax.penalties.lazy import Lazy, lazy
from ganjax.penalties.pull_away import pull_away
from ganjax.penalties.slopes import dragan, r1, r2, wgan_gp, zero_centred_gp
from ganjax.penalties.values import consistency, drift, lipschitz_penalty

PENALTIES = {
    "consistency": consistency,
    "dragan": dragan,
    "drift": drift,
    "lazy": lazy,
    "lipschitz_penalty": lipschitz_penalty,
    "pull_away": pull_away,
    "r1": r1,
    "r2": r2,
    "wgan_gp": wgan_gp,
    "zero_centred_gp": zero_centred_gp,
}

__all__ = [
    "PENALTIES",
    "Critic",
    "Lazy",
    "Penalty",
    "consistency",
    "dragan",
    "drift",
    "lazy",
    "lipschitz_penalty",
    "pull_away",
    "r1",
    "r2",
    "wgan_gp",
    "zero_centred_gp",
]
