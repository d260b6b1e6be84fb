"""From names to functions: everything a config can say, and every way it can be wrong."""

import json
import sys
import textwrap
from functools import cache, partial

import examples
import jax
import ml_collections
import numpy as np
import optax
import pytest

from ganjax import data, experiment, run_folder
from ganjax.errors import CheckpointError, ConfigError, DataError, NotFiniteError, RunFolderError

ADAM = examples.ADAM
RING = {**examples.RING, "scheme": {"name": "simultaneous"}}
TOY = {
    **examples.BILINEAR,
    "game": {"name": "dirac", "loss": "minimax", "penalty": {"name": "r1", "gamma": 1.0}},
}


def one_step(config):
    return _one_step(json.dumps(config))


@cache
def _one_step(text):
    built = experiment.build(json.loads(text))
    keys = experiment.streams(0)
    state = jax.jit(partial(experiment.initial_state, built))(keys.init)
    batch = built.batch(built.train, keys.play)
    return built, *jax.jit(built.scheme.step)(state, batch, keys.play)


def test_a_config_of_any_kind_builds():
    for config in (RING, ml_collections.ConfigDict(RING), json.loads(json.dumps(RING))):
        assert experiment.build(config).config.to_dict()["batch_size"] == 8


def test_toys_need_no_data():
    built, state, metrics = one_step(TOY)
    assert built.data is None
    assert built.sample is None
    assert "penalty/disc" in metrics
    assert state.step == 1


def test_sections_reach_their_functions():
    config = {
        **RING,
        "generator": {
            "name": "mlp",
            "width": 6,
            "depth": 1,
            "activation": "tanh",
            "kernel_init": {"name": "orthogonal", "scale": 0.8},
        },
        "discriminator": {"name": "mlp", "width": 5, "depth": 3, "input_scale": 0.25},
        "prior": {"name": "uniform"},
        "penalties": {"a": {"name": "r1", "gamma": 1.0}, "b": {"name": "r1", "gamma": 2.0}},
        "scheme": {"name": "alternating", "disc_updates": 3},
        "average": {"name": "ema", "decay": 0.9},
    }
    _, state, metrics = one_step(config)
    kernels = {k: v["kernel"].shape for k, v in state.params.gen.items()}
    assert kernels == {"Dense_0": (2, 6), "Dense_1": (6, 2)}
    assert len(state.params.disc) == 4
    assert "penalty/disc" in metrics
    assert int(metrics["evaluations/disc"]) == 3
    begin = partial(experiment.initial_state, experiment.build(config))
    first = jax.jit(begin)(experiment.streams(0).init)
    gram = np.asarray(first.params.gen["Dense_0"]["kernel"])
    np.testing.assert_allclose(gram @ gram.T, 0.64 * np.eye(2), atol=1e-5)
    jax.tree.map(
        lambda a, old, new: np.testing.assert_allclose(a, 0.9 * old + 0.1 * new, atol=1e-6),
        state.average,
        first.params.gen,
        state.params.gen,
    )


def test_losses_penalties_and_augmentations_by_name():
    """Options and nested sections: an f-GAN under lazy R1, noise that fades, clipped weights."""
    config = {
        **RING,
        "loss": {"name": "f_gan", "divergence": "pearson"},
        "penalties": {
            "lazy": {"name": "lazy", "penalty": {"name": "r1", "gamma": 1.0}, "every": 2},
        },
        "game": {
            "name": "gan",
            "z_dim": 2,
            "augment": {"name": "instance_noise", "std": 0.5, "steps": 10},
        },
        "disc_tx": {"name": "clip_weights", "limit": 0.01, "inner": ADAM},
    }
    built, state, metrics = one_step(config)
    assert metrics["penalty/disc"] > 0
    largest = max(float(abs(leaf).max()) for leaf in jax.tree.leaves(state.params.disc))
    np.testing.assert_allclose(largest, 0.01, rtol=1e-6)
    rng = experiment.streams(1).play
    _, metrics = jax.jit(built.scheme.step)(state, built.batch(built.train, rng), rng)
    assert metrics["penalty/disc"] == 0


