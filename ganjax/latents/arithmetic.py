"""Arithmetic of concepts, each the mean of a few latents that show it."""

import jax
import jax.numpy as jnp


def arithmetic(a: jax.Array, b: jax.Array, c: jax.Array) -> jax.Array:
    """mean(a) - mean(b) + mean(c) (Radford et al. 2016, arXiv:1511.06434, section 6.3.2).

    A single latent is an unstable picture of a concept; the paper takes the mean of three. Means of
    k standard normal latents that are combined so have variance 3/k, that of the prior for k = 3.

    Args:
      a: latents of the first concept [k, dim], e.g. of "man with glasses"; [dim] is one latent.
      b: of the concept taken away, "man without glasses"; its k may be another.
      c: of the concept added to, "woman without glasses".

    Returns:
      A latent [dim], of "woman with glasses".

    Raises:
      ValueError: the concepts are not latents of one dim.
    """
    concepts = [jnp.atleast_2d(jnp.asarray(concept, float)) for concept in (a, b, c)]
    shapes = [concept.shape for concept in concepts]
    if any(len(shape) != 2 or 0 in shape for shape in shapes) or len({s[1] for s in shapes}) > 1:
        raise ValueError(
            f"concepts of shapes {shapes} must each be latents [k, dim] of one dim, at least one"
        )
    a, b, c = (jnp.mean(concept, axis=0) for concept in concepts)
    return a - b + c
