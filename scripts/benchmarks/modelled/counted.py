"""Three works as counted in their traced steps: DCGAN-64, ProGAN-1024, and a sweep of the ring.

Nothing is run. Convolutions are traced as accelerators have them: on CPU they would be minimal
filterings, which count fewer FLOPs.
"""

import contextlib
from collections.abc import Callable, Iterator
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

RING = ring_config(32, 128, 2)  # the small one
PARTS = 8  # devices that collectives are traced for; their parts do not depend on it


class Counted(NamedTuple):
    """What a step of a batch on one chip computes and moves.

    Attributes:
      flops: of products.
      tiles: {tile: FLOPs in whole tiles}.
      products: bytes if products alone read and write, 2 each, or 4 where they are of float32.
      bytes: bytes if elementwise work is done on the way.
      apart: bytes if every operation reads and writes.
      operations: elementwise.
      kernels: launched at least.
    """

    flops: float
    tiles: dict[tuple[int, int, int], float]
    products: float
    bytes: float
    apart: float
    operations: float
    kernels: int


class Told(NamedTuple):
    """What devices tell each other in a step.

    Attributes:
      averaged: bytes of gradients and statistics.
      gathered: bytes of one device's rows that all devices get, forwards.
      scattered: the same backwards.
      rounds: see `counting.Collectives`.
    """

    averaged: float
    gathered: float
    scattered: float
    rounds: int


class Memory(NamedTuple):
    """Bytes on a chip.

    Attributes:
      params: of both players.
      moments: of their optimisers.
      gradients: of the larger player; they move in turn.
      kept: an image, from the forward pass for gradients, of the player that keeps more.
    """

    params: float
    moments: float
    gradients: float
    kept: float


class Work(NamedTuple):
    """A GAN to spread over chips.

    Attributes:
      game: how it is made; called while convolutions have the form of accelerators.
      shape: of an image.
      whole: batch of all chips together in strong scaling.
      each: batch of every chip in weak scaling.
      adam: the settings of both optimisers.
    """

    game: Callable[[], Game]
    shape: tuple[int, int, int]
    whole: int
    each: int
    adam: dict[str, float]


def _dcgan() -> Game:
    shape = WORKS["DCGAN-64"].shape
    return games.gan(nets.DCGANGenerator(shape), nets.DCGANDiscriminator(), z_dim=100)


def _progan() -> Game:
    shape = WORKS["ProGAN-1024"].shape
    generator, discriminator = nets.ProgressiveGenerator(shape), nets.ProgressiveDiscriminator()
    return games.progressive(generator, discriminator, loss=losses.wasserstein, z_dim=512)


WORKS = {
    "DCGAN-64": Work(_dcgan, (64, 64, 3), 1024, 128, {"learning_rate": 2e-4, "b1": 0.5}),
    "ProGAN-1024": Work(
        _progan, (1024, 1024, 3), 32, 4, {"learning_rate": 1e-3, "b1": 0.0, "b2": 0.99}
    ),
}


@contextlib.contextmanager
def _natively() -> Iterator[None]:
    """While it lasts, layers are traced as on an accelerator."""
    with mock.patch.object(jax, "default_backend", return_value="tpu"):
        yield


def _batch(work: Work, size: int) -> dict[str, jax.ShapeDtypeStruct]:
    return {"x": jax.ShapeDtypeStruct((size, *work.shape), jnp.float32)}


def _key() -> Any:
    return jax.eval_shape(lambda: jax.random.key(0))


def _scheme(work: Work, axis_name: str | None = None):
    tx = Players(gen=optax.adam(**work.adam), disc=optax.adam(**work.adam))
    return schemes.alternating(in_bfloat16(work.game()), tx, axis_name=axis_name)


@cache
def state(name: str) -> Any:
    """Shapes of a work's training state."""
    work = WORKS[name]
    with _natively():
        return jax.eval_shape(_scheme(work).init, _key(), _batch(work, 4))


def parameters(name: str) -> Players:
    """How many numbers each player learns."""
    params = state(name).params
    return Players(*(sum(leaf.size for leaf in jax.tree.leaves(of)) for of in params))


@cache
def step(name: str, batch: int) -> Counted:
    """A step of one chip on its own."""
    work = WORKS[name]
    with _natively():
        given = state(name), _batch(work, batch), _key()
        return _counted(counting.traced(_scheme(work).step, *given), bytes_each=2)


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
def told(name: str, batch: int, statistics: str = "global") -> Told:
    """What devices tell, each with so many images; statistics as in `ganjax.devices.STATISTICS`."""
    work, axis_name = WORKS[name], spread.AXIS if statistics == "global" else spread.ROWS
    with _natively():
        jaxpr = counting.traced(
            _scheme(work, axis_name).step,
            state(name),
            _batch(work, batch),
            _key(),
            axis_env=[(axis_name, PARTS)],
        )
    parts = counting.parts_of(jaxpr)
    gathered, scattered = parts.pop("all_gather", 0), parts.pop("reduce_scatter", 0)
    return Told(sum(parts.values()), gathered, scattered, counting.rounds_of(jaxpr))


@cache
def optimiser(name: str) -> float:
    """Bytes that both optimisers' updates move."""
    work, of = WORKS[name], state(name)
    tx = optax.adam(**work.adam)

    def update(gradient, params, opt_state):
        updates, opt_state = tx.update(gradient, opt_state, params)
        return optax.apply_updates(params, updates), opt_state

    players = zip(of.params, of.params, of.opt_state, strict=True)
    return sum(fusion.moved(counting.traced(update, *player)).bytes for player in players)


@cache
def memory(name: str) -> Memory:
    """What a chip has to hold: what JAX keeps for gradients, nothing computed again."""
    work, of = WORKS[name], state(name)
    with _natively():
        game = in_bfloat16(work.game())

    def kept(player, batch):
        def residuals(of, batch, rng):
            def value(own):
                params = of.params._replace(**{player: own})
                return getattr(game.losses(params, of.model_state, batch, rng), player).value

            return jax.vjp(value, getattr(of.params, player))[1]

        with _natively():
            return _bytes(jax.eval_shape(residuals, of, _batch(work, batch), _key()))

    return Memory(
        params=_bytes(of.params),
        moments=_bytes(of.opt_state),
        gradients=max(map(_bytes, of.params)),
        kept=max((kept(player, 8) - kept(player, 4)) / 4 for player in Players._fields),
    )


def _bytes(tree: Any) -> int:
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


@cache
def seed() -> tuple[Counted, int]:
    """A step of one run of the small ring, its batch drawn in it, and the bytes of its state."""
    built = experiment.build(RING)
    template = experiment.template(built)

    def play(state, rng):
        rng_batch, rng_step = jax.random.split(jax.random.fold_in(rng, state.step))
        return built.scheme.step(state, built.batch(built.train, rng_batch), rng_step)

    return _counted(counting.traced(play, template, _key()), bytes_each=4), _bytes(template)
