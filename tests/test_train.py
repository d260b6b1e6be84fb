"""The loop: resuming is bitwise, a divergence is caught at its step, the folder tells the truth."""

import contextlib
import json
import threading
from types import SimpleNamespace

import examples
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from marks import telling

from ganjax import (
    checkpoints,
    chunks,
    data,
    devices,
    disclosure,
    experiment,
    records,
    run_folder,
    train,
)
from ganjax.errors import CheckpointError, ConfigError, Interrupted, NotFiniteError, RunFolderError

pytestmark = pytest.mark.usefixtures("shared_chunks")
ADAM = {"name": "adam", "learning_rate": 1e-3, "b1": 0.5}
DCGAN = {
    "steps": 25,  # not a multiple of the chunk
    "log_every": 5,
    "checkpoint_every": 10,
    "batch_size": 8,
    "sample_count": 4,
    "evaluation_samples": 50,
    "data": {"name": "digits"},
    "game": {"name": "gan", "z_dim": 4},
    "generator": {"name": "dcgan", "width": 4},
    "discriminator": {"name": "dcgan", "width": 4},
    "loss": {"name": "non_saturating"},
    "penalties": {"r1": {"name": "r1", "gamma": 0.1}},
    "scheme": {"name": "alternating", "disc_updates": 2},
    "average": {"name": "ema", "decay": 0.9},
    "gen_tx": ADAM,
    "disc_tx": ADAM,
    "evaluation": {"name": "digits"},
}
SGD = examples.SGD
TOY = {**examples.BILINEAR, "steps": 20, "log_every": 5, "scheme": {"name": "simultaneous"}}


def status(workdir):
    return json.loads((workdir / "status.json").read_text())


def states_equal(a, b):
    assert jax.tree.structure(a) == jax.tree.structure(b)
    jax.tree.map(np.testing.assert_array_equal, a, b)


@pytest.fixture(scope="module")
def built():
    return experiment.build(DCGAN)


@pytest.fixture(scope="module")
def whole(built, shared_chunks, tmp_path_factory):
    """A run that nothing interrupted."""
    workdir = tmp_path_factory.mktemp("whole")
    return workdir, train.train(built, workdir)


def stop_after(monkeypatch, rows):
    """Asks the loop to stop once it has shown so many rows, as a signal would."""
    asked = threading.Event()

    @contextlib.contextmanager
    def interruptible():
        yield asked

    @contextlib.contextmanager
    def progress(step, steps):
        shown = []

        def show(row):
            shown.append(row)
            if len(shown) == rows:
                asked.set()

        yield show

    monkeypatch.setattr(train, "interruptible", interruptible)
    monkeypatch.setattr(train, "progress", progress)


def test_a_run_leaves_its_folder(whole):
    workdir, result = whole
    assert result.step == 25
    steps = dict.fromkeys(("step", "row", "checkpoint"), 25)
    assert status(workdir) == {"status": "done", "reason": "", **steps}
    seconds = run_folder.read_json(workdir / "summary.json")["seconds"]
    kinds = {"compiling", "training", "scoring", "pictures", "checkpoints"}
    assert seconds.keys() == kinds
    assert min(seconds.values()) >= 0
    assert checkpoints.steps(workdir / "checkpoints") == [20, 25]
    assert [row["step"] for row in examples.untimed(workdir)] == [5, 10, 15, 20, 25]
    assert examples.untimed(workdir)[-1]["evaluations/gen"] == 25
    assert examples.untimed(workdir)[-1]["evaluations/disc"] == 50
    assert result.picture == workdir / "samples" / "step_25.png"
    pictures = ("curves.png", "samples/step_25.png", "samples/real.png")
    for name in ("config.json", "manifest.json", *pictures):
        assert (workdir / name).stat().st_size > 0
    assert disclosure.read(workdir / pictures[-1])["source"].endswith(disclosure.REAL)
    written = json.loads((workdir / "eval" / "step_25.json").read_text())
    assert result.report == written["scores"]
    assert result.report["samples"] == 50
    assert written["protocol"]["step"] == 25
    assert written["protocol"]["average"]
    assert len(written["protocol"]["data_sha256"]) == 64
    assert (written["protocol"]["real"], written["protocol"]["held_out"]) == (1297, 500)


