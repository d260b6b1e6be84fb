"""A run goes on: more steps are bitwise those of one go; mathematics never changes."""

import json
from functools import cache

import examples
import jax
import numpy as np
import pytest
from marks import telling

from ganjax import checkpoints, experiment, pictures, run_folder, sinks, train
from ganjax.disclosure import Disclosure
from ganjax.errors import ConfigError, RunFolderError

pytestmark = pytest.mark.usefixtures("shared_chunks")
SGD = examples.SGD
TOY = {**examples.BILINEAR, "steps": 20, "log_every": 5}
TOY["scheme"] = {"name": "consensus", "gamma": 1.0}
ADAM = {"name": "adam", "learning_rate": 1e-3, "b1": 0.5}
MLP = {"name": "mlp", "width": 8, "depth": 1}
GAN = {
    "steps": 12,
    "log_every": 4,
    "batch_size": 8,
    "sample_count": 4,
    "evaluation_samples": 50,
    "data": {"name": "ring"},
    "game": {"name": "gan", "z_dim": 4},
    "generator": MLP,
    "discriminator": MLP,
    "loss": {"name": "non_saturating"},
    "scheme": {"name": "lookahead", "inner": {"name": "alternating"}},
    "average": {"name": "ema", "decay": 0.9},
    "gen_tx": ADAM,
    "disc_tx": ADAM,
    "evaluation": {"name": "modes"},
}


def run(config, workdir, **options):
    return train.train(built(json.dumps(config)), workdir, **options)


def state_of(config, workdir):
    return experiment.restore(built(json.dumps(config)), workdir).state


@cache
def built(text):
    """The experiment of a config written as JSON."""
    return experiment.build(json.loads(text))


def equal(a, b):
    jax.tree.map(np.testing.assert_array_equal, a, b)


@pytest.fixture(scope="module")
def one_go(shared_chunks, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("whole") / "one_go"
    run(GAN, workdir)
    return workdir


@telling
def test_more_steps_are_those_of_one_go(one_go, tmp_path):
    """A finished run of 8 steps goes on to 12, and its config.json says so."""
    workdir = tmp_path / one_go.name  # pictures name their run
    assert run({**GAN, "steps": 8}, workdir).step == 8
    assert run(GAN, workdir).step == 12
    equal(state_of(GAN, workdir), state_of(GAN, one_go))
    assert examples.untimed(workdir) == examples.untimed(one_go)
    assert run_folder.read_config(workdir)["steps"] == 12
    for name in ("samples/step_12.png", "eval/step_12.json"):
        assert (workdir / name).read_bytes() == (one_go / name).read_bytes()


@telling
def test_settings_outside_the_mathematics_may_change(one_go, tmp_path):
    """All of it at once, the chunks too, from within a chunk of the new length on."""
    run({**GAN, "steps": 6}, tmp_path)
    changed = {**GAN, "log_every": 3, "sample_every": 3, "checkpoint_every": 3}
    changed |= {"keep_checkpoints": 9, "sample_count": 5, "evaluation_samples": 60}
    run(changed, tmp_path)
    equal(state_of(changed, tmp_path), state_of(GAN, one_go))
    assert [row["step"] for row in examples.untimed(tmp_path)] == [4, 6, 9, 12]
    assert (
        examples.untimed(tmp_path)[-1]["evaluations/gen"]
        == examples.untimed(one_go)[-1]["evaluations/gen"]
    )
    assert checkpoints.steps(tmp_path / "checkpoints") == [6, 9, 12]
    report = tmp_path / "eval" / "step_12.json"
    assert run_folder.read_json(report)["evaluation_samples"] == 60
    # Of a finished run, another number of samples is scored anew.
    run({**changed, "evaluation_samples": 70}, tmp_path)
    assert run_folder.read_json(report)["evaluation_samples"] == 70


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ({}, {"seed": 1}, r"seed: 0 -> 1\n.*\n?only steps, log_every, .* may change"),
        ({}, {"gen_tx": {**SGD, "learning_rate": 0.2}}, "gen_tx.learning_rate: 0.1 -> 0.2"),
        ({}, {"compute": "bfloat16"}, "compute"),
        ({}, {"steps": 10}, "steps=10, but .* has been trained for 20 steps already; raise steps"),
        ({}, {"steps": 40, "log_every": 8}, "log_every=8 does not divide step 20"),
        (
            {"monitor": {"name": "nash"}},
            {"monitor": {"name": "nash"}, "log_every": 10},
            "log_every: 5 -> 10",  # the monitor would look elsewhere
        ),
    ],
)
def test_other_changes_are_refused(before, after, message, tmp_path):
    config = {**TOY, **before}
    run_folder.claim(tmp_path, experiment.build(config).config.to_dict())
    kept = (tmp_path / "config.json").read_bytes()
    changed = {**TOY, **after}
    if changed.get("compute"):  # closed forms have no networks to compute in it
        changed = {**experiment.build(TOY).config.to_dict(), **after}
    else:
        changed = experiment.build(changed).config.to_dict()
    with pytest.raises(RunFolderError, match=message) as refused:
        run_folder.claim(tmp_path, changed, trained=20)
    assert ("->" in message) <= (f"--init_from {tmp_path} with" in str(refused.value))
    assert (tmp_path / "config.json").read_bytes() == kept


def test_more_steps_after_the_monitor_ended_the_run_are_not_trained(tmp_path):
    """In one go it would have ended there as well."""
    settling = {**TOY, "monitor": {"name": "nash", "steps": 5, "threshold": 10.0}}
    assert run(settling, tmp_path).step == 5
    assert run({**settling, "steps": 40}, tmp_path).step == 5


