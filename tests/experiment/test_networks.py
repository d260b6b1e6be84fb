"""Networks by name: a game of the user's with an encoder and a discriminator of codes."""

import json
import subprocess
import sys
from functools import partial

import jax
import numpy as np
import pytest
from marks import telling

from ganjax import comparison, experiment, train
from ganjax.config import staged
from ganjax.errors import ConfigError
from ganjax.nested import merged

ALPHA_GAN = '''
import jax
import jax.numpy as jnp

from ganjax import latents, losses
from ganjax.games.networks import ask, run, start
from ganjax.types import Game, Loss, Players

bce = losses.LOSSES["non_saturating"]


def alpha_gan(generator, discriminator, encoder, code_disc, z_dim, weight=1.0):
    """The alpha-GAN (Rosca et al. 2017, arXiv:1706.04987), without log(1 - D) in the generator."""

    def init(rng, batch):
        rngs, x = jax.random.split(rng, 5), batch["x"]
        z = latents.normal(rngs[4], (x.shape[0], z_dim))
        inputs = {"generator": z, "encoder": x, "discriminator": x, "code_disc": z}
        nets = {"generator": generator, "encoder": encoder}
        nets |= {"discriminator": discriminator, "code_disc": code_disc}
        params = {
            name: start(net, key, inputs[name])[0]
            for (name, net), key in zip(nets.items(), rngs, strict=False)
        }
        gen = {name: params[name] for name in ("generator", "encoder")}
        return Players(gen, {n: p for n, p in params.items() if n not in gen}), Players({}, {})

    def outcomes(params, model_state, batch, rng):
        (gen, disc), x = params, batch["x"]
        rng_z, rng_run = jax.random.split(rng)

        def of(net, params, inputs):
            return run(net, params, {}, inputs, rng=rng_run)[0]

        z = latents.normal(rng_z, (x.shape[0], z_dim))
        codes = of(encoder, gen["encoder"], x)
        again, made = (of(generator, gen["generator"], c) for c in (codes, z))
        real, fake, too = (of(discriminator, disc["discriminator"], y) for y in (x, made, again))
        prior, posterior = (of(code_disc, disc["code_disc"], y) for y in (z, codes))
        error = jnp.mean(jnp.abs(x - again))
        pairs = (real, fake), (real, too), (prior, posterior)
        return Players(
            Loss(weight * error + sum(bce.gen(*p) for p in pairs), {}, {"error/gen": error}),
            Loss(sum(bce.disc(*p) for p in pairs), {}, {}),
        )

    queries = {
        "latents": lambda params, state, rng, n: latents.normal(rng, (n, z_dim)),
        "generate": lambda params, state, z: ask(generator, params.gen["generator"], {}, z),
        "encode": lambda params, state, x: ask(encoder, params.gen["encoder"], {}, x),
    }
    return Game(init, outcomes, queries)
'''
SGD = {"name": "sgd", "learning_rate": 0.05}
CONFIG = {
    "batch_size": 8,
    "steps": 2,
    "log_every": 2,
    "sample_count": 4,
    "data": {"name": "ring"},
    "game": {"name": "alpha_game:alpha_gan", "z_dim": 3},
    "generator": {"name": "mlp", "width": 4, "depth": 1},
    "discriminator": {"name": "mlp", "width": 4, "depth": 1},
    "networks": {
        "encoder": {"name": "mlp", "shape": (3,), "width": 6, "activation": "tanh"},
        "code_disc": {"name": "mlp_disc", "width": 5, "depth": 1},
    },
    "scheme": {"name": "alternating"},
    "gen_tx": SGD,
    "disc_tx": SGD,
}


@pytest.fixture(autouse=True)
def module(user_module):
    user_module("alpha_game", ALPHA_GAN)


