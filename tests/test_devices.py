"""One training on 1, 2, 4 and 8 devices, and in two processes: the same parameters.

With SGD: Adam hides gradients that are too large by the number of devices to nine digits.
"""

import json
import os
import pickle
import shutil
import socket
import subprocess
import sys
from functools import cache, partial
from pathlib import Path

import examples
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from marks import marked, telling

from ganjax import devices, experiment, schemes, spread, train
from ganjax.errors import ConfigError
from ganjax.nets import norms

ROOT = Path(__file__).parent.parent
sys.path.append(str(Path(__file__).parent))  # for `own:function` in configs
# Momentum, so that a sharded optimiser has something to shard; it is linear in the gradients.
SGD = {"name": "sgd", "learning_rate": 0.05, "momentum": 0.5}
RING = {
    **examples.RING,
    "steps": 20,
    "batch_size": 16,
    "generator": {"name": "mlp", "width": 8, "depth": 1},
    "discriminator": {"name": "mlp", "width": 8, "depth": 1},
    "gen_tx": SGD,
    "disc_tx": SGD,
}
# Options that schemes cannot do without, or that ask most of devices.
OPTIONS = {
    "alternating": {"disc_updates": 2, "fresh_batches": True},
    # Without the ridge it divides float32's rounding by small differences.
    "anderson": {"inner": "simultaneous", "depth": 1, "ridge": 10.0},
    "competitive": {"lr": 0.05},
    "follow_the_ridge": {"damping": 1.0},
    "lookahead": {"inner": "simultaneous", "steps": 2},
    "opponent_shaping": {"lookahead_lr": 0.01},
    "runge_kutta": {"lr": 0.05},
    "unrolled": {"unroll_steps": 3},
}
IMAGES = {
    **RING,
    "data": {"name": "digits"},
    "game": {"name": "gan", "z_dim": 4},
    "generator": {"name": "dcgan", "width": 4},
    "discriminator": {"name": "dcgan", "width": 4, "norm": "batch"},
}
CONFIGS = {
    name: {**RING, "scheme": {"name": name, **OPTIONS.get(name, {})}}
    for name in schemes.SCHEMES
    if name != "averaged"
}
CONFIGS |= {
    "averages": {**RING, "average": {"name": "ema", "decay": 0.9}},
    "batch_norm": {**IMAGES, "penalties": {"wgan_gp": {"name": "wgan_gp", "weight": 1.0}}},
    "minibatch": {**IMAGES, "discriminator": {"name": "dcgan", "width": 4, "minibatch": "stddev"}},
    "relativistic": {**RING, "loss": {"name": "relativistic_average"}},
    "augmented": {
        **IMAGES,
        "game": {"name": "gan", "z_dim": 4, "augment": {"name": "translate"}},
        "penalties": {"dragan": {"name": "dragan"}},
    },
    "adaptive_augmentation": {
        **IMAGES,
        "game": {"name": "gan", "z_dim": 4, "augment": {"name": "adaptive", "updates": 8}},
    },
    "r3gan": {
        **IMAGES,
        "loss": {"name": "relativistic"},
        "game": {
            "name": "gan",
            "z_dim": 4,
            "augment": {
                "name": "ada",
                "probability": {"name": "linear_schedule", "init_value": 0.2, "end_value": 0.9}
                | {"transition_steps": 20},
                "cut": 1.0,
            },
        },
        **{
            player: {"name": "r3gan", "widths": (4,), "groups": (2,), "blocks": 1}
            for player in ("generator", "discriminator")
        },
        "penalties": {name: {"name": name, "gamma": 0.1} for name in ("r1", "r2")},
    },
    "pull_away": {
        **RING,
        "game": {"name": "boundary_equilibrium", "z_dim": 2, "pull_away": 0.1},
        "discriminator": {"name": "mlp_autoencoder", "z_dim": 2, "width": 8},
    },
}
CONFIGS["semi_supervised"] = {
    **RING,
    "data": {"name": "digits_few_labels"},
    "game": {"name": "semi_supervised", "z_dim": 2, "pseudo_label_weight": 1.0, "confidence": 0.2},
    "discriminator": {
        **RING["discriminator"],
        "head": {"name": "classifier", "num_classes": 10},
    },
}
CONFIGS["pull_away"] = {k: v for k, v in CONFIGS["pull_away"].items() if k != "loss"}
CONFIGS["accumulated"] = {**CONFIGS["unrolled"], "accumulate": 2}
# Functions that draw by themselves, those of `own.py` without a word to the library.
NOISE = {**RING, "discriminator": {"name": "mlp", "width": 8, "depth": 1, "noise": 0.5}}
OWN_NETWORK = {**RING, "discriminator": {"name": "own:dropped"}}
OWN_PRIOR = {**RING, "prior": {"name": "own:normal"}}
DRAWS = {
    "noise": NOISE,
    "dropout": {
        **IMAGES,
        "data": {"name": "paired_images", "images": "digits", "task": "segmentation"},
        "game": {"name": "paired"},
        "generator": {"name": "unet", "width": 4, "depth": 3},
        "discriminator": {"name": "patch", "width": 4, "layers": 1, "idle_biases": False},
    },
    "cycle": {
        **RING,
        "data": {"name": "affine_domains"},
        "game": {"name": "cycle", "pool_size": 5, "cycle_weight": 0.1, "identity_weight": 0.0},
        "generator": {"name": "residual_mlp", "width": 8},
        "discriminator": NOISE["discriminator"],
    },
    "own_network": {**OWN_NETWORK, "batch_size": 32},
    "own_prior": OWN_PRIOR,
    "own_prior_by_rejection": {**RING, "prior": {"name": "own:dirichlet"}},
    # A device has four rows: beside a key split in two, draws for two rows are refused.
    "own_prior_by_row": {**RING, "prior": {"name": "own:by_row"}, "batch_size": 32},
    "own_prior_by_row_in_a_loop": {**RING, "prior": {"name": "own:keys_in_a_loop"}},
    "own_prior_by_labelled_row": {**RING, "prior": {"name": "own:labelled"}},
    "own_penalty": {**RING, "penalties": {"own": {"name": "own:noisy_slopes"}}},
    "own_augmentation": {**RING, "game": {**RING["game"], "augment": {"name": "own:scaled"}}},
    "own_game": {
        **{name: section for name, section in RING.items() if name != "loss"},
        "game": {"name": "own:game"},
    },
    "unrolled_noise": {**NOISE, "scheme": CONFIGS["unrolled"]["scheme"]},
    "unrolled_fresh": {
        **OWN_NETWORK,
        "scheme": {"name": "unrolled", "unroll_steps": 2, "fresh_batches": True},
    },
    "lookahead_own_network": {**OWN_NETWORK, "scheme": CONFIGS["lookahead"]["scheme"]},
    "shaping_noise": {**NOISE, "scheme": CONFIGS["opponent_shaping"]["scheme"]},
    "accumulated_noise": {**NOISE, "accumulate": 2},
    "accumulated_own_network": {**OWN_NETWORK, "accumulate": 2, "batch_size": 32},
    "accumulated_own_prior": {**OWN_PRIOR, "accumulate": 2},
}
CONFIGS |= DRAWS
QUICK = ("alternating", "unrolled", "batch_norm")
REST = [name for name in CONFIGS if name not in QUICK]
GROUPS = [QUICK, *(REST[place::3] for place in range(3))]  # played in one pair of processes each
FORMS = [("jit", False), ("jit", True), ("pmap", False)]
DIGITS = {"float32": 1e-6, "float64": 1e-12}
CASES = marked(
    [
        (name, count, form, sharded, dtype)
        for name in CONFIGS
        for count in (2, 4, 8)
        for form, sharded in FORMS
        for dtype in DIGITS
    ],
    # Every form of a small game.
    default={("alternating", 8, form, sharded, "float64") for form, sharded in FORMS},
    telling={
        ("batch_norm", 8, "jit", False, "float64"),
        *(
            (name, 8, "pmap", False, "float64")
            for name in ("unrolled", "batch_norm", "semi_supervised")
        ),
    },
)
# Draws by a network and by a part of the user; those of other parts are telling, variants slow.
DRAWING = ("noise", "own_penalty")
TELLING = ("cycle", "dropout", "own_augmentation", "own_game", "own_network", "own_prior")
TELLING += ("accumulated_noise", "accumulated_own_prior", "unrolled_fresh")
MARKED = marked(DRAWS, DRAWING, TELLING)