def test_a_penalty_has_a_schedule_by_name():
    """From 1 to 0 after one update of the discriminator."""
    linear = {"name": "linear_schedule", "init_value": 1.0, "end_value": 0.0, "transition_steps": 1}
    r1 = {"name": "scheduled", "schedule": linear, "penalty": {"name": "r1", "gamma": 1.0}}
    built, state, metrics = one_step({**RING, "penalties": {"r1": r1}})
    assert metrics["penalty/disc"] > 0
    rng = experiment.streams(1).play
    _, metrics = jax.jit(built.scheme.step)(state, built.batch(built.train, rng), rng)
    assert metrics["penalty/disc"] == 0


def test_weights_norms_and_minibatch_layers_have_names():
    config = {
        **RING,
        "generator": {
            "name": "mlp",
            "width": 4,
            "depth": 1,
            "norm": "virtual",
            "weights": "weight_norm",
        },
        "discriminator": {
            "name": "mlp",
            "width": 4,
            "norm": "none",
            "weights": {"name": "spectral", "reshaped": True},
            "minibatch": {"name": "stddev", "group_size": 2},
        },
    }
    state = experiment.template(experiment.build(config))  # which traces a step as well
    assert state.model_state.gen["reference"]["inputs"].shape == (8, 2)
    assert set(state.params.gen["NormalisedWeights_1"]) == {"scale"}
    assert state.model_state.disc["spectral"]["SpectralWeights_0"]["u"].shape == (4,)
    assert state.params.disc["Dense_2"]["kernel"].shape == (5, 1)


def test_learning_rates_and_schedules():
    """SGD at a rate that falls linearly from 1 to 0 in two steps: moves of 1, 1/2, 0 gradients."""
    schedule = {
        "name": "linear_schedule",
        "init_value": 1.0,
        "end_value": 0.0,
        "transition_steps": 2,
    }
    config = {
        **TOY,
        "game": {"name": "bilinear"},
        "scheme": {"name": "simultaneous"},
        "gen_tx": {"name": "sgd", "learning_rate": schedule},
        "disc_tx": {"name": "sgd", "learning_rate": 0.0},
    }
    built = experiment.build(config)
    state = experiment.initial_state(built, jax.random.key(0))
    path = []
    for _ in range(3):
        state, _ = built.scheme.step(state, None, jax.random.key(0))
        path.append(float(state.params.gen[0]))
    assert path == [0.0, -0.5, -0.5]


def test_fresh_batches_are_drawn():
    config = {**RING, "scheme": {"name": "alternating", "disc_updates": 3, "fresh_batches": True}}
    built = experiment.build(config)
    batch = built.batch(built.train, jax.random.key(0))
    assert batch["x"].shape == (3, 8, 2)
    assert len(np.unique(np.asarray(batch["x"])[..., 0])) == 24


def test_fresh_batches_of_an_inner_scheme():
    inner = {"name": "alternating", "disc_updates": 4, "fresh_batches": True}
    config = {**RING, "scheme": {"name": "averaged", "inner": inner}}
    built = experiment.build(config)
    assert built.batch(built.train, jax.random.key(0))["x"].shape == (4, 8, 2)
    assert experiment.template(built).average != ()


@pytest.mark.parametrize(
    ("scheme", "shape"),
    [
        ({"name": "unrolled", "unroll_steps": 2, "fresh_batches": True}, (3, 8, 2)),
        ({"name": "unrolled", "fresh_batches": True}, (6, 8, 2)),  # five steps by default
        ({"name": "negative_momentum", "fresh_batches": True}, (1, 8, 2)),
        (
            {
                "name": "lookahead",
                "steps": 2,
                "fresh_batches": True,
                "inner": {"name": "alternating", "disc_updates": 3, "fresh_batches": True},
            },
            (2, 3, 8, 2),
        ),
        ({"name": "lookahead", "steps": 2, "inner": "extragradient"}, (8, 2)),
    ],
)
def test_sub_batches_of_every_scheme_that_wants_them(scheme, shape):
    built = experiment.build({**RING, "scheme": scheme})  # which traces a step
    for batch, expected in ((built.batch, shape), (built.one_batch, (8, 2))):
        assert jax.eval_shape(batch, built.train, jax.random.key(0))["x"].shape == expected


