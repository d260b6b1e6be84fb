"""The game of ProGAN at one resolution: networks and data fade in from half the size."""

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from ganjax import checks, latents, losses
from ganjax.games.adversarial import gan
from ganjax.games.networks import FADED, mode
from ganjax.penalties import Penalty, WithMemory, drift, wgan_gp
from ganjax.types import Game, Needs, Players


class _At(nn.Module):
    """A network at a given alpha: the same parameters under the same paths."""

    network: nn.Module
    alpha: Any

    def setup(self) -> None:
        nn.share_scope(self, self.network)

    def __call__(self, x: jax.Array, train: bool = True) -> jax.Array:
        return self.network(x, alpha=self.alpha, **mode(self.network, train))


def fade(x: jax.Array, alpha: float | jax.Array) -> jax.Array:
    """Images [batch, h, w, channel] blended with themselves at half the size, h and w even.

    (1 - alpha) up(down(x)) + alpha x, where down takes means over 2x2 pixels and up repeats them.
    """
    b, h, w, c = x.shape
    coarse = x.reshape(b, h // 2, 2, w // 2, 2, c).mean((2, 4), keepdims=True)
    coarse = jnp.broadcast_to(coarse, (b, h // 2, 2, w // 2, 2, c)).reshape(x.shape)
    return (1 - alpha) * coarse + alpha * x


def progressive(
    generator: nn.Module,
    discriminator: nn.Module,
    loss: losses.AdversarialLoss = losses.wasserstein,
    z_dim: int = 64,
    prior: Callable = latents.normal,
    penalties: Sequence[Penalty | WithMemory] = (wgan_gp(10.0), drift(1e-3)),
    fade_steps: int = 0,
    packing: int = 1,
) -> Game:
    """One stage of progressive growing (Karras et al. 2018, section 2, arXiv:1710.10196).

    `gan` between networks that take an alpha beside their input, which rises linearly from 0 at the
    start to 1 after `fade_steps` updates of the generator. Data are blended by the same alpha with
    themselves at half the size. The generator's model state counts its updates; both players read
    alpha from there. The next stage is another game, of networks twice the size, whose count starts
    at 0; the section `stages` of a config trains them one after another.

    Args:
      generator: Linen module, latents [batch, z_dim] and `alpha` -> x_fake, of the shape of
        `batch["x"]`.
      discriminator: Linen module, x and `alpha` -> logits [batch].
      loss: as in `gan`.
      z_dim: as in `gan`.
      prior: as in `gan`.
      penalties: as in `gan`; the paper's by default. They judge the critic at the same alpha, at
        blended data. Slopes halve when networks grow, as an image enlarged to twice the size has
        twice the length. The paper's code has slopes per pixel of the final size, for which
        `wgan_gp` has the target t = final size / size and the weight 10 / t^2: then no loss jumps
        when networks grow.
      fade_steps: updates of the generator until alpha is 1, at least 0; 0 for a first stage, which
        is at alpha 1 from the start.
      packing: as in `gan`; the same in every stage, as the first layer grows with it. The minibatch
        standard deviation is then one of packs.

    Returns:
      Game on batches with `x` [batch, size, size, channel]. Metrics are those of `gan`, and
      `alpha/gen`, the alpha that the generator's update saw. The query `generate` is at the alpha
      of the next update.

    Raises:
      ValueError: `z_dim` or `fade_steps` is out of range, a network takes no alpha or, from `init`,
        shapes that do not fit.
    """
    checks.whole(0, fade_steps=fade_steps)
    for network in (generator, discriminator):
        if "alpha" not in inspect.signature(network.__call__).parameters:
            raise ValueError(
                f"{type(network).__name__} takes no alpha, by which it could fade in; take the "
                "networks 'progressive'"
            )

    def at(alpha):
        networks = _At(generator, alpha), _At(discriminator, alpha)
        return gan(
            *networks, loss=loss, z_dim=z_dim, prior=prior, penalties=penalties, packing=packing
        )

    def alpha_of(model_state):
        updates = model_state.gen[FADED]
        return jnp.minimum(1.0, updates.astype(float) / fade_steps) if fade_steps else 1.0

    def init(rng, batch):
        params, model_state = at(1.0).init(rng, batch)
        model_state.gen[FADED] = jnp.zeros((), jnp.int32)
        return params, model_state

    def game_losses(params, model_state, batch, rng):
        alpha = alpha_of(model_state)
        if fade_steps:
            batch = {**batch, "x": fade(batch["x"], alpha)}
        gen, disc = at(alpha).losses(params, model_state, batch, rng)
        counted = {**gen.model_state, FADED: model_state.gen[FADED] + 1}
        metrics = {**gen.metrics, "alpha/gen": jnp.asarray(alpha, float)}
        return Players(gen=gen._replace(model_state=counted, metrics=metrics), disc=disc)

    def query(name):
        def faded(params: Players, model_state: Players, *arguments: Any) -> Any:
            return at(alpha_of(model_state)).queries[name](params, model_state, *arguments)

        return faded

    queries = {name: query(name) for name in at(1.0).queries}
    needs = Needs(check_stage=partial(check_stage, fade_steps=fade_steps))
    return Game(init, game_losses, queries, needs)


def check_stage(size: int, last: int | None, *, fade_steps: int, updates: int | None) -> None:
    """Checks that the losses do not jump at the beginning or the end of a stage.

    Args:
      size: side of its images, in pixels.
      last: that of the stage before; None for the first.
      fade_steps: as in `progressive`.
      updates: of the generator, until networks grow further; None if they do not.

    Raises:
      ValueError: the stage fades in from nothing or from another size than half its own, grows to
        more than twice the size, or is over before its fade is.
    """
    if last is None and fade_steps:
        raise ValueError(
            f"fade_steps={fade_steps}, but there are no networks of half the size to fade in from; "
            "leave it out of the first stage, and give it to those that grow"
        )
    if last is not None and size not in ((2 * last,) if fade_steps else (last, 2 * last)):
        raise ValueError(
            f"networks of {last} pixels cannot go on as networks of {size} with "
            f"fade_steps={fade_steps}: the losses would jump; let a stage double the size, to "
            f"{2 * last} here, or keep it and have no fade"
        )
    if updates is not None and updates < fade_steps:
        raise ValueError(
            f"the stage is over after {updates} updates of the generator, in the midst of its fade "
            f"of fade_steps={fade_steps}: the losses would jump; let it last longer, or fade in "
            f"within {updates}"
        )
