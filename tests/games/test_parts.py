"""Parts that a user plugs in: penalties with memory, and one clear error for a wrong shape."""

from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn
from marks import marked

from ganjax import checkpoints, games, losses, nets, penalties, schemes
from ganjax.games.networks import MEMORIES
from ganjax.types import Players

RNG = jax.random.key(0)
ROWS, DECAY = 8, 0.75


@cache
def steady_slopes():
    """The example in the docstring of `penalties`."""
    code = penalties.__doc__.split("lengths:\n")[1]
    scope = {}
    exec("\n".join(line[4:] for line in code.splitlines()), scope)
    return scope["steady_slopes"]


def game_of(penalty):
    generator = nets.MLPGenerator((2,), width=4, depth=1)
    discriminator = nets.MLPDiscriminator(width=4, depth=1, activation=jnp.tanh)
    return games.gan(generator, discriminator, z_dim=2, penalties=(penalties.drift(0.1), penalty))


def data(seed=1):
    return {"x": jax.random.normal(jax.random.key(seed), (ROWS, 2), float)}


def memory(state):
    return state.model_state.disc[MEMORIES]["1"]


def double(tree):
    return jax.tree.map(lambda a: a.astype(float) if a.dtype == jnp.float32 else a, tree)


def norms(discriminator_params, x):
    """|grad_x D(x)| of every row."""
    critic = partial(
        nets.MLPDiscriminator(width=4, depth=1, activation=jnp.tanh).apply,
        {"params": discriminator_params},
    )
    slopes = jax.vmap(jax.grad(lambda row: critic(row[None])[0]))(x)
    return jnp.linalg.norm(slopes, axis=1)


def test_a_penalty_with_memory_by_hand(x64):
    """gamma E (|grad| - m)^2 with the old m, which then moves to the mean norm."""
    game, batch = game_of(steady_slopes()(gamma=2.0, decay=DECAY)), data()
    params, model_state = jax.jit(game.init)(RNG, batch)
    kept, expected = model_state.disc[MEMORIES], 0.0
    assert kept.keys() == {"1"}
    found = np.asarray(norms(params.disc, batch["x"]))
    drift = game_of(penalties.drift(0.0)).losses(params, model_state, batch, RNG)
    losses_of = jax.jit(game.losses)
    for _ in range(3):
        disc = losses_of(params, model_state, batch, RNG).disc
        own = disc.metrics["penalty/disc"] - drift.disc.metrics["penalty/disc"]
        np.testing.assert_allclose(own, 2.0 * np.mean((found - expected) ** 2), rtol=1e-6)
        expected = DECAY * expected + (1 - DECAY) * found.mean()
        np.testing.assert_allclose(disc.model_state[MEMORIES]["1"], expected, rtol=1e-6)
        model_state = model_state._replace(disc=disc.model_state)


SGD = Players(gen=optax.sgd(0.05), disc=optax.sgd(0.05))
PLAY = {
    "alternating": partial(schemes.alternating, disc_updates=2),
    "simultaneous": schemes.simultaneous,
    "unrolled": partial(schemes.unrolled, unroll_steps=2),
}


@pytest.mark.parametrize("play", marked(PLAY, default=["alternating"], telling=["unrolled"]))
def test_memory_under_every_scheme(play, x64, tmp_path):
    """It moves once an update; one device is eight, and a batch its parts; it is restored."""
    game, batch = game_of(steady_slopes()(gamma=2.0, decay=DECAY)), data()
    scheme = PLAY[play](game, SGD)
    state = double(jax.jit(scheme.init)(RNG, batch))
    step = jax.jit(scheme.step)
    first, _ = step(state, batch, RNG)
    updates = 2 if play == "alternating" else 1
    expected = np.float64(0.0)
    if play == "simultaneous":
        expected = (1 - DECAY) * norms(state.params.disc, batch["x"]).mean()
        np.testing.assert_allclose(memory(first), expected, rtol=1e-6)
    assert 0 < memory(first) < (1 - DECAY**updates) * 10
    second, _ = step(first, batch, RNG)

    checkpoints.save(tmp_path, 1, first, keep=1)
    _, restored = checkpoints.restore(tmp_path, jax.eval_shape(lambda: state))
    np.testing.assert_array_equal(memory(step(restored, batch, RNG)[0]), memory(second))

    parts = PLAY[play](games.accumulated(game, 2), SGD)
    in_parts, _ = jax.jit(parts.step)(first, batch, RNG)
    spread = PLAY[play](game, SGD, axis_name="data")
    mapped = jax.pmap(spread.step, axis_name="data", in_axes=(None, 0, None))
    on_devices, _ = mapped(first, jax.tree.map(lambda x: x.reshape(8, -1, 2), batch), RNG)
    for other in (in_parts, jax.tree.map(lambda leaf: leaf[0], on_devices)):
        np.testing.assert_allclose(memory(other), memory(second), rtol=1e-9)
        jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-9), other.params, second.params)


