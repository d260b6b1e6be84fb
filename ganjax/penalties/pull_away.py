"""EBGAN's pull-away term, on codes."""

import jax
import jax.numpy as jnp

from ganjax import spread
from ganjax.penalties.critic import Penalty, check_weights, squares, wide


def pull_away(weight: float = 0.1) -> Penalty:
    """EBGAN's pull-away term on a batch of samples' codes S (arXiv:1609.03126, section 2.4).

    Zhao et al. 2017: weight / (N (N - 1)) * sum over i != j of (S_i.S_j / (|S_i| |S_j|))^2, from 0
    for orthogonal codes to `weight` for parallel ones. It is the generator's term: it pushes its
    samples apart. A code of zero length is orthogonal to every other.

    Args:
      weight: at least 0; the paper takes 0.1.

    Returns:
      Penalty, whose `critic` makes codes [batch, features] (an encoder), not logits: for games of
      your own, as `games.gan` judges by logits and penalises the discriminator alone.

    Raises:
      ValueError: the weight is out of range; while tracing, logits [batch] or a batch of one.
    """
    check_weights(weight=weight)

    def penalty(critic, x_real, x_fake, rng):
        del x_real, rng
        codes = critic(x_fake)
        if codes.ndim < 2:
            raise ValueError(
                f"pull_away compares codes [batch, features], got logits of shape {codes.shape}, "
                "of which any two are parallel; give it an encoder x -> codes as its critic"
            )
        codes = spread.everyone(codes)
        rows = codes.shape[0]
        if rows < 2:
            raise ValueError("pull_away compares samples of a batch; batch_size must be 2 or more")
        lengths = squares(codes)
        safe = jnp.where(lengths == 0, 1.0, lengths)
        # Divided one by one: the product of two small squares would round to 0.
        units = wide(codes).reshape(rows, -1) / jnp.sqrt(safe)[:, None]
        with jax.named_scope("pull_away"):
            cosines = jnp.square(units @ units.T)
        apart = jnp.sum(cosines) - jnp.sum(jnp.diagonal(cosines))
        return weight * apart / (rows * (rows - 1))

    return penalty
