"""A generator of latents against a discriminator of logits: `gan` and `conditional`."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ganjax.augmentations import Adaptive, Augmentation
from ganjax.games import generating, judging, parts
from ganjax.games.generating import LatentGenerator
from ganjax.games.judging import Judge, Judged, accuracies, logits_of
from ganjax.games.networks import AUGMENTED, ask, inputs_of
from ganjax.losses import AdversarialLoss
from ganjax.types import Loss, Players


class Contest(NamedTuple):
    """Both networks with their parts; see `games.gan`."""

    generator: LatentGenerator
    judge: Judge


def begin(
    game: Contest, rng: jax.Array, x_real: jax.Array, y: jax.Array | None = None
) -> tuple[Players, Players, Any]:
    """Initialises both players: (params, model state, shapes of the discriminator's outputs).

    Raises:
      ValueError: shapes that do not fit each other, before anything is compiled.
    """
    rng_gen, rng_disc, rng_z = jax.random.split(rng, 3)
    gen = generating.begin(game.generator, rng_gen, x_real, y, rng_z=rng_z)
    disc, outputs = judging.begin(game.judge, rng_disc, x_real, y)
    check_logits(outputs, x_real.shape[0], game.judge.packing)
    return Players(gen[0], disc[0]), Players(gen[1], disc[1]), outputs


def check_logits(outputs: Any, rows: int, packing: int, noun: str = "sample") -> None:
    """Raises ValueError for a discriminator that does not make one logit of each pack of rows."""
    many = f"{rows} {noun}s" if packing == 1 else f"{rows // packing} packs of {packing} {noun}s"
    parts.check_shape(
        f"for {many} the discriminator makes logits of",
        logits_of(outputs),
        (rows // packing,),
        f"one logit per {noun if packing == 1 else 'pack'}, without a trailing axis",
    )


def check_alone(outputs: Any) -> None:
    """Raises ValueError for a discriminator that makes more than logits."""
    if isinstance(outputs, tuple):
        raise ValueError(
            f"the discriminator makes {len(outputs)} outputs, expected logits alone; set its head "
            "to 'logit', or take the game 'conditional', which uses class logits too"
        )


def contend(
    game: Contest,
    params: Players,
    model_state: Players,
    x_real: jax.Array,
    y: jax.Array | None = None,
    *,
    rng: jax.Array,
) -> tuple[Judged, dict[str, Any]]:
    """One pass: (data and as many samples of their labels, judged; the generator's new state)."""
    rng_z, rng_gen, rng_real, rng_fake, rng_penalty, rng_augment = jax.random.split(rng, 6)
    x_fake, gen_state = generating.generate(
        game.generator, params.gen, model_state.gen, x_real.shape[0], y, rng_z=rng_z, rng=rng_gen
    )
    judged = judging.judge_batches(
        game.judge,
        params.disc,
        model_state.disc,
        x_real,
        x_fake,
        y=y,
        rngs=(rng_real, rng_fake),
        rng_augment=rng_augment,
        rng_critic=rng_real,
        rng_penalty=rng_penalty,
    )
    return judged, gen_state


def check_adaptive(augment: Augmentation | None, loss: AdversarialLoss) -> None:
    """Raises ValueError for an adaptive augmentation beside a loss without an undecided logit."""
    logits = jnp.array([0.5, -1.0]), jnp.array([0.25, -0.5])
    if isinstance(augment, Adaptive) and jnp.allclose(
        loss.disc(*logits), loss.disc(*(1 + x for x in logits))
    ):
        raise ValueError(
            "augment is adaptive, which follows the signs of logits, and this loss is the same "
            "for logits plus a constant; name 'ada' with a probability, or another loss"
        )


def adversarial_losses(
    loss: AdversarialLoss, judged: Judged, gen_state: Any, augment: Augmentation | None = None
) -> Players:
    """Both players' `Loss` by the logits of data and samples; the discriminator's has penalties.

    The memory of an adaptive augmentation goes on with the logits of data.
    """
    real, fake = map(logits_of, judged.outputs)
    metrics, state = accuracies(loss.realness(real), loss.realness(fake)), judged.model_state
    if isinstance(augment, Adaptive):
        state = {**state, AUGMENTED: augment.follow(state[AUGMENTED], loss.realness(real))}
        metrics["augment_probability/disc"] = state[AUGMENTED]["probability"]
    disc_value = parts.value_of(loss, "disc", real, fake)
    if judged.penalty is not None:
        metrics["penalty/disc"] = judged.penalty
        disc_value += judged.penalty
    return Players(
        gen=Loss(parts.value_of(loss, "gen", real, fake), gen_state, {}),
        disc=Loss(disc_value, state, metrics),
    )


def queries(game: Contest, *, labels: bool = False) -> dict[str, Callable]:
    """Those of the generator and, without packs, `logits` of (x) or (x, y)."""
    module = game.judge.discriminator

    def logits(params, model_state, x, y=None):
        return logits_of(ask(module, params.disc, model_state.disc, *inputs_of(module, x, y)))

    alone = {"logits": logits} if game.judge.packing == 1 else {}
    return {**generating.queries(game.generator, labels=labels), **alone}