def test_an_optimiser_for_the_look_ahead():
    inner = {"name": "sgd", "learning_rate": 0.05}
    scheme = {"name": "unrolled", "unroll_steps": 3, "inner_tx": inner}
    _, state, _ = one_step({**TOY, "game": {"name": "bilinear"}, "scheme": scheme})
    h = TOY["gen_tx"]["learning_rate"]
    np.testing.assert_allclose(state.params.gen, 1 - h * (1 + 2 * 3 * 0.05), rtol=1e-6)
    with pytest.raises(ConfigError, match=r"scheme\.inner_tx\.learning_rate=-1"):
        one_step({**TOY, "scheme": {**scheme, "inner_tx": {"name": "sgd", "learning_rate": -1}}})
    one_step({**TOY, "scheme": {**scheme, "inner_tx": None}})  # the default, spelt out


@pytest.mark.parametrize(
    "game",
    [
        {"name": "quadratic", "gen_matrix": [[1.0, 2.0], [2.0, -1.0]], "start": (0.5, 0.5)},
        {"name": "matrix_game", "payoff": [[1.0, -1.0], [-1.0, 1.0]], "start": [[0, 1], [1, 0]]},
        {"name": "parallel_lines", "loss": "minimax"},
        {"name": "gaussian_1d", "mean": 1.0},
        {"name": "categorical", "probabilities": [0.5, 0.5], "start": [1.0, 0.0]},
        {"name": "stackelberg"},
        {"name": "finite_sum", "interaction": [[[1.0]], [[2.0]]], "order": "reshuffled"},
        {"name": "forsaken", "kind": "global"},
        {"name": "dirac", "loss": "wasserstein", "penalty": {"name": "wgan_gp", "weight": 1.0}},
    ],
    ids=lambda game: game["name"],
)
def test_toy_games_by_name(game):
    _, _, metrics = one_step({**TOY, "game": game})
    assert np.isfinite(metrics["loss/gen"])


def test_names_stand_for_sections_without_arguments():
    generator = {"name": "mlp", "width": 4, "depth": 1, "kernel_init": "orthogonal"}
    experiment.build({**RING, "generator": generator})
    _, _, metrics = one_step({**TOY, "game": {"name": "dirac", "penalty": "r1"}})
    assert "penalty/disc" in metrics


def test_the_first_samples_of_a_key_are_always_the_same():
    built, state, _ = one_step(RING)
    few, many = (built.sample(state, jax.random.key(0), n) for n in (3, 200))
    np.testing.assert_array_equal(few, many[:3])


def test_samples_come_from_the_average():
    config = {**RING, "average": {"name": "ema", "decay": 0.5}}
    built, state, _ = one_step(config)
    rng = jax.random.key(3)
    averaged, live = built.sample(state, rng, 5), built.sample(state._replace(average=()), rng, 5)
    swapped = state._replace(params=state.params._replace(gen=state.average), average=())
    assert averaged.shape == (5, 2)
    np.testing.assert_array_equal(averaged, built.sample(swapped, rng, 5))
    assert (np.asarray(averaged) != np.asarray(live)).any()


@pytest.mark.parametrize(
    "half_life",
    [16, {"name": "linear_schedule", "init_value": 0.0, "end_value": 16.0, "transition_steps": 1}],
)
def test_an_average_has_a_half_life_in_samples(half_life):
    """Batches of 8 and 16 samples: 0.5^(1/2) of the old average stay."""
    built, state, _ = one_step({**RING, "average": {"name": "ema", "half_life": half_life}})
    rng = experiment.streams(1).play
    after, _ = jax.jit(built.scheme.step)(state, built.batch(built.train, rng), rng)
    for a, b, x in zip(
        *map(jax.tree.leaves, (state.average, after.average, after.params.gen)), strict=True
    ):
        np.testing.assert_allclose(b, x + 0.5**0.5 * (a - x), atol=1e-6)
        assert (b != x).any()


def test_samples_that_are_not_finite_have_no_score():
    """A finite state may overflow in the network: one clear line, exit code 3."""
    built, state, _ = one_step({**RING, "evaluation": {"name": "modes"}})
    huge = state._replace(params=jax.tree.map(lambda p: 0 * p + 1e30, state.params))
    with pytest.raises(NotFiniteError, match=r"'modes' has no score: .* values of samples"):
        built.evaluate(huge, jax.random.key(0), 8)


