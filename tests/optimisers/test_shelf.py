"""What counts as an optimiser goes downhill; all else stands in a chain before one."""

import inspect
import json
import sys
import textwrap

import examples
import jax
import jax.numpy as jnp
import ml_collections
import numpy as np
import optax
import pytest

from ganjax import experiment, optimisers, run_folder, train
from ganjax.config import validate
from ganjax.errors import ConfigError
from ganjax.nested import merged
from ganjax.optimisers import OPTIMISERS, TRANSFORMS
from ganjax.optimisers.shelf import NUMBERS_ONLY
from ganjax.sweep.programs import programs

SGD, ADAM = examples.SGD, examples.ADAM
CLIP = {"name": "clip_by_global_norm", "max_norm": 1.0}
DECAY = {"name": "add_decayed_weights", "weight_decay": 0.1}
CHAIN = {"name": "chain", "transforms": [CLIP, ADAM]}
# What rows cannot do without, beside a rate; `key` spares a warning of optax's.
NEEDED = {
    "adaptive_grad_clip": {"clipping": 0.1},
    "add_noise": {"eta": 0.01, "gamma": 0.55, "key": 0},
    "apply_if_finite": {"inner": SGD, "max_consecutive_errors": 3},
    "chain": {"transforms": [CLIP, ADAM]},
    "clip": {"max_delta": 1.0},
    "clip_by_block_rms": {"threshold": 1.0},
    "clip_by_global_norm": {"max_norm": 1.0},
    "clip_weights": {"inner": SGD},
    "ema": {"decay": 0.9},
    "flatten": {"inner": ADAM},
    "masked": {"inner": CLIP, "mask": "kernel"},
    "multi_transform": {"patterns": ("bias", ""), "transforms": [SGD, ADAM]},
    "noisy_sgd": {"key": 0},
    "projected": {"inner": SGD},
    "scale": {"step_size": 0.5},
    "trace": {"decay": 0.9},
}
TOY = {
    "steps": 4,
    "game": {"name": "bilinear", "start": (1.0, 0.5)},
    "scheme": {"name": "alternating"},
    "gen_tx": SGD,
    "disc_tx": CHAIN,
}
RING = {**examples.RING, "steps": 4, "gen_tx": SGD, "disc_tx": CHAIN}


def section(name):
    rated = "learning_rate" in inspect.signature({**OPTIMISERS, **TRANSFORMS}[name]).parameters
    return {"name": name, **({"learning_rate": 0.1} if rated else {}), **NEEDED.get(name, {})}


def products(tx):
    """update . gradient of the first move that is none of 0, for gradients of either sign."""
    params = {"a": {"kernel": jnp.zeros((4, 3)), "bias": jnp.zeros(3)}}

    @jax.jit
    def update(slope, state, step):
        return tx.update(slope, state, params, step=step)

    for sign in (1, -1):
        slope = jax.tree.map(lambda p, to=sign: jnp.full_like(p, to), params)
        state = tx.init(params)
        for step in range(3):
            updates, state = update(slope, state, step)
            product = float(optax.tree.vdot(updates, slope))
            if product:
                break
        yield product


@pytest.mark.parametrize("name", [name for name in OPTIMISERS if name != "set_to_zero"])
def test_every_optimiser_goes_downhill(name):
    assert all(product < 0 for product in products(optimisers.transform("gen_tx", section(name))))


def test_a_player_may_be_held_fixed():
    assert list(products(optimisers.transform("disc_tx", {"name": "set_to_zero"}))) == [0, 0]


@pytest.mark.parametrize("name", [n for n in TRANSFORMS if n != "scale_by_learning_rate"])
def test_all_else_is_refused_alone_and_taken_in_a_chain(name):
    """`keep_params_nonnegative` is made to come after the optimiser."""
    with pytest.raises(ConfigError, match="it climbs where it should descend") as caught:
        optimisers.transform("disc_tx", section(name))
    assert "stands in a chain before an optimiser, e.g. dict(name='chain'" in str(caught.value)
    parts = [section(name), SGD][:: -1 if name == "keep_params_nonnegative" else 1]
    tx = optimisers.transform("disc_tx", {"name": "chain", "transforms": parts})
    assert min(products(tx)) < 0
    assert max(products(tx)) <= 0


