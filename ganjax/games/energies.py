"""Games whose discriminator is an auto-encoder: EBGAN and BEGAN.

Samples are judged by their energy, the error of their reconstruction. Neither packs samples: a pack
of copies takes the least of a code, so that its energy would be low and packing reward collapse;
the pull-away term keeps samples apart instead.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from ganjax import checks, latents, losses, penalties, spread
from ganjax.games import generating, judging, parts
from ganjax.games.batches import data_of
from ganjax.games.generating import LatentGenerator, latent_generator
from ganjax.games.judging import Judge, accuracies
from ganjax.games.networks import BALANCE, ask
from ganjax.penalties.critic import root, squares, wide
from ganjax.types import Game, Loss, Needs, Players


class _Judged(NamedTuple):
    """A batch of data and one of samples, as the discriminator sees them."""

    energy_real: jax.Array  # [batch]
    energy_fake: jax.Array  # [batch]
    x_fake: jax.Array
    codes_fake: jax.Array


def energy_based(
    generator: nn.Module,
    discriminator: nn.Module,
    z_dim: int = 64,
    prior: Callable = latents.normal,
    margin: float = 10.0,
    pull_away: float = 0.1,
) -> Game:
    """EBGAN (Zhao et al. 2017, arXiv:1609.03126), with the pull-away term: EBGAN-PT.

    The energy is D(x) = |Dec(Enc(x)) - x|, the Euclidean norm over all of a sample's numbers, so
    that a margin suits one size of images: between an image of p numbers in [-1, 1] and a
    reconstruction in [-1, 1] it is at most 2 sqrt(p). The losses are those of
    `losses.energy_margin`, E[D(x)] + E[(margin - D(G(z)))+] and E[D(G(z))]; the generator's has
    `penalties.pull_away` of its samples' codes added. Where the game ends, samples are data and the
    discriminator is flat, somewhere from 0 to the margin.

    Args:
      generator: as in `gan`.
      discriminator: Linen module, x -> (reconstructions of x, codes [batch, ...]), e.g.
        `nets.AutoEncoder`. A `train` argument of its `__call__` is set to True here.
      z_dim: as in `gan`.
      prior: as in `gan`.
      margin: m, the energy above which a sample is bad enough, greater than 0.
      pull_away: weight of the pull-away term, at least 0; 0 leaves it out.

    Returns:
      Game on batches with `x` [batch, ...]. Metrics: the mean energies `energy_real/disc` and
      `energy_fake/disc`, `penalty/gen` (the weighted pull-away term, if any) and `accuracy/disc`
      with its parts, by the half of the margin that an energy is in.
      Queries: latents, generate, reconstruct, encode, energy.

    Raises:
      ValueError: an option is out of range, or, from `init`, shapes that do not fit each other;
        while tracing, a batch of one with a pull-away term.
    """
    loss = losses.energy_margin(margin=margin)
    checks.within("[0, inf)", pull_away=pull_away)

    def outcome(judged, balance):
        del balance
        energies = judged.energy_real, judged.energy_fake
        metrics = accuracies(*map(loss.realness, energies))
        return Players(
            gen=_with_pull_away(pull_away, loss.gen(*energies), judged),
            disc=Loss(loss.disc(*energies), {}, metrics),
        )

    generator = latent_generator(generator, z_dim, prior)
    return _game(generator, discriminator, energy=_distances, outcome=outcome)


def boundary_equilibrium(
    generator: nn.Module,
    discriminator: nn.Module,
    z_dim: int = 64,
    prior: Callable = latents.uniform,
    gamma: float = 0.5,
    lambda_k: float = 0.001,
    pull_away: float = 0.0,
) -> Game:
    """BEGAN (Berthelot et al. 2017, section 3, arXiv:1703.10717).

    The energy is L(x), the mean absolute difference of a sample's numbers and their
    reconstructions. With the means over the batch, the discriminator descends
    L(x) - k_t L(G(z)), the generator L(G(z)), and k_{t+1} = k_t + lambda_k (gamma L(x) - L(G(z))),
    from k_0 = 0 and kept in [0, 1], holds L(G(z)) near gamma L(x). k_t is part of the
    discriminator's model state and moves when the discriminator does, also several times a step.

    Convergence is measured by M = L(x) + |gamma L(x) - L(G(z))|; the monitor `measure` can stop
    training at a value of it.

    Paper: it draws latents for either player. Here one draw serves both losses; schemes that let
    the players move in turn draw for each turn.

    Args:
      generator: as in `gan`.
      discriminator: as in `energy_based`.
      z_dim: as in `gan`.
      prior: `(rng, shape) -> z`; the paper's is uniform on [-1, 1].
      gamma: the ratio of energies to hold, greater than 0 and at most 1; smaller means sharper and
        less varied samples.
      lambda_k: gain of the control, greater than 0.
      pull_away: weight of EBGAN's pull-away term in the generator's loss, at least 0.
        Paper: it has none. It keeps the samples of a small generator apart.

    Returns:
      Game on batches with `x` [batch, ...]. The discriminator's metrics: `energy_real/disc` L(x),
      `energy_fake/disc` L(G(z)), `k/disc` (k_t, that of the loss) and `convergence/disc` M; the
      generator's: `penalty/gen`, the weighted pull-away term, if any.
      Queries: latents, generate, reconstruct, encode, energy.

    Raises:
      ValueError: an option is out of range, or, from `init`, shapes that do not fit each other.
    """
    checks.within("(0, 1]", gamma=gamma, hint="e.g. 0.5")
    checks.within("(0, inf)", lambda_k=lambda_k, hint="e.g. 0.001")
    checks.within("[0, inf)", pull_away=pull_away)

    def outcome(judged, k):
        real, fake = spread.mean(judged.energy_real), spread.mean(judged.energy_fake)
        error = gamma * real - fake
        metrics = {"k/disc": k, "convergence/disc": real + jnp.abs(error)}
        moved = jnp.clip(k + lambda_k * error, 0, 1).astype(k.dtype)
        return Players(
            gen=_with_pull_away(pull_away, fake, judged),
            disc=Loss(real - k * fake, {BALANCE: moved}, metrics),
        )

    generator = latent_generator(generator, z_dim, prior)
    return _game(generator, discriminator, energy=_mean_differences, outcome=outcome, balanced=True)


NO_PACKING = (
    "its discriminator is an auto-encoder, and a pack of copies needs no larger code than one of "
    "them, so that packs would reward collapse; its option pull_away keeps samples apart"
)


def _with_pull_away(weight: float, value: jax.Array, judged: _Judged) -> Loss:
    """The generator's loss with the pull-away term of its samples' codes, if that has a weight."""
    if not weight:
        return Loss(value, {}, {})
    apart = penalties.pull_away(weight)(
        lambda x: judged.codes_fake, judged.x_fake, judged.x_fake, jax.random.key(0)
    )
    return Loss(value + apart, {}, {"penalty/gen": apart})


def _distances(reconstructions: jax.Array, x: jax.Array) -> jax.Array:
    """Euclidean norms of the differences, [batch]."""
    return root(squares(wide(reconstructions) - wide(x)))


def _mean_differences(reconstructions: jax.Array, x: jax.Array) -> jax.Array:
    """Means of the absolute differences, [batch]."""
    differences = jnp.abs(wide(reconstructions) - wide(x))
    return jnp.mean(differences.reshape(x.shape[0], -1), axis=1)


def _game(
    generator: LatentGenerator,
    discriminator: nn.Module,
    *,
    energy: Callable[[jax.Array, jax.Array], jax.Array],
    outcome: Callable[[_Judged, jax.Array | None], Players],
    balanced: bool = False,
) -> Game:
    """A game of a generator and an auto-encoder.

    Args:
      generator: latents -> x_fake.
      discriminator: x -> (reconstructions, codes).
      energy: `(reconstructions, x) -> [batch]`.
      outcome: `(judged, k_t or None) -> Players` of `Loss`, with the new k_t in the
        discriminator's state; the networks' states are added here.
      balanced: whether the discriminator's model state has a k_t.
    """
    by_energy = Judge(discriminator)

    def init(rng, batch):
        rng_gen, rng_disc, rng_z = jax.random.split(rng, 3)
        x_real = data_of(batch)
        gen = generating.begin(generator, rng_gen, x_real, rng_z=rng_z)
        disc, outputs = judging.begin(by_energy, rng_disc, x_real)
        _check_outputs(outputs, x_real)
        balance = {BALANCE: jnp.zeros(())} if balanced else {}
        return Players(gen[0], disc[0]), Players(gen[1], {**disc[1], **balance})

    def game_losses(params, model_state, batch, rng):
        rng_z, rng_gen, *rngs = jax.random.split(rng, 4)
        x_real = batch["x"]
        x_fake, gen_state = generating.generate(
            generator, params.gen, model_state.gen, x_real.shape[0], rng_z=rng_z, rng=rng_gen
        )
        (real, fake), disc_state, _ = judging.judge_batches(
            by_energy, params.disc, model_state.disc, x_real, x_fake, rngs=rngs
        )
        judged = _Judged(energy(real[0], x_real), energy(fake[0], x_fake), x_fake, fake[1])
        gen, disc = outcome(judged, model_state.disc.get(BALANCE))
        metrics = {
            "energy_real/disc": jnp.mean(judged.energy_real),
            "energy_fake/disc": jnp.mean(judged.energy_fake),
            **disc.metrics,
        }
        return Players(
            gen=gen._replace(model_state=gen_state),
            disc=disc._replace(model_state={**disc_state, **disc.model_state}, metrics=metrics),
        )

    def outputs(params, model_state, x):
        return ask(discriminator, params.disc, model_state.disc, x)

    queries = {
        **generating.queries(generator),
        "reconstruct": lambda params, model_state, x: outputs(params, model_state, x)[0],
        "encode": lambda params, model_state, x: outputs(params, model_state, x)[1],
        "energy": lambda params, model_state, x: energy(outputs(params, model_state, x)[0], x),
    }
    return Game(init, game_losses, queries, Needs(no_packing=NO_PACKING))


def _check_outputs(outputs: Any, x: jax.Array) -> None:
    """Raises ValueError for a discriminator that is no auto-encoder of the data."""
    hint = "take an auto-encoder, e.g. the network mlp_autoencoder"
    if not isinstance(outputs, tuple) or len(outputs) != 2:
        raise ValueError(f"the discriminator must make reconstructions and codes; {hint}")
    parts.check_shape("the discriminator makes reconstructions of", outputs[0], x.shape, hint)
    parts.check_shape("the discriminator makes codes of", outputs[1], (x.shape[0], None, ...), hint)
