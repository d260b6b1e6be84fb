"""Translation between two domains without pairs: two generators, two discriminators (CycleGAN)."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from ganjax import checks, losses
from ganjax.games import image_pool, judging, parts
from ganjax.games.batches import domains_of
from ganjax.games.judging import Judge, accuracies
from ganjax.games.networks import ask, run, start
from ganjax.games.translation import check_patches, check_translator, distance, judge_patches
from ganjax.types import Game, Loss, Needs, Players

POOLS = "pools"  # a game's own entry beside the discriminators' collections
# direction: (where from, where to, the direction back)
WAYS = {"ab": ("a", "b", "ba"), "ba": ("b", "a", "ab")}


class _Logits(NamedTuple):
    """Of one domain's discriminator, each [batch / m * patches]."""

    real: jax.Array
    fake: jax.Array  # on new samples, for the generator
    shown: jax.Array  # on those of the pool, for the discriminator


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
    `image_pool.exchange`; the generators' losses see the new ones. Paper: images to translate and
    images to keep pass a generator as one batch, for speed; only norms by batch notice.

    Args:
      generator: Linen module, samples of one domain -> samples of the other; either direction has
        parameters of its own.
      discriminator: as in `paired`, of samples.
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
      `identity/gen`, the two terms of each, not weighted; `accuracy/disc` and its parts on the
      samples shown to the discriminators.

    Raises:
      ValueError: as in `paired`, or domains of two shapes.
    """
    checks.within("(0, inf)", adversarial_weight=adversarial_weight)
    checks.within("[0, inf)", cycle_weight=cycle_weight, identity_weight=identity_weight)
    checks.whole(0, pool_size=pool_size)
    checks.whole(1, packing=packing)
    identity = identity_weight > 0 and cycle_weight > 0
    by_patches = Judge(discriminator, packing=packing)

    def init(rng, batch):
        return _start(generator, by_patches, pool_size, domains_of(batch), rng)

    def game_losses(params, model_state, batch, rng):
        rng_gen, rng_disc = jax.random.split(rng)
        fakes, gen_state, distances = _translated(
            generator, params.gen, model_state.gen, batch, identity, rng_gen
        )
        logits, disc_state = _judged(
            by_patches, params.disc, model_state.disc, batch, fakes, rng_disc
        )
        gen = sum(parts.value_of(loss, "gen", x.real, x.fake) for x in logits)
        disc = sum(parts.value_of(loss, "disc", x.real, x.shown) for x in logits)
        gen = adversarial_weight * gen + cycle_weight * distances["cycle/gen"]
        if identity:
            gen += cycle_weight * identity_weight * distances["identity/gen"]
        real = jnp.concatenate([x.real for x in logits])
        shown = jnp.concatenate([x.shown for x in logits])
        metrics = accuracies(loss.realness(real), loss.realness(shown))
        return Players(
            gen=Loss(gen, gen_state, distances),
            disc=Loss(adversarial_weight / 2 * disc, disc_state, metrics),
        )

    in_parts = (
        "every part of a batch would change the image pool by itself; set game.pool_size to 0"
    )
    needs = Needs(no_accumulation=in_parts if pool_size else "")
    return Game(init, game_losses, _queries(generator), needs)


def _start(
    generator: nn.Module,
    by_patches: Judge,
    pool_size: int,
    domains: tuple[jax.Array, jax.Array],
    rng: jax.Array,
) -> tuple[Players, Players]:
    """(params, model state) of both generators and both discriminators, with empty pools."""
    a, b = domains
    if a.shape[1:] != b.shape[1:]:
        raise ValueError(
            f"the domains have samples of shapes {a.shape[1:]} and {b.shape[1:]}; both directions "
            "need one shape"
        )
    rngs = jax.random.split(rng, 4)
    gens = {way: start(generator, r, x) for way, r, x in zip(WAYS, rngs[:2], domains, strict=True)}
    discs = {}
    for name, r, x in zip("ab", rngs[2:], domains, strict=True):
        discs[name], outputs = judging.begin(by_patches, r, x)
    check_translator(generator, gens["ab"], a, b)
    check_patches(outputs, b.shape[0] // by_patches.packing)
    params, states = (
        Players(*({name: begun[at] for name, begun in x.items()} for x in (gens, discs)))
        for at in range(2)
    )
    if pool_size:
        states.disc[POOLS] = {
            name: image_pool.empty(pool_size, x) for name, x in zip("ab", domains, strict=True)
        }
    return params, states


def _translated(
    generator: nn.Module,
    params: dict[str, Any],
    model_state: dict[str, Any],
    batch: dict[str, jax.Array],
    identity: bool,
    rng: jax.Array,
) -> tuple[dict[str, jax.Array], dict[str, Any], dict[str, jax.Array]]:
    """(samples by domain, the generators' model state, their distances by name)."""

    def translate(way, x, rng):
        return run(generator, params[way], model_state[way], x, rng=rng)

    rngs = iter(jax.random.split(rng, 4))
    fakes, states, distances = {}, {}, {"cycle/gen": 0.0}
    if identity:
        distances["identity/gen"] = 0.0
    for way, (here, there, _) in WAYS.items():
        inputs = [batch[here], batch[there]] if identity else [batch[here]]
        made, states[way] = translate(way, jnp.concatenate(inputs), next(rngs))
        fakes[there], same = jnp.split(made, [batch[here].shape[0]])
        if identity:
            distances["identity/gen"] += distance(same, batch[there])
    for here, there, back in WAYS.values():
        returned, _ = translate(back, fakes[there], next(rngs))
        distances["cycle/gen"] += distance(returned, batch[here])
    return fakes, states, distances


def _judged(
    by_patches: Judge,
    params: dict[str, Any],
    model_state: dict[str, Any],
    batch: dict[str, jax.Array],
    fakes: dict[str, jax.Array],
    rng: jax.Array,
) -> tuple[list[_Logits], dict[str, Any]]:
    """(logits of either domain, the discriminators' model state with their pools)."""
    logits, states, pools = [], {}, {}
    for name in "ab":
        rng, rng_pool, rng_judge = jax.random.split(rng, 3)
        own, shown = (by_patches, params[name], model_state[name]), fakes[name]
        if POOLS in model_state:
            shown, pools[name] = image_pool.exchange(model_state[POOLS][name], shown, rng_pool)
        rngs = jax.random.split(rng_judge, 3 if pools else 2)
        (real, on_shown), states[name] = judge_patches(
            *own, batch[name], shown, rngs=(rngs[0], rngs[-1])
        )
        on_fake = on_shown
        if pools:  # for the generator alone: statistics are those of the samples shown
            (on_fake,), _ = judge_patches(*own, fakes[name], rngs=rngs[1:2])
        logits.append(_Logits(real, on_fake, on_shown))
    return logits, {**states, **({POOLS: pools} if pools else {})}


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