def test_plain_penalties_have_no_memory():
    assert MEMORIES not in game_of(penalties.r1()).init(RNG, data())[1].disc


def mine(critic, x_real, x_fake, rng):
    return critic(x_real) ** 2


def by_factory(weight):
    def penalty(critic, x_real, x_fake, rng):
        return weight * critic(x_real) ** 2

    return penalty


def forgetful(critic, x_real, x_fake, rng):
    return jnp.zeros(()), jnp.zeros(3)


def wider(rng, shape):
    return jax.random.normal(rng, (shape[0], shape[1] + 1))


def halved(x, rng, updates):
    return x[::2]


def each(logits_real, logits_fake):
    return logits_fake


SCALAR = r"returned shape \(8,\); expected a scalar \(take the mean\)"
WRONG = {
    "penalty": ({"penalties": (mine,)}, rf"penalties\.mine {SCALAR}"),
    "partial": ({"penalties": (partial(mine),)}, rf"penalties\.mine {SCALAR}"),
    "factory": (
        {"penalties": (by_factory(2.0),)},
        rf"penalties\.by_factory {SCALAR}",
    ),
    "lazy": ({"penalties": (penalties.lazy(mine),)}, rf"penalties\.mine {SCALAR}"),
    "pair": ({"penalties": (forgetful,)}, r"penalties\.forgetful returned shape \(\(\), \(3,\)\)"),
    "memory": (
        {"penalties": (penalties.WithMemory(lambda x: 0.0, lambda m, *_: (m, jnp.ones(3))),)},
        r"returned the memory .*float32\[3\].*, its init .*float32\[\].*; return one form",
    ),
    "prior": (
        {"prior": wider},
        r"prior\.wider returned shape \(8, 3\); expected \(8, 2\)",
    ),
    "augment": ({"augment": halved}, r"augment\.halved returned shape \(4, 2\); expected \(8, 2\)"),
    "gen": ({"loss": losses.AdversarialLoss(each, losses.hinge.disc)}, rf"losses\.each {SCALAR}"),
    "disc": ({"loss": losses.AdversarialLoss(losses.hinge.gen, each)}, rf"losses\.each {SCALAR}"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_part_of_the_wrong_shape_is_named(name):
    options, message = WRONG[name]
    networks = nets.MLPGenerator((2,), depth=0), nets.MLPDiscriminator(depth=0)
    game = games.gan(*networks, z_dim=2, **options)
    with pytest.raises(ValueError, match=message):
        game.losses(*game.init(RNG, data()), data(), RNG)


class Averaging(nn.Module):
    @nn.compact
    def __call__(self, x):
        mean = self.variable("average", "mean", lambda: jnp.zeros(()))
        return nn.Dense(1)(x)[:, 0] - mean.value


def test_a_collection_named_like_an_entry_of_games_is_refused():
    game = games.gan(nets.MLPGenerator((2,), depth=0), Averaging(), z_dim=2)
    with pytest.raises(ValueError, match="Averaging has a collection of variables 'average'"):
        game.init(RNG, data())


def test_memory_where_there_is_no_place_for_it():
    with pytest.raises(ValueError, match="has memory; pass lazy"):
        penalties.lazy(steady_slopes()())
    with pytest.raises(ValueError, match="dirac keeps no memory"):
        games.dirac(penalty=steady_slopes()())