def test_the_protocol_names_scores_beyond_real_data():
    built, state, _ = one_step({**RING, "evaluation": {"name": "modes"}})
    scores = {"inception_score": 8.4, "inception_score_real": 8.2}
    told = built.protocol(state, step=1, seed=0, scores=scores)
    assert told["beyond_real"] == {"inception_score": "above"}
    assert built.protocol(state, step=1, seed=0)["beyond_real"] == {}


def test_many_samples_are_all_different():
    built, state, _ = one_step({**RING, "generator": {"name": "mlp", "width": 64}})
    samples = np.asarray(built.sample(state, jax.random.key(0), 601))
    assert samples.shape == (601, 2)
    assert len(np.unique(samples, axis=0)) == 601


PLUGIN = """
import jax, jax.numpy as jnp
from flax import linen as nn
from ganjax.losses import AdversarialLoss
from ganjax.schemes import simultaneous

hinge = AdversarialLoss(
    gen=lambda real, fake: -jnp.mean(fake),
    disc=lambda real, fake: jnp.mean(nn.relu(1 - real)) + jnp.mean(nn.relu(1 + fake)),
)

def scaled(scale: float):
    return AdversarialLoss(*(lambda r, f, part=part: scale * part(r, f) for part in hinge))

def frozen(game, tx, *, axis_name=None):
    inner = simultaneous(game, tx, axis_name=axis_name)
    def step(state, batch, rng):
        after, metrics = inner.step(state, batch, rng)
        return after._replace(params=state.params), metrics
    return inner._replace(step=step)
"""


def test_your_own_functions_need_no_registration(tmp_path, monkeypatch):
    (tmp_path / "my_plugin.py").write_text(textwrap.dedent(PLUGIN))
    monkeypatch.syspath_prepend(tmp_path)
    config = {
        **RING,
        "loss": {"name": "my_plugin:hinge"},
        "scheme": {"name": "my_plugin:frozen"},
        "average": {"name": "ema", "decay": 0.9},
    }
    _, state, metrics = one_step(config)
    begin = partial(experiment.initial_state, experiment.build(config))
    first = jax.jit(begin)(experiment.streams(0).init)
    jax.tree.map(np.testing.assert_array_equal, state.params, first.params)
    _, _, scaled = one_step({**config, "loss": {"name": "my_plugin:scaled", "scale": 3.0}})
    np.testing.assert_allclose(scaled["loss/disc"], 3 * metrics["loss/disc"], rtol=1e-6)
    with pytest.raises(ConfigError, match="'scale'"):
        experiment.build({**config, "loss": {"name": "my_plugin:scaled", "skale": 3.0}})
    with pytest.raises(ConfigError, match="cannot be imported"):
        experiment.build({**config, "loss": {"name": "my_plugin:nothing"}})
    sys.modules.pop("my_plugin")


GAME_PLUGIN = """
import jax.numpy as jnp
from ganjax.types import Game, Loss, Players

def shifted(key: str = "mask"):
    def init(rng, batch):
        return Players(jnp.zeros(2), jnp.zeros(2)), Players((), ())

    def losses(params, model_state, batch, rng):
        value = jnp.sum(batch[key]) * jnp.sum(params.gen * params.disc)
        return Players(Loss(-value, (), {}), Loss(value, (), {}))

    return Game(init, losses)
"""


def test_a_key_that_your_own_game_misses_is_told_with_its_line(tmp_path, monkeypatch):
    (tmp_path / "my_game.py").write_text(GAME_PLUGIN)
    monkeypatch.syspath_prepend(tmp_path)
    config = {k: v for k, v in RING.items() if k in ("scheme", "gen_tx", "disc_tx", "data")}
    experiment.build({**config, "game": {"name": "my_game:shifted", "key": "x"}})
    with pytest.raises(ConfigError) as caught:
        experiment.build({**config, "game": {"name": "my_game:shifted"}})
    assert "losses (" in str(caught.value)
    assert "my_game.py, line 10) reads 'mask', which is not there" in str(caught.value)
    assert str(caught.value).endswith("batches of these data have x, y")
    sys.modules.pop("my_game")


DATA_PLUGIN = """
import jax.numpy as jnp
from ganjax.data import Data, digits

def number(): return 3
def misdeclared(): return digits()._replace(shape=(8, 8))
def holes():
    data = digits()
    return data._replace(train={**data.train, "x": data.train["x"].at[3].set(jnp.nan)})
def counted_from_1():
    data = digits()
    return data._replace(train={**data.train, "y": data.train["y"] + 1})
"""