def test_real_images_are_held_out_and_in_the_samples_order_of_classes():
    digits = data.digits()
    of = SimpleNamespace(data=digits, train=digits.train, labelled=True, classes=np.arange(10))
    x = records._real(of, jax.random.key(0), 25)
    same = (x[:, None] == np.asarray(digits.test["x"])).all((2, 3, 4))
    assert same.any(1).all()
    np.testing.assert_array_equal(digits.test["y"][same.argmax(1)], np.arange(25) % 10)
    assert len(np.unique(same.argmax(1))) == 25
    of.labelled = False
    np.testing.assert_array_equal(records._real(of, None, 3), digits.test["x"][:3])


@pytest.mark.parametrize("rows", [2, 3], ids=["at_a_checkpoint", "between_checkpoints"])
def test_interrupted_and_resumed_is_bitwise_uninterrupted(
    rows, built, whole, tmp_path, monkeypatch
):
    workdir = tmp_path / whole[0].name  # pictures name their run
    with monkeypatch.context() as patch:
        stop_after(patch, rows)
        with pytest.raises(Interrupted, match=f"saved at step {5 * rows} of 25"):
            train.train(built, workdir)
    assert status(workdir)["status"] == "interrupted"
    train.train(built, workdir)
    template = experiment.template(built)
    resumed = checkpoints.restore(workdir / "checkpoints", template)
    uninterrupted = checkpoints.restore(whole[0] / "checkpoints", template)
    assert resumed.step == uninterrupted.step == 25
    states_equal(resumed.state, uninterrupted.state)
    assert examples.untimed(workdir) == examples.untimed(whole[0])
    for name in ("samples/step_25.png", "eval/step_25.json"):
        assert (workdir / name).read_bytes() == (whole[0] / name).read_bytes()


def test_killed_after_a_checkpoint_resumes_from_it(built, whole, tmp_path, monkeypatch):
    """A kill leaves rows beyond the last checkpoint; they are written anew, not twice."""

    @contextlib.contextmanager
    def killed(step, steps):
        def show(row):
            if row["step"] == 15:
                raise KeyboardInterrupt

        yield show

    with monkeypatch.context() as patch:
        patch.setattr(train, "progress", killed)
        with pytest.raises(KeyboardInterrupt):
            train.train(built, tmp_path)
    assert checkpoints.steps(tmp_path / "checkpoints") == [10]
    assert [row["step"] for row in examples.untimed(tmp_path)] == [5, 10, 15]
    train.train(built, tmp_path)
    assert examples.untimed(tmp_path) == examples.untimed(whole[0])


def test_a_finished_run_is_not_trained_again(built, whole, monkeypatch):
    workdir, result = whole
    monkeypatch.setattr(train, "_advance", None)
    assert train.train(built, workdir) == result


def test_load_gives_the_state_and_samples(built, whole):
    loaded = experiment.load(whole[0])
    assert loaded.step == 25
    assert loaded.state.step == 25
    samples = loaded.sample(loaded.state, jax.random.key(0), 3)
    assert samples.shape == (3, 8, 8, 1)


def test_another_config_is_refused(whole):
    changed = experiment.build({**DCGAN, "batch_size": 9})
    with pytest.raises(RunFolderError, match="batch_size: 8 -> 9"):
        train.train(changed, whole[0])


def test_chunk_equals_loop_of_steps(built):
    """Two compiled chunks against steps called one by one with the documented keys."""
    keys = experiment.streams(0)
    state = jax.jit(lambda rng: experiment.initial_state(built, rng))(keys.init)
    looped, rows, step = state, [], jax.jit(built.scheme.step)
    for index in range(4):
        rng_batch, rng_step = jax.random.split(jax.random.fold_in(keys.play, index))
        looped, metrics = step(looped, built.batch(built.train, rng_batch), rng_step)
        rows.append(metrics)
    compiled = train.compiled_chunk(built, 2)
    scanned, _ = compiled(state, built.train, keys.play, jnp.int32(0))
    scanned, chunk = compiled(scanned, built.train, keys.play, jnp.int32(2))
    assert chunk.bad_step == train.FINITE
    # float32 under Adam; other fusions round otherwise.
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=2e-4), looped, scanned)
    losses = [float(row["loss/disc"]) for row in rows[2:]]
    np.testing.assert_allclose(chunk.metrics["loss/disc"], np.mean(losses), rtol=1e-4)
    assert chunk.metrics["evaluations/disc"] == 4


@telling
def test_float64_throughout(tmp_path, x64):
    """Batch statistics keep their dtype when everything around them has more digits."""
    short = {"steps": 2, "log_every": 2, "evaluation": {"name": "none"}}
    train.train(experiment.build({**DCGAN, **short}), tmp_path)
    assert status(tmp_path)["status"] == "done"


