"""Typical mistakes in a user's own parts: a message names the section, the line or the remedy."""

import jax
import numpy as np
import pytest

from ganjax import experiment, train
from ganjax.errors import ConfigError, NotFiniteError
from ganjax.nested import merged

PARTS = """
from functools import partial

import jax.numpy as jnp
from flax import linen as nn

from ganjax import games, schemes
from ganjax.penalties import WithMemory
from ganjax.schemes.field import start
from ganjax.types import Loss, Players, Scheme


def bare(critic, x_real, x_fake, rng):
    return jnp.mean(critic(x_real))


def short():
    def penalty(critic, x_real, x_fake):
        return jnp.mean(critic(x_real))

    return penalty


def first_of_nothing():
    return WithMemory(lambda: 0.0, lambda memory, critic, *_: (0.0, memory))


def transposed():
    return lambda critic, x_real, x_fake, rng: jnp.mean(critic(x_real) @ x_real.T)


def silent():
    def penalty(critic, x_real, x_fake, rng):
        jnp.mean(critic(x_real))

    return penalty


def pair():
    return lambda x_real: 0.0, lambda memory, critic, x_real, x_fake, rng: (0.0, memory)


def forgets():
    return WithMemory(lambda x: 0.0, lambda memory, critic, *_: jnp.mean(critic(_[0])))


def undefined():
    return lambda critic, x_real, x_fake, rng: jnp.log(-jnp.mean(critic(x_real) ** 2))


def alone(game, tx):
    return schemes.simultaneous(game, tx)


def pure_pair(game, tx, *, axis_name=None):
    return tuple(schemes.simultaneous(game, tx))


def of_state(game, tx, *, axis_name=None):
    scheme = schemes.simultaneous(game, tx)

    def step(state, batch, rng):
        return state.memory.gen, {}

    return Scheme(scheme.init, step)


def state_alone(game, tx, *, axis_name=None):
    scheme = schemes.simultaneous(game, tx)
    return scheme._replace(step=lambda *given: scheme.step(*given)[0])


def keyless(game, tx, *, axis_name=None):
    scheme = schemes.simultaneous(game, tx)
    return scheme._replace(step=lambda state, batch: scheme.step(state, batch, None))


def remembers_zero(game, tx, *, axis_name=None):
    step = schemes.simultaneous(game, tx).step
    return Scheme(partial(start, game, tx, memory=0.0), step)


def unnamed(game):
    return schemes.simultaneous(game, tx)


def surprised(game, tx, *, axis_name=None):
    scheme = schemes.simultaneous(game, tx)

    def step(state, batch, rng):
        state, metrics = scheme.step(state, batch, rng)
        return state._replace(memory=state.params), metrics

    return Scheme(scheme.init, step)


class Sized(nn.Module):
    shape: tuple

    @nn.compact
    def __call__(self, z):
        return nn.Dense(int(jnp.prod(jnp.array(self.shape))))(z)


class Moded(nn.Module):
    shape: tuple

    @nn.compact
    def __call__(self, z, training):
        return nn.Dense(2)(z)


class Bare:
    def __init__(self, shape):
        self.shape = shape


def _changed(generator, discriminator, change):
    game = games.gan(generator, discriminator, z_dim=2)
    return game._replace(losses=lambda *given: change(game.losses(*given)))


def two_functions(generator, discriminator):
    return games.gan(generator, discriminator, z_dim=2)[:2]


def numbers(generator, discriminator):
    return _changed(generator, discriminator, lambda losses: Players(*(l.value for l in losses)))


def each_row(generator, discriminator):
    def change(losses):
        return losses._replace(gen=losses.gen._replace(value=jnp.ones(3)))

    return _changed(generator, discriminator, change)


def forgetful(generator, discriminator):
    game = games.gan(generator, discriminator, z_dim=2)

    def init(rng, batch):
        params, state = game.init(rng, batch)
        return params, state._replace(gen={"generator": {}, "encoder": {}})

    def losses(params, model_state, batch, rng):
        found = game.losses(params, model_state._replace(gen={}), batch, rng)
        return found._replace(gen=found.gen._replace(model_state={"generator": {}}))

    return game._replace(init=init, losses=losses)


def keyless_losses(generator, discriminator):
    game = games.gan(generator, discriminator, z_dim=2)
    return game._replace(losses=lambda params, model_state, batch: None)


def plain(generator, discriminator):
    game = games.gan(generator, discriminator, z_dim=2)
    return game._replace(init=lambda rng, batch: ((1.0, 1.0), ({}, {})))


def moments(data):
    return lambda samples: {"mean": samples.mean(), "double": 2 * float(samples.mean())}


def vectors(data):
    return lambda samples: {"mean": samples.mean(0)}


def number(data):
    return lambda samples: samples.mean()
"""
SGD = {"name": "sgd", "learning_rate": 0.05}
CONFIG = {
    "batch_size": 8,
    "steps": 2,
    "log_every": 2,
    "sample_count": 4,
    "evaluation_samples": 8,
    "data": {"name": "ring"},
    "game": {"name": "gan", "z_dim": 2},
    "generator": {"name": "mlp", "width": 4, "depth": 1},
    "discriminator": {"name": "mlp", "width": 4, "depth": 1},
    "scheme": {"name": "simultaneous"},
    "gen_tx": SGD,
    "disc_tx": SGD,
}


