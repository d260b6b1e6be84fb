"""Whatever a command writes says that it is synthetic, and `inspect` reads it back."""

import json

import examples
import numpy as np
import pytest
from marks import telling
from processes import call

from ganjax import commands, disclosure, experiment, train
from ganjax.disclosure import READERS, Disclosure

IMAGES = {**examples.IMAGES, "evaluation": {"name": "digits"}, "evaluation_samples": 40}
PAIRED = {
    "steps": 1,
    "batch_size": 2,
    "log_every": 1,
    "data": {"name": "paired_images"},
    "game": {"name": "paired"},
    "generator": {"name": "resnet", "width": 2, "blocks": 0},
    "discriminator": {"name": "patch", "width": 2, "layers": 1},
    "scheme": {"name": "simultaneous"},
    "gen_tx": examples.SGD,
    "disc_tx": examples.SGD,
}
CONFIG = "import ml_collections\ndef get_config():\n    return ml_collections.ConfigDict({})\n"
WRITE_NOTHING = {"replay", "inspect", "list", "new", "prepare"}  # of generated content


@pytest.fixture
def files(here, tmp_path, monkeypatch):
    """Everything that the commands have written: {path from the folder: fields}."""
    used, images, paired = set(), tmp_path / "images", tmp_path / "paired"
    judge = lambda x, y: lambda x: (np.arange(len(x)) % 10, np.ones(len(x)))  # noqa: E731
    monkeypatch.setattr("ganjax.metrics.class_judge", judge)  # two steps teach no digit
    monkeypatch.chdir(tmp_path)

    def run(command, *arguments):
        used.add(command)
        here(command, *arguments)

    for workdir, config in ((images, IMAGES), (paired, PAIRED)):
        train.train(experiment.build(config), workdir)
        run("report", "--workdir", workdir)
    of = ("--workdir", images)
    run("sample", *of, "--n=3", "--npz=a.npz", "--outdir=apart", "--out=a.webp")
    run("evaluate", *of, "--n=40")
    run("evaluate", *of, "--samples=a.npz", "--picture=theirs.png")
    few = ("--rows=2", "--steps=2")
    run("walk", *of, *few, "--gif=walk.gif")
    run("walk", *of, *few, "--plane")
    run("walk", *of, "--arithmetic=1-1+7", "--trials=2")
    small = ("--n=2", "--kinds=centre", "--restarts=2", "--steps=2")
    run("restore", *of, *small, "--picture=restored.png")
    run("export", *of)
    run("human_eval", *of, "--n=4", "--practice=1", "--seed=5")
    run("translate", "--workdir", paired, "--n=2", "--npz=b.npz")
    run("dynamics", "--schemes=simultaneous", "--steps=0.1", "--picture=dynamics.png")
    (tmp_path / "base.py").write_text(CONFIG.format({**IMAGES, "steps": 2}))
    asked = {"question": "?", "base": "base", "cells": {"one": {}}, "seeds": 1}
    (tmp_path / "asked.py").write_text(CONFIG.format({**asked, "score": "nearest_median"}))
    run("compare", "--config=asked.py", "--workdir=compared")
    run("report", "--workdir=compared")
    assert used | {"train"} | WRITE_NOTHING == set(commands.COMMANDS)  # none is left out
    done = call("tour", "--claims=saturation", "--out", tmp_path / "tour")
    assert done.returncode == 0, done.stderr
    found = (path for path in sorted(tmp_path.rglob("*")) if path.suffix in READERS)
    return {str(path.relative_to(tmp_path)): disclosure.read(path) for path in found}


@telling
def test_every_file_of_every_command_discloses(files, tmp_path):
    """Read back from each; those of the run name it, its config and its step."""
    assert {name.rpartition(".")[2] for name in files} == {
        *("gif", "html", "npz", "png", "safetensors", "webp")
    }
    assert len(files) >= 25
    for name, fields in files.items():
        assert fields["software"].startswith("ganjax "), name
        assert fields["source"].startswith(disclosure.IPTC), name
    of_images = disclosure.of_run(tmp_path / "images", 2)
    assert files["a.npz"] == files["walk.gif"] == of_images.fields()
    assert files["apart/00000.png"] == files["images/samples/step_2.png"] == of_images.fields()
    assert files["images/samples/real.png"]["synthetic"] == disclosure.SYNTHETIC[disclosure.REAL]
    assert files["theirs.png"] == Disclosure(source=disclosure.MIXED).fields()
    assert files["compared/cells/one.npz"]["run"] == "compared/one"


def test_inspect_prints_the_fields_and_names_the_faults(tmp_path):
    """All that can be read is printed and written, and one fault is enough for exit code 6."""
    good, bare, out = (tmp_path / name for name in ("a.npz", "b.npz", "o.json"))
    origin = Disclosure("run", "c0de", 3)
    np.savez(good, **origin.arrays())
    np.savez(bare, x=np.ones(3))
    done = call("inspect_image", good, "--json", out)
    assert (done.returncode, done.stderr) == (0, "")
    fields = [f"  {key:9} {text}" for key, text in origin.fields().items()]
    assert done.stdout.splitlines() == [f"{good}:", *fields]
    assert json.loads(out.read_text()) == {str(good): origin.fields()}
    bad = call("inspect_image", bare, good, tmp_path / "gone.png")
    assert (bad.returncode, bad.stdout) == (6, done.stdout)
    told = "discloses nothing: ganjax did not write it, or it was stripped"
    assert bad.stderr == f"error: {bare} {told}; {tmp_path / 'gone.png'}: no such file\n"
    assert call("inspect_image").returncode == 2
