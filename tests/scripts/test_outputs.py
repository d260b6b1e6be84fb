"""Scripts write each output in the format of its ending, or refuse."""

import ast
import shutil
import sys

import examples
import jax
import numpy as np
import pytest
from absl import flags
from marks import TELLING
from matplotlib.figure import Figure
from PIL import Image

from ganjax import averages, cli, experiment, pictures, run_folder, train
from ganjax.disclosure import Disclosure
from ganjax.errors import ConfigError, DataError

from .conftest import ROOT

pytestmark = TELLING

SCRIPTS = sorted((ROOT / "scripts").rglob("*.py"))
COMMANDS = sorted((ROOT / "ganjax" / "commands").glob("*.py"))
OWN = """
import jax.numpy as jnp, numpy as np
from ganjax.data import Data
from ganjax.data.resident import sample_rows

def images(channels=1, test=False, labels=0):
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.uniform(-1, 1, (40, 8, 8, channels)), jnp.float32)
    train = {"x": x, **({"y": jnp.arange(40) % labels + 2} if labels else {})}
    held_out = {key: rows[:9] for key, rows in train.items()} if test else {}
    return Data((8, 8, channels), train, held_out, sample_rows, labels + 2 if labels else 0)

def report(data):
    return lambda samples: {"mean": float(samples.mean()), "samples": len(samples)}
"""
MLP = examples.MLP
CONFIG = {
    **examples.IMAGES,
    "data": {"name": "own_images:images"},
    "average": {"name": "ema", "decay": 0.5},
    "evaluation": {"name": "own_images:report"},
}
LABELLED = {**MLP, "labels": {"name": "one_hot", "num_classes": 5}}
CHANGES = {
    "grey": {},
    "five": {"data": {"name": "own_images:images", "channels": 5}},
    "two": {"data": {"name": "own_images:images", "channels": 2}},
    "labelled": {
        "data": {"name": "own_images:images", "labels": 3, "test": True},
        "game": {"name": "conditional", "z_dim": 3},
        "generator": {**LABELLED, "output_activation": "tanh"},
        "discriminator": LABELLED,
    },
    "ring": {"data": {"name": "ring"}, "evaluation": {"name": "modes"}},
}


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """Whether the module of the data is there: a file that can be moved out of the way."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "own_images.py").write_text(OWN, encoding="utf-8")
    sys.path.insert(0, str(folder))
    yield folder / "own_images.py"
    sys.path.remove(str(folder))
    sys.modules.pop("own_images", None)


@pytest.fixture(scope="module")
def runs(own, tmp_path_factory):
    """Run folders by name; none of their data but those of `labelled` have a held-out part."""
    folder = tmp_path_factory.mktemp("runs")
    for name, changes in CHANGES.items():
        train.train(experiment.build({**CONFIG, **changes}), folder / name)
    return folder


@pytest.fixture
def here(here):
    """Calls a command that trusts the module of the data."""
    return lambda command, *flags: here(command, *flags, "--trust=own_images")


@pytest.fixture
def data_gone(own, monkeypatch):
    """The data cannot be read any more."""
    monkeypatch.delitem(sys.modules, "own_images", raising=False)
    aside = own.rename(own.with_suffix(".aside"))
    monkeypatch.setattr(sys, "path_importer_cache", {})
    yield
    aside.rename(own)


def outputs(path):
    """(function, name, help) of the flags of a script that may name a file to write."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        function = getattr(node, "func", None)
        called = getattr(function, "attr", getattr(function, "id", ""))
        of_command = getattr(getattr(function, "value", None), "id", "") == "FLAGS"
        if (called.startswith(("DEFINE_", "define_output")) or of_command) and node.args:
            texts = [arg.value for arg in ast.walk(node) if isinstance(arg, ast.Constant)]
            assert texts, f"{path.name}, line {node.lineno}: name the flag where it is defined"
            yield called, texts[0], " ".join(text for text in texts if isinstance(text, str))


