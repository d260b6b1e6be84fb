"""Runs in stages: each grows out of the last, bitwise the same however often it is stopped."""

import contextlib
import json
import threading
from functools import partial
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from marks import telling

from ganjax import checkpoints, cuts, experiment, run_folder, train
from ganjax.errors import ConfigError, Interrupted
from ganjax.games.progressive import FADED
from ganjax.summary import describe

ADAM = {"name": "adam", "learning_rate": 1e-3, "b1": 0.0}
NETWORK = {"name": "progressive", "fmap_base": 8, "fmap_max": 2}
CONFIG = {
    "log_every": 3,
    "batch_size": 4,
    "sample_count": 2,
    "data": {"name": "digits"},
    "game": {"name": "progressive", "z_dim": 2},
    "generator": NETWORK,
    "discriminator": NETWORK,
    "penalties": {"drift": {"name": "drift"}},
    "scheme": {"name": "simultaneous"},
    "average": {"name": "ema", "decay": 0.5},
    "gen_tx": ADAM,
    "disc_tx": ADAM,
    "stages": {
        "large": {
            "until": 9,
            "batch_size": 2,
            "data": {"size": 16},
            "game": {"fade_steps": 4},
        },
        "small": {"until": 3},
    },
}


SGD = {"name": "sgd", "learning_rate": 0.1}
TOY = {
    "log_every": 2,
    "game": {"name": "quadratic", "gen_matrix": ((1.0, 0.0), (0.0, -1.0)), "start": (1.0, 2.0)},
    "scheme": {"name": "simultaneous"},
    "gen_tx": SGD,
    "disc_tx": SGD,
}


@pytest.fixture(scope="module")
def built():
    return experiment.build(CONFIG)


@pytest.fixture(scope="module")
def compiled(built):
    """Compiled steps, for all runs of this file: (calls, function)."""
    calls, known, compile_steps = [], {}, cuts.compiled_steps

    def once(stage, *more):
        key = stage.data.shape
        calls.append(key)
        if key not in known:
            known[key] = compile_steps(stage, *more)
        return known[key]

    return calls, once


@pytest.fixture
def quick(compiled, monkeypatch):
    compiled[0].clear()
    monkeypatch.setattr(cuts, "compiled_steps", compiled[1])
    return compiled[0]


