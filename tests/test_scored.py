"""Scores while a run trains: in metrics and status, and in the checkpoint kept as the best."""

import itertools
import json

import examples
import pytest
from marks import TELLING

from ganjax import checkpoints, experiment, run_folder, train
from ganjax.errors import ConfigError

pytestmark = TELLING
GAN = {
    **examples.IMAGES,
    "steps": 6,
    "evaluate_every": 2,
    "evaluation_samples": 64,
    "evaluation": {"name": "images", "features": "pixels", "compared": 50},
    "best": {"name": "frechet_distance"},
}


@pytest.fixture(autouse=True, scope="module")
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANJAX_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a run, and the statuses that it had."""
    folder, statuses = tmp_path_factory.mktemp("scored") / "run", []
    with pytest.MonkeyPatch.context() as patch:
        write = run_folder.write_status

        def noted(workdir, status, step, reason=""):
            statuses.append((status, step))
            write(workdir, status, step, reason)

        patch.setattr(run_folder, "write_status", noted)
        train.train(experiment.build(GAN), folder)
    return folder, statuses


def scores(folder):
    return {
        int(path.stem.removeprefix("step_")): json.loads(path.read_text())["scores"]
        for path in (folder / "eval").glob("step_*.json")
    }


def test_scores_are_metrics(run):
    folder, _ = run
    found, rows = scores(folder), run_folder.read_metrics(folder)
    assert sorted(found) == [row["step"] for row in rows] == [2, 4, 6]
    for row in rows:
        of_step = {f"score/{name}": value for name, value in found[row["step"]].items()}
        assert {key: row[key] for key in row if key.startswith("score/")} == of_step


def test_the_status_says_scoring(run):
    _, statuses = run
    expected = [("running", 0)]
    for step in (2, 4, 6):
        expected += [("scoring", step), ("running", step)]
    told = [status for status, _ in itertools.groupby(statuses)]  # it is written anew at times
    assert told == [*expected, ("done", 6)]


def test_the_best_checkpoint_is_kept(run):
    folder, _ = run
    found = scores(folder)
    best = min(found, key=lambda step: found[step]["frechet_distance"])
    assert checkpoints.steps(folder / "best") == [best]
    loaded = experiment.load(folder, best=True)
    assert loaded.step == best
    again = loaded.evaluate(loaded.state, experiment.streams(0).evaluation, 64)
    assert again["frechet_distance"] == pytest.approx(found[best]["frechet_distance"])


def test_a_resumed_run_has_the_same_scores_and_the_same_best(run, tmp_path):
    folder, _ = run
    train.train(experiment.build({**GAN, "steps": 4}), tmp_path / "run")
    train.train(experiment.build(GAN), tmp_path / "run")
    assert scores(tmp_path / "run") == scores(folder)
    assert checkpoints.steps(tmp_path / "run" / "best") == checkpoints.steps(folder / "best")


def test_an_older_run_resumes_without_the_new_settings(run, tmp_path):
    config = {key: value for key, value in GAN.items() if key not in ("evaluate_every", "best")}
    train.train(experiment.build({**config, "steps": 4}), tmp_path)
    kept = run_folder.read_config(tmp_path)
    del kept["evaluate_every"]
    run_folder.write_json(tmp_path / "config.json", kept)
    assert train.train(experiment.build(config), tmp_path).step == 6
    with pytest.raises(ConfigError, match="keeps no best checkpoint; train with evaluate_every"):
        experiment.load(tmp_path, best=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"best": {"name": "loss"}}, "unknown best 'loss'"),
        ({"best": {"name": "samples"}}, "unknown best 'samples'"),
        ({"evaluate_every": 0}, "set evaluate_every"),
        ({"evaluate_every": 3}, "evaluate_every=3 is not a multiple of log_every=2"),
        ({"evaluation": {"name": "none"}}, "evaluation.name"),
    ],
)
def test_mistakes(change, message):
    with pytest.raises(ConfigError, match=message):
        experiment.build({**GAN, **change})


def test_a_best_that_the_evaluation_does_not_give(tmp_path):
    config = {**GAN, "best": {"name": "modes"}, "steps": 2}
    with pytest.raises(ConfigError, match=r"best.name='modes', but the evaluation gives samples"):
        train.train(experiment.build(config), tmp_path)
