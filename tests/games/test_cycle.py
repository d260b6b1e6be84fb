"""CycleGAN: its losses by hand, the image pool against the plain rule, who owns what."""

from functools import partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn

from ganjax import games, losses, nets, schemes, spread
from ganjax.games import image_pool
from ganjax.types import Players

RNG = jax.random.key(0)


class Scale(nn.Module):
    """x -> w x, a translator and, with a logit for each coordinate, a patch discriminator."""

    @nn.compact
    def __call__(self, x):
        return self.param("w", nn.initializers.ones, ()) * x


def scales(ab=2.0, ba=3.0, a=0.5, b=-0.25):
    """Parameters of the linear game: G = ab x, F = ba x, D_a = a x, D_b = b x."""
    weight = lambda value: {"w": jnp.asarray(value, float)}  # noqa: E731
    return Players(gen={"ab": weight(ab), "ba": weight(ba)}, disc={"a": weight(a), "b": weight(b)})


def domains(n=4):
    rng_a, rng_b = jax.random.split(RNG)
    return {"a": jax.random.normal(rng_a, (n, 2)), "b": 1 + jax.random.normal(rng_b, (n, 2))}


def state_of(game, batch):
    return game.init(RNG, batch)[1]


def square(x):
    return np.mean(np.square(x))


def test_losses_of_linear_maps_by_hand(x64):
    """The paper's least squares, without halves for G and with one for D, as the default is."""
    batch = domains()
    game = games.cycle(Scale(), Scale(), cycle_weight=7.0, identity_weight=0.3, pool_size=0)
    outcome = game.losses(scales(), state_of(game, batch), batch, RNG)
    a, b = np.asarray(batch["a"]), np.asarray(batch["b"])
    cycle = np.abs(6 * a - a).mean() + np.abs(6 * b - b).mean()
    identity = np.abs(2 * b - b).mean() + np.abs(3 * a - a).mean()
    gen = square(-0.25 * 2 * a - 1) + square(0.5 * 3 * b - 1)
    disc = square(-0.25 * b - 1) + square(-0.25 * 2 * a) + square(0.5 * a - 1) + square(1.5 * b)
    gen += 7 * cycle + 7 * 0.3 * identity
    np.testing.assert_allclose(outcome.gen.value, gen, rtol=1e-10)
    np.testing.assert_allclose(outcome.disc.value, disc / 2, rtol=1e-10)
    assert outcome.gen.metrics.keys() == {"cycle/gen", "identity/gen"}
    np.testing.assert_allclose(outcome.gen.metrics["cycle/gen"], cycle, rtol=1e-10)
    np.testing.assert_allclose(outcome.gen.metrics["identity/gen"], identity, rtol=1e-10)
    assert outcome.disc.metrics.keys() == {
        "accuracy/disc",
        "accuracy_real/disc",
        "accuracy_fake/disc",
    }


def test_another_loss_with_weight_one_is_taken_as_it_is(x64):
    batch = domains()
    options = {"cycle_weight": 0.0, "identity_weight": 0.5, "pool_size": 0}
    game = games.cycle(Scale(), Scale(), losses.hinge, adversarial_weight=1.0, **options)
    outcome = game.losses(scales(), state_of(game, batch), batch, RNG)
    a, b = np.asarray(batch["a"]), np.asarray(batch["b"])
    np.testing.assert_allclose(outcome.gen.value, 0.5 * a.mean() - 1.5 * b.mean(), rtol=1e-10)
    pairs = ((-0.25 * b, -0.5 * a), (0.5 * a, 1.5 * b))
    disc = sum(
        np.maximum(1 - real, 0).mean() + np.maximum(1 + fake, 0).mean() for real, fake in pairs
    )
    np.testing.assert_allclose(outcome.disc.value, disc / 2, rtol=1e-10)
    assert "identity/gen" not in outcome.gen.metrics  # nothing to weigh it by


def reference(size, batches, draws):
    """The released code's rule in plain Python: (what is shown of each batch, what is kept)."""
    kept, shown = [], []
    for batch, (swaps, places) in zip(batches, draws, strict=True):
        answers = []
        for x, swap, place in zip(batch, swaps, places, strict=True):
            if len(kept) < size:
                kept.append(x)
                answers.append(x)
            elif swap:
                answers.append(kept[place])
                kept[place] = x
            else:
                answers.append(x)
        shown.append(answers)
    return np.array(shown), np.array(kept)


