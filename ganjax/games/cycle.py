"""Translation between two domains without pairs: two generators, two discriminators (CycleGAN)."""

import math

import jax
import jax.numpy as jnp
from flax import linen as nn

from ganjax import losses
from ganjax.games import image_pool
from ganjax.games.contest import at_least_1, packs
from ganjax.games.networks import accuracies, ask, domains_of, run, start
from ganjax.games.translation import check_shapes, distance, judge
from ganjax.types import Game, Loss, Players

POOLS = "pools"  # a game's own entry beside the discriminators' collections
# direction: (where from, where to, the direction back)
WAYS = {"ab": ("a", "b", "ba"), "ba": ("b", "a", "ab")}


def cycle(
    generator: nn.Module,
    discriminator: nn.Module,
    loss: losses.AdversarialLoss = losses.least_squares(a=0.0, b=1.0, c=1.0),  # noqa: B008
    adversarial_weight: float = 2.0,
    cycle_weight: float = 10.0,
    identity_weight: float = 0.5,
    pool_size: int = 50,
    packing: int = 1,
) -> Game:
    """CycleGAN (Zhu et al. 2017, arXiv:1703.10593): G: a -> b, F: b -> a, D_a and D_b.

    With w, lambda and mu for the weights, the generators descend

        w L(D_b(G(a))) + w L(D_a(F(b))) + lambda (|F(G(a)) - a| + |G(F(b)) - b|)
        + lambda mu (|G(b) - b| + |F(a) - a|),

    |.| being the mean over batch, pixels and channels, and the discriminators w / 2 times their own
    losses, halved as in the paper. The paper's least squares have no halves, `least_squares` has:
    w = 2 takes them out. Take w = 1 with other losses.

    Discriminators are shown past samples in place of half of the new ones, see
    `image_pool.exchange`; the generators' losses see the new ones. Paper: what is translated and
    what is to stay the same pass a generator as one batch, for speed; only norms by batch notice.

    Args:
      generator: Linen module, samples of one domain -> samples of the other; either direction has
        parameters of its own.
      discriminator: Linen module, samples -> logits [batch, ...], e.g. one a patch; all count
        alike. A `train` argument of either module is set to True in the losses.
      loss: both players' losses on logits.
      adversarial_weight: w, greater than 0.
      cycle_weight: lambda, at least 0; the paper takes 10.
      identity_weight: mu, at least 0, relative to the cycle's weight as in the released code.
      pool_size: samples in each domain's pool, 50 in the paper; 0 for none.
      packing: as in `gan`, for either discriminator: a logit judges the same patch of m samples of
        one domain, joined along their channels; pools hold samples one by one.

    Returns:
      Game on batches with unpaired `a` and `b` [batch, ...] of one shape; parameters are
      `Players(gen={"ab": ..., "ba": ...}, disc={"a": ..., "b": ...})`. Metrics: `cycle/gen` and
      `identity/gen`, the two terms of each, not weighted; `accuracy/disc` and its parts on what the
      discriminators are shown.

    Raises:
      ValueError: a weight, `pool_size` or `packing` is out of range, or, from `init`, shapes do not
        fit or a batch does not divide into packs.
    """
    _check_numbers(
        adversarial_weight=adversarial_weight,
        cycle_weight=cycle_weight,
        identity_weight=identity_weight,
        pool_size=pool_size,
    )
    at_least_1(packing=packing)
    identity = identity_weight > 0 and cycle_weight > 0

    def init(rng, batch):
        domains = domains_of(batch)
        if batch["a"].shape[1:] != batch["b"].shape[1:]:
            raise ValueError(
                f"the domains have samples of shapes {batch['a'].shape[1:]} and "
                f"{batch['b'].shape[1:]}; both directions need one shape"
            )
        rngs = jax.random.split(rng, 4)
        ab, ba = (start(generator, r, batch[x]) for r, x in zip(rngs[:2], "ab", strict=True))
        packed = [packs(x, packing) for x in domains]
        a, b = (start(discriminator, r, x) for r, x in zip(rngs[2:], packed, strict=True))
        check_shapes(generator, ab, *domains, discriminator=discriminator, disc=b, judged=packed[1])
        pools = {POOLS: {x: image_pool.empty(pool_size, batch[x]) for x in "ab"}}
        return Players(gen={"ab": ab[0], "ba": ba[0]}, disc={"a": a[0], "b": b[0]}), Players(
            gen={"ab": ab[1], "ba": ba[1]},
            disc={"a": a[1], "b": b[1], **(pools if pool_size else {})},
        )

    def generators(params, model_state, batch, rng):
        """(samples by domain, the generators' model state, their distances by name)."""

        def translate(way, x, rng):
            return run(generator, params.gen[way], model_state.gen[way], x, rng=rng)

        rngs = iter(jax.random.split(rng, 4))
        fakes, states, distances = {}, {}, {"cycle/gen": 0.0}
        if identity:
            distances["identity/gen"] = 0.0
        for way, (here, there, _) in WAYS.items():
            seen = [batch[here], batch[there]] if identity else [batch[here]]
            made, states[way] = translate(way, jnp.concatenate(seen), next(rngs))
            fakes[there] = made[: batch[here].shape[0]]
            if identity:
                same = made[batch[here].shape[0] :]
                distances["identity/gen"] += distance(same, batch[there])
        for here, there, back in WAYS.values():
            returned, _ = translate(back, fakes[there], next(rngs))
            distances["cycle/gen"] += distance(returned, batch[here])
        return fakes, states, distances

    def discriminators(params, model_state, batch, fakes, rng):
        """Per domain: logits of data, of new samples and of those shown; the new model state."""
        logits, states, pools = {}, {}, {}
        for x in "ab":
            rng, rng_pool, rng_judge = jax.random.split(rng, 3)
            seen = (fakes[x],)
            if pool_size:
                pool = model_state[POOLS][x]
                shown, pools[x] = image_pool.exchange(pool, fakes[x], rng_pool)
                seen = (fakes[x], shown)
            (real, *judged), states[x] = judge(
                discriminator,
                params[x],
                model_state[x],
                batch[x],
                *seen,
                packing=packing,
                rng=rng_judge,
            )
            logits[x] = real, judged[0], judged[-1]
        return logits, {**states, **({POOLS: pools} if pool_size else {})}

    def game_losses(params, model_state, batch, rng):
        rng_gen, rng_disc = jax.random.split(rng)
        fakes, gen_state, distances = generators(params, model_state, batch, rng_gen)
        logits, disc_state = discriminators(params.disc, model_state.disc, batch, fakes, rng_disc)
        gen = sum(loss.gen(real, fake) for real, fake, _ in logits.values())
        disc = sum(loss.disc(real, shown) for real, _, shown in logits.values())
        gen = adversarial_weight * gen + cycle_weight * distances["cycle/gen"]
        if identity:
            gen += cycle_weight * identity_weight * distances["identity/gen"]
        real, _, shown = (
            loss.realness(jnp.concatenate(x)) for x in zip(*logits.values(), strict=True)
        )
        return Players(
            gen=Loss(gen, gen_state, distances),
            disc=Loss(adversarial_weight / 2 * disc, disc_state, accuracies(real, shown)),
        )

    return Game(init, game_losses, _queries(generator))


def _check_numbers(**numbers):
    for name, value in numbers.items():
        if not 0 <= value < math.inf:
            raise ValueError(f"{name}={value} must be finite and at least 0")
    if numbers["adversarial_weight"] == 0:
        raise ValueError("adversarial_weight=0 leaves no game; it must be greater than 0")


def _queries(generator):
    def translating(way):
        def translate(params, model_state, x):
            return ask(generator, params.gen[way], model_state.gen[way], x)

        return translate

    ab, ba = translating("ab"), translating("ba")

    def panels(params, model_state, batch, rng):
        del rng
        to_b = ab(params, model_state, batch["a"])
        to_a = ba(params, model_state, batch["b"])
        return {
            "a": batch["a"],
            "a to b": to_b,
            "a to b to a": ba(params, model_state, to_b),
            "b": batch["b"],
            "b to a": to_a,
            "b to a to b": ab(params, model_state, to_a),
        }

    return {"translate_ab": ab, "translate_ba": ba, "panels": panels}
