"""f-GAN: the variational bound of any f-divergence as a loss."""

from collections.abc import Callable

import jax.numpy as jnp

from ganjax import checks, divergences
from ganjax.losses.pair import wide, with_options


@with_options
def f_gan(
    divergence: str | divergences.Divergence = "jensen_shannon", gen: str = "minimise"
) -> tuple[Callable, Callable, Callable]:
    """f-GAN: F = E[g_f(V(x))] - E[f*(g_f(V(G(z))))] (Nowozin et al. 2016, arXiv:1606.00709).

    Its equation 6. The discriminator ascends F, which at its optimum is D_f(P_data || P_gen). It
    calls a sample real where g_f(V) is above the threshold f'(1).

    Args:
      divergence: a row of `divergences.DIVERGENCES` or its name.
      gen: the generator's loss. "minimise": F itself, the whole value, so that the game is
        zero-sum. "trick": -E[g_f(V(G(z)))], the paper's section 3.2, which keeps its slope where
        the critic rejects with confidence; with the divergence "gan" it is the non-saturating loss.

    Raises:
      ValueError: unknown divergence or `gen`.
    """
    row = divergences.named(divergence)
    checks.one_of(("minimise", "trick"), gen=gen)

    def value(logits_real, logits_fake):
        logits_real, logits_fake = wide(logits_real, logits_fake)
        real = jnp.mean(row.output_activation(logits_real))
        return real - jnp.mean(row.conjugate_of_output(logits_fake))

    def trick(logits_real, logits_fake):
        del logits_real
        (logits_fake,) = wide(logits_fake)
        return -jnp.mean(row.output_activation(logits_fake))

    def disc(logits_real, logits_fake):
        return -value(logits_real, logits_fake)

    def realness(logits):
        return row.output_activation(logits) - row.threshold

    return value if gen == "minimise" else trick, disc, realness
