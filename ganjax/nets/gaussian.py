"""The smallest generator: a Gaussian on the line, whose two optimal parameters are known."""

import math

import jax
import jax.numpy as jnp
from flax import linen as nn

from ganjax.checks import within


class GaussianGenerator(nn.Module):
    """Latents [batch, 1] -> samples [batch, 1], x = mean + std z: with z normal, N(mean, std^2).

    The generator of f-GAN's univariate example (Nowozin et al. 2016, arXiv:1606.00709). Parameters:
    the scalars `mean` and `log_std`, so that std = exp(log_std) is positive for every
    log_std; a moving average of them averages log_std.

    Attributes:
      shape: of one sample; only (1,).
      mean: where the mean starts.
      std: where the standard deviation starts, greater than 0.

    Raises, when it is initialised or applied:
      ValueError: another shape, latents of another width, or a start out of range.
    """

    shape: tuple[int, ...] = (1,)
    mean: float = 0.0
    std: float = 1.0

    @nn.compact
    def __call__(self, z: jax.Array) -> jax.Array:
        if tuple(self.shape) != (1,):
            raise ValueError(
                f"shape={self.shape} must be (1,), points on the line; use another generator"
            )
        if z.shape[1:] != (1,):
            raise ValueError(f"latents of shape {z.shape} must be [batch, 1]; set z_dim to 1")
        within("(-inf, inf)", mean=self.mean)
        within("(0, inf)", std=self.std)
        mean = self.param("mean", nn.initializers.constant(self.mean), ())
        log_std = self.param("log_std", nn.initializers.constant(math.log(self.std)), ())
        return mean + jnp.exp(log_std) * z
