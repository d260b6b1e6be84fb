"""The steps of DCGAN-64, ProGAN-1024 and a sweep of the ring, counted in their traced programs.

Nothing is run. Convolutions are traced in their form for accelerators; on CPU they are minimal
filterings, which count fewer FLOPs.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple
from unittest import mock

import counting
import jax
import jax.numpy as jnp
import optax
from works.rings import ring_config

from ganjax import experiment, games, losses, nets, schemes, spread
from ganjax.games.precision import in_bfloat16
from ganjax.types import Game, Players
from modelled import fusion
from modelled.chips import MMA, MXU

PARTS = 8  # devices of the traced collectives, whose parts do not depend on it
KEY = jax.eval_shape(lambda: jax.random.key(0))


class Counted(NamedTuple):
    """A step of a batch on one chip.

    Attributes:
      flops: of products; `tiles` {tile: FLOPs in whole tiles}.
      products: bytes if products alone read and write, 2 a number, or 4 in float32.
      bytes: bytes if elementwise work is fused; `apart` if every operation reads and writes.
      operations: elementwise.
      kernels: the least number of launches.
    """

    flops: float
    tiles: dict[tuple[int, int, int], float]
    products: float
    bytes: float
    apart: float
    operations: float
    kernels: int


class Sent(NamedTuple):
    """Bytes between devices in a step: gradients and statistics averaged; rows gathered forwards
    and scattered backwards; and the rounds of `counting.rounds_of`."""

    averaged: float
    gathered: float
    scattered: float
    rounds: int


class Memory(NamedTuple):
    """Bytes on a chip: parameters and moments of both players, gradients of the larger one, and
    the values that an image's forward pass keeps for gradients, of the player that keeps more."""

    params: float
    moments: float
    gradients: float
    kept: float


class Work(NamedTuple):
    """A GAN: its game, the shape of an image, the batch of all chips together in strong scaling
    and of each in weak scaling, the settings of both Adams."""

    game: Callable[[], Game]
    shape: tuple[int, int, int]
    whole: int
    each: int
    adam: dict[str, float]


def _dcgan() -> Game:
    return games.gan(nets.DCGANGenerator((64, 64, 3)), nets.DCGANDiscriminator(), z_dim=100)


def _progan() -> Game:
    generator = nets.ProgressiveGenerator((1024, 1024, 3))
    discriminator = nets.ProgressiveDiscriminator()
    return games.progressive(generator, discriminator, loss=losses.wasserstein, z_dim=512)


WORKS = {
    "DCGAN-64": Work(_dcgan, (64, 64, 3), 1024, 128, {"learning_rate": 2e-4, "b1": 0.5}),
    "ProGAN-1024": Work(
        _progan, (1024, 1024, 3), 32, 4, {"learning_rate": 1e-3, "b1": 0.0, "b2": 0.99}
    ),
}


def _natively() -> Any:
    """A context in which layers are traced as on an accelerator."""
    return mock.patch.object(jax, "default_backend", return_value="tpu")


def _batch(work: Work, size: int) -> dict[str, jax.ShapeDtypeStruct]:
    return {"x": jax.ShapeDtypeStruct((size, *work.shape), jnp.float32)}


def _scheme(work: Work, axis_name: str | None = None):
    tx = Players(gen=optax.adam(**work.adam), disc=optax.adam(**work.adam))
    return schemes.alternating(in_bfloat16(work.game()), tx, axis_name=axis_name)


@cache
def state(name: str) -> Any:
    """Shapes of a work's training state."""
    work = WORKS[name]
    with _natively():
        return jax.eval_shape(_scheme(work).init, KEY, _batch(work, 4))


def parameters(name: str) -> Players:
    """The number of parameters of each player."""
    return Players(*(sum(leaf.size for leaf in jax.tree.leaves(p)) for p in state(name).params))


def _traced(name: str, batch: int, axis_name: str | None = None) -> Any:
    work, axes = WORKS[name], [(axis_name, PARTS)] if axis_name else ()
    given = state(name), _batch(work, batch), KEY
    with _natively():
        options = {"axis_env": axes} if axes else {}
        return counting.traced(_scheme(work, axis_name).step, *given, **options)


@cache
def step(name: str, batch: int) -> Counted:
    """A step of one chip alone."""
    return _counted(_traced(name, batch), bytes_each=2)


def _counted(jaxpr: Any, bytes_each: int) -> Counted:
    found = fusion.moved(jaxpr)
    return Counted(
        flops=counting.flops_of(jaxpr),
        tiles={tile: counting.flops_of(jaxpr, tile) for tile in (MXU, MMA)},
        products=counting.traffic_of(jaxpr, bytes_each),
        bytes=found.bytes,
        apart=fusion.apart(jaxpr),
        operations=fusion.operations(jaxpr),
        kernels=found.kernels,
    )


@cache
def sent(name: str, batch: int, statistics: str = "global") -> Sent:
    """Bytes between devices with so many images each; `statistics` as in `ganjax.devices`."""
    jaxpr = _traced(name, batch, spread.AXIS if statistics == "global" else spread.ROWS)
    parts = counting.parts_of(jaxpr)
    gathered, scattered = parts.pop("all_gather", 0), parts.pop("reduce_scatter", 0)
    return Sent(sum(parts.values()), gathered, scattered, counting.rounds_of(jaxpr))


@cache
def optimiser(name: str) -> float:
    """Bytes that both optimisers' updates move."""
    found, tx = state(name), optax.adam(**WORKS[name].adam)

    def update(gradient, params, opt_state):
        updates, opt_state = tx.update(gradient, opt_state, params)
        return optax.apply_updates(params, updates), opt_state

    players = zip(found.params, found.params, found.opt_state, strict=True)
    return sum(fusion.moved(counting.traced(update, *player)).bytes for player in players)


@cache
def memory(name: str) -> Memory:
    """The contents of a chip's memory; JAX keeps values for gradients and computes none again."""
    work, shapes = WORKS[name], state(name)
    with _natively():
        game = in_bfloat16(work.game())

    def kept(player, batch):
        def residuals(state, batch, rng):
            def value(own):
                params = state.params._replace(**{player: own})
                return getattr(game.losses(params, state.model_state, batch, rng), player).value

            return jax.vjp(value, getattr(state.params, player))[1]

        with _natively():
            return _bytes(jax.eval_shape(residuals, shapes, _batch(work, batch), KEY))

    return Memory(
        params=_bytes(shapes.params),
        moments=_bytes(shapes.opt_state),
        gradients=max(map(_bytes, shapes.params)),
        kept=max((kept(player, 8) - kept(player, 4)) / 4 for player in Players._fields),
    )


def _bytes(tree: Any) -> int:
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


@cache
def seed() -> tuple[Counted, int]:
    """A step of one run of the small ring, with its batch, and the bytes of its state."""
    built = experiment.build(ring_config(32, 128, 2))
    template = experiment.template(built)

    def play(state, rng):
        rng_batch, rng_step = jax.random.split(jax.random.fold_in(rng, state.step))
        return built.scheme.step(state, built.batch(built.train, rng_batch), rng_step)

    return _counted(counting.traced(play, template, KEY), bytes_each=4), _bytes(template)