@pytest.mark.parametrize("name", [n for n in OPTIMISERS if "learning_rate" in section(n)])
def test_a_rate_may_be_0_or_begin_there(name):
    optimisers.transform("gen_tx", {**section(name), "learning_rate": 0.0})
    warm = {"name": "linear_schedule", "init_value": 0.0, "end_value": 1.0, "transition_steps": 9}
    if name in NUMBERS_ONLY:
        with pytest.raises(ConfigError, match="takes a number as its rate"):
            optimisers.transform("gen_tx", {**section(name), "learning_rate": warm})
        return
    tx = optimisers.transform("gen_tx", {**section(name), "learning_rate": warm})
    params = {"w": jnp.ones((4, 3))}
    _, state = jax.eval_shape(lambda p: tx.update(p, tx.init(p), p, step=3), params)
    assert jax.tree.structure(state) == jax.tree.structure(tx.init(params))


def test_a_chain_is_that_of_optax():
    """Bitwise, in a game; a config file's list, a JSON's and a dict by place are one."""
    tx = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(1e-3))
    params = {"w": jnp.arange(5.0)}
    ours = optimisers.transform("disc_tx", CHAIN)
    state, theirs = ours.init(params), tx.init(params)
    for step in range(3):
        slope = jax.tree.map(lambda p, at=step: jnp.sin(p + at), params)
        one, state = ours.update(slope, state, params, step=step)
        two, theirs = tx.update(slope, theirs, params)
        np.testing.assert_array_equal(one["w"], two["w"])
    jax.tree.map(np.testing.assert_array_equal, state, theirs)
    resolved = validate(TOY)
    assert resolved["disc_tx"]["transforms"] == {"0": CLIP, "1": ADAM}
    for config in (
        ml_collections.ConfigDict(TOY).lock(),
        json.loads(json.dumps(resolved)),
        resolved,
    ):
        assert experiment.build(config).config.to_dict() == experiment.build(TOY).config.to_dict()


def test_long_chains_keep_their_order():
    """More than ten parts, so that names of places would sort otherwise."""
    halves = [{"name": "scale", "step_size": 0.5}] * 9
    parts = [*halves, {"name": "clip", "max_delta": 1.0}, {"name": "scale", "step_size": 8.0}, SGD]
    tx = optimisers.transform("gen_tx", {"name": "chain", "transforms": parts})
    slope = {"w": jnp.full(2, 2.0**9)}
    updates, _ = tx.update(slope, tx.init(slope), slope)
    np.testing.assert_allclose(updates["w"], -0.8, rtol=1e-6)


def test_a_run_folder_keeps_a_chain(tmp_path):
    built = experiment.build(TOY)
    train.train(built, tmp_path)
    assert experiment.load(tmp_path).step == 4
    run_folder.claim(tmp_path, built.config.to_dict())
    other = {**TOY, "disc_tx": {"name": "chain", "transforms": [{**CLIP, "max_norm": 2.0}, ADAM]}}
    with pytest.raises(run_folder.RunFolderError, match=r"transforms\.0\.max_norm: 1.0 -> 2.0"):
        run_folder.claim(tmp_path, experiment.build(other).config.to_dict())


def test_numbers_in_a_chain_are_swept():
    """Cells that differ in them are one program; an override goes into a list by place."""
    cells = {
        str(rate): validate(
            merged(TOY, {"disc_tx": {"transforms": {"1": {"learning_rate": rate}}}})
        )
        for rate in (1e-3, 1e-2)
    }
    (program,) = programs(cells)
    assert program.numbers == {"disc_tx.transforms.1.learning_rate": (1e-3, 1e-2)}
    shorter = merged(validate(TOY), {"disc_tx": {"transforms": [ADAM]}})
    assert validate(shorter)["disc_tx"]["transforms"] == {"0": ADAM}


def test_masks_are_patterns_of_names():
    """No weight decay on biases, by a mask of Adam's own or by `masked` in a chain."""
    params = {"a": {"kernel": jnp.ones((2, 2)), "bias": jnp.ones(2)}}
    slope = jax.tree.map(jnp.zeros_like, params)
    decay = {"name": "masked", "inner": {"name": "add_decayed_weights", "weight_decay": 0.5}}
    for given in (
        {"name": "adamw", "learning_rate": 0.1, "weight_decay": 0.5, "mask": "kernel$"},
        {"name": "chain", "transforms": [{**decay, "mask": "a/kernel"}, SGD]},
    ):
        tx = optimisers.transform("gen_tx", given)
        updates, _ = tx.update(slope, tx.init(params), params)
        np.testing.assert_allclose(updates["a"]["kernel"], -0.05, rtol=1e-6)
        np.testing.assert_array_equal(updates["a"]["bias"], 0)
    with pytest.raises(ConfigError, match="mask 'bais' is in none of the parameters Dense_0/bias"):
        experiment.build({**RING, "gen_tx": {**ADAM, "name": "adamw", "mask": "bais"}})


