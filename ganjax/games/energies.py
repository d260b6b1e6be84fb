"""Games whose discriminator is an auto-encoder: EBGAN and BEGAN.

Samples are judged by their energy, how badly they are reconstructed. Both games share the passes of
the networks, the checks of shapes and the queries, and differ in the energy and the losses. Neither
packs samples: a pack of copies takes the least of a code, so that its energy would be low and
packing reward collapse; the pull-away term is what keeps samples apart.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from ganjax import latents, losses, penalties, spread
from ganjax.games.networks import accuracies, ask, check_samples, data_of, judge_both, run, start
from ganjax.penalties.critic import at_least_0, root, squares, wide
from ganjax.types import Game, Loss, Players

# BEGAN's own entry beside the discriminator's collections: k_t.
BALANCE = "balance"


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
      generator: Linen module, latents [batch, z_dim] -> x_fake, of the shape of `batch["x"]`.
      discriminator: Linen module, x -> (reconstructions of x, codes [batch, ...]), e.g.
        `nets.AutoEncoder`. A `train` argument of either module's `__call__` is set to True here.
      z_dim: width of the latent, at least 1.
      prior: `(rng, shape) -> z`.
      margin: m, the energy above which a sample is bad enough, greater than 0.
      pull_away: weight of the pull-away term, at least 0; 0 leaves it out.

    Returns:
      Game on batches with `x` [batch, ...]. Metrics: the mean energies `energy_real/disc` and
      `energy_fake/disc`, `penalty/gen` (the weighted pull-away term, if any) and `accuracy/disc`,
      `accuracy_real/disc`, `accuracy_fake/disc`, by which half of the margin an energy is in.
      Queries: latents, generate, reconstruct, encode, energy.

    Raises:
      ValueError: an option is out of range, or, from `init`, shapes that do not fit each other;
        while tracing, a batch of one with a pull-away term.
    """
    loss = losses.energy_margin(margin=margin)
    at_least_0(pull_away=pull_away)

    def play(judged, own):
        energies = judged.energy_real, judged.energy_fake
        metrics = accuracies(*map(loss.realness, energies))
        return Players(
            gen=_with_pull_away(pull_away, loss.gen(*energies), judged),
            disc=Loss(loss.disc(*energies), own, metrics),
        )

    return _game(generator, discriminator, z_dim, prior, energy=_distances, play=play)


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
    play at a value of it.

    Paper: it draws latents for either player. Here one draw serves both losses; schemes that let
    the players move in turn draw for each turn.

    Args:
      generator: Linen module, latents [batch, z_dim] -> x_fake, of the shape of `batch["x"]`.
      discriminator: Linen module, x -> (reconstructions of x, codes [batch, ...]), e.g.
        `nets.AutoEncoder`. A `train` argument of either module's `__call__` is set to True here.
      z_dim: width of the latent, at least 1.
      prior: `(rng, shape) -> z`; the paper's is uniform on [-1, 1].
      gamma: the ratio of energies to hold, greater than 0 and at most 1; smaller means sharper and
        less varied samples.
      lambda_k: gain of the control, greater than 0.
      pull_away: weight of EBGAN's pull-away term in the generator's loss, at least 0.
        Paper: it has none. With it, a small generator keeps apart what it would let fall together.

    Returns:
      Game on batches with `x` [batch, ...]. The discriminator's metrics: `energy_real/disc` L(x),
      `energy_fake/disc` L(G(z)), `k/disc` (k_t, that of the loss) and `convergence/disc` M; the
      generator's: `penalty/gen`, the weighted pull-away term, if any.
      Queries: latents, generate, reconstruct, encode, energy.

    Raises:
      ValueError: an option is out of range, or, from `init`, shapes that do not fit each other.
    """
    if not 0 < gamma <= 1:
        raise ValueError(f"gamma={gamma} must be greater than 0 and at most 1, e.g. 0.5")
    if not 0 < lambda_k < math.inf:
        raise ValueError(f"lambda_k={lambda_k} must be finite and greater than 0, e.g. 0.001")
    at_least_0(pull_away=pull_away)

    def play(judged, own):
        k = own[BALANCE]
        real, fake = spread.mean(judged.energy_real), spread.mean(judged.energy_fake)
        error = gamma * real - fake
        metrics = {"k/disc": k, "convergence/disc": real + jnp.abs(error)}
        moved = jnp.clip(k + lambda_k * error, 0, 1).astype(k.dtype)
        return Players(
            gen=_with_pull_away(pull_away, fake, judged),
            disc=Loss(real - k * fake, {BALANCE: moved}, metrics),
        )

    return _game(
        generator,
        discriminator,
        z_dim,
        prior,
        energy=_mean_differences,
        play=play,
        own=lambda: {BALANCE: jnp.zeros(())},
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
    generator: nn.Module,
    discriminator: nn.Module,
    z_dim: int,
    prior: Callable,
    *,
    energy: Callable[[jax.Array, jax.Array], jax.Array],
    play: Callable[[_Judged, dict[str, Any]], Players],
    own: Callable[[], dict[str, Any]] = dict,
) -> Game:
    """A game of a generator and an auto-encoder.

    Args:
      generator: latents -> x_fake.
      discriminator: x -> (reconstructions, codes).
      z_dim: width of the latent.
      prior: `(rng, shape) -> z`.
      energy: `(reconstructions, x) -> [batch]`.
      play: `(judged, own) -> Players` of `Loss`; the discriminator's holds the new `own`, and the
        networks' states are added here.
      own: what the game itself keeps in the discriminator's model state at the start.
    """
    if z_dim < 1:
        raise ValueError(f"z_dim={z_dim} must be at least 1")
    names = tuple(own())

    def init(rng, batch):
        rng_gen, rng_disc, rng_z = jax.random.split(rng, 3)
        x_real = data_of(batch)
        gen = start(generator, rng_gen, prior(rng_z, (x_real.shape[0], z_dim)))
        disc = start(discriminator, rng_disc, x_real)
        _check_shapes(generator, discriminator, gen, disc, x_real, z_dim)
        return Players(gen[0], disc[0]), Players(gen[1], {**disc[1], **own()})

    def game_losses(params, model_state, batch, rng):
        rng_z, rng_gen, rng_real, rng_fake = jax.random.split(rng, 4)
        x_real = batch["x"]
        z = prior(rng_z, (x_real.shape[0], z_dim))
        x_fake, gen_state = run(generator, params.gen, model_state.gen, z, rng=rng_gen)

        before = dict(model_state.disc)
        kept = {name: before.pop(name) for name in names}
        (again_real, _), (again_fake, codes_fake), disc_state = judge_both(
            discriminator, params.disc, before, (x_real,), (x_fake,), rngs=(rng_real, rng_fake)
        )
        judged = _Judged(energy(again_real, x_real), energy(again_fake, x_fake), x_fake, codes_fake)
        gen, disc = play(judged, kept)
        metrics = {
            "energy_real/disc": jnp.mean(judged.energy_real),
            "energy_fake/disc": jnp.mean(judged.energy_fake),
            **disc.metrics,
        }
        return Players(
            gen=gen._replace(model_state=gen_state),
            disc=disc._replace(model_state={**disc_state, **disc.model_state}, metrics=metrics),
        )

    def judge(params, model_state, x):
        state = {name: value for name, value in model_state.disc.items() if name not in names}
        return ask(discriminator, params.disc, state, x)

    queries = {
        "latents": lambda params, model_state, rng, n: prior(rng, (n, z_dim)),
        "generate": lambda params, model_state, z: ask(generator, params.gen, model_state.gen, z),
        "reconstruct": lambda params, model_state, x: judge(params, model_state, x)[0],
        "encode": lambda params, model_state, x: judge(params, model_state, x)[1],
        "energy": lambda params, model_state, x: energy(judge(params, model_state, x)[0], x),
    }
    return Game(init, game_losses, queries)


def _check_shapes(generator, discriminator, gen, disc, x_real, z_dim):
    """Refuses networks whose outputs do not fit the data, before anything is compiled."""
    batch, rng = x_real.shape[0], jax.random.key(0)
    check_samples(generator, gen, x_real, jnp.zeros((batch, z_dim)))
    outputs = jax.eval_shape(lambda x: run(discriminator, *disc, x, rng=rng)[0], x_real)
    shapes = jax.tree.map(lambda array: array.shape, outputs)
    pair = isinstance(outputs, tuple) and len(outputs) == 2
    if not pair or shapes[0] != x_real.shape or shapes[1][:1] != (batch,) or len(shapes[1]) < 2:
        raise ValueError(
            f"the discriminator makes outputs of shapes {shapes} for data {x_real.shape}; expected "
            f"reconstructions {x_real.shape} and codes ({batch}, ...): use an auto-encoder, e.g. "
            "the network mlp_autoencoder"
        )