@cache
def played(name, dtype, form="jit", sharded=False, count=1):
    """The state and the metrics of a config after 20 steps on `count` devices."""
    layout = devices.layout(form, sharded, among=jax.devices()[:count]) if count > 1 else None
    return played_on(layout, CONFIGS[name], dtype)


def played_on(layout, config, dtype):
    built = experiment.build(config, layout.axis_name if layout else None)

    def cast(tree):
        return jax.tree.map(
            lambda x: x.astype(dtype) if jnp.issubdtype(x.dtype, jnp.inexact) else x, tree
        )

    state = cast(experiment.initial_state(built, experiment.streams(0).init))
    built = built._replace(batch=lambda *given, draw=built.batch: cast(draw(*given)))
    given = cast(built.train), experiment.streams(0).play, jnp.int32(0)
    run = train.chunk(built, 20)
    if layout is None:
        return jax.device_get(jax.jit(run)(state, *given))
    run = devices.compiled(layout, run, state, *given)
    state, told = run(devices.put(layout, state), *given)
    return jax.device_get((devices.take(layout, state), told))


def close(one, many, rtol):
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(many), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(b, a, rtol=0, atol=rtol * max(np.abs(a).max(initial=0), 1))


@pytest.mark.parametrize(("name", "count", "form", "sharded", "dtype"), CASES)
def test_devices_agree_with_one(name, count, form, sharded, dtype, x64):
    one, told_one = played(name, dtype)
    many, told_many = played(name, dtype, form, sharded, count)
    close(one.params, many.params, DIGITS[dtype])
    close(one, many, 10 * DIGITS[dtype])
    close(told_one, told_many, 1e-5)  # shares of a batch are counted in float32


