"""The generative adversarial game: a generator, a discriminator, a loss and penalties."""

from collections.abc import Callable, Sequence

from flax import linen as nn

from ganjax import checks, latents, losses
from ganjax.augmentations import Augmentation
from ganjax.games.batches import data_of
from ganjax.games.contest import (
    Contest,
    adversarial_losses,
    begin,
    check_adaptive,
    check_alone,
    contend,
    queries,
)
from ganjax.games.generating import latent_generator
from ganjax.games.judging import Judge
from ganjax.penalties import Penalty, WithMemory
from ganjax.types import Game


def gan(
    generator: nn.Module,
    discriminator: nn.Module,
    loss: losses.AdversarialLoss = losses.non_saturating,
    z_dim: int = 64,
    prior: Callable = latents.normal,
    penalties: Sequence[Penalty | WithMemory] = (),
    augment: Augmentation | None = None,
    packing: int = 1,
) -> Game:
    """The game of Goodfellow et al. 2014 (arXiv:1406.2661) for any pair of networks.

    Data and generated samples pass the discriminator as two batches, each with its own batch
    statistics, but otherwise from one model state: a power iteration advances once. Both players'
    losses come from that one forward pass.

    Args:
      generator: Linen module, latents [batch, z_dim] -> x_fake, of the shape of `batch["x"]`.
      discriminator: Linen module, x -> logits [batch]. A `train` argument of either module's
        `__call__` is set to True here; collections other than `params` are its model state.
      loss: both players' losses on logits.
      z_dim: width of the latent, at least 1.
      prior: `(rng, shape) -> z`.
      penalties: added to the discriminator's loss, each already carrying its weight.
      augment: applied to data and to generated samples before the discriminator and the penalties
        see them, with a draw of its own for either; None for none. If it is given, or a penalty is
        lazy or scheduled, the discriminator's model state counts its updates.
      packing: samples that the discriminator judges together, m (PacGAN, Lin et al. 2018,
        arXiv:1712.04086): every m successive samples of the batch are joined along their last axis
        after the augmentation, [batch, ..., c] -> [batch / m, ..., m c], all of them data or all
        of them generated, and get one logit. Penalties judge packs. The paper's batch counts packs.

    Returns:
      Game on batches with `x` [batch, ...]. The discriminator's metrics: `accuracy/disc`, its parts
      `accuracy_real/disc` and `accuracy_fake/disc` (by the loss's `realness`), and
      `penalty/disc` if there are penalties. Queries: latents, generate and, without packs, logits.

    Raises:
      ValueError: `z_dim` or `packing` is less than 1; from `init`, shapes that do not fit each
        other or a batch that does not divide into packs; while tracing, a part that returns
        another shape than it should.
    """
    checks.whole(1, packing=packing)
    check_adaptive(augment, loss)
    judge = Judge(discriminator, penalties, augment, packing)
    game = Contest(latent_generator(generator, z_dim, prior), judge)

    def init(rng, batch):
        params, model_state, outputs = begin(game, rng, data_of(batch))
        check_alone(outputs)
        return params, model_state

    def game_losses(params, model_state, batch, rng):
        judged, gen_state = contend(game, params, model_state, batch["x"], rng=rng)
        return adversarial_losses(loss, judged, gen_state, augment)

    return Game(init, game_losses, queries(game))