@telling
def test_a_game_with_two_more_networks_trains(tmp_path):
    """From a config; every network moves, and has the shape that its section and the data give."""
    built = experiment.build(json.loads(json.dumps(CONFIG)))
    first = jax.jit(partial(experiment.initial_state, built))(experiment.streams(0).init)
    assert train.train(built, tmp_path / "run").step == 2
    run = experiment.load(tmp_path / "run", trust="alpha_game")
    shapes = jax.tree.map(lambda leaf: leaf.shape, run.state.params)
    assert shapes.gen["encoder"]["Dense_0"]["kernel"] == (2, 6)
    assert shapes.gen["encoder"]["Dense_2"]["kernel"] == (6, 3)
    assert shapes.disc["code_disc"]["Dense_0"]["kernel"] == (3, 5)
    for old, new in zip(first.params, run.state.params, strict=True):
        for network in old:
            moved = jax.tree.map(lambda a, b: (a != b).any(), old[network], new[network])
            assert any(jax.tree.leaves(moved)), network
    assert run.sample(run.state, jax.random.key(0), 5).shape == (5, 2)
    assert run.queries(run.state)["encode"](np.zeros((4, 2))).shape == (4, 3)


def test_the_shape_is_by_default_that_of_the_data():
    """An encoder without a shape makes samples, which do not fit the codes."""
    config = merged(CONFIG, {"networks": {"encoder": {"shape": None}}})
    with pytest.raises(ConfigError, match="do not fit together"):
        experiment.build(config)
    experiment.build(merged(config, {"game": {"z_dim": 2}}))


def test_the_command_line_overrides_a_network(tmp_path):
    file = tmp_path / "alpha.py"
    text = f"def get_config():\n    return ConfigDict({CONFIG})\n"
    file.write_text(f"from ml_collections import ConfigDict\n\n\n{text}")
    code = "from ganjax import cli; c = cli.define_config(); import json; "
    code += "cli.run(lambda: print(json.dumps(cli.resolved(c.value)['networks'])))"
    flags = ["--config", str(file), "--config.networks.encoder.width=32"]
    done = subprocess.run(
        [sys.executable, "-c", code, *flags], capture_output=True, encoding="utf-8", check=True
    )
    expected = merged(CONFIG["networks"], {"encoder": {"width": 32}})
    assert json.loads(done.stdout) == json.loads(json.dumps(expected))


def test_stages_and_cells_override_a_network():
    narrow = {"networks": {"encoder": {"activation": "relu"}}}
    stages = {"first": {"until": 1}, "second": {"until": 2, **narrow}}
    built = experiment.build({**CONFIG, "stages": stages})
    assert [s.config.networks.encoder.activation for s in built.stages] == ["tanh", "relu"]
    assert staged({**CONFIG, "stages": stages})["second"]["networks"]["code_disc"]["width"] == 5
    asked = {"question": "?", "base": "b", "score": "s", "cells": {"a": {}, "b": narrow}}
    cells = comparison.resolve(asked, lambda _: CONFIG).cells
    assert [cell["networks"]["encoder"]["activation"] for cell in cells.values()] == [
        "tanh",
        "relu",
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"networks": {"encodr": {"name": "mlp"}}},
            "in networks: unknown parameter of game 'alpha_game:alpha_gan' 'encodr'. "
            "Did you mean 'encoder'?",
        ),
        ({"networks": {"generator": {"name": "mlp"}}}, "networks.generator must be the section"),
        ({"networks": {"loss": {"name": "mlp"}}}, "networks.loss must be the section 'loss'"),
        ({"networks": {"code_disc": None}}, "lacks 'code_disc'; add game.code_disc or, if it is"),
        ({"game": {"encoder": 3}}, "game.encoder belongs into networks"),
        ({"networks": {"encoder": {"widht": 3}}}, "in networks.encoder: unknown argument 'widht'"),
        (
            {"networks": {"encoder": {"name": "mpl"}}},
            "unknown networks.encoder 'mpl'. Did you",
        ),
        ({"networks": {"encoder": {"name": 3}}}, "section networks.encoder must have a 'name'"),
        ({"networks": {"encoder": 3}}, "networks.encoder=3 must be a dict"),
    ],
)
def test_mistakes_are_answered(change, message):
    with pytest.raises(ConfigError) as caught:
        experiment.build(merged(CONFIG, change))
    assert message in str(caught.value)


def test_library_games_name_their_networks_otherwise():
    config = {**CONFIG, "game": {"name": "gan", "z_dim": 3}}
    with pytest.raises(ConfigError, match="unknown parameter of game 'gan'"):
        experiment.build(config)
