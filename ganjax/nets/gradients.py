"""Discriminators divided by their own gradient."""

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn

SMALL = 1e-6  # least slope


class GradientNormalisedDiscriminator(nn.Module):
    """Logits f / (|grad_x f| + |f|) [batch] in (-1, 1) of another discriminator's logits f.

    Wu et al. 2021 (arXiv:2109.02235): of a piecewise linear f the slope in x is
    (|grad_x f| / (|grad_x f| + |f|))^2, at most 1 everywhere, with no penalty and no sampling. A
    forward pass costs one forward and one backward pass of f. Batch norm in f couples examples and
    voids the bound.

    Attributes:
      critic: f, a discriminator `(x, y, train) -> logits [batch]`.

    Raises:
      ValueError: the critic returns other shapes, e.g. a classifier's logits too.
    """

    critic: nn.Module

    @nn.compact
    def __call__(self, x: jax.Array, y: jax.Array | None = None, train: bool = True) -> jax.Array:
        def logits(critic, x):
            out = critic(x, y, train=train)
            if getattr(out, "shape", None) != x.shape[:1]:
                raise ValueError(f"the critic must return logits [{len(x)}], one an example")
            return out

        f, pull_back = nn.vjp(logits, self.critic, x, vjp_variables=False)
        *_, slopes = pull_back(jnp.ones_like(f))
        norm = optax.safe_norm(slopes.reshape(len(x), -1), SMALL, axis=1)
        return f / (norm + jnp.abs(f))