@pytest.mark.parametrize("name", MARKED)
def test_draws_of_a_row_do_not_depend_on_devices(name, x64):
    one, told_one = played(name, "float64")
    many, told_many = played(name, "float64", "pmap", count=4)
    close(one, many, 1e-11)
    close(told_one, told_many, 1e-5)


@pytest.mark.parametrize("name", [row for row in MARKED if row.values[0].startswith("accum")])
def test_draws_of_a_row_do_not_depend_on_accumulation(name, x64):
    """Without statistics of the batch the parts make the step of the whole batch."""
    whole, _ = played(name.removeprefix("accumulated_"), "float64")
    close(whole, played(name, "float64")[0], 1e-11)


@pytest.mark.slow
@pytest.mark.parametrize("axis", ["batch", pytest.param("devices", marks=pytest.mark.telling)])
def test_the_mapped_axis_may_have_any_name(axis, x64):
    """A network with noise and batch-wide features, mapped by the user."""
    config = {**NOISE, "discriminator": {**NOISE["discriminator"], "minibatch": "stddev"}}
    one, _ = played_on(None, config, "float64")
    built = experiment.build(config, axis)
    given = jax.tree.map(lambda x: x.astype("float64"), built.train)
    state = jax.tree.map(
        lambda x: x.astype("float64") if jnp.issubdtype(x.dtype, jnp.inexact) else x,
        experiment.initial_state(built, experiment.streams(0).init),
    )
    run = jax.pmap(train.chunk(built, 20), axis_name=axis, in_axes=(0, None, None, None))
    stacked = jax.tree.map(lambda x: jnp.stack([x] * 4), state)
    many, _ = run(stacked, given, experiment.streams(0).play, jnp.int32(0))
    for device in range(4):
        close(one.params, jax.tree.map(lambda x: x[device], many.params), 1e-12)  # noqa: B023


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"discriminator": {"name": "own:dropped", "joined": True}}, "draw for each batch by itse"),
        ({"prior": {"name": "own:sized"}}, "make the same draws for a batch of any size"),
        ({"prior": {"name": "own:by_row"}, "batch_size": 8}, "take another batch_size"),
        ({"prior": {"name": "own:by_number"}}, "split a key for each row"),
        ({"prior": {"name": "own:in_a_loop"}}, "split a key for each row"),
        ({"prior": {"name": "own:joined"}}, "draw for each batch by itself"),
        ({"prior": {"name": "own:across"}}, "draw for each batch by itself, rows first"),
        ({"prior": {"name": "own:poisson"}}, "only implemented for"),
    ],
)
def test_draws_that_cannot_be_split_by_row_are_refused(config, message, tmp_path):
    config, layout = (
        {**RING, "log_every": 20, **config},
        devices.layout("pmap", among=jax.devices()[:4]),
    )
    with pytest.raises(ConfigError, match=message):
        experiment.build({**config, "accumulate": 4})
    built = experiment.build(config, layout.axis_name)
    with pytest.raises(ConfigError, match=f"under --form=pmap: .*{message}"):
        train.train(built, tmp_path, layout)