@pytest.fixture(scope="module")
def whole(built, compiled, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        compiled[0].clear()
        patch.setattr(cuts, "compiled_steps", compiled[1])
        result = train.train(built, workdir)
        return workdir, result, tuple(compiled[0])


def untimed(workdir):
    rows = run_folder.read_metrics(workdir)
    return [{k: v for k, v in row.items() if not k.startswith("time/")} for row in rows]


def equal(a, b):
    assert jax.tree.structure(a) == jax.tree.structure(b)
    jax.tree.map(np.testing.assert_array_equal, a, b)


def stop_after(monkeypatch, rows):
    """Asks the loop to stop once it has shown so many rows, as a signal would."""
    asked = threading.Event()

    @contextlib.contextmanager
    def progress(step, steps):
        left = iter(range(rows - 1))
        yield lambda row: None if next(left, None) is not None else asked.set()

    monkeypatch.setattr(train, "interruptible", partial(contextlib.nullcontext, asked))
    monkeypatch.setattr(train, "progress", progress)


def test_the_experiment_is_its_stages(built):
    """Each has its data and its end; the whole is the one that the run ends in."""
    assert [stage.config.steps for stage in built.stages] == [3, 9]
    assert [stage.data.shape for stage in built.stages] == [(8, 8, 1), (16, 16, 1)]
    assert built.data.shape == (16, 16, 1)
    assert built.config.steps == 9
    small, large = built.stages
    assert [built.stage(step) is small for step in (0, 3)] == [True, True]
    assert [built.stage(step) is large for step in (4, 9)] == [True, True]


def test_a_dry_run_describes_every_stage(built):
    """Each in a line, by sizes counted here; then the last one's figures, told as such."""
    no_memory = SimpleNamespace(memory_analysis=lambda: None)
    lines = describe(built, no_memory).splitlines()
    lines = lines[lines.index("stages:") :]
    counts = []
    for stage in built.stages:
        params = experiment.template(stage).params
        counts.append([sum(leaf.size for leaf in jax.tree.leaves(own)) for own in params])
    assert counts[0] < counts[1]
    expected = (("small", "1 to 3, 8x8x1", 4), ("large", "4 to 9, 16x16x1", 2))
    for line, (label, where, batch), (gen, disc) in zip(lines[1:3], expected, counts, strict=True):
        assert line == (
            f"  {label}: steps {where}, batches of {batch}, {gen:,} generator and {disc:,} "
            "discriminator parameters"
        )
    assert lines[3:5] == [
        "the stage that the run ends in, large:",
        f"generator parameters: {counts[1][0]:,}",
    ]
    ends = {"first": {"until": 4}, "never": {"until": 9}}
    cut = describe(experiment.build({**TOY, "steps": 3, "stages": ends}), no_memory)
    assert "first: steps 1 to 3, no data" in cut
    assert "never: steps" not in cut
    plain = describe(experiment.build({**TOY, "steps": 3}), no_memory)
    assert "stage that" not in plain


@telling
def test_a_run_trains_every_stage(built, whole):
    """Chunks end where a stage does, which is compiled once; metrics run on."""
    workdir, result, compilations = whole
    rows = untimed(workdir)
    assert [row["step"] for row in rows] == [3, 6, 9]
    assert rows[-1]["evaluations/disc"] == 9
    # Means over chunks of 1, 1, 1, then 0, 1/4, 1/2, then 3/4, 1, 1.
    np.testing.assert_allclose([row["alpha/gen"] for row in rows], [1, 0.25, 11 / 12], rtol=1e-6)
    assert compilations == ((8, 8, 1), (16, 16, 1))
    assert (result.step, result.picture) == (9, workdir / "samples" / "step_9.png")
    assert (workdir / "samples" / "step_3.png").exists()
    assert checkpoints.steps(workdir / "checkpoints") == [3, 9]
    loaded = experiment.load(workdir)
    assert loaded.step == int(loaded.state.step) == 9
    assert loaded.sample(loaded.state, jax.random.key(0), 3).shape == (3, 16, 16, 1)
    assert loaded.data.shape == (16, 16, 1)
    assert int(loaded.state.model_state.gen[FADED]) == 6


@telling
def test_stopped_in_a_fade_and_resumed_is_bitwise_the_same(
    built, whole, quick, tmp_path, monkeypatch
):
    workdir = tmp_path / whole[0].name  # pictures name their run
    with monkeypatch.context() as patch:
        stop_after(patch, 2)
        with pytest.raises(Interrupted, match="saved at step 6 of 9"):
            train.train(built, workdir)
    train.train(built, workdir)
    equal(experiment.restore(built, workdir), experiment.restore(built, whole[0]))
    assert untimed(workdir) == untimed(whole[0])
    for name in ("samples/step_3.png", "samples/step_9.png"):
        assert (workdir / name).read_bytes() == (whole[0] / name).read_bytes()


@pytest.fixture(scope="module")
def growth(built):
    """The first stage's state, moved from its start; that of the second, with two keys."""
    small, large = built.stages
    state = jax.jit(partial(experiment.initial_state, small))(jax.random.key(5))
    moved = jax.tree.map(lambda leaf: leaf + jnp.ones((), leaf.dtype), state)
    grow = jax.jit(partial(experiment.grow, large))
    return moved, grow(moved, jax.random.key(1)), grow(moved, jax.random.key(2))


def test_growth_keeps_every_leaf(growth):
    """Of both players and the average; the count, the optimisers and new layers are fresh."""
    old, new, _ = growth
    for was, now in ((old.params, new.params), (Pair(old), Pair(new))):
        for player in ("gen", "disc"):
            small, large = getattr(was, player), getattr(now, player)
            equal(small, {name: large[name] for name in small})
            assert len(large) == len(small) + 3
    for name in set(new.params.gen) - set(old.params.gen):
        equal(new.params.gen[name], new.average[name])
        assert not np.asarray(new.params.gen[name]["bias"]).any()
    assert int(new.step) == int(old.step) == 1
    assert int(new.model_state.gen[FADED]) == 0
    for leaf in jax.tree.leaves(new.opt_state):
        assert not np.asarray(leaf).any()
    assert len(jax.tree.leaves(new.opt_state.gen)) == 2 * len(jax.tree.leaves(new.params.gen)) + 1


class Pair:
    """The average, in the generator's place."""

    def __init__(self, state):
        self.gen, self.disc = state.average, state.params.disc


def test_new_layers_follow_from_the_seed(growth):
    kernels = [state.params.gen["block_16_conv_1"]["kernel"] for state in growth[1:]]
    assert (np.asarray(kernels[0]) != np.asarray(kernels[1])).any()


def stages(*rows):
    return {"stages": {f"s{index}": row for index, row in enumerate(rows)}}


@telling
def test_chunks_end_with_stages_and_at_multiples_of_log_every(tmp_path, monkeypatch):
    """A schedule of learning rates by stages: V = (x^2 - y^2) / 2 contracts by 0.9, then by 0.5."""
    config = {**TOY, "checkpoint_every": 4, "keep_checkpoints": 9}
    faster = {key: {"learning_rate": 0.5} for key in ("gen_tx", "disc_tx")}
    built = experiment.build({**config, **stages({"until": 3}, {"until": 7, **faster})})
    result = train.train(built, tmp_path)
    assert result.step == 7
    rows = untimed(tmp_path)
    assert [row["step"] for row in rows] == [2, 3, 4, 6, 7]
    assert checkpoints.steps(tmp_path / "checkpoints") == [3, 4, 7]
    reached = experiment.load(tmp_path).state.params
    factor = 0.9**3 * 0.5**4
    np.testing.assert_allclose(reached.gen, [factor], rtol=1e-5)
    np.testing.assert_allclose(reached.disc, [2 * factor], rtol=1e-5)
    stopped = tmp_path / "stopped_where_a_stage_ends"
    with monkeypatch.context() as patch:
        stop_after(patch, 2)
        with pytest.raises(Interrupted, match="saved at step 3 of 7"):
            train.train(built, stopped)
    train.train(built, stopped)
    assert untimed(stopped) == rows
    equal(experiment.load(stopped).state.params, reached)


@telling
def test_a_run_may_end_within_a_stage(tmp_path):
    """It is that stage that is loaded then."""
    rows = {"until": 3}, {"until": 7, "batch_size": 3}, {"until": 9, "batch_size": 4}
    built = experiment.build({**TOY, **stages(*rows), "steps": 5})
    assert [stage.config.steps for stage in built.stages] == [3, 5, 5]
    assert train.train(built, tmp_path).step == 5
    assert experiment.load(tmp_path).config.batch_size == 3


@telling
def test_an_average_of_a_bare_array_grows_too(tmp_path):
    average = {"name": "ema", "decay": 0.5}
    built = experiment.build({**TOY, **stages({"until": 2}, {"until": 4}), "average": average})
    assert train.train(built, tmp_path).step == 4
    state = experiment.load(tmp_path).state
    assert (state.average != state.params.gen).any()


@pytest.mark.parametrize("watched", [0, 1])
def test_the_monitor_of_one_stage_ends_the_run_and_says_why(watched, tmp_path):
    rows = [{"until": 4}, {"until": 8}]
    rows[watched]["monitor"] = {"name": "measure", "metric": "loss/gen", "threshold": 100.0}
    result = train.train(experiment.build({**TOY, **stages(*rows)}), tmp_path)
    assert result.step == 2 + 4 * watched
    status = json.loads((tmp_path / "status.json").read_text())
    assert status["status"] == "done"
    assert "loss/gen" in status["reason"]


def growing(*sides_and_fades, **changes):
    """A config of progressive stages of three steps each, (side, fade_steps)."""
    rows = [
        {"until": 3 * index, "data": {"size": side}, "game": {"fade_steps": fade}}
        for index, (side, fade) in enumerate(sides_and_fades, start=1)
    ]
    parts = {"gen_tx": SGD, "disc_tx": SGD, "penalties": {}, "average": {"name": "none"}}
    return {**CONFIG, **parts, **stages(*rows), **changes}


LOOKAHEAD = {"name": "lookahead", "steps": 2, "inner": {"name": "simultaneous"}}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (growing((8, 2)), "in stages.s0: fade_steps=2, but there are no networks of half the size"),
        (
            {key: value for key, value in CONFIG.items() if key != "stages"}
            | {"game": {"name": "progressive", "z_dim": 2, "fade_steps": 1}},
            "fade_steps=1, but there are no networks of half the size",
        ),
        (
            growing((8, 0), (8, 2)),
            "in stages.s1: networks of 8 pixels cannot go on as networks of 8 with fade_steps=2",
        ),
        (
            growing((8, 0), (16, 7), (16, 0), scheme=LOOKAHEAD),
            "in stages.s1: the stage is over after 6 updates of the generator",
        ),
    ],
)
def test_jumps_are_refused(config, message):
    with pytest.raises(ConfigError) as caught:
        experiment.build(config)
    assert message in str(caught.value)


