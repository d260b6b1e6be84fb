"""A divergence leaves state, batch and key; its replay names the first bad leaf and operation."""

import re

import examples
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from marks import marked
from processes import call

from ganjax import checkpoints, crashes, devices, experiment, run_folder, train
from ganjax.errors import NotFiniteError, RunFolderError

SIMULTANEOUS = {**examples.BILINEAR, "scheme": {"name": "simultaneous"}, "log_every": 5}
STEEP = {"name": "sgd", "learning_rate": 1e10}
OVERFLOW = {
    **SIMULTANEOUS,
    "steps": 20,
    "log_every": 2,
    "largest_parameter": 0,
    "gen_tx": STEEP,
    "disc_tx": STEEP,
}
WILD = {"name": "sgd", "learning_rate": 1.0}
RING = {
    **examples.RING,
    "steps": 60,
    "log_every": 2,
    "largest_parameter": 0,
    "data": {"name": "ring", "radius": 3.0},
    "gen_tx": WILD,
    "disc_tx": WILD,
    "loss": {"name": "wasserstein"},
}
IMAGES = {**RING, "generator": examples.IMAGES["generator"]}
IMAGES["data"] = {"name": "sources:pixels", "keep": "stream", "flip": True, "order": "epochs"}
STAGES = {"first": {"until": 2, "batch_size": 4}, "second": {"until": 60}}
SCHEMES = {
    "alternating": {"disc_updates": 2, "fresh_batches": True},
    "simultaneous": {},
    "extragradient": {},
    "optimistic": {},
    "consensus": {},
    "unrolled": {"unroll_steps": 2},
}
CASES = {
    "saved": {"checkpoint_every": 2},
    "average": {"average": {"name": "ema", "decay": 0.9}},
    **{name: {"scheme": {"name": name, **options}} for name, options in SCHEMES.items()},
    "stages": {"stages": STAGES, "steps": 60},
    "streamed": IMAGES,
}


def diverged(config, workdir, match=None, form=None):
    """Trains to the divergence; returns status, report and the folder of the record."""
    layout = form and devices.layout(form, among=jax.devices()[:4])
    built = experiment.build(config, axis_name=layout and layout.axis_name)
    with pytest.raises(NotFiniteError, match=match):
        train.train(built, workdir, layout)
    status = run_folder.read_json(workdir / "status.json")
    assert status["status"] == "diverged"
    folder = workdir / "crash" / f"step_{status['step']}"
    return status, run_folder.read_json(folder / "report.json"), folder


def test_an_overflow_is_recorded_and_replayed(tmp_path):
    status, report, folder = diverged(OVERFLOW, tmp_path, "`ganjax replay --workdir")
    # x and y grow by 1e10 a step: the third has a loss of 1e20 * 1e20.
    assert report["step"] == status["step"] == 3
    assert report["start"] == 2
    start = checkpoints.restore(folder, experiment.template(experiment.build(OVERFLOW)))
    assert start.step == start.state.step == 2
    np.testing.assert_allclose(start.state.params.gen, [-1e20], rtol=1e-6)
    assert report["first"] == {"step": 3, "name": "loss/disc"}
    assert report["bad"] == ["loss/disc", "loss/gen"]
    assert {report["metrics"][f"loss/{player}"] for player in ("gen", "disc")} == {"inf", "-inf"}
    assert report["metrics_before"] == {}  # it is in the chunk before
    assert report["row_before"]["step"] == 2
    rng_step = jax.random.split(jax.random.fold_in(experiment.streams(0).play, 2))[1]
    assert report["key"]["data"] == jax.random.key_data(rng_step).tolist()
    assert report["batch"] == {}
    found = crashes.replay(experiment.build(OVERFLOW), tmp_path)
    assert found["first"] == report["first"]
    assert found["same"]
    assert re.search(r"^\w+ of operands in .* gives -?inf, at .*toy\.py:\d+ \(", found["origin"])
    with pytest.raises(RunFolderError, match="recorded steps: 3"):
        crashes.replay(experiment.build(OVERFLOW), tmp_path, 6)


def test_all_processes_wait_for_the_record(tmp_path, monkeypatch):
    report, seen = tmp_path / "crash" / "step_3" / "report.json", []
    monkeypatch.setattr(devices, "wait", lambda: seen.append(report.exists()))
    diverged(OVERFLOW, tmp_path)
    assert seen == [True]