def test_a_scheme_without_averaged_gradients_is_refused(tmp_path):
    config = {**RING, "log_every": 20, "scheme": {"name": "own:alone"}}
    layout = devices.layout("pmap", among=jax.devices()[:2])
    built = experiment.build(config, layout.axis_name)
    with pytest.raises(ConfigError, match="parameters have drifted apart"):
        train.train(built, tmp_path, layout)
    assert not list((tmp_path / "checkpoints").glob("*"))


def test_a_scheme_without_axis_name_is_refused():
    config = {**RING, "scheme": {"name": "own:deaf"}}
    experiment.build(config)
    with pytest.raises(ConfigError, match=r"'own:deaf' has no parameter axis_name.*--form=jit"):
        experiment.build(config, "data")
    scheme = experiment.build(RING, "data").scheme
    built = experiment.build(RING)
    state = experiment.initial_state(built, jax.random.key(0))
    batch = built.batch(built.train, jax.random.key(1))
    with pytest.raises(ValueError, match="axis_name='data' is not mapped here; map the step"):
        scheme.step(state, batch, jax.random.key(2))


@pytest.mark.parametrize(
    "name",
    [
        "relativistic",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("batch_norm", "minibatch")),
    ],
)
def test_statistics_by_device_use_its_rows_alone(name, x64):
    """One device that passes the 8 blocks of rows one by one and averages their gradients."""
    layout = devices.layout("pmap", statistics="device")
    one, _ = played_on(None, {**CONFIGS[name], "accumulate": 8}, "float64")
    many, _ = played_on(layout, CONFIGS[name], "float64")
    close(one, many, 1e-12)
    whole, _ = played(name, "float64")
    with pytest.raises(AssertionError):
        close(whole, many, 1e-3)


class BatchNorm(nn.Module):
    @nn.compact
    def __call__(self, x):
        return norms.batch().apply(x, norms.Pass())


@pytest.mark.parametrize("axis", devices.STATISTICS.values())
def test_batch_normalisation_by_batch_or_by_device(axis):
    x = jax.random.normal(jax.random.key(0), (8, 4, 3)) * jnp.arange(1.0, 9)[:, None, None]
    variables = BatchNorm().init(jax.random.key(0), x[0])
    gain = variables["params"]["BatchNorm_0"]["scale"][None, None]

    def losses(params, model_state, x, rng):
        return BatchNorm().apply(params, x, mutable=["batch_stats"])[0]

    normalise = partial(spread.on_rows(losses, axis), variables, (), rng=jax.random.key(0))
    normalised = jax.pmap(normalise, axis_name=axis)(x)
    over = (0, 1) if axis == "data" else 1  # [devices, rows, channels]
    mean, var = x.mean(over, keepdims=True), x.var(over, keepdims=True)
    np.testing.assert_allclose(normalised, (x - mean) / jnp.sqrt(var + 1e-5) * gain, atol=1e-5)


CONFIG = """
import ml_collections


def get_config():
    return ml_collections.ConfigDict({config!r})
"""