def test_groups_of_parameters_have_an_optimiser_each():
    groups = {"name": "multi_transform", "patterns": ("bias", ""), "transforms": [SGD, ADAM]}
    tx = optimisers.transform("gen_tx", groups)
    params = {"a": {"kernel": jnp.ones((2, 2)), "bias": jnp.ones(2)}}
    updates, _ = tx.update(params, tx.init(params), params)
    np.testing.assert_allclose(updates["a"]["bias"], -0.1, rtol=1e-6)
    np.testing.assert_allclose(updates["a"]["kernel"], -1e-3, rtol=1e-5)
    built = experiment.build({**RING, "gen_tx": groups})
    assert set(experiment.template(built).opt_state.gen.inner_states) == {"0", "1"}
    with pytest.raises(ConfigError, match="has none of the patterns"):
        experiment.build({**RING, "gen_tx": {**groups, "patterns": ("bias", "karnel")}})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "chain"}, "lacks 'transforms'"),
        ({"name": "chain", "transforms": []}, "transforms=() must be a list of sections, e.g."),
        ({"name": "chain", "transforms": SGD}, "must be a list of sections"),
        ({"name": "chain", "transforms": [CLIP]}, "'chain' is no optimiser: it climbs"),
        ({"name": "chain", "transforms": [SGD, SGD]}, "it climbs"),
        ({"name": "chain", "transforms": [{"max_norm": 1.0}]}, "gen_tx.transforms.0 must have a"),
        ({"name": "chain", "transforms": [{"name": "clop"}, SGD]}, "Did you mean 'clip'?"),
        ({"name": "chain", "transforms": [CLIP, {**SGD, "learning_rate": -1.0}]}, "transforms.1"),
        ({"name": "clip_weights", "inner": CLIP}, "it climbs"),
        ({"name": "masked", "inner": SGD, "mask": "kernel"}, "it climbs"),
        (
            {"name": "chain", "transforms": [{"name": "masked", "inner": SGD, "mask": "bias"}]},
            "it climbs",
        ),
        ({"name": "multi_transform", "patterns": ("",), "transforms": [CLIP]}, "it climbs"),
        ({"name": "multi_transform", "patterns": (), "transforms": [SGD]}, "give one for each"),
        ({"name": "scale", "step_size": 0.0}, "it stands still"),
        ({**ADAM, "name": "adamw", "mask": "("}, "in gen_tx.mask: pattern '(' is no regular"),
        ({"name": "masked", "inner": SGD, "mask": "[a"}, "pattern '[a' is no regular"),
        (
            {"name": "multi_transform", "patterns": ("a", "*"), "transforms": [SGD, SGD]},
            "pattern '*' is no regular",
        ),
        ({"name": "multi_transform", "patterns": (1,), "transforms": [SGD]}, "must be a string"),
        ({"name": "chain", "transforms": {"0": 1.0}}, "must be a list of sections"),
        ({**ADAM, "name": "adamw", "weight_decay": -1.0}, "gen_tx.weight_decay=-1.0 must be"),
        ({"name": "prodigy", "weight_decay": float("nan")}, "gen_tx.weight_decay=nan must be"),
        ({**ADAM, "name": "adafactor", "weight_decay_rate": -0.1}, "weight_decay_rate=-0.1 must"),
        (
            {"name": "chain", "transforms": [{**DECAY, "weight_decay": -0.1}, SGD]},
            "gen_tx.transforms.0.weight_decay=-0.1 must be in [0, inf)",
        ),
        ({"name": "chain", "transforms": [SGD, DECAY]}, "lets the weights grow"),
        ({"name": "chain", "transforms": [ADAM, DECAY]}, "add_decayed_weights stands before"),
        ({"name": "lbfgs"}, "unknown gen_tx 'lbfgs'"),
        ({"name": "optax:polyak_sgd"}, "value"),
    ],
)
def test_mistakes(change, message):
    with pytest.raises(ConfigError) as caught:
        experiment.build({**TOY, "gen_tx": change})
    assert message in str(caught.value)


