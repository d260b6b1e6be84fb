"""The scripts that search and walk in a latent space, as processes on a run of two steps."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from ganjax import experiment, train

ROOT = Path(__file__).parent.parent.parent
NETWORK = {"name": "mlp", "width": 4, "depth": 1}
CONFIG = {
    "steps": 2,
    "batch_size": 4,
    "log_every": 2,
    "data": {"name": "digits"},
    "game": {"name": "gan", "z_dim": 3},
    "generator": {**NETWORK, "output_activation": "tanh"},
    "discriminator": NETWORK,
    "scheme": {"name": "simultaneous"},
    "gen_tx": {"name": "sgd", "learning_rate": 0.01},
    "disc_tx": {"name": "sgd", "learning_rate": 0.01},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("runs") / "tiny"
    train.train(experiment.build(CONFIG), workdir)
    return workdir


def call(script, *arguments):
    return subprocess.run(
        [sys.executable, f"scripts/{script}.py", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "XLA_FLAGS": ""},
        capture_output=True,
        text=True,
    )


def test_restore(run, tmp_path):
    options = ["--n=5", "--hole=3", "--kinds=centre,pixels", "--restarts=2", "--steps=3"]
    out, picture = tmp_path / "e.json", tmp_path / "r.png"
    options += ["--prior=discriminator", "--window=3", "--json", out, "--picture", picture]
    done = call("restore", "--workdir", run, *options)
    assert done.returncode == 0, done.stderr
    assert "centre" in done.stdout
    told = json.loads(out.read_text())
    assert told["n"] == 5
    assert told["errors"].keys() == {"centre", "pixels"}
    for errors in told["errors"].values():
        assert list(errors) == ["mean image", "regression", "search", "averaged"]
        assert errors["regression"] < errors["mean image"]
    with Image.open(picture) as image:
        assert image.width > 4 * image.height  # five panels of two rows


def test_walk(run, tmp_path):
    options = ["--rows=2", "--anchors=3", "--steps=2", "--picture", tmp_path / "w.png"]
    done = call("walk", "--workdir", run, *options, "--gif", tmp_path / "w.gif")
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "w.png") as image:
        assert image.size == (5 * (48 + 3) + 3, 2 * (48 + 3) + 3)
    with Image.open(tmp_path / "w.gif") as image:
        assert 2 <= image.n_frames <= 8  # there and back; frames that look alike are one
