"""Games of one player: auto-encoders, against a discriminator that has nothing to learn.

Its parameters are {} and its loss is 0, so that schemes, checkpoints and monitors need no exception
for them.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from ganjax import checks
from ganjax.augmentations import Adaptive, Augmentation
from ganjax.games import parts
from ganjax.games.networks import ask, outputs_of, run, start
from ganjax.types import Game, Loss, Needs, Players


def _per_example(x: jax.Array) -> jax.Array:
    return jnp.mean(x.reshape(x.shape[0], -1), axis=1)


# Distance of outputs and targets, both [batch, ...]: mean over an example's numbers, [batch].
ERRORS = {
    "absolute": lambda outputs, targets: _per_example(jnp.abs(outputs - targets)),
    "squared": lambda outputs, targets: _per_example(jnp.square(outputs - targets)),
}


ALONE = "it has one player to train, and no discriminator that judges"


def autoencoder(
    autoencoder: nn.Module, error: str = "squared", corrupt: Augmentation | None = None
) -> Game:
    """Reconstruction, and denoising if the input is corrupted and the target is not.

    min E |D(E(x)) - x|^2: with an affine encoder and decoder the optimum spans the first principal
    components (Baldi & Hornik 1989). With `corrupt` the input is c(x) and the target x (Vincent et
    al. 2008, denoising auto-encoders); with noise N(0, s^2 I) and a wide enough code the affine
    optimum is the Wiener filter C (C + s^2 I)^-1, C the covariance of x. Batches of two domains
    have their `a` as input and their `b` as target, e.g. grey and coloured images.

    Args:
      autoencoder: Linen module, input -> (outputs of the shape of the target, codes), with methods
        `encode` and `decode`, as `nets.AutoEncoder`. If it takes `train`, it is set to True here.
      error: "squared" or "absolute", the mean over an example's numbers.
      corrupt: `(x, rng, updates) -> x`, e.g. `augmentations.instance_noise`, with a draw of its own
        for each example; not annealed, `updates` is 0. None for none.

    Returns:
      Game on batches with `x` [batch, ...] or with `a`, `b` [batch, ...]. The generator is the
      auto-encoder, the discriminator has no parameters and the loss 0. Queries: encode, decode,
      reconstruct, energy (the error of x as input and target), panels.

    Raises:
      ValueError: unknown error, or, from `init`, shapes that do not fit.
    """
    checks.one_of(ERRORS, error=error)
    distance = ERRORS[error]

    if isinstance(corrupt, Adaptive):
        raise ValueError("corrupt is adaptive, which follows a discriminator; name 'ada' instead")

    def corrupted(inputs, rng):
        return inputs if corrupt is None else parts.augmented(corrupt, inputs, rng, 0)

    def init(rng, batch):
        inputs, targets = _pair(batch)
        gen = start(autoencoder, rng, inputs)
        check_outputs(outputs_of(autoencoder, gen, inputs)[0], targets)
        return Players(gen[0], {}), Players(gen[1], {})

    def game_losses(params, model_state, batch, rng):
        rng_corrupt, rng_gen = jax.random.split(rng)
        inputs, targets = _pair(batch)
        inputs = corrupted(inputs, rng_corrupt)
        (outputs, _), gen_state = run(autoencoder, params.gen, model_state.gen, inputs, rng=rng_gen)
        return alone(jnp.mean(distance(outputs, targets)), gen_state, {})

    def reconstruct(params, model_state, x):
        return ask(autoencoder, params.gen, model_state.gen, x)[0]

    def energy(params, model_state, x):
        return distance(reconstruct(params, model_state, x), x)

    def panels(params, model_state, batch, rng):
        inputs, targets = _pair(batch)
        given = corrupted(inputs, rng)
        shown = {} if given is targets else {"given": given}
        return {
            "original": targets,
            **shown,
            "reconstructed": reconstruct(params, model_state, given),
        }

    queries = {
        "encode": query_of(autoencoder, "encode"),
        "decode": query_of(autoencoder, "decode"),
        "reconstruct": reconstruct,
        "energy": energy,
        "panels": panels,
    }
    return Game(init, game_losses, queries, Needs(paired=True, no_packing=ALONE))


def generative(
    prior: Callable, z_dim: int, encode: Callable, decode: Callable
) -> dict[str, Callable]:
    """The queries of an auto-encoder whose codes [batch, z_dim] have a prior, `(rng, shape) -> z`.

    latents, generate, encode, decode, reconstruct, panels, from the queries `encode` and `decode`.
    """

    def draw(params, model_state, rng, n):
        return prior(rng, (n, z_dim))

    def reconstruct(params, model_state, x):
        return decode(params, model_state, encode(params, model_state, x))

    def panels(params, model_state, batch, rng):
        x = batch["x"]
        z = draw(params, model_state, rng, x.shape[0])
        return {
            "original": x,
            "reconstructed": reconstruct(params, model_state, x),
            "generated": decode(params, model_state, z),
        }

    return {
        "latents": draw,
        "generate": decode,
        "encode": encode,
        "decode": decode,
        "reconstruct": reconstruct,
        "panels": panels,
    }


def query_of(module: nn.Module, method: str) -> Callable:
    """The query `(params, model_state, x)` of a method of the auto-encoder."""
    return lambda params, model_state, x: ask(module, params.gen, model_state.gen, x, method=method)


def alone(value: jax.Array, gen_state: Any, metrics: dict[str, jax.Array]) -> Players:
    """The outcome of a game whose discriminator has nothing to learn."""
    return Players(gen=Loss(value, gen_state, metrics), disc=Loss(jnp.zeros_like(value), {}, {}))


def _pair(batch):
    """Input and target: the two domains, or x twice."""
    return (batch["a"], batch["b"]) if "a" in batch else (batch["x"], batch["x"])


def check_codes(
    autoencoder: nn.Module, rng: jax.Array, x: jax.Array, width: int, hint: str
) -> None:
    """Raises ValueError for an encoder whose codes are not [batch, width]."""
    rngs = {"params": rng, "dropout": rng}
    codes = jax.eval_shape(lambda x: autoencoder.init_with_output(rngs, x, method="encode")[0], x)
    parts.check_shape(
        "the encoder makes codes of",
        codes,
        (x.shape[0], width),
        f"give the auto-encoder {hint} and the game's z_dim",
    )


def check_outputs(outputs: Any, targets: jax.Array) -> None:
    """Raises ValueError for an auto-encoder whose outputs are not of the shape of the targets."""
    parts.check_shape(
        "the auto-encoder makes outputs of",
        outputs,
        targets.shape,
        "give its decoder the shape of the data",
    )
