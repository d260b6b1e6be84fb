"""Standing statistics: those of the weights at hand, whatever the layer's momentum and the game."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from marks import marked

from ganjax import averages, experiment, games, nets
from ganjax.types import Players

RNG = jax.random.key(0)
WEIGHTS = np.array([[3.0, 0.0, 1.0], [4.0, 2.0, -1.0]])


class Normed(nn.Module):
    """w x + b, normalised by batch, as points [batch, 3]."""

    momentum: float = 0.9
    frozen: bool = False

    @nn.compact
    def __call__(self, x, train=True):
        y = nn.Dense(3)(x)
        return nn.BatchNorm(use_running_average=self.frozen or not train, momentum=self.momentum)(y)


def points(rng, rows=64):
    return {"x": jax.random.normal(rng, (rows, 3))}


def of_normed(**options):
    """The game, its players with WEIGHTS and the bias 5, and its model state."""
    game = games.gan(Normed(**options), nets.MLPDiscriminator(width=4), z_dim=2)
    params, model_state = game.init(RNG, points(RNG))
    dense = {"kernel": jnp.asarray(WEIGHTS), "bias": jnp.full(3, 5.0)}
    return game, params._replace(gen={**params.gen, "Dense_0": dense}), model_state


@pytest.mark.parametrize("momentum", [0.0, 0.9, 0.99])
def test_statistics_of_a_linear_layer(x64, momentum):
    """Of z ~ N(0, I) the mean is the bias and the variance the squared columns of w.

    4,000 batches of 64: standard errors of 0.01 at most, but for the bias 63/64 of a batch's
    variance, which is the one that normalises in training.
    """
    game, params, model_state = of_normed(momentum=momentum)
    found = games.standing(game, params, model_state, points, RNG, batches=4000)
    (stats,) = found.gen["batch_stats"].values()
    np.testing.assert_allclose(stats["mean"], np.full(3, 5.0), atol=0.03)
    np.testing.assert_allclose(stats["var"], (WEIGHTS**2).sum(0) * 63 / 64, rtol=0.01)


def test_they_are_the_means_of_the_batches(x64):
    """By hand, from running averages that are passed on batch after batch."""
    game, params, model_state = of_normed()
    found = games.standing(game, params, model_state, points, RNG, batches=3)
    means, state = [], model_state
    for key in jax.random.split(RNG, 3):
        rng_batch, rng = jax.random.split(key)
        after = game.losses(params, state, points(rng_batch), rng).gen.model_state
        means.append(jax.tree.map(lambda new, old: (new - 0.9 * old) / 0.1, after, state.gen))
        state = state._replace(gen=after)
    expected = jax.tree.map(lambda *batches: np.mean(batches, axis=0), *means)
    # Flax keeps statistics in float32 whatever the inputs are.
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-5), found.gen, expected)


def test_frozen_statistics_and_players_not_asked_for_stay(x64):
    game, params, model_state = of_normed(frozen=True)
    moved = jax.tree.map(lambda leaf: leaf + 1, model_state)
    jax.tree.map(
        np.testing.assert_array_equal, games.standing(game, params, moved, points, RNG), moved
    )
    game, params, model_state = of_normed()
    kept = games.standing(game, params, model_state, points, RNG, players=("disc",))
    jax.tree.map(np.testing.assert_array_equal, kept, model_state)
    with pytest.raises(ValueError, match="batches=0"):
        games.standing(game, params, model_state, points, RNG, batches=0)


SGD = {"name": "sgd", "learning_rate": 0.5}
BASE = {
    "steps": 1,
    "batch_size": 8,
    "loss": {"name": "non_saturating"},
    "scheme": {"name": "alternating"},
    "average": {"name": "ema", "decay": 0.5},
    "gen_tx": SGD,
    "disc_tx": SGD,
}
DCGAN = {"name": "dcgan", "width": 2}
CRITIC = {**DCGAN, "norm": "none"}
GAN = {
    **BASE,
    "data": {"name": "digits"},
    "game": {"name": "gan", "z_dim": 2},
    "generator": DCGAN,
    "discriminator": CRITIC,
    "evaluation": {"name": "digits"},
}
CONDITIONAL = {
    **GAN,
    "data": {"name": "digits", "size": 16},  # at 8 the one layer's statistics are before the labels
    "game": {"name": "conditional", "z_dim": 2},
    "generator": {**DCGAN, "norm": {"name": "conditional_batch", "num_classes": 10}},
    "discriminator": {**CRITIC, "labels": {"name": "one_hot", "num_classes": 10}},
}
UNET = {"name": "unet", "width": 2, "depth": 2, "dropout": 0.0, "dropped": 0}
PATCH = {"name": "patch", "width": 2, "layers": 1}
PAIRED = {
    **BASE,
    "data": {"name": "paired_images"},
    "game": {"name": "paired"},
    "generator": UNET,
    "discriminator": PATCH,
    "gen_tx": {"name": "sgd", "learning_rate": 0.01},
}
CYCLE = {**PAIRED, "data": {"name": "photograph_domains"}, "game": {"name": "cycle"}}
CASES = {
    "gan": GAN,
    "accumulated": {**GAN, "accumulate": 2},
    "bfloat16": {**GAN, "compute": "bfloat16"},
    "conditional": CONDITIONAL,
    "paired": PAIRED,
    "cycle": CYCLE,
}


# One is compiled, the other is not: roundings of float32, and of bfloat16's 8 bits.
close = partial(jax.tree.map, partial(np.testing.assert_allclose, rtol=1e-2, atol=1e-3))


def trained(config):
    """The experiment and its state after a step."""
    built = experiment.build(config)
    before = jax.jit(partial(experiment.initial_state, built))(RNG)
    batch = built.batch(built.train, RNG)
    return built, jax.jit(built.scheme.step)(before, batch, RNG)[0]


@pytest.mark.parametrize("name", marked(CASES, (), telling=[next(iter(CASES)), "cycle"]))
def test_every_query_of_an_average_has_its_own_statistics(name):
    """Of the batches that training draws, for every query alike; live players keep theirs."""
    built, state = trained(CASES[name])
    gen = state.model_state.gen
    params = state.params._replace(gen=state.average)
    expected = games.standing(
        built.game,
        params,
        state.model_state,
        partial(built.one_batch, built.train),
        jax.random.key(0),
        batches=averages.BATCHES,
    ).gen
    moved = jax.tree.map(lambda new, old: np.abs(new - old).max(), expected, gen)
    assert max(jax.tree.leaves(moved)) > 1e-3
    asked = built.asked(state)
    assert asked.average == ()
    close(asked.model_state.gen, expected)
    jax.tree.map(np.testing.assert_array_equal, asked.model_state.disc, state.model_state.disc)
    again = built.asked(asked)
    jax.tree.map(np.testing.assert_array_equal, again, asked)

    queries = built.queries(state)
    for query in ("generate", "translate_ab", "translate_ba"):
        if query in queries:
            if query == "generate":
                x = queries["latents"](RNG, 4)
            else:
                x = built.one_batch(built.train, RNG)[query[-2]]
            given = (x, np.arange(4)) if name == "conditional" else (x,)
            by_hand = built.game.queries[query](asked.params, asked.model_state, *given)
            np.testing.assert_array_equal(queries[query](*given), by_hand)
            wrong = built.game.queries[query](asked.params, state.model_state, *given)
            assert (np.asarray(by_hand) != np.asarray(wrong)).any()
    if built.sample is not None:
        samples = built.sample(state, RNG, 3)
        np.testing.assert_array_equal(samples, built.sample(asked, RNG, 3))
    live = experiment.live(state)
    jax.tree.map(np.testing.assert_array_equal, built.asked(live), live)


def test_the_protocol_says_whose_statistics_stand():
    built, state = trained(GAN)
    of = partial(built.protocol, step=1, seed=0)
    assert of(state)["standing_statistics"] == ["gen"]
    assert of(experiment.live(state))["standing_statistics"] == []
    plain, state = trained({**GAN, "generator": CRITIC})
    assert plain.protocol(state, step=1, seed=0)["standing_statistics"] == []
    assert plain.asked(state).model_state is state.model_state


@pytest.mark.parametrize(
    "name",
    marked(
        ["gan", "packed", "bfloat16", "conditional", "paired", "cycle"],
        default=["gan", "conditional", "cycle"],
        telling=["packed", "bfloat16", "paired"],
    ),
)
def test_only_games_of_labels_and_translations_need_the_data(name):
    """What they are given is data; latents are not. Data of zeros give the same bits."""
    packed = {**GAN, "game": {**GAN["game"], "packing": 2}}
    built = experiment.build(CASES.get(name, packed))
    state = jax.jit(partial(experiment.initial_state, built))(RNG)
    needs = name in ("conditional", "paired", "cycle")
    assert averages.needs_data(built.game, built.one_batch, built.train, state) == needs
    assert not averages.needs_data(built.game, built.one_batch, built.train, experiment.live(state))
    if name == "gan":
        zeros = jax.tree.map(jnp.zeros_like, built.train)
        alike = averages.asked(built.game, built.one_batch, zeros)(state)
        jax.tree.map(np.testing.assert_array_equal, built.asked(state), alike)


@pytest.mark.slow
def test_the_average_of_a_classifier_too():
    """The discriminator that a game averages, as `semi_supervised` does."""
    head = {"name": "classifier", "num_classes": 10}
    built, state = trained(
        {
            **GAN,
            "data": {"name": "digits_few_labels", "size": 16},
            "game": {"name": "semi_supervised", "z_dim": 2},
            "discriminator": {**DCGAN, "head": head},
            "average": {"name": "none"},
            "evaluation": {"name": "classification"},
        }
    )
    assert averages.restood(state) == ("disc",)
    asked, old = built.asked(state), state.model_state
    jax.tree.map(np.testing.assert_array_equal, asked.model_state.gen, old.gen)
    stands = games.standing(
        built.game,
        Players(state.params.gen, old.disc["average"]),
        old,
        partial(built.one_batch, built.train),
        jax.random.key(0),
        batches=averages.BATCHES,
    )
    close(asked.model_state.disc, stands.disc)
    x = built.data.test["x"][:9]
    told = built.queries(state)["classify"](x)
    wrong = built.game.queries["classify"](state.params, old, x)
    assert (np.asarray(told) != np.asarray(wrong)).any()