def test_seeds_differ(built):
    init = jax.jit(lambda rng: experiment.initial_state(built, rng).params.disc)
    zero, one = (jax.tree.leaves(init(experiment.streams(seed).init)) for seed in (0, 1))
    assert any((np.asarray(a) != np.asarray(b)).any() for a, b in zip(zero, one, strict=True))


def test_a_divergence_is_found_at_its_step(tmp_path):
    """V = x y with step 1e10: the loss of step 5 (from 1) is beyond float32."""
    steep = {**SGD, "learning_rate": 1e10}
    built = experiment.build({**TOY, "gen_tx": steep, "disc_tx": steep, "checkpoint_every": 5})
    with jax.disable_jit():
        state, losses = experiment.initial_state(built, jax.random.key(0)), []
        for _ in range(10):
            state, metrics = built.scheme.step(state, None, jax.random.key(0))
            finite = all(
                np.isfinite(metrics[f"{key}/{player}"])
                for key in ("loss", "grad_norm")
                for player in ("gen", "disc")
            )
            losses.append(finite)
    bad = losses.index(False) + 1
    with pytest.raises(NotFiniteError, match=rf"not finite at step {bad}( \(metrics: .*\))?;"):
        train.train(built, tmp_path)
    assert status(tmp_path)["status"] == "diverged"
    assert status(tmp_path)["step"] == bad
    assert (tmp_path / "crash" / f"step_{bad}" / "report.json").exists()


def test_a_state_that_is_not_finite_is_never_saved(tmp_path, monkeypatch):
    """The last step's loss is finite, what it makes of the state is not."""
    zero = chunks.no_sums(experiment.build(TOY))
    for losses, params, bad in (
        ([1, 1, 1, 1, 1], [1.0], train.FINITE),
        ([1, 1, 1, 1, 1], [1.0, jnp.nan], 4),
        ([1, 1, jnp.inf, 1, jnp.nan], [1.0], 2),
        ([1, 1, jnp.inf, 1, jnp.nan], [jnp.nan], 2),
    ):
        sums = zero
        for loss in losses:
            sums = chunks.added(sums, dict.fromkeys(zero.metrics, jnp.float32(loss)))
        assert chunks.checked(sums, {"w": jnp.array(params)}, 0).bad_step == bad
    # Step 1e38 from 5: the gradient 5 and the loss are finite, the parameter is not.
    steep = {**SGD, "learning_rate": 3e38}
    game = {"name": "bilinear", "start": (5.0, 5.0)}
    built = experiment.build({**TOY, "steps": 1, "game": game, "gen_tx": steep, "disc_tx": steep})
    with pytest.raises(NotFiniteError, match="at step 1; nothing was saved yet"):
        train.train(built, tmp_path)
    assert checkpoints.steps(tmp_path / "checkpoints") == []


def test_the_status_waits_for_the_report(built, tmp_path, monkeypatch):
    """A run whose evaluation fails is not done; called again it is finished and says so."""

    def fails(*_):
        raise ZeroDivisionError("in the evaluation")

    with pytest.raises(ZeroDivisionError):
        train.train(built._replace(evaluate=fails), tmp_path)
    assert status(tmp_path)["status"] == "failed"
    assert "in the evaluation" in (tmp_path / "crash" / "traceback.txt").read_text()
    train.train(built, tmp_path)
    assert status(tmp_path)["status"] == "done"


def test_unusable_checkpoints_are_reported(tmp_path):
    built = experiment.build(TOY)
    train.train(built, tmp_path)
    (tmp_path / "checkpoints" / "20" / "manifest.json").unlink()
    with pytest.raises(CheckpointError, match="no intact checkpoint"):
        train.train(built, tmp_path)


def test_a_bug_leaves_its_traceback(tmp_path, monkeypatch):
    def broken(workdir, row):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(run_folder, "append_metrics", broken)
    with pytest.raises(ZeroDivisionError):
        train.train(experiment.build(TOY), tmp_path)
    assert status(tmp_path)["status"] == "failed"
    assert "a bug" in (tmp_path / "crash" / "traceback.txt").read_text()


def test_tensorboard_mirrors_the_metrics(tmp_path):
    pytest.importorskip("tensorboardX")
    train.train(experiment.build(TOY), tmp_path)
    events = list((tmp_path / "tensorboard").glob("events.*"))
    assert len(events) == 1
    assert b"grad_norm/gen" in events[0].read_bytes()