@pytest.fixture(autouse=True)
def module(user_module):
    user_module("own_parts", PARTS)


def penalty(name):
    return {"penalties": {"mine": {"name": f"own_parts:{name}"}}}


def named(section, name):
    return {section: {"name": f"own_parts:{name}"}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            penalty("bare"),
            "lacks 'critic', 'x_real', 'x_fake', 'rng'; 'own_parts:bare' is called with",
        ),
        (
            penalty("short"),
            "penalties.mine 'own_parts:short': penalty(critic, x_real, x_fake) is called with "
            "(critic, x_real, x_fake, rng); give it these parameters",
        ),
        (penalty("first_of_nothing"), "<lambda>() is called with (x_real)"),
        (penalty("transposed"), "own_parts.py, line 29: "),
        (
            penalty("silent"),
            "penalties.silent returned None, without a `return`; expected a scalar",
        ),
        (penalty("pair"), "penalties.mine 'own_parts:pair' returned a tuple; expected a function"),
        (penalty("forgets"), "expected (scalar, memory)"),
        (
            {"scheme": {"name": "lookahead", "inner": "own_parts:alone"}},
            "scheme.inner 'own_parts:alone' has no parameter axis_name",
        ),
        (named("scheme", "pure_pair"), "returned a tuple; expected a ganjax.types.Scheme"),
        (named("scheme", "of_state"), "AttributeError: 'tuple' object has no attribute 'gen'"),
        (named("scheme", "state_alone"), "another thing than (GanState, metrics)"),
        (named("scheme", "keyless"), "(state, batch) is called with (state, batch, rng)"),
        (named("scheme", "remembers_zero"), "memory=0.0; expected a function of the parameters"),
        (named("scheme", "unnamed"), "NameError: name 'tx' is not defined"),
        (
            named("scheme", "surprised"),
            "state.memory is () before a step and a tree of 8 entries after it; let init and step",
        ),
        (
            named("generator", "Sized"),
            "traced array with shape int32[]; compute sizes and branches with Python or numpy",
        ),
        (named("generator", "Moded"), "'training'; a network is called with its inputs, with y"),
        (named("generator", "Bare"), "returned a Bare; expected a flax.linen.module.Module"),
        (named("game", "two_functions"), "returned a tuple; expected a ganjax.types.Game"),
        (named("game", "numbers"), "losses returned a Players; expected Players(gen=Loss(value"),
        (named("game", "each_row"), "the game's loss of 'gen' has shape (3,); expected a scalar"),
        (
            named("game", "forgetful"),
            "state.model_state is Players(gen={'encoder': {}, 'generator': {}}, disc={}) before "
            "a step and Players(gen={'generator': {}}, disc={}) after it",
        ),
        (named("game", "keyless_losses"), "is called with (params, model_state, batch, rng)"),
        (named("game", "plain"), "init returned no pair of Players"),
    ],
)
def test_mistakes_are_answered(change, message):
    config = merged(CONFIG, change)
    if change.keys() & {"game", "generator"}:  # without their options
        config = {**CONFIG, **change}
    with pytest.raises(ConfigError) as caught:
        experiment.build(config)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_penalty_that_is_not_finite_is_named(tmp_path):
    built = experiment.build(merged(CONFIG, penalty("undefined")))
    with pytest.raises(NotFiniteError, match=r"step 1 \(metrics: .*penalty/disc"):
        train.train(built, tmp_path / "run")


def test_a_report_may_have_numbers_of_numpy(tmp_path):
    built = experiment.build(merged(CONFIG, named("evaluation", "moments")))
    scores = train.train(built, tmp_path / "run").report
    np.testing.assert_allclose(scores["double"], 2 * scores["mean"], rtol=1e-6)
    assert type(scores["mean"]) is float


@pytest.mark.parametrize("name", ["vectors", "number"])
def test_a_report_without_numbers_is_refused(name):
    built = experiment.build(merged(CONFIG, named("evaluation", name)))
    state = experiment.initial_state(built, jax.random.key(0))
    with pytest.raises(ConfigError, match=r"expected a dict \{name: number\}"):
        built.evaluate(state, jax.random.key(1), 8)