def test_the_pool_is_the_plain_rule():
    """5 places, 8 batches of 3: sample by sample, the same draws."""
    batches = np.arange(24.0, dtype="f").reshape(8, 3, 1) + 1
    keys = jax.random.split(RNG, 8)
    draws = []
    for key in keys:
        rng_swap, rng_place = jax.random.split(key)
        swaps = jax.random.bernoulli(rng_swap, shape=(3,))
        draws.append((np.asarray(swaps), np.asarray(jax.random.randint(rng_place, (3,), 0, 5))))
    exchange, pool, shown = jax.jit(image_pool.exchange), image_pool.empty(5, batches[0]), []
    for step, (batch, key) in enumerate(zip(batches, keys, strict=True)):
        answers, pool = exchange(pool, batch, key)
        shown.append(answers)
        assert int(pool.filled) == min(5, 3 * (step + 1))
    expected, kept = reference(5, batches, draws)
    np.testing.assert_array_equal(shown, expected)
    np.testing.assert_array_equal(pool.images, kept)
    swapped = (np.array(shown) != batches).sum()
    assert 4 < swapped < 16  # of 19 after the pool is full, half on average


def test_devices_hold_one_pool():
    """Mapped: the pool of all samples, everywhere."""
    x = jnp.arange(1.0, 13.0).reshape(4, 3, 1)
    pool = image_pool.Pool(-jnp.ones((5, 1)), jnp.int32(5))
    alone, kept = image_pool.exchange(pool, x.reshape(12, 1), RNG)

    def losses(params, model_state, x, rng):
        return image_pool.exchange(pool, x, rng)

    mapped = partial(spread.on_rows(losses, "devices"), (), (), rng=RNG)
    shown, pools = jax.vmap(mapped, axis_name="devices")(x)
    np.testing.assert_array_equal(shown.reshape(12, 1), alone)
    for device in range(4):
        np.testing.assert_array_equal(pools.images[device], kept.images)
    assert bool((alone < 0).any())


def test_a_split_batch_plays_as_the_whole(x64):
    """Mapped, four rows each and replicas: three steps, the pools full after the first.

    SGD: Adam would hide a gradient scaled by the number of devices.
    """
    tx = Players(gen=optax.sgd(0.01), disc=optax.sgd(0.01))

    game = games.cycle(Scale(), Scale(), pool_size=5)
    whole, mapped = (schemes.simultaneous(game, tx, axis_name=axis) for axis in (None, "devices"))
    batch = domains(16)
    rows = {key: x.reshape(4, 4, 2) for key, x in batch.items()}
    state = whole.init(RNG, batch)._replace(params=scales())
    replicas = jax.tree.map(lambda leaf: jnp.stack([leaf] * 4), state)
    one = jax.jit(whole.step)
    four = jax.jit(jax.vmap(mapped.step, axis_name="devices", in_axes=(0, 0, None)))
    for key in jax.random.split(RNG, 3):
        state, metrics = one(state, batch, key)
        replicas, own = four(replicas, rows, key)
    assert int(state.model_state.disc["pools"]["a"].filled) == 5
    for device in range(4):
        replica = jax.tree.map(lambda leaf, device=device: leaf[device], (replicas, own))
        chex.assert_trees_all_close(replica, (state, metrics), rtol=1e-10, atol=1e-12)