@pytest.mark.parametrize("path", [*SCRIPTS, *COMMANDS], ids=lambda path: path.stem)
def test_every_output_is_one_whose_ending_is_checked(path):
    for called, name, told in outputs(path):
        if name in ("out", "picture", "gif", "npz", "json") and "Folder of" not in told:
            assert called in ("define_output", "output"), f"{path.name}: --{name}"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_every_script_turns_failures_into_exit_codes(path):
    """Scripts run through `cli.run`, by themselves or as a command."""
    text = path.read_text(encoding="utf-8")
    runs = "cli.run(main)" in text or "commands.main(" in text
    assert ('__name__ == "__main__"' in text) == runs


@pytest.mark.parametrize(
    ("script", "flag"),
    [
        ("sample", "--out=x.bmp"),
        ("sample", "--out=x"),
        ("sample", "--out=x.svg"),  # a grid of pixels
        ("sample", "--npz=x.npy"),
        ("evaluate", "--json=x.txt"),
        ("evaluate", "--picture=x.npz"),
        ("walk", "--gif=x.png"),
        ("translate", "--out=png"),
        ("restore", "--picture=.png"),
    ],
)
def test_another_ending_is_refused_before_anything_is_restored(script, flag, here, tmp_path):
    told = "the ending names the format, and .* is none that can be written here; use "
    with pytest.raises(flags.IllegalFlagValueError, match=told):
        here(script, "--workdir", tmp_path / "nothing", flag)


@pytest.mark.parametrize("ending", cli.FIGURES)
def test_the_ending_is_the_format(ending, tmp_path):
    heads = {".png": b"\x89PNG", ".pdf": b"%PDF", ".svg": b"<?xml", ".webp": b"RIFF"}
    head = heads.get(ending, b"\xff\xd8\xff")  # JPEG
    origin = Disclosure("run", step=3)
    pictures.save_points(tmp_path / f"a{ending}", np.eye(2), None, disclosure=origin)
    assert (tmp_path / f"a{ending}").read_bytes().startswith(head)
    if ending in cli.IMAGES:
        path = tmp_path / f"b{ending.upper()}"
        pictures.save_image(path, np.zeros((8, 8, 1), np.uint8), disclosure=origin)
        assert path.read_bytes().startswith(head)
    assert Figure().canvas.get_supported_filetypes().get(ending[1:])


@pytest.mark.parametrize("name", ["five", "two"])
def test_samples_without_a_picture(name, runs, here, tmp_path):
    """Refused, unless the numbers are asked for; nothing is left behind."""
    before = sorted(runs.rglob("*"))
    out, of = tmp_path / "x.npz", ("--workdir", runs / name, "--n=3")
    for flags_given in ((), ("--out=x.png", "--npz", out), ("--outdir", tmp_path, "--npz", out)):
        with pytest.raises(ConfigError, match=r"no picture of samples of shape .*--npz FILE"):
            here("sample", *of, *flags_given)
    for script in ("walk", "restore", "evaluate"):
        with pytest.raises(ConfigError, match=r"no picture of samples of shape \(8, 8, [25]\)"):
            here(script, "--workdir", runs / name, "--picture=x.png")
    assert sorted(runs.rglob("*")) == before
    assert not out.exists()
    assert here("sample", *of, "--npz", out).split() == [str(out)]
    with np.load(out) as arrays:
        assert arrays["x"].shape == (3, 8, 8, {"five": 5, "two": 2}[name])
    told = here("evaluate", *of)
    assert "mean" in told
    assert "png" not in told


def test_evaluation_without_a_held_out_part(runs, here, tmp_path):
    """Scores, and a picture of samples and data."""
    told = here("evaluate", "--workdir", runs / "grey", "--n=5", "--json", tmp_path / "e.json")
    assert "generated, nearest training images: " in told
    assert "held out" not in told
    assert run_folder.read_json(tmp_path / "e.json")["samples"] == 5
    assert (runs / "grey" / "eval" / "comparison.png").exists()
    told = here("evaluate", "--workdir", runs / "labelled", "--n=5")
    assert "real, held out, generated, nearest" in told
    picture = tmp_path / "points.pdf"
    told = here("evaluate", "--workdir", runs / "ring", "--n=50", "--picture", picture)
    assert told.endswith(f"real, held out, generated: {picture}\n")
    assert picture.read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("name", ["grey", "five", "labelled"])
