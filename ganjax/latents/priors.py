"""The priors that latents are drawn from, functions `(rng, shape) -> z`."""

import jax


def normal(rng: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Standard normal latents of the given shape, usually [batch, z_dim]."""
    return jax.random.normal(rng, shape)


def uniform(rng: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Latents uniform on [-1, 1), the DCGAN prior (arXiv:1511.06434, section 3); [batch, z_dim]."""
    return jax.random.uniform(rng, shape, minval=-1.0, maxval=1.0)


PRIORS = {
    "normal": normal,
    "uniform": uniform,
}