def test_the_discriminators_see_the_pool_and_the_generators_do_not():
    batch = domains()
    game = games.cycle(Scale(), Scale(), pool_size=4)
    bare = games.cycle(Scale(), Scale(), pool_size=0)
    state = state_of(game, batch)
    losses_of = jax.jit(game.losses)
    first = losses_of(scales(), state, batch, RNG)
    np.testing.assert_array_equal(first.disc.model_state["pools"]["b"].images, 2 * batch["a"])
    np.testing.assert_array_equal(first.disc.model_state["pools"]["a"].images, 3 * batch["b"])
    without = jax.jit(bare.losses)(scales(), state_of(bare, batch), batch, RNG)
    np.testing.assert_allclose(first.disc.value, without.disc.value, rtol=1e-6)
    # Full now: other samples than the ones that the generators are judged by.
    later = {key: x + 1 for key, x in batch.items()}
    second = losses_of(scales(), Players(first.gen.model_state, first.disc.model_state), later, RNG)
    without = jax.jit(bare.losses)(scales(), state_of(bare, batch), later, RNG)
    np.testing.assert_allclose(second.gen.value, without.gen.value, rtol=1e-6)
    assert abs(float(second.disc.value - without.disc.value)) > 1e-3


def test_queries_go_both_ways():
    game = games.cycle(Scale(), Scale())
    batch = domains()
    params, state = scales(), state_of(game, batch)
    np.testing.assert_allclose(
        game.queries["translate_ab"](params, state, batch["a"])[0], 2 * batch["a"][0]
    )
    np.testing.assert_allclose(
        game.queries["translate_ba"](params, state, batch["b"])[0], 3 * batch["b"][0]
    )
    panels = game.queries["panels"](params, state, batch, RNG)
    factors = {"a": 1, "a to b": 2, "a to b to a": 6, "b": 1, "b to a": 3, "b to a to b": 6}
    assert list(panels) == sorted(panels) == list(factors)  # jit sorts them
    for title, factor in factors.items():
        np.testing.assert_allclose(panels[title], factor * batch[title[0]], rtol=1e-6)


def test_the_state_stays_what_it_is():
    """Networks with dropout and batch statistics, alternating play; traced alone."""
    generator = nets.UNet((8, 8, 1), width=1, depth=3, dropped=1)
    discriminator = nets.PatchDiscriminator(width=1, layers=1, norm=nets.NORMS["batch"])
    game = games.cycle(generator, discriminator, pool_size=3)
    scheme = schemes.alternating(game, Players(gen=optax.sgd(0.1), disc=optax.sgd(0.1)))
    batch = {x: jnp.zeros((4, 8, 8, 1)) for x in "ab"}
    before = jax.eval_shape(scheme.init, RNG, batch)
    after, metrics = jax.eval_shape(scheme.step, before, batch, RNG)
    chex.assert_trees_all_equal_shapes_and_dtypes(before, after)
    assert {"cycle/gen", "identity/gen", "accuracy/disc"} <= metrics.keys()


def test_every_player_has_a_gradient():
    """Both translators and both discriminators, each in its own player's loss."""
    batch = domains()
    game = games.cycle(Scale(), Scale(), pool_size=3)
    state = state_of(game, batch)

    def value(own, player):
        params = scales()._replace(**{player: own})
        return getattr(game.losses(params, state, batch, RNG), player).value

    for player in ("gen", "disc"):
        gradient = jax.jit(jax.grad(value), static_argnums=1)(getattr(scales(), player), player)
        assert all(abs(float(leaf)) > 1e-3 for leaf in jax.tree.leaves(gradient))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cycle_weight": -1.0}, "cycle_weight=-1.0"),
        ({"identity_weight": float("inf")}, "identity_weight=inf"),
        ({"adversarial_weight": 0}, "adversarial_weight=0"),
        ({"pool_size": -1}, "pool_size=-1"),
    ],
)
def test_numbers_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        games.cycle(Scale(), Scale(), **options)


class Sum(nn.Module):
    """One number of a whole batch."""

    @nn.compact
    def __call__(self, x):
        return self.param("w", nn.initializers.ones, ()) * x.sum()[None]


def test_what_does_not_fit_is_refused():
    other = {**domains(), "b": jnp.ones((4, 3))}
    with pytest.raises(ValueError, match="both directions need one shape"):
        games.cycle(Scale(), Scale()).init(RNG, other)
    with pytest.raises(ValueError, match=r"to shape \(4, 5\); expected \(4, 2\)"):
        games.cycle(nets.MLPGenerator((5,), width=2), Scale()).init(RNG, domains())
    with pytest.raises(ValueError, match="one logit per patch"):
        games.cycle(Scale(), Sum()).init(RNG, domains())