def test_samples_need_no_data(name, runs, here, tmp_path, request):
    """The same with and without; classes in turn and one of them."""
    of = ("--workdir", runs / name, "--n=7")
    here("sample", *of, "--npz", tmp_path / "a.npz")
    loaded = experiment.load(runs / name, trust="own_images")
    expected = np.asarray(loaded.sample(loaded.state, jax.random.split(jax.random.key(0))[0], 7))
    request.getfixturevalue("data_gone")
    with pytest.raises(ConfigError, match="own_images"):
        experiment.load(runs / name, trust="own_images")
    here("sample", *of, "--npz", tmp_path / "b.npz")
    with np.load(tmp_path / "a.npz") as a, np.load(tmp_path / "b.npz") as b:
        assert a.files == b.files == [*"xy"[: 2 if name == "labelled" else 1], "disclosure"]
        for key in a.files:
            np.testing.assert_array_equal(a[key], b[key])
        np.testing.assert_array_equal(a["x"], expected)
        assert name != "labelled" or b["y"].tolist() == [2, 3, 4, 2, 3, 4, 2]
    if name == "labelled":
        here("sample", *of, "--label=3", "--npz", tmp_path / "c.npz")
        with pytest.raises(ConfigError, match="--label=1 is none of the classes 2, 3, 4"):
            here("sample", *of, "--label=1")
        assert here("walk", "--workdir", runs / name).startswith("3 walks")


def test_averages_with_statistics_of_the_data_need_them(runs, monkeypatch):
    """The data are then read, as `averages.needs_data` sees with their form alone."""
    alone = experiment.load(runs / "labelled", data=False, trust="own_images")
    assert len(alone.train["x"]) == 3  # an example for each class
    seen = []
    monkeypatch.setattr(
        averages, "needs_data", lambda game, batch, *rest: seen.append(rest) or True
    )
    loaded = experiment.load(runs / "labelled", data=False, trust="own_images")
    assert len(loaded.train["x"]) == 40
    assert len(seen) == 1


def test_points_without_data_are_drawn_alone(runs, here, tmp_path):
    workdir = tmp_path / "moved"
    shutil.copytree(runs / "ring", workdir)
    examples.changed(workdir, {"data": {"name": "own_images:gone"}})
    here("sample", "--workdir", workdir, "--n=3", "--out", tmp_path / "x.png")
    with Image.open(tmp_path / "x.png") as image:
        assert image.size == (550, 550)


def test_older_folders_without_the_form_of_their_data(runs, here, tmp_path, request):
    """Those of before sample as long as the data are there."""
    workdir = tmp_path / "old"
    shutil.copytree(runs / "labelled", workdir)
    manifest = run_folder.read_manifest(workdir)
    assert manifest.pop("data")[0]["shape"] == [8, 8, 1]
    run_folder.write_json(workdir / "manifest.json", manifest)
    here("sample", "--workdir", workdir, "--n=3", "--npz", tmp_path / "x.npz")
    request.getfixturevalue("data_gone")
    with pytest.raises(ConfigError, match="own_images"):
        here("sample", "--workdir", workdir, "--n=3", "--npz", tmp_path / "x.npz")


def test_images_apart(runs, here, tmp_path):
    """As they are, one a file, their classes in the names; no grid, and no strangers among them."""
    folder = tmp_path / "apart"
    of = ("--workdir", runs / "labelled", "--n=4", "--outdir", folder)
    told = here("sample", *of, "--npz", tmp_path / "x.npz")
    assert told.splitlines() == [str(tmp_path / "x.npz"), f"4 images: {folder}"]
    names = [f"0000{i}_label_{label}.png" for i, label in enumerate((2, 3, 4, 2))]
    assert sorted(path.name for path in folder.iterdir()) == names
    with np.load(tmp_path / "x.npz") as arrays:
        for name, x in zip(names, arrays["x"], strict=True):
            pixels = np.asarray(Image.open(folder / name))
            np.testing.assert_array_equal(pixels, np.rint((x[..., 0] + 1) * 127.5))
    here("sample", *of)  # the same again
    with pytest.raises(
        ConfigError, match=r"has other pictures, e\.g\. 00003_label_2\.png; empty it"
    ):
        here("sample", "--workdir", runs / "labelled", "--n=3", "--outdir", folder)
    with pytest.raises(ConfigError, match="--outdir is for images"):
        here("sample", "--workdir", runs / "ring", "--outdir", tmp_path / "points")


