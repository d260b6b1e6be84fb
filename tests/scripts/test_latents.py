"""The scripts that search and walk in a latent space, and the mistakes that scripts report.

On runs of two steps.
"""

import json

import examples
import jax
import numpy as np
import pytest
from marks import TELLING
from PIL import Image
from processes import call

from ganjax import experiment, latents, train
from ganjax.errors import CheckpointError, ConfigError, RunFolderError

pytestmark = TELLING

CONFIG = examples.IMAGES
LABELLED = {**examples.MLP, "labels": {"name": "one_hot", "num_classes": 10}}
CONDITIONAL = {
    **CONFIG,
    "data": {"name": "digits", "classes": (3, 8)},
    "game": {"name": "conditional", "z_dim": 3},
    "generator": {**LABELLED, "output_activation": "tanh"},
    "discriminator": LABELLED,
}


@pytest.fixture(scope="module")
def conditional(tmp_path_factory):
    """A generator of threes and eights."""
    workdir = tmp_path_factory.mktemp("runs") / "conditional"
    train.train(experiment.build(CONDITIONAL), workdir)
    return workdir


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """A run of a game without queries."""
    workdir = tmp_path_factory.mktemp("runs") / "toy"
    config = {key: CONFIG[key] for key in ("steps", "log_every", "scheme", "gen_tx", "disc_tx")}
    train.train(experiment.build({**config, "game": {"name": "bilinear"}}), workdir)
    return workdir


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("runs") / "tiny"
    train.train(experiment.build(CONFIG), workdir)
    return workdir


def test_restore(run, here, tmp_path):
    options = ["--n=5", "--hole=3", "--kinds=centre,pixels", "--restarts=2", "--steps=3"]
    out, picture = tmp_path / "e.json", tmp_path / "r.png"
    options += ["--prior=discriminator", "--window=3", "--json", out, "--picture", picture]
    printed = here("restore", "--workdir", run, *options)
    assert "centre" in printed
    assert "class" not in printed
    told = json.loads(out.read_text())
    assert told["n"] == 5
    assert told["errors"].keys() == {"centre", "pixels"}
    for errors in told["errors"].values():
        searched = ["search", "averaged", "central"]
        assert list(errors) == ["mean image", "nearest", "regression", *searched]
        assert errors["regression"] < errors["mean image"]
    with Image.open(picture) as image:
        assert image.width > 4 * image.height  # seven panels of two rows


def test_walk(run, tmp_path):
    options = ["--rows=2", "--anchors=3", "--steps=2", "--picture", tmp_path / "w.png"]
    done = call("walk", "--workdir", run, *options, "--gif", tmp_path / "w.gif")
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "w.png") as image:
        assert image.size == (5 * (48 + 3) + 3, 2 * (48 + 3) + 3)
    with Image.open(tmp_path / "w.gif") as image:
        assert 2 <= image.n_frames <= 8  # there and back; frames that look alike are one


def tiles(path, columns):
    """The images of a grid of digits [rows * columns, 48, 48]."""
    grid = np.asarray(Image.open(path))[3:, 3:]
    rows = len(grid) // 51
    return grid.reshape(rows, 51, columns, 51).swapaxes(1, 2)[:, :, :48, :48].reshape(-1, 48, 48)


def drawn(workdir, z, y):
    """Samples as they are drawn, by the generator itself."""
    loaded = experiment.load(workdir)
    x = np.asarray(loaded.queries(loaded.state)["generate"](z, np.asarray(y, np.int32)))
    return np.rint((x[..., 0] + 1) * 127.5).repeat(6, axis=1).repeat(6, axis=2)


def test_walks_use_the_classes_of_the_run(conditional, here, tmp_path):
    """One walk, as a three and as an eight."""
    picture = tmp_path / "walk.png"
    options = ("--anchors=2", "--steps=2", "--picture", picture)
    told = here("walk", "--workdir", conditional, *options)
    assert told == f"2 walks of 3 points, of the classes 3, 8: {picture}\n"
    anchors = jax.random.normal(jax.random.key(0), (2, 3))
    z = np.tile(latents.walk(anchors, steps=2), (2, 1))
    expected = drawn(conditional, z, np.repeat([3, 8], 3))
    np.testing.assert_allclose(tiles(picture, 3), expected, atol=1)  # a grey level
    assert np.abs(expected[:3] - expected[3:]).max() > 2


def test_a_plane_has_its_latents_in_the_corners(conditional, run, here, tmp_path):
    picture = tmp_path / "plane.png"
    options = ("--plane", "--rows=3", "--picture", picture)
    corners = jax.random.normal(jax.random.key(0), (4, 3))
    told = here("walk", "--workdir", conditional, *options, "--label=8")
    assert told == f"a plane of 3 x 3 points of the class 8: {picture}\n"
    found = tiles(picture, 3)[[0, 2, 6, 8]]
    np.testing.assert_allclose(found, drawn(conditional, corners, [8] * 4), atol=1)
    assert here("walk", "--workdir", run, *options).startswith("a plane of 3 x 3 points: ")


def test_restore_reports_that_it_was_given_the_classes(conditional, here, tmp_path):
    options = ("--n=3", "--kinds=centre", "--restarts=2", "--steps=2")
    out = tmp_path / "e.json"
    told = here("restore", "--workdir", conditional, *options, "--json", out)
    assert told.endswith("got the true class of every image; the other fills did not\n")
    assert json.loads(out.read_text())["true_class_told"] is True


@pytest.mark.parametrize(
    ("script", "of", "arguments", "error", "message"),
    [
        ("walk", "conditional", ["--plane", "--label=4"], ConfigError, "none of the classes 3, 8$"),
        ("walk", "conditional", ["--label=3"], ConfigError, "--label=3 is for a --plane"),
        ("walk", "run", ["--plane", "--label=3"], ConfigError, "--label=3 is for a --plane"),
        ("walk", "run", ["--plane", "--rows=1"], ConfigError, "--rows=1: a plane has at least 2"),
        ("walk", "run", ["--plane", "--gif=x.gif"], ConfigError, "--gif is for walks"),
        ("walk", "run", ["--plane", "--arithmetic=x"], ConfigError, "one at a time"),
        (
            "walk",
            "conditional",
            ["--arithmetic=4bold-4thin+8"],
            ConfigError,
            "no class 4, only 3, 8",
        ),
        ("walk", "run", ["--json=x.json"], ConfigError, "numbers of --arithmetic"),
        ("sample", "toy", [], ConfigError, "game without a generator"),
        ("walk", "toy", [], ConfigError, "no generator of images"),
        ("restore", "toy", [], ConfigError, "no generator of images"),
        ("translate", "toy", [], ConfigError, "it translates none$"),
        ("evaluate", "toy", [], ConfigError, "names no evaluation"),
        ("restore", "run", ["--kinds=centre,ring"], ConfigError, "unknown kind of hole 'ring'"),
        ("restore", "run", ["--n=501"], ConfigError, "there are 500$"),
    ],
)
def test_mistakes_are_reported(script, of, arguments, error, message, here, request):
    with pytest.raises(error, match=message):
        here(script, "--workdir", request.getfixturevalue(of), *arguments)


def test_every_script_reports_a_missing_checkpoint(here, toy, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").write_text((toy / "config.json").read_text())
    for script in ("sample", "evaluate", "walk", "restore", "translate"):
        with pytest.raises(CheckpointError, match="no checkpoint"):
            here(script, "--workdir", tmp_path / "run")
        with pytest.raises(RunFolderError, match="not a run folder"):
            here(script, "--workdir", tmp_path)
