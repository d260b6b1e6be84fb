"""An exported generator samples as the run does, without this library."""

import subprocess
import sys

import jax
import numpy as np
import pytest
from marks import TELLING

from ganjax import experiment, train
from ganjax.errors import ConfigError
from ganjax.export import exported

pytestmark = TELLING

SGD = {"name": "sgd", "learning_rate": 0.01}
BASE = {
    "steps": 2,
    "batch_size": 4,
    "log_every": 2,
    "data": {"name": "digits"},
    "game": {"name": "gan", "z_dim": 3},
    "generator": {"name": "dcgan", "width": 4},  # with batch normalisation
    "discriminator": {"name": "mlp", "width": 4, "depth": 1},
    "scheme": {"name": "simultaneous"},
    "average": {"name": "ema", "decay": 0.5},
    "gen_tx": SGD,
    "disc_tx": SGD,
}
LABELLED = {"name": "mlp", "width": 4, "depth": 1, "labels": {"name": "one_hot", "num_classes": 10}}
CHANGES = {
    "plain": {},
    "labelled": {
        "game": {"name": "conditional", "z_dim": 3},
        "generator": LABELLED,
        "discriminator": LABELLED,
    },
}
SAMPLING = """
import sys
file, out, labelled = sys.argv[1:]
sys.modules["ganjax"] = None  # importing it is an error from here on
import numpy as np
from jax import export
from safetensors.numpy import load_file
weights = load_file(file)
program = export.deserialize(bytearray(weights.pop("program")))
x = []
for batch in (0, 1):
    y = [np.arange(64 * batch, 64 * batch + 64, dtype=np.int32) % 10] if labelled == "1" else []
    x.append(program.call(weights, np.uint32(7), np.int32(batch), *y))
np.save(out, np.concatenate(x))
"""


@pytest.fixture(scope="module", params=CHANGES)
def run(request, tmp_path_factory):
    workdir = tmp_path_factory.mktemp(request.param)
    train.train(experiment.build({**BASE, **CHANGES[request.param]}), workdir)
    return workdir


def test_the_file_samples_without_the_library(run, here, tmp_path, monkeypatch):
    path, out = tmp_path / "g.safetensors", tmp_path / "x.npy"
    printed = here("export", "--workdir", run, "--out", path)
    assert "program.call(weights, np.uint32(0), np.int32(0)" in printed
    assert f"load_file({str(path)!r})" in printed
    loaded = experiment.load(run)
    arguments = [*map(str, (path, out, int(loaded.labelled)))]
    if loaded.labelled:  # one of them in a process of its own
        command = [sys.executable, "-I", "-c", SAMPLING, *arguments]
        done = subprocess.run(command, capture_output=True, encoding="utf-8")
        assert done.returncode == 0, done.stderr
    else:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["sampling", *arguments])
            patch.setitem(sys.modules, "ganjax", None)
            exec(SAMPLING, {})
    expected = loaded.sample(loaded.state, jax.random.key(7), 100)
    np.testing.assert_allclose(np.load(out)[:100], expected, rtol=0, atol=1e-6)
    assert np.std(expected) > 1e-3


def test_the_printed_lines_run_as_they_stand(run, here, tmp_path, monkeypatch):
    printed = here("export", "--workdir", run, "--out", tmp_path / "g.safetensors")
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(printed.split("\n\n", 1)[1], names)
    assert names["x"].shape == (64, 8, 8, 1)


def test_a_trained_generator_in_three_lines(run, monkeypatch):
    monkeypatch.chdir(run.parent)
    names = {"jax": jax, "workdir": run.name}
    exec(
        "from ganjax import experiment\n"
        "run = experiment.load(workdir)\n"
        "x = run.sample(run.state, jax.random.key(0), 64)",
        names,
    )
    assert names["x"].shape == (64, 8, 8, 1)


def test_only_the_generators_weights_are_in_the_file(run):
    program, weights = exported(experiment.load(run))
    assert weights
    assert not [name for name in weights if "disc" in name]
    assert set(program.platforms) == {"cpu", "cuda", "tpu"}


def test_a_game_without_a_generator_is_refused(tmp_path):
    toy = {"steps": 1, "log_every": 1, "game": {"name": "bilinear"}}
    toy |= {"scheme": {"name": "simultaneous"}, "gen_tx": SGD, "disc_tx": SGD}
    train.train(experiment.build(toy), tmp_path)
    with pytest.raises(ConfigError, match="has no generator"):
        exported(experiment.load(tmp_path))