def test_data_that_are_not_what_they_say_are_refused(tmp_path, monkeypatch):
    (tmp_path / "my_data.py").write_text(DATA_PLUGIN)
    monkeypatch.syspath_prepend(tmp_path)
    for name, message in {
        "number": "returned a int",
        "misdeclared": r"shape \(8, 8\)",
        "holes": "not finite",
    }.items():
        with pytest.raises(DataError, match=message):
            experiment.build({**RING, "data": {"name": f"my_data:{name}"}})
    with pytest.raises(DataError, match="10 classes, but has labels from 1 to 10; number"):
        experiment.build({**LABELLED, "data": {"name": "my_data:counted_from_1"}})
    sys.modules.pop("my_data")


def test_every_optax_optimiser_is_known():
    for name in ("adam", "adamw", "sgd", "rmsprop", "adabelief", "optimistic_gradient_descent"):
        assert callable(getattr(optax, name))
        experiment.build({**TOY, "gen_tx": {"name": name, "learning_rate": 0.1}})


ONE_HOT = {"name": "one_hot", "num_classes": 8}
LABELLED = {
    **RING,
    "game": {"name": "conditional", "z_dim": 2},
    "generator": {"name": "mlp", "width": 4, "depth": 1, "activation": "tanh", "labels": ONE_HOT},
    "discriminator": {"name": "mlp", "width": 4, "depth": 1, "labels": ONE_HOT},
}


def test_a_labelled_game_samples_what_it_is_asked_for():
    """By default the classes in turn; other labels, other samples of the same latents."""
    built, state, _ = one_step(LABELLED)
    rng = jax.random.key(0)
    np.testing.assert_array_equal(built.default_labels(10), np.arange(10) % 8)
    in_turn = built.sample(state, rng, 10)
    np.testing.assert_array_equal(in_turn, built.sample(state, rng, 10, built.default_labels(10)))
    sevens = np.asarray(built.sample(state, rng, 10, np.full(10, 7)))
    same = (sevens == np.asarray(in_turn)).all(axis=1)
    np.testing.assert_array_equal(same, np.arange(10) % 8 == 7)
    for wrong in (np.full(10, 8), np.full(9, 0)):
        with pytest.raises(ConfigError, match="must be 10 of the classes 0, 1, 2, 3, 4, 5, 6, 7"):
            built.sample(state, rng, 10, wrong)


def test_an_auto_encoder_of_two_domains_needs_pairs():
    network = {"name": "mlp_autoencoder", "width": 4, "z_dim": 2}
    config = {key: RING[key] for key in ("batch_size", "scheme", "gen_tx", "disc_tx")}
    config |= {"game": {"name": "autoencoder"}, "autoencoder": network}
    assert experiment.build({**config, "data": {"name": "digits"}}).data.paired is False
    photographs = {"name": "photographs", "stride": 64, "grey_to_colour": True}
    assert experiment.build({**config, "data": photographs}).data.paired
    with pytest.raises(ConfigError, match="'autoencoder' learns from pairs"):
        experiment.build({**config, "data": {"name": "photograph_domains"}})


@pytest.mark.parametrize("game", ["cycle", "paired"])
def test_pairs_are_for_either_game(game, monkeypatch):
    pairs = data.affine_domains()._replace(paired=True)
    monkeypatch.setitem(data.DATA, "pairs", lambda: pairs)
    assert experiment.build({**RING, "game": {"name": game}, "data": {"name": "pairs"}})