def together(processes, script, *flags, count=2):
    """Runs a script in so many processes of `count` devices each; returns their outputs.

    They compile as the tests do: parameters begin in float32, rounded as the compiler has it.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "XLA_FLAGS": f"{os.environ['XLA_FLAGS']} --xla_force_host_platform_device_count={count}",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, str(ROOT / script), *map(str, flags)]
    joined = [f"--coordinator=127.0.0.1:{port}", f"--num_processes={processes}"]
    running = [
        subprocess.Popen(
            command + ([*joined, f"--process_id={index}"] if processes > 1 else []),
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for index in range(processes)
    ]
    told = [process.communicate(timeout=900) for process in running]
    assert [process.returncode for process in running] == [0] * processes, told
    return [out for out, _ in told]


TOGETHER = [
    (names, form, sharded, dtype) for names in GROUPS for form, sharded in FORMS for dtype in DIGITS
]


@pytest.mark.parametrize(
    ("names", "form", "sharded", "dtype"),
    marked(
        TOGETHER,
        default=(),
        telling=[(QUICK, "jit", False, "float64")],
        ids=["-".join(("+".join(row[0]), *map(str, row[1:]))) for row in TOGETHER],
    ),
)
def test_two_processes_agree_with_one(names, form, sharded, dtype, x64, tmp_path):
    """20 steps on two devices in each process."""
    asked = (f"--form={form}", f"--dtype={dtype}", f"--out={tmp_path}", *["--sharded"] * sharded)
    together(2, "tests/play_together.py", f"--names={','.join(names)}", *asked)
    for name in names:
        one, told_one = played(name, dtype)
        many, told_many = pickle.loads((tmp_path / name).read_bytes())
        close(one.params, many.params, DIGITS[dtype])
        close(one, many, 10 * DIGITS[dtype])
        close(told_one, told_many, 1e-5)


def trained(folder, processes, name, *flags):
    path = folder / "config.py"
    config = {**CONFIGS[name], "log_every": 5, "checkpoint_every": 10, "sample_every": 10}
    path.write_text(CONFIG.format(config=config))
    flags = (f"--config={path}", f"--workdir={folder / 'run'}", *flags)
    return together(processes, "scripts/train.py", *flags, count=1 if processes == 1 else 2)


@pytest.fixture(scope="module", params=["unrolled", "batch_norm"])
def alone(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone")
    trained(folder, 1, request.param)
    return request.param, experiment.load(folder / "run").state


@pytest.mark.slow
@pytest.mark.parametrize("flags", [[], ["--shard_optimiser"], ["--form=pmap"]], ids=" ".join)
def test_two_processes_train_like_one_and_resume(flags, alone, tmp_path):
    name, one = alone
    first, second = trained(tmp_path, 2, name, *flags)
    together = experiment.load(tmp_path / "run").state
    close(jax.device_get(one.params), jax.device_get(together.params), 1e-6)
    close(jax.device_get(one), jax.device_get(together), 1e-5)
    assert "20 steps" in first
    assert "20 steps" not in second  # one process alone tells of the results
    rows = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(row)["step"] for row in rows] == [5, 10, 15, 20]

    newest = tmp_path / "run" / "checkpoints" / "20"
    shutil.rmtree(newest)
    trained(tmp_path, 2, name, *flags)
    again = experiment.load(tmp_path / "run")
    parts = {path.name for path in newest.glob("state/ocdbt.process_*")}
    assert ("ocdbt.process_1" in parts) == ("--shard_optimiser" in flags)
    assert again.step == 20
    for a, b in zip(jax.tree.leaves(together), jax.tree.leaves(again.state), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_a_comparison_in_two_processes_equals_one(tmp_path):
    """Two devices in each, so that runs are spread unlike: the same bits all the same."""
    asked = ["--config.seeds=4", "--config.budget.steps=20", "--config.looks=2", "--mapped=map"]
    config = f"--config={ROOT / 'configs' / 'compare_ring8.py'}"
    for processes in (1, 2):
        together(
            processes,
            "scripts/compare.py",
            config,
            *asked,
            f"--workdir={tmp_path / str(processes)}",
        )
    one, two = (
        {path.name: path.read_bytes() for path in (tmp_path / count / "cells").glob("*.json")}
        for count in "12"
    )
    assert len(one) == 5
    assert one == two
    tables = [(tmp_path / count / "table.json").read_bytes() for count in "12"]
    assert tables[0] == tables[1]


def test_a_sharded_optimiser_is_split_over_devices():
    """Adam's two moments of a weight of 8 rows: a row on each of 8 devices."""
    layout = devices.layout("jit", True)
    config = {**RING, "disc_tx": {"name": "adam", "learning_rate": 1e-3}}
    built = experiment.build(config)
    state = experiment.initial_state(built, jax.random.key(0))
    moments = devices.put(layout, state).opt_state.disc[0].mu
    for leaf in jax.tree.leaves(moments):
        part = leaf.addressable_data(0)
        assert part.size == (leaf.size // 8 if any(n % 8 == 0 for n in leaf.shape) else leaf.size)
    close(
        jax.device_get(state), jax.device_get(devices.take(layout, devices.put(layout, state))), 0
    )


def test_impossible_layouts_are_refused(tmp_path):
    built = experiment.build({**RING, "batch_size": 100})
    with pytest.raises(ConfigError, match=r"a multiple of 8, e\.g\. 96 or 104"):
        train.train(built, tmp_path, devices.layout())
    with pytest.raises(ConfigError, match="Did you mean 'pmap'"):
        devices.layout("pmapp")
    with pytest.raises(ConfigError, match="shard it with the form 'jit'"):
        devices.layout("pmap", True)
    with pytest.raises(ConfigError, match="leave them to each device with the form 'pmap'"):
        devices.layout("jit", statistics="device")
    with pytest.raises(ConfigError, match="Did you mean 'device'"):
        devices.layout("pmap", statistics="devices")
    with pytest.raises(ConfigError, match="needs 9 devices; there are 8"):
        devices.mesh(3, 3)
    with pytest.raises(ConfigError, match="go together"):
        devices.initialise("localhost:1", 2)
    with pytest.raises(ConfigError, match="must be below"):
        devices.initialise("localhost:1", 2, 2)


@telling
def test_training_is_the_same_on_all_devices(tmp_path):
    """Through the loop, its checkpoints, pictures and metrics."""
    config = {**RING, "log_every": 10, "checkpoint_every": 10, "sample_every": 10}
    layout = devices.layout()
    train.train(experiment.build(config), tmp_path / "one")
    train.train(experiment.build(config), tmp_path / "eight", layout)
    one, eight = (experiment.load(tmp_path / name).state for name in ("one", "eight"))
    close(jax.device_get(one), jax.device_get(eight), 1e-6)


def test_the_compiled_step_splits_the_batch():
    """Every device works on its rows: latents, data and samples are split, not copied."""
    layout = devices.layout()
    built = experiment.build({**RING, "batch_size": 64})
    state = devices.put(layout, experiment.initial_state(built, jax.random.key(0)))
    with jax.set_mesh(layout.mesh):
        step = jax.jit(train.chunk(built, 1))
        given = (built.train, jax.random.key(0), jnp.int32(0))
        text = step.lower(state, *given).compile().as_text()
    assert "all-reduce" in text
    assert "f32[8,8]" in text  # a hidden layer of a device's 8 rows
    assert "f32[64,8]" not in text


@pytest.mark.parametrize(
    "form",
    [
        pytest.param("one", marks=pytest.mark.slow),
        "jit",
        pytest.param("pmap", marks=pytest.mark.slow),
    ],
)
def test_nothing_is_traced_again_after_the_first_chunk(form, tmp_path, monkeypatch):
    layout = None if form == "one" else devices.layout(form)
    config = {**RING, "log_every": 5, "checkpoint_every": 10}
    built = experiment.build(config, layout.axis_name if layout else None)
    traced, step = [], built.scheme.step

    def counted(*arguments):
        traced.append(1)
        return step(*arguments)

    counts = []
    write = train.run_folder.append_metrics
    monkeypatch.setattr(
        train.run_folder,
        "append_metrics",
        lambda workdir, row: (counts.append(len(traced)), write(workdir, row))[1],
    )
    train.train(built._replace(scheme=built.scheme._replace(step=counted)), tmp_path, layout)
    assert len(counts) == 4
    assert 0 < counts[0] == counts[-1]