def test_panels_keep_the_order_of_the_game():
    """Compiled, a dict would come back sorted by its titles."""
    shown = records.in_order(lambda x: {"original": x, "given": 2 * x})
    for x in (1.0, 3.0):
        assert list(shown(x).items()) == [("original", x), ("given", 2 * x)]


def test_the_toy_follows_theory(tmp_path):
    """20 simultaneous steps of 0.1 on x y: |z| grows by sqrt(1.01) each."""
    train.train(experiment.build(TOY), tmp_path)
    state = experiment.load(tmp_path).state
    square = float(state.params.gen[0] ** 2 + state.params.disc[0] ** 2)
    np.testing.assert_allclose(square, 2 * 1.01**20, rtol=1e-5)


def test_the_monitor_stops_training(tmp_path):
    """Where neither player gains, and only where the config asks for it; done is done."""
    settling = {
        **TOY,
        "steps": 1000,
        "scheme": {"name": "consensus", "gamma": 5.0},
        "monitor": {"name": "nash", "steps": 5, "threshold": 1e-3},
    }
    built = experiment.build(settling)
    result = train.train(built, tmp_path)
    assert 5 < result.step < 1000
    rows = run_folder.read_metrics(tmp_path)
    assert [row["monitor/stop"] for row in rows] == [0.0] * (len(rows) - 1) + [1.0]
    assert max(rows[-1]["gain/gen"], rows[-1]["gain/disc"]) <= 1e-3
    told = status(tmp_path)
    assert (told["status"], told["step"]) == ("done", result.step)
    assert told["reason"] == "neither player gains more than 0.001 by a move of its own"
    assert train.train(built, tmp_path) == result
    assert len(run_folder.read_metrics(tmp_path)) == len(rows)
    assert experiment.load(tmp_path).step == result.step


def test_a_measure_stops_training(tmp_path):
    """Where its mean over a chunk, the number in the row, is small enough for the first time."""
    measured = {
        **TOY,
        "steps": 1000,
        "scheme": {"name": "consensus", "gamma": 5.0},
        "monitor": {"name": "measure", "metric": "grad_norm/disc", "threshold": 0.01},
    }
    built = experiment.build(measured)
    result = train.train(built, tmp_path)
    assert 5 < result.step < 1000
    rows = run_folder.read_metrics(tmp_path)
    assert [row["grad_norm/disc"] <= 0.01 for row in rows] == [False] * (len(rows) - 1) + [True]
    told = status(tmp_path)
    assert (told["status"], told["step"]) == ("done", result.step)
    assert told["reason"] == "the mean of grad_norm/disc over the last steps is at most 0.01"
    assert train.train(built, tmp_path) == result
    # By its name in older configs: found under the present one.
    unknown = {"name": "measure", "metric": "balance/convergence", "threshold": 0.01}
    with pytest.raises(ConfigError, match="no metric 'convergence/disc' for the monitor"):
        experiment.build({**TOY, "monitor": unknown})


def test_a_monitor_changes_nothing(tmp_path):
    """Bitwise the same run with a threshold of 0, which is never met, and without a monitor."""
    watched = {**TOY, "monitor": {"name": "nash"}}
    for name, config in (("plain", TOY), ("watched", watched)):
        assert train.train(experiment.build(config), tmp_path / name).step == 20
    a, b = examples.untimed(tmp_path / "plain"), examples.untimed(tmp_path / "watched")
    kept = [{k: v for k, v in row.items() if not k.startswith(("gain/", "monitor/"))} for row in b]
    assert kept == a
    assert {"gain/gen", "gain/disc", "monitor/stop"} <= b[0].keys()


@pytest.mark.parametrize(
    ("changes", "steps"), [({}, [10, 15, 20]), ({"monitor": {"name": "nash"}}, [5, 10, 15, 20])]
)
def test_the_state_is_gathered_only_when_needed(changes, steps, tmp_path, monkeypatch):
    """A checkpoint every 10 steps and pictures every 15; a monitor looks after every chunk."""
    gathered, take = [], devices.take
    monkeypatch.setattr(
        devices,
        "take",
        lambda layout, state: gathered.append(int(state.step)) or take(layout, state),
    )
    config = {**TOY, "batch_size": 8, "checkpoint_every": 10, "sample_every": 15, **changes}
    train.train(experiment.build(config), tmp_path, devices.layout())
    assert gathered == steps