def test_a_classifier_is_asked_live_and_the_protocol_says_so():
    """The average that a game keeps of its discriminator is one like the generator's."""
    head = {"name": "classifier", "num_classes": 10}
    built = experiment.build(
        {
            **RING,
            "data": {"name": "digits_few_labels"},
            "game": {"name": "semi_supervised", "z_dim": 2},
            "discriminator": {"name": "mlp", "width": 4, "depth": 1, "head": head},
            "evaluation": {"name": "classification"},
        }
    )
    start = jax.jit(partial(experiment.initial_state, built))(jax.random.key(0))
    moved = start.params._replace(disc=jax.tree.map(lambda p: p + 1, start.params.disc))
    state = start._replace(params=moved)
    x = built.data.test["x"][:9]
    for asked, alike, kept in ((state, start, True), (experiment.live(state), state, False)):
        classify = built.queries(asked)["classify"]
        same = np.array_equal(classify(x), built.queries(alike)["classify"](x))
        assert same == kept
        told = built.protocol(asked, step=0, seed=0)
        assert (told["average"], told["discriminator_average"]) == (False, kept)
    live = built.queries(experiment.live(state))["classify"](x)
    there = state.model_state.disc | {"average": moved.disc}
    by_hand = state._replace(model_state=state.model_state._replace(disc=there))
    np.testing.assert_array_equal(live, built.queries(by_hand)["classify"](x))
    ema = experiment.live(state._replace(average=state.params.gen))
    assert ema.average == ()


VAE = {
    **{k: v for k, v in TOY.items() if k != "game"},
    "batch_size": 8,
    "game": {"name": "vae", "z_dim": 1, "likelihood": "bernoulli"},
    "autoencoder": {"name": "mlp_autoencoder", "z_dim": 1, "width": 4, "moments": 2},
}