@pytest.mark.parametrize("inner", [SGD, ADAM, {"name": "sign_sgd", "learning_rate": 0.1}])
@pytest.mark.parametrize("limit", [0.01, 10.0])
def test_decay_noise_and_projections_are_taken(inner, limit):
    """From any parameters: such parts of an update are none of the gradient's."""
    noise = {"name": "add_noise", **NEEDED["add_noise"]}
    parts = [{**DECAY, "weight_decay": 10.0}, inner, {"name": "keep_params_nonnegative"}]
    for transforms in (parts[1:], parts[:2], [noise, *parts]):
        chain = {"name": "chain", "transforms": transforms}
        optimisers.transform("gen_tx", chain)
        optimisers.transform("gen_tx", {"name": "clip_weights", "inner": chain, "limit": limit})
    for key in range(4):
        optimisers.transform("gen_tx", {"name": "noisy_sgd", "learning_rate": 0.1, "key": key})


def test_the_look_ahead_goes_downhill_too():
    scheme = {"name": "unrolled", "unroll_steps": 2, "inner_tx": CLIP}
    with pytest.raises(ConfigError, match=r"scheme\.inner_tx 'clip_by_global_norm' is no"):
        experiment.build({**TOY, "scheme": scheme})
    experiment.build({**TOY, "scheme": {**scheme, "inner_tx": CHAIN}})


OWN = """
import jax
import jax.numpy as jnp
import optax


def always_down():
    return optax.stateless(lambda updates, params: jax.tree.map(lambda u: -0.1 * abs(u), updates))


def climbs(learning_rate):
    return optax.scale(learning_rate)


def own_names(learning_rate):
    def update(updates, params):
        return {"Dense_0": jax.tree.map(lambda u: -learning_rate * u, updates["Dense_0"]),
                **{key: jax.tree.map(jnp.zeros_like, value)
                   for key, value in updates.items() if key != "Dense_0"}}

    return optax.stateless(update)


def proportional(learning_rate):
    return optax.stateless(
        lambda updates, params: jax.tree.map(
            lambda u, p: -learning_rate * abs(p) * u, updates, params))


def relative(learning_rate):
    norm = jnp.linalg.norm
    return optax.stateless(
        lambda updates, params: jax.tree.map(
            lambda u, p: -learning_rate * u * norm(p) / norm(u), updates, params))


def climbs_away_from_0(learning_rate):
    return optax.stateless(
        lambda updates, params: jax.tree.map(
            lambda u, p: learning_rate * (2 * abs(p) - 1e-3) * u, updates, params))


def grows(learning_rate):
    return optax.stateless(
        lambda updates, params: jax.tree.map(
            lambda u, p: learning_rate * (1e-3 * p - u), updates, params))


def not_finite(learning_rate):
    return optax.stateless(
        lambda updates, params: jax.tree.map(
            lambda u, p: learning_rate * u * p / p, updates, params))


def wrong_names(learning_rate):
    return optax.stateless(lambda updates, params: {**updates, "Dense_0": updates["Dense_0"]})
"""


def test_a_transform_of_ones_own_is_tried_alike(tmp_path, monkeypatch):
    """On any gradient, and on its player's parameters where it is made for those alone."""
    (tmp_path / "own_tx.py").write_text(textwrap.dedent(OWN))
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("always_down", "climbs", "climbs_away_from_0", "wrong_names"):
        rate = {} if name == "always_down" else {"learning_rate": 0.1}
        with pytest.raises(ConfigError, match=f"'own_tx:{name}' is no optimiser: it climbs"):
            experiment.build({**RING, "gen_tx": {"name": f"own_tx:{name}", **rate}})
    with pytest.raises(ConfigError, match="it lets the weights grow"):
        experiment.build({**RING, "gen_tx": {"name": "own_tx:grows", "learning_rate": 0.1}})
    with pytest.raises(ConfigError, match="it gives an update that is not finite"):
        experiment.build({**RING, "gen_tx": {"name": "own_tx:not_finite", "learning_rate": 0.1}})
    for name in ("own_names", "proportional", "relative"):
        experiment.build({**RING, "gen_tx": {"name": f"own_tx:{name}", "learning_rate": 0.0}})
    sys.modules.pop("own_tx", None)