UNIFORM = {"name": "averaged", "kind": "uniform", "inner": {"name": "simultaneous"}}


def averaging(*kinds, **second):
    """Two stages with these averages."""
    first, last = ({"average": {"name": kind}} for kind in kinds)
    return stages({"until": 2, **first}, {"until": 4, **last, **second})


@telling
def test_a_uniform_average_goes_on_only_over_the_same_layers(tmp_path):
    """Over a change of the learning rate it is the mean of all iterates."""
    faster = {key: {"learning_rate": 0.5} for key in ("gen_tx", "disc_tx")}
    built = experiment.build({**TOY, **averaging("uniform", "uniform", **faster)})
    train.train(built, tmp_path)
    mean = (0.9 + 0.9**2 + 0.9**2 * 0.5 + 0.9**2 * 0.5**2) / 4
    np.testing.assert_allclose(experiment.load(tmp_path).state.average, [mean], rtol=1e-6)
    for config, lacking in (
        ({**TOY, **averaging("ema", "uniform")}, "no such average; set average.name to 'ema'"),
        ({**TOY, **averaging("none", "uniform")}, "no such average"),
        ({**TOY, **averaging("none", "none", scheme=UNIFORM)}, "no such average"),
        (growing((8, 0), (16, 2), average={"name": "uniform"}), "none of the new layers"),
    ):
        with pytest.raises(ConfigError, match=f"in stages.s1: .* has {lacking}"):
            experiment.build(config)


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ({"gen_tx": {"lerning_rate": 0.1}}, "in stages.s1: in gen_tx: unknown argument"),
        ({"game": {"dim": 0}}, "in stages.s1: in game: dim=0"),
        (
            {"game": {"name": "bilinear", "dim": 2}},
            "in stages.s1: it does not grow out of the stage before: ",
        ),
    ],
)
def test_mistakes_are_reported(second, message):
    config = {**TOY, "game": {"name": "bilinear"}, **stages({"until": 2}, {"until": 4, **second})}
    with pytest.raises(ConfigError) as caught:
        experiment.build(config)
    assert message in str(caught.value)