def test_a_likelihood_is_given_data_where_it_is_a_density(tmp_path, monkeypatch):
    """The coin of grey pixels takes images; not points, unless they lie in its range."""
    text = "from ganjax.data import digits\ndef points(reach: float):\n    data = digits()\n"
    text += "    train = {'x': reach * data.train['x'].reshape(-1, 64)}\n"
    text += "    return data._replace(shape=(64,), train=train, test={}, num_classes=0)\n"
    (tmp_path / "my_points.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    experiment.build({**VAE, "data": {"name": "digits"}})
    own = {"name": "my_points:points", "reach": 1.0}
    experiment.build({**VAE, "data": own})
    with pytest.raises(ConfigError, match="'my_points:points' have values from -2 to 2, but"):
        experiment.build({**VAE, "data": {**own, "reach": 2.0}})
    sys.modules.pop("my_points")
    gaussian = {**VAE["game"], "likelihood": {"name": "gaussian"}}
    experiment.build({**VAE, "data": {"name": "swiss_roll"}, "game": gaussian})


@pytest.mark.parametrize(
    ("base", "change", "message"),
    [
        (
            RING,
            {"loss": {"name": "nonsaturating"}},
            "Did you mean 'non_saturating'? Known: energy_margin",
        ),
        (RING, {"loss": {"name": "hinge", "a": 1}}, "takes no arguments"),
        (RING, {"loss": {"name": "minimax", "a": 1}}, "unknown argument 'a'"),
        (RING, {"loss": {"name": "least_squares", "a": 1}}, "in loss: a=1 and b=1.0 must differ"),
        (RING, {"loss": {"name": "f_gan", "divergence": "revers_kl"}}, "mean 'reverse_kl'?"),
        (RING, {"data": {"name": "rings"}}, "Did you mean 'ring'?"),
        (RING, {"data": {"name": "ring", "modes": 0}}, "in data: modes=0"),
        (RING, {"data": {"name": "digits", "classes": 3}}, "data.classes=3 is of type int"),
        (RING, {"data": {"name": "digits", "classes": (3, 3)}}, "distinct digits"),
        (RING, {"data": {"name": "none"}}, "needs data"),
        (RING, {"data": {"name": "affine_domains"}}, "a batch of a, b has no x"),
        (RING, {"game": {"name": "cycle"}}, "a batch of x, y has no a and b"),
        (RING, {"game": {"name": "paired"}}, "a batch of x, y has no a and b"),
        (
            RING,
            {"game": {"name": "paired"}, "data": {"name": "affine_domains"}},
            "a and b of data 'affine_domains' are none; take paired data",
        ),
        (
            RING,
            {"generator": {"name": "mlp", "labels": {"name": "one_hot", "num_classes": 5}}},
            "generator.labels.num_classes=5, but the data have 8 classes",
        ),
        (RING, {"game": {"name": "gan", "zdim": 3}}, "Did you mean 'z_dim'?"),
        (RING, {"game": {"name": "gan", "z_dim": 0}}, "in game: z_dim=0"),
        (RING, {"game": {"name": "gans"}}, "Did you mean 'gan'?"),
        (RING, {"game": {"name": "bilinear"}}, "has no use for the section"),
        (TOY, {"game": {"name": "gan"}, "data": {"name": "ring"}}, "needs a section 'generator'"),
        (RING, {"generator": {"name": "dcgan"}}, "needs square images"),
        (RING, {"generator": {"name": "mlp", "widht": 3}}, "Did you mean 'width'?"),
        (RING, {"generator": {"name": "mlp", "activation": "rellu"}}, "Did you mean 'relu'?"),
        (RING, {"generator": {"name": "mlp", "activation": 3}}, "generator.activation=3"),
        (RING, {"discriminator": {"name": "mlp", "weights": "spectrl"}}, "mean 'spectral'?"),
        (RING, {"generator": {"name": "mlp", "norm": {"name": "bach"}}}, "mean 'batch'?"),
        (RING, {"discriminator": {"name": "mlp", "minibatch": "std"}}, "mean 'stddev'?"),
        (
            RING,
            {"discriminator": {"name": "mlp", "weights": {"name": "spectral", "shaped": True}}},
            "unknown argument 'shaped'",
        ),
        (RING, {"generator": {"name": "mlp", "width": {"name": "x"}}}, "generator.width"),
        (
            RING,
            {"generator": {"name": "mlp", "width": 0}},
            "width=0 must be a whole number, at least 1",
        ),
        (
            RING,
            {"generator": {"name": "mlp", "depth": -1}},
            "depth=-1 must be a whole number, from 0 to 1000",
        ),
        (
            RING,
            {"discriminator": {"name": "mlp", "width": 0}},
            "width=0 must be a whole number, at least 1",
        ),
        (RING, {"loss": {"name": ":hinge"}}, "cannot be imported"),
        (
            RING,
            {"generator": {"name": "mlp", "kernel_init": {"name": "ortho"}}},
            "Did you mean 'orthogonal'?",
        ),
        (RING, {"prior": {"name": "gauss"}}, "unknown prior"),
        (RING, {"penalties": {"r1": {"name": "r1", "gamma": -1.0}}}, "in penalties.r1: gamma=-1"),
        (RING, {"penalties": {"r1": {"name": "r3"}}}, "unknown penalties.r1 'r3'"),
        (RING, {"penalties": {"p": {"name": "pull_away"}}}, "compares codes [batch, features]"),
        (RING, {"penalties": {"c": {"name": "consistency"}}}, "needs images"),
        (RING, {"penalties": {"l": {"name": "lazy", "penalty": {"name": "lazy"}}}}, "already lazy"),
        (
            RING,
            {"game": {"name": "gan", "augment": {"name": "diff_augment"}}},
            "needs images",
        ),
        (RING, {"game": {"name": "gan", "augment": "instance_nois"}}, "mean 'instance_noise'?"),
        (RING, {"disc_tx": {"name": "clip_weights", "inner": ADAM, "limit": -1.0}}, "limit=-1.0"),
        (RING, {"disc_tx": {"name": "clip_weights", "inner": {"name": "adm"}}}, "mean 'adam'?"),
        (RING, {"scheme": {"name": "alternate"}}, "Did you mean 'alternating'?"),
        (RING, {"scheme": {"name": "simultaneous", "disc_updates": 2}}, "'disc_updates'"),
        (RING, {"scheme": {"name": "alternating", "first": "x"}}, "in scheme: first='x'"),
        (RING, {"average": {"name": "emma"}}, "Did you mean 'ema'?"),
        (RING, {"average": {"name": "ema", "decay": 1.0}}, "in average: decay=1.0"),
        (RING, {"average": {"name": "ema", "half_life": 0}}, "average.half_life=0 must"),
        (RING, {"average": {"name": "ema", "half_life": "x"}}, "average.half_life='x' must"),
        (RING, {"average": {"name": "ema", "half_life": 9, "decay": 0.9}}, "no decay beside"),
        (RING, {"average": {"name": "uniform", "half_life": 9}}, "needs the name 'ema'"),
        (
            RING,
            {"average": {"name": "ema", "half_life": {"name": "x", "counts": "steps"}}},
            "average.half_life counts updates always",
        ),
        (
            RING,
            {"penalties": {"p": {"name": "scheduled", "schedule": {"name": "cosine"}}}},
            "penalties.p.schedule",
        ),
        (RING, {"gen_tx": {"name": "adm", "learning_rate": 1}}, "Did you mean 'adam'?"),
        (RING, {"gen_tx": {"name": "adam", "learning_rate": -1.0}}, "learning_rate=-1.0"),
        (RING, {"gen_tx": {"name": "adam", "learning_rate": float("nan")}}, "learning_rate=nan"),
        (RING, {"gen_tx": {"name": "adam", "learning_rate": "x"}}, "learning_rate='x'"),
        (RING, {"gen_tx": {"name": "adam"}}, "lacks 'learning_rate'"),
        (RING, {"gen_tx": {**ADAM, "b3": 1}}, "unknown argument 'b3'"),
        (RING, {"gen_tx": {**ADAM, "b1": "x"}}, "gen_tx.b1='x'"),
        (RING, {"disc_tx": {"name": "sgd", "learning_rate": {"name": "cosine"}}}, "cosine"),
        (RING, {"evaluation": {"name": "digits"}}, "ten classes"),
        (RING, {"evaluation": {"name": "mode"}}, "Did you mean 'modes'?"),
        (TOY, {"evaluation": {"name": "modes"}}, "generates no samples"),
        (TOY, {"evaluation": {"name": "none", "radius": 3.0}}, "takes no arguments"),
        (TOY, {"data": {"name": "ring"}}, "no use for the section 'data'"),
        (RING, {"evaluation": {"name": "modes", "radius": -1.0}}, "radius=-1.0"),
        (RING, {"game": {"name": "gan", "prior": "uniform"}}, "section 'prior' of its own"),
        (TOY, {"game": {"name": "dirac", "loss": 3}}, "game.loss=3"),
        (
            TOY,
            {"game": {"name": "dirac", "start": ("a", "b")}},
            "must be 2 finite numbers",
        ),
        (TOY, {"game": {"name": "dirac", "start": (1.0,)}}, "must be 2 finite numbers"),
        (RING, {"gen_tx": {"name": "lbfgs"}}, "unknown gen_tx 'lbfgs'"),
        (RING, {"gen_tx": {"name": "chain"}}, "section gen_tx lacks 'transforms'"),
        (
            RING,
            {
                "gen_tx": {
                    "name": "sgd",
                    "learning_rate": {"name": "constant_schedule", "value": -1},
                }
            },
            "gives the rate -1.0 at step 0",
        ),
        (
            RING,
            {
                "gen_tx": {
                    "name": "sgd",
                    "learning_rate": {"name": "constant_schedule", "value": "x"},
                }
            },
            "in gen_tx.learning_rate",
        ),
        (TOY, {"game": {"name": "dirac", "loss": "minmax"}}, "Did you mean 'minimax'?"),
        (RING, {"game": {"name": "gan", "packing": 3}}, "packs of 3; use a multiple of 3"),
        (RING, {"game": {"name": "energy_based", "packing": 2}}, "packs would reward collapse"),
        (RING, {"game": {"name": "semi_supervised", "packing": 2}}, "a pack has no class"),
        (LABELLED, {"data": {"name": "swiss_roll"}}, "needs data with labels"),
        (
            LABELLED,
            {"game": {"name": "conditional", "gen_class_weight": 0.1}},
            "gen_class_weight=0.1 has no effect, as this discriminator does not classify",
        ),
        (
            VAE,
            {"data": {"name": "swiss_roll"}},
            "values from -inf to inf, but the game with these options is for values from -1 to 1",
        ),
        (LABELLED, {"generator": RING["generator"]}, "generator makes no use of the labels"),
        (LABELLED, {"game": {"name": "gan", "z_dim": 2}}, "use the game 'conditional'"),
    ],
)
def test_mistakes_are_answered(base, change, message):
    with pytest.raises(ConfigError) as caught:
        experiment.build({**base, **change})
    assert message in str(caught.value)


def test_load_refuses_what_is_no_run(tmp_path):
    with pytest.raises(RunFolderError, match="not a run folder"):
        experiment.load(tmp_path)
    run_folder.claim(tmp_path, experiment.build(TOY).config.to_dict())
    with pytest.raises(CheckpointError, match="no checkpoint"):
        experiment.load(tmp_path)
