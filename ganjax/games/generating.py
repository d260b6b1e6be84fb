"""A generator of latents: its start, its pass in training, its queries."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
from flax import linen as nn

from ganjax import checks
from ganjax.games import parts
from ganjax.games.networks import ask, inputs_of, outputs_of, run, start


class LatentGenerator(NamedTuple):
    """A generator and its prior; see `games.gan`."""

    module: nn.Module
    z_dim: int
    prior: Callable


def latent_generator(module: nn.Module, z_dim: int, prior: Callable) -> LatentGenerator:
    """A `LatentGenerator`; ValueError for a `z_dim` below 1."""
    checks.whole(1, z_dim=z_dim)
    return LatentGenerator(module, z_dim, prior)


def begin(
    generator: LatentGenerator,
    rng: jax.Array,
    x_real: jax.Array,
    y: jax.Array | None = None,
    *,
    rng_z: jax.Array,
) -> tuple[Any, dict[str, Any]]:
    """(params, model_state) of a generator; `rng_z` draws the latents that it is initialised with.

    Raises:
      ValueError: the prior, or the generator by the data x_real [batch, ...], makes another shape
        than it should.
    """
    z = parts.draw(generator.prior, rng_z, x_real.shape[0], generator.z_dim)
    inputs = inputs_of(generator.module, z, y)
    begun = start(generator.module, rng, *inputs)
    samples = outputs_of(generator.module, begun, *inputs)
    parts.check_shape(
        "the generator makes samples of", samples, x_real.shape, "the shape of the data"
    )
    return begun


def generate(
    generator: LatentGenerator,
    params: Any,
    model_state: Any,
    n: int,
    y: jax.Array | None = None,
    *,
    rng_z: jax.Array,
    rng: jax.Array,
) -> tuple[jax.Array, dict[str, Any]]:
    """(n samples, of labels y if there are any; the new model state), in training mode."""
    z = parts.draw(generator.prior, rng_z, n, generator.z_dim)
    return run(generator.module, params, model_state, *inputs_of(generator.module, z, y), rng=rng)


def queries(generator: LatentGenerator, *, labels: bool = False) -> dict[str, Callable]:
    """The queries `latents` and `generate`, of (z) or, in a game with labels, (z, y)."""
    module, z_dim, prior = generator

    def of_latents(params, model_state, z):
        return ask(module, params.gen, model_state.gen, z)

    def of_labels(params, model_state, z, y):
        return ask(module, params.gen, model_state.gen, z, y)

    return {
        "latents": lambda params, model_state, rng, n: prior(rng, (n, z_dim)),
        "generate": of_labels if labels else of_latents,
    }