STAGED = {
    **{key: value for key, value in GAN.items() if key not in ("steps", "evaluation")},
    "log_every": 2,
    "scheme": {"name": "alternating"},
    "stages": {"a": {"until": 4}, "b": {"until": 8, "batch_size": 4}},
}


def stages(a, b):
    ends = {"a": {"until": a}, "b": {"until": b, "batch_size": 4}}
    return {**STAGED, "stages": ends}


@telling
def test_staged_runs_go_on(tmp_path):
    """Cut within the first stage; at its end; and after the last, which is to end later."""
    run({**STAGED, "steps": 2}, tmp_path / "a")
    run({**STAGED, "steps": 4}, tmp_path / "a")
    run(STAGED, tmp_path / "a")
    run(stages(4, 10), tmp_path / "a")
    run(stages(4, 10), tmp_path / "b")
    equal(state_of(stages(4, 10), tmp_path / "a"), state_of(stages(4, 10), tmp_path / "b"))
    assert examples.untimed(tmp_path / "a") == examples.untimed(tmp_path / "b")
    for changed, told in (
        (stages(6, 12), "stages.a.until: 4 -> 6"),  # its end is behind
        (stages(14, 12), "stages.a.until: 4 -> 14"),
        ({**stages(4, 12), "batch_size": 16}, "batch_size: 8 -> 16"),
    ):
        with pytest.raises(RunFolderError, match=told):
            run(changed, tmp_path / "a")


@telling
def test_a_run_starts_from_the_weights_of_another(one_go, tmp_path):
    """Weights of the newest checkpoint; step, optimisers, average and memory of a new run."""
    config = {**GAN, "seed": 5, "steps": 4, "gen_tx": {**ADAM, "learning_rate": 0.0}}
    other, here = state_of(GAN, one_go), built(json.dumps(config))
    loaded = experiment.load(one_go)
    state = experiment.warm_start(here, loaded, jax.random.key(0))
    assert state.step == 0
    equal(state.params, other.params)
    equal(state.average, other.params.gen)
    fresh = experiment.initial_state(here, jax.random.key(0))
    equal(state.opt_state, fresh.opt_state)
    train.train(here, tmp_path, init_from=one_go)
    trained = state_of(config, tmp_path)
    equal(trained.params.gen, other.params.gen)  # its learning rate is 0
    assert (jax.tree.leaves(trained.params.disc)[0] != jax.tree.leaves(other.params.disc)[0]).any()
    manifest = run_folder.read_manifest(tmp_path)["init_from"]
    assert (manifest["workdir"], manifest["step"]) == (str(one_go.resolve()), 12)
    # It goes on with and without the flag, and from no other run's weights.
    for options in ({}, {"init_from": one_go}):
        run({**config, "steps": 8}, tmp_path, **options)
    assert run_folder.read_manifest(tmp_path)["init_from"] == manifest
    with pytest.raises(RunFolderError, match=r"starts from .*one_go, not from"):
        run(config, tmp_path, init_from=tmp_path)
    with pytest.raises(RunFolderError, match="starts from new weights, not from"):
        run(GAN, one_go, init_from=tmp_path)


def test_killed_before_its_first_checkpoint_it_must_start_alike(one_go, tmp_path):
    run_folder.write_manifest(tmp_path, [], 0, init_from={"workdir": str(one_go.resolve())})
    with pytest.raises(RunFolderError, match="not from new weights; call it as before"):
        run(GAN, tmp_path)


def test_weights_that_do_not_fit_are_refused(one_go, tmp_path):
    """In one line that names the first difference; the folder stays free for what fits."""
    wider = {**GAN, "generator": {"name": "mlp", "width": 9}}
    with pytest.raises(
        ConfigError, match=r"\.gen.* is float32\[.*8\] there and float32\[.*9\] here"
    ):
        run(wider, tmp_path, init_from=one_go)
    assert not (tmp_path / "config.json").exists()
    run({**GAN, "steps": 4}, tmp_path, init_from=one_go)


def test_tensorboard_gets_a_picture_as_it_is(tmp_path):
    pytest.importorskip("tensorboardX")
    path = tmp_path / "x.png"
    pictures.save_image(path, np.zeros((8, 8, 1), np.uint8), disclosure=Disclosure("run"))
    mirror = sinks.tensorboard(tmp_path, {}, 0)
    mirror.picture(3, path)
    mirror.close()
    (written,) = (tmp_path / "tensorboard").glob("events.*")
    assert path.read_bytes() in written.read_bytes()


@telling
def test_tensorboard_shows_the_pictures(tmp_path):
    """Every one that the run draws."""
    pytest.importorskip("tensorboardX")
    run({**GAN, "sample_every": 4}, tmp_path)
    (written,) = (tmp_path / "tensorboard").glob("events.*")
    drawn = [tmp_path / "samples" / f"step_{step}.png" for step in (4, 8, 12)]
    assert all(path.read_bytes() in written.read_bytes() for path in drawn)
    assert written.read_bytes().count(b"samples") == 3


def test_config_changes_reach_json(tmp_path):
    """A resumed config is JSON as the first was; tuples are lists in it."""
    config = {"steps": 5, "log_every": 5, "classes": (1, 2)}
    for steps in (5, 10):
        run_folder.claim(tmp_path, {**config, "steps": steps}, trained=5)
        told = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
        assert told == {"steps": steps, "log_every": 5, "classes": [1, 2]}