@pytest.mark.filterwarnings("ignore:the load_module")  # of ml_collections
def test_samples_of_another_program(runs, here, tmp_path):
    """Scored as a run's own are; the protocol says where they come from."""
    loaded, file, out = (
        experiment.load(runs / "ring", trust="own_images"),
        tmp_path / "x.npz",
        tmp_path / "e.json",
    )
    rng = jax.random.key(3)
    x = np.asarray(loaded.sample(loaded.state, rng, 60))
    np.savez(file, x=x)
    own = loaded.evaluate(loaded.state, rng, 60)
    here("evaluate", "--workdir", runs / "ring", "--samples", file, "--json", out)
    told = run_folder.read_json(out)
    protocol = told.pop("protocol")
    assert told == own
    assert (protocol["samples"]["file"], protocol["samples"]["n"]) == (str(file), 60)
    assert len(protocol["samples"]["sha256"]) == 64
    assert protocol["data"] == {"name": "ring"}
    assert not {"step", "seed", "average"} & protocol.keys()
    # A config is enough, and fewer may be scored.
    config, picture = tmp_path / "config.py", tmp_path / "p.png"
    changed = {**CONFIG, **CHANGES["ring"]}
    config.write_text(
        f"import ml_collections\ndef get_config():\n    return ml_collections.ConfigDict({changed})"
    )
    more = ("--n=50", "--json", out, "--picture", picture)
    here("evaluate", "--config", config, "--samples", file, *more)
    told = run_folder.read_json(out)
    assert told["protocol"]["samples"]["n"] == 50
    assert picture.exists()
    for flags_given, error, message in (
        (("--n=61",), ConfigError, "--n=61, but .* has 60 samples"),
        (("--live",), ConfigError, "--live, --best and --seed are for samples of a run"),
        (("--config", config), ConfigError, "one of --workdir and --config"),
    ):
        with pytest.raises(error, match=message):
            here("evaluate", "--workdir", runs / "ring", "--samples", file, *flags_given)
    with pytest.raises(ConfigError, match="one of --workdir and --config"):
        here("evaluate", "--config", config)
    np.savez(file, x=x, y=np.zeros(3, int))
    with pytest.raises(DataError, match=r"labels y of shape \(3,\)"):
        here("evaluate", "--workdir", runs / "ring", "--samples", file)


def test_evaluations_about_more_than_samples(runs):
    """Labels must come with them; queries of a game cannot."""
    digits = {**CONFIG, "data": {"name": "digits"}, "game": CHANGES["labelled"]["game"]}
    labelled = {**MLP, "labels": {"name": "one_hot", "num_classes": 10}}
    digits |= {"generator": labelled, "discriminator": labelled}
    built = experiment.build({**digits, "evaluation": {"name": "conditional_digits"}})
    x = np.asarray(built.data.test["x"])
    with pytest.raises(ConfigError, match=r"needs labels, which .* add labels y"):
        experiment.score(built, x)
    with pytest.raises(ConfigError, match="labels from 0 to 11 are not all of the classes 0, 1"):
        experiment.score(built, x, np.arange(len(x)) % 12)
    assert experiment.score(built, x, np.asarray(built.data.test["y"]))["label_accuracy"] > 0.9
    with pytest.raises(
        DataError, match="'conditional_digits' cannot score 1 sample: expected generated"
    ):
        experiment.score(built, x[:1], np.zeros(1, int))
    with pytest.raises(ConfigError, match="names no evaluation"):
        experiment.score(experiment.build({k: CONFIG[k] for k in CONFIG if k != "evaluation"}), x)