def test_growth_without_bound_is_a_divergence(tmp_path):
    """sqrt(1 + 0.5^2) a step: 9.3e9 after 200 steps."""
    rate = {"name": "sgd", "learning_rate": 0.5}
    config = {**SIMULTANEOUS, "steps": 210, "gen_tx": rate, "disc_tx": rate}
    status, report, folder = diverged(config, tmp_path, r"beyond largest_parameter=1e\+09")
    assert status["step"] % 5 == 0
    expected = experiment.build(config)
    at = checkpoints.restore(folder, experiment.template(expected))
    size = float(np.max(np.abs(jax.tree.leaves(at.state.params))))
    assert at.step == status["step"] - 5
    assert size <= 1e9
    assert report["first"]["name"].startswith("params.")
    found = crashes.replay(expected, tmp_path)
    assert found["same"]
    assert found["origin"] is None
    result = train.train(experiment.build({**config, "largest_parameter": 0}), tmp_path / "on")
    assert result.step == 210


@pytest.mark.parametrize("case", marked(CASES, default=[], telling=["saved"]))
def test_state_batch_and_key_are_those_of_the_run(case, tmp_path):
    """The state is bitwise that of a run that ends where the record starts."""
    config = {**RING, **CASES[case]}
    status, report, folder = diverged(config, tmp_path / "run")
    built = experiment.build(config)
    stage = built.stage(status["step"])
    found = checkpoints.restore(folder, experiment.template(stage))
    assert found.step == report["start"]  # of the chunk, or of the cut of it on a slow machine
    assert (status["step"] - 1) // 2 * 2 <= report["start"] < status["step"]
    assert report["start"] > 0, "the case is too easy"
    ending = {key: value for key, value in config.items() if key != "checkpoint_every"}
    ended = experiment.build({**ending, "steps": report["start"]})
    train.train(ended, tmp_path / "ended")
    state = experiment.restore(ended, tmp_path / "ended").state
    jax.tree.map(np.testing.assert_array_equal, found.state, state)
    first = report["first"]
    assert first["name"] is not None
    assert report["start"] < first["step"] <= status["step"]
    key = experiment.streams(0).play
    rng_batch, rng_step = jax.random.split(jax.random.fold_in(key, first["step"] - 1))
    assert report["key"]["data"] == jax.random.key_data(rng_step).tolist()
    assert report["key"]["impl"] == str(jax.random.key_impl(rng_step))
    batch = stage.batch(stage.train, rng_batch, (key, jnp.int32(first["step"] - 1)))
    with np.load(folder / "batch.npz") as kept:
        assert set(kept.files) == set(batch) == set(report["batch"])
        for name in kept.files:
            np.testing.assert_allclose(kept[name], batch[name], rtol=1e-6)
    again = crashes.replay(built, tmp_path / "run")
    assert again["same"]
    assert re.search(r" gives (nan|-?inf), at /.*\.py:\d+ \(", again["origin"])


@pytest.mark.slow
@pytest.mark.parametrize("form", ["jit", "pmap"])
def test_devices_leave_the_state_of_one(form, tmp_path):
    _, report, folder = diverged(RING, tmp_path, form=form)
    built = experiment.build(RING)
    found = checkpoints.restore(folder, experiment.template(built))
    *_, last = crashes.trained(
        built,
        experiment.initial_state(built, experiment.streams(0).init),
        0,
        report["start"],
    )
    scale = max(np.abs(leaf).max() for leaf in jax.tree.leaves(last.after.params))
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4 * scale),
        found.state.params,
        last.after.params,
    )
    assert crashes.replay(built, tmp_path)["origin"]


@pytest.mark.slow
def test_the_command_prints_the_operation(tmp_path):
    diverged(RING, tmp_path)
    done = call("replay", "--workdir", tmp_path, "--json", tmp_path / "found.json")
    assert done.returncode == 0, done.stderr
    found = run_folder.read_json(tmp_path / "found.json")
    assert f"{found['eager']}: {found['origin']}" in done.stdout.splitlines()
    assert call("replay", "--workdir", tmp_path, "--step=1").returncode == 4


def test_a_damaged_record_is_refused_and_a_full_disk_hides_no_divergence(
    tmp_path, monkeypatch, caplog
):
    with monkeypatch.context() as patch:

        def full(*_, **__):
            raise OSError(28, "No space left on device")

        patch.setattr(crashes, "record", full)
        with pytest.raises(NotFiniteError):
            train.train(experiment.build(OVERFLOW), tmp_path)
    assert "No space left" in caplog.text
    built = experiment.build(OVERFLOW)
    with pytest.raises(RunFolderError, match="recorded steps: none"):
        crashes.replay(built, tmp_path)
    folder = tmp_path / "crash" / "step_3"
    folder.mkdir(parents=True)
    for text in ("", "{", "[]", "{}", '{"step": "x", "bound": 0}'):
        (folder / "report.json").write_text(text)
        with pytest.raises(RunFolderError, match="is damaged"):
            crashes.replay(built, tmp_path)
