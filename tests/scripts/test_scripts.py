"""The scripts: outputs, exit codes; bitwise repetition by processes."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from marks import telling
from PIL import Image
from processes import ROOT, call, command, process

from ganjax import experiment, pictures, train
from ganjax.disclosure import Disclosure

CONFIG = "configs/digits_mlp.py"
SMALL = [
    "--config.steps=600",
    "--config.log_every=100",
    "--config.sample_every=0",
    "--config.checkpoint_every=200",
    "--config.evaluation_samples=100",
]


def trained(workdir, *changes):
    done = process("train", "--config", CONFIG, "--workdir", workdir, *SMALL, *changes)
    assert done.returncode == 0, done.stderr
    return done


def untimed(workdir):
    rows = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in row.items() if not k.startswith("time/")} for row in rows]


def leaves(workdir):
    """All arrays of the newest state."""
    return [np.asarray(leaf) for leaf in jax.tree.leaves(experiment.load(workdir).state)]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("runs") / "one"
    return workdir, trained(workdir)


@telling
def test_train_prints_scores_and_where_the_pictures_are(run):
    workdir, done = run
    assert "inception_score" in done.stdout
    assert "real data" in done.stdout
    assert f"pictures: {workdir}/samples/step_600.png" in done.stdout
    assert re.search(r"step 100/600 .* steps/s", done.stderr)
    assert "step 100/600" not in done.stdout


@telling
def test_same_seed_two_processes_bitwise(run, tmp_path):
    trained(tmp_path / "two")
    assert untimed(run[0]) == untimed(tmp_path / "two")
    first, second = leaves(run[0]), leaves(tmp_path / "two")
    assert len(first) == len(second) > 40
    for a, b in zip(first, second, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
    for workdir in (run[0], tmp_path / "two"):
        done = call("sample", "--workdir", workdir, "--n", 5, "--npz", workdir / "x.npz")
        assert done.returncode == 0, done.stderr
    with np.load(run[0] / "x.npz") as a, np.load(tmp_path / "two" / "x.npz") as b:
        assert a["x"].shape == (5, 8, 8, 1)
        np.testing.assert_array_equal(a["x"], b["x"])


@telling
def test_terminated_and_called_again_is_bitwise_the_same(run, tmp_path):
    """SIGTERM after the first line: exit code 75, then the same command finishes the run."""
    workdir = tmp_path / "stopped"
    arguments = command("train", "--config", CONFIG, "--workdir", workdir, *SMALL)
    process = subprocess.Popen(
        arguments,
        cwd=ROOT,
        env={**os.environ, "XLA_FLAGS": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while "step 100/600" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate()
    assert process.returncode == 75, errors
    assert "the same command resumes" in errors
    status = json.loads((workdir / "status.json").read_text())
    assert status["status"] == "interrupted"
    assert 100 <= status["step"] < 600
    trained(workdir)
    assert untimed(workdir) == untimed(run[0])
    for a, b in zip(leaves(workdir), leaves(run[0]), strict=True):
        np.testing.assert_array_equal(a, b)


@telling
def test_another_config_on_the_same_folder_is_refused_with_a_diff(run):
    changed = [*SMALL, "--config.gen_tx.learning_rate=0.5"]
    done = call("train", "--config", CONFIG, "--workdir", run[0], *changed)
    assert done.returncode == 4
    assert "gen_tx.learning_rate: 0.001 -> 0.5" in done.stderr
    assert "Traceback" not in done.stderr


@telling
def test_an_override_reaches_one_player_alone(tmp_path):
    """A file may use one dict for both optimisers; a flag names one of them."""
    config = tmp_path / "shared.py"
    text = (ROOT / CONFIG).read_text()
    config.write_text(text.replace("dict(**adam)", "adam"))
    assert "gen_tx=adam" in config.read_text()
    change = "--config.gen_tx.learning_rate=0.125"
    done = call("train", "--config", config, "--workdir", tmp_path / "run", "--dry_run", change)
    assert done.returncode == 0, done.stderr
    resolved = json.loads(done.stdout[: done.stdout.index("learning rates")])
    assert resolved["gen_tx"]["learning_rate"] == 0.125
    assert resolved["disc_tx"]["learning_rate"] == 0.001


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def get_config(:", "SyntaxError"),
        ("import no_such_module", "No module named"),
        ("def get_config():\n    return 1 / 0", "ZeroDivisionError"),
        ("def get_config():\n    return dict(steps=1)", "expected a ConfigDict"),
        ("x = 1", "get_config"),
    ],
)
def test_a_broken_config_file_is_reported(text, message, tmp_path):
    config = tmp_path / "broken.py"
    config.write_text(text)
    done = call("train", "--config", config, "--workdir", tmp_path / "run")
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@telling
def test_dry_run_trains_nothing(tmp_path):
    done = call("train", "--config", CONFIG, "--workdir", tmp_path / "dry", "--dry_run")
    assert done.returncode == 0, done.stderr
    for line in (
        '"batch_size": 64',
        "generator parameters: 90,688",
        "discriminator parameters: 82,689",
        "estimated memory of the device:",
    ):
        assert line in done.stdout
    assert not (tmp_path / "dry").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--config.bach_size=3"], "Did you mean 'batch_size'?"),
        (["--config.batch_size=0"], "batch_size=0"),
        (["--config.steps=many"], "config.steps=many"),
        (["--config.schem.name=x"], 'Did you mean "scheme"'),
        (["--config.gen_tx.learning_rate=-1"], "gen_tx.learning_rate=-1"),
        (["--config.gen_tx.lerning_rate=1"], "Did you mean 'learning_rate'?"),
        (["--config.data.classes=3"], "data.classes=3"),
        (["--config.loss.name=nonsaturating"], "Did you mean 'non_saturating'?"),
        (["--workdirs=x"], "Unknown command line flag 'workdirs'"),
        (["extra"], "unexpected argument 'extra'"),
    ],
)
def test_mistakes_exit_with_2_and_one_message(arguments, message, tmp_path):
    done = call("train", "--config", CONFIG, "--workdir", tmp_path / "run", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("error:") == 1
    assert done.stdout == ""
    assert not (tmp_path / "run").exists()


def test_a_missing_config_file_or_flag(tmp_path):
    done = call("train", "--config", "configs/nothing.py", "--workdir", tmp_path / "run")
    assert done.returncode == 2
    assert "configs/nothing.py" in done.stderr
    assert "Traceback" not in done.stderr
    done = process("train", "--workdir", tmp_path / "run")
    assert done.returncode == 2
    assert "--config" in done.stderr


def test_a_divergence_exits_with_3(tmp_path):
    workdir = tmp_path / "run"
    steep = "--config.gen_tx={'name': 'sgd', 'learning_rate': 1e30}"
    toy = ("--config", "configs/bilinear_alternating.py", "--config.steps=20")
    done = call("train", *toy, "--config.log_every=10", "--workdir", workdir, steep)
    assert done.returncode == 3, done.stderr
    assert "not finite at step" in done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads((workdir / "status.json").read_text())["status"] == "diverged"


@telling
def test_sample_and_evaluate_from_the_run_folder_alone(run, tmp_path):
    out = tmp_path / "grid.png"
    done = call("sample", "--workdir", run[0], "--n", 9, "--seed", 4, "--out", out)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(out)
    assert out.stat().st_size > 0
    scores = tmp_path / "scores.json"
    done = call("evaluate", "--workdir", run[0], "--n", 200, "--json", scores)
    assert done.returncode == 0, done.stderr
    report = json.loads(scores.read_text())
    assert report["samples"] == 200
    assert (report["protocol"]["step"], report["protocol"]["average"]) == (600, True)
    done = call("sample", "--workdir", tmp_path)
    assert done.returncode == 4
    assert "not a run folder" in done.stderr


@telling
def test_samples_of_a_class(run, tmp_path):
    """Labels beside the samples; other labels, and games without, are refused."""
    small = {"data": {"name": "ring"}, "steps": 2, "log_every": 2, "batch_size": 4}
    mlp = {"name": "mlp", "width": 4, "depth": 1, "labels": {"name": "one_hot", "num_classes": 8}}
    sgd = {"name": "sgd", "learning_rate": 0.1}
    small |= {"game": {"name": "conditional"}, "generator": mlp, "discriminator": mlp}
    small |= {"scheme": {"name": "simultaneous"}, "gen_tx": sgd, "disc_tx": dict(sgd)}
    train.train(experiment.build(small), tmp_path)
    npz = tmp_path / "x.npz"
    done = call("sample", "--workdir", tmp_path, "--n=12", "--npz", npz, "--label=7")
    assert done.returncode == 0, done.stderr
    with np.load(npz) as arrays:
        np.testing.assert_array_equal(arrays["y"], np.full(12, 7))
        assert arrays["x"].shape == (12, 2)
    assert (tmp_path / "samples" / "seed_0_n_12_label_7.png").exists()
    for workdir, label, told in (
        (tmp_path, 8, "--label=8 is none of the classes 0, 1, 2, 3, 4, 5, 6, 7"),
        (run[0], 7, "--label=7: this game has no class labels"),
    ):
        done = call("sample", "--workdir", workdir, f"--label={label}")
        assert (done.returncode, "Traceback" in done.stderr) == (2, False)
        assert told in done.stderr


@telling
def test_translate_writes_its_samples(run, tmp_path):
    """Points of a cycle game; what has no picture, and a game without translators, are refused."""
    workdir, out, given = tmp_path / "cycle", tmp_path / "a.npz", tmp_path / "b.npy"
    small = ("--config.steps=20", "--config.log_every=20")
    done = call("train", "--config", "configs/affine_cycle.py", "--workdir", workdir, *small)
    assert done.returncode == 0, done.stderr
    assert "slope_error" in done.stdout
    np.save(given, np.arange(7.0)[:, None])
    flags = ("--workdir", workdir, "--direction", "ba", "--input", given, "--npz", out)
    done = call("translate", *flags)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(out)]  # numbers have no picture
    with np.load(out) as arrays:
        np.testing.assert_array_equal(arrays["source"], np.arange(7.0)[:, None])
        assert arrays["x"].shape == (7, 1)
        assert (arrays["x"] != arrays["source"]).all()
    for folder, told in (
        (workdir, "no picture of samples of shape (1,); leave --out out and give --npz FILE"),
        (run[0], "does not translate"),
    ):
        done = call("translate", "--workdir", folder)
        assert (done.returncode, "Traceback" in done.stderr) == (2, False)
        assert told in done.stderr


@telling
def test_translate_takes_images_from_a_file(tmp_path):
    """Of any size that fits the strides, 0 to 1 if told so; others exit with 6."""
    sgd = {"name": "sgd", "learning_rate": 0.1}
    small = {"data": {"name": "paired_images"}, "game": {"name": "paired"}, "steps": 1}
    small |= {"log_every": 1, "batch_size": 2, "scheme": {"name": "simultaneous"}}
    small |= {"generator": {"name": "resnet", "width": 2, "blocks": 0}}
    small |= {"discriminator": {"name": "patch", "width": 2, "layers": 1}}
    workdir, given, out = tmp_path / "run", tmp_path / "x.npy", tmp_path / "y.npz"
    train.train(experiment.build({**small, "gen_tx": sgd, "disc_tx": dict(sgd)}), workdir)
    flags = ("--workdir", workdir, "--input", given, "--npz", out, "--range=0,1")
    x = np.random.RandomState(0).uniform(0, 1, (3, 24, 32, 1)).astype("f")
    np.save(given, x)
    done = call("translate", *flags)
    assert done.returncode == 0, done.stderr
    with np.load(out) as arrays:
        np.testing.assert_allclose(arrays["source"], 2 * x - 1, atol=1e-6)
        assert arrays["x"].shape == (3, 24, 32, 1)
    np.save(given, x[:, :22])
    done = call("translate", *flags)
    assert (done.returncode, len(done.stderr.splitlines())) == (6, 1), done.stderr
    assert "needs sides of at least 8 that 4 divides, got images of 22x32" in done.stderr


@telling
def test_no_usable_checkpoint_exits_with_5(run, tmp_path):
    workdir = shutil.copytree(run[0], tmp_path / "run")
    for manifest in (workdir / "checkpoints").glob("*/manifest.json"):
        manifest.unlink()
    assert call("sample", "--workdir", workdir).returncode == 5


def test_a_place_that_cannot_be_written_exits_with_8(tmp_path):
    (tmp_path / "file").write_text("")
    done = call("train", "--config", CONFIG, "--workdir", tmp_path / "file" / "run", *SMALL)
    assert done.returncode == 8
    assert "Not a directory" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_lists_the_flags():
    done = call("train", "--help")
    assert done.returncode == 0
    for flag in ("--config", "--workdir", "--[no]dry_run"):
        assert flag in done.stdout


@telling
def test_two_processes_cannot_share_a_folder(tmp_path):
    workdir = tmp_path / "run"
    arguments = command("train", "--config", CONFIG, "--workdir", workdir, "--config.steps=100000")
    first = subprocess.Popen(
        arguments, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while not (workdir / "metrics.jsonl").exists():
            assert first.poll() is None
            time.sleep(0.1)
        done = call("train", "--config", CONFIG, "--workdir", workdir, "--config.steps=100000")
    finally:
        first.kill()
        first.wait()
    assert done.returncode == 4
    assert "in use by process" in done.stderr


@telling
def test_dynamics_agrees_with_theory(tmp_path):
    """Every scheme with a closed form, printed, in the JSON and drawn."""
    out, picture = tmp_path / "radii.json", tmp_path / "play.png"
    done = call("dynamics", "--steps=0.1,0.3", "--json", out, "--picture", picture)
    assert done.returncode == 0, done.stderr
    written = json.loads(out.read_text())
    assert written["game"] == "bilinear"
    rows = written["radii"]
    assert len(rows) == 2 * 21
    for row in rows:
        assert abs(row["measured"] - row["theory"]) < 1e-10, row
        assert f"{row['measured']:.14f}" in done.stdout
        proven = "converges" if row["theory"] < 1 else "diverges"
        assert row["verdict"] == ("undecided" if row["scheme"] == "alternating" else proven)
        assert row["enclosure"] < 1e-15
    assert picture.stat().st_size > 10_000


def test_dynamics_on_another_game_and_its_mistakes():
    arguments = ("--game=stackelberg", "--schemes=follow_the_ridge,extragradient", "--steps=0.05")
    done = call("dynamics", *arguments)
    converging, diverging = (
        re.findall(rf"{radius} .* (\w+)$", done.stdout, re.MULTILINE)
        for radius in ("0.90000000000000", "1.11000000000000")
    )
    assert (converging, diverging) == (["converges"], ["diverges"])
    for wrong, message in (
        ("--schemes=extragradiant", "Did you mean 'extragradient'"),
        ("--steps=0.1,x", "must be numbers above 0"),
        ("--game=chess", "chess"),
    ):
        done = call("dynamics", wrong)
        assert (done.returncode, "Traceback" in done.stderr) == (2, False)
        assert message in done.stderr


def test_dynamics_names_the_options_that_it_cannot_pass(monkeypatch):
    def needy(game, tx, *, p, lr, beta, axis_name=None): ...

    monkeypatch.setitem(sys.modules, "mine", SimpleNamespace(needy=needy))
    done = call("dynamics", "--schemes=mine:needy")
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "needs p and beta, which this command cannot pass; give them defaults" in done.stderr


def test_dynamics_without_the_package_for_verdicts_says_so_once(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "flint", None)
    out = tmp_path / "radii.json"
    done = call("dynamics", "--schemes=simultaneous", "--steps=0.1,0.2", "--json", out)
    assert done.returncode == 0
    assert done.stdout.count("no verdicts: certified spectra need python-flint") == 1
    assert [row["verdict"] for row in json.loads(out.read_text())["radii"]] == [None, None]


@pytest.mark.slow
def test_the_collapse_study_keeps_its_cells(tmp_path):
    """Two seeds, one look: a table, a picture, and no second run of what is there.

    Of more seeds only those that are missing are run.
    """
    script = ("benchmarks/collapse", "--out", tmp_path, "--cells=unrolled_0,unrolled_1")
    small = ("--seeds=2", "--steps=1000", "--every=500", "--picture", tmp_path / "c.png")
    done = call(*script, *small)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("about 0.0 h left") == 2
    cell = json.loads((tmp_path / "unrolled_1_0.json").read_text())
    assert cell["step"] == [0, 500, 1000]
    assert np.shape(cell["reverse_kl"]) == np.shape(cell["modes"]) == (3, 2)
    assert "unrolled_0" in done.stdout
    assert (tmp_path / "c.png").stat().st_size > 10_000
    began = time.monotonic()
    assert call(*script, *small).stdout == done.stdout
    assert time.monotonic() - began < 20
    other = call(*script, "--seeds=3", "--steps=1000", "--every=500")
    assert (other.returncode, "Traceback" in other.stderr) == (2, False)
    assert "another --out" in other.stderr
    tiny = ("--steps=20", "--every=10", "--cells=unrolled_0")
    script = ("benchmarks/collapse", "--out", tmp_path / "more")
    assert call(*script, *tiny, "--seeds=16").returncode == 0
    first = (tmp_path / "more" / "unrolled_0_0.json").read_bytes()
    more = call(*script, *tiny, "--seeds=18")
    assert more.stderr.count("left") == 1
    assert re.search(r"unrolled_0 +0 +18 ", more.stdout)
    assert (tmp_path / "more" / "unrolled_0_0.json").read_bytes() == first


@pytest.mark.slow
def test_the_f_gan_study_compares_with_quadrature(tmp_path):
    """Two divergences, two seeds, a few steps: both tables, numbers, a picture."""
    script = ("benchmarks/f_gan", "--config", "configs/mixture_f_gan.py", "--seeds=2")
    out = ("--json", tmp_path / "f.json", "--picture", tmp_path / "f.png")
    small = ("--config.steps=5", "--config.batch_size=16")
    done = call(*script, *out, *small, "--divergences=kl,pearson")
    assert done.returncode == 0, done.stderr
    assert "evaluated under the column" in done.stdout
    results = json.loads((tmp_path / "f.json").read_text())
    # Forward KL matches the moments: mean 0, variance 0.75 (0.36 + 0.25) + 0.25 (1.44 + 2.25).
    np.testing.assert_allclose(results["kl"]["optimum"], [0, 1.38**0.5], atol=1e-6)  # L-BFGS's
    for name, result in results.items():
        assert np.shape(result["reached"]) == (2, 2)
        assert min(result["under"][name]) > result["least"] > 0
    assert (tmp_path / "f.png").stat().st_size > 10_000
    for wrong, told in (
        ("--divergences=kll", "Did you mean 'kl'"),
        ("--config.loss={'name': 'minimax'}", "the loss 'f_gan'"),
    ):
        done = call(*script, wrong)
        assert (done.returncode, "Traceback" in done.stderr) == (2, False)
        assert told in done.stderr


@pytest.mark.slow
def test_the_packing_study_prints_its_cells(tmp_path):
    """Two cells, two seeds, a few steps; an unknown cell is told."""
    script, out = "benchmarks/packing", tmp_path / "p.json"
    small = ("--seeds=2", "--steps=3", "--json", out)
    done = call(script, *small, "--cells=ring, packed_3;ring, unrolled_5")
    assert done.returncode == 0, done.stderr
    assert "ring, unrolled_5" in done.stdout
    results = json.loads(out.read_text())
    assert set(results) == {"ring, packed_3", "ring, unrolled_5"}
    for scores in results.values():
        assert {name: len(values) for name, values in scores.items()} == {
            "modes": 2,
            "high_quality": 2,
            "reverse_kl": 2,
            "diverged": 0,
        }


@pytest.mark.slow
def test_the_packing_study_counts_seeds_that_diverge(tmp_path):
    """One cell diverges at once, in every seed, beside one that does not."""
    code = """if True:
        import sys
        sys.path.insert(0, "scripts/benchmarks")
        import packing
        plain = packing.resolved
        def resolved(name):
            config = plain(name)
            if name == "ring, packed_2":
                config["gen_tx"] = {"name": "sgd", "learning_rate": 1e38}
            return config
        packing.resolved = resolved
        packing.cli.run(packing.main)
    """
    out, picture = tmp_path / "p.json", tmp_path / "p.png"
    flags = ("--seeds=2", "--steps=5", "--cells=ring, plain;ring, packed_2")
    done = subprocess.run(
        [sys.executable, "-c", code, *flags, "--json", out, "--picture", picture],
        cwd=ROOT, env={**os.environ, "XLA_FLAGS": ""}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = {line[:18].strip(): line[18:].split() for line in done.stdout.splitlines()[1:]}
    assert rows["ring, packed_2"][:-1] == ["-", "-", "-", "2", "of", "2"]
    assert rows["ring, plain"][-4:-1] == ["0", "of", "2"]
    results = json.loads(out.read_text())
    assert results["ring, packed_2"] == {
        "modes": [],
        "high_quality": [],
        "reverse_kl": [],
        "diverged": [0, 1],
    }
    with Image.open(picture) as image:  # of the one cell that has samples
        assert image.size[0] < image.size[1]


def test_mistakes_in_the_flags_of_studies_are_reported():
    """Before anything is trained, and without a traceback."""
    few = ("benchmarks/few_labels", "--config", "configs/digits_semi_supervised.py")
    for arguments, message in (
        ((*few, "--labels=two"), "--labels=two must be whole numbers from 1 on"),
        ((*few, "--labels=0"), "--labels=0 must be"),
        ((*few, "--config.evaluation.name=none"), "expected 'classification'"),
        (("benchmarks/few_labels", "--config", CONFIG), "game.name='gan', expected"),
        (("benchmarks/packing", "--cells=ring, packed_5"), "Did you mean 'ring, packed_"),
        (("benchmarks/packing", "--picture=p.png"), "draws cells of one mixture"),
    ):
        done = call(*arguments)
        assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
        assert message in done.stderr


def grown(workdir, values, **changes):
    """A run folder of two stages, that end at 300 and 500, with such losses and 5 x 7 samples."""
    stages = {"a": {"until": 300}, "b": {"until": 500}}
    sgd = {"name": "sgd", "learning_rate": 0.1}
    config = {"game": {"name": "bilinear"}, "scheme": {"name": "simultaneous"}, "stages": stages}
    config |= {"gen_tx": sgd, "disc_tx": sgd, **changes}
    (workdir / "samples").mkdir(parents=True, exist_ok=True)
    (workdir / "config.json").write_text(json.dumps(config))
    rows = [{"step": s, "loss/gen": v, "loss/disc": -v} for s, v in values.items()]
    (workdir / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for step in (300, 500):
        pictures.save_image(
            workdir / "samples" / f"step_{step}.png",
            pictures.image_grid(np.zeros((35, 8, 8, 1)), columns=7),
            disclosure=Disclosure(),
        )


CHANGES = {100: 0.0, 200: 0.5, 300: 1.0, 400: 3.0, 500: 2.5}


def test_growth_is_compared_with_other_changes(tmp_path):
    """A jump of 2 among changes of 1/2 in one run, of -1 in the other; scores, and a picture."""
    grown(tmp_path / "0", CHANGES)
    grown(tmp_path / "7", {**CHANGES, 400: 0.0, 500: 0.5}, seed=7)
    (tmp_path / "7" / "eval").mkdir()
    (tmp_path / "7" / "eval" / "step_500.json").write_text('{"scores": {"modes": 8.0}}')
    workdirs = "--workdir", tmp_path / "0", "--workdir", tmp_path / "7"
    out = ("--json", tmp_path / "g.json", "--picture", tmp_path / "g.png")
    done = call("benchmarks/growth", *workdirs, "--settled=100", *out)
    assert done.returncode == 0, done.stderr
    first, second = json.loads((tmp_path / "g.json").read_text())
    assert first["changes"]["loss/gen"] == {
        "growing": {"300": 2.0},
        "inside_median": 0.5,
        "inside_largest": 0.5,
    }
    assert second["changes"]["loss/disc"]["growing"] == {"300": 1.0}
    assert (second["seed"], second["scores"]) == (7, {"modes": 8.0})
    assert "+2.000 at 300" in done.stdout
    grey = np.asarray(Image.open(tmp_path / "g.png").convert("L")) == 128
    for tiles in grey.any(0), grey.any(1):  # of two corners of 5 x 5 beside each other
        assert np.count_nonzero(np.diff(tiles.astype(int)) == 1) == (10 if len(tiles) > 400 else 5)


@pytest.mark.parametrize(
    ("values", "flags", "message"),
    [
        ({300: 1.0}, (), "no finished run: it has come to step 300 of 500"),
        ({300: 1.0, 500: 2.0}, (), "is none at step 300, where it grows; lower --settled"),
        ({300: 1.0, 500: 2.0}, ("--settled=0",), "is none but at growth; lower --settled"),
        (CHANGES, ("--config", CONFIG), "give either --config, to train, or --workdir"),
    ],
)
def test_runs_without_growth_are_refused(values, flags, message, tmp_path):
    grown(tmp_path, values)
    done = call("benchmarks/growth", "--workdir", tmp_path, *flags)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert message in done.stderr


def test_a_config_without_growth_is_refused():
    done = call("benchmarks/growth", "--config", CONFIG, "--folder", "runs")
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "fewer than two stages, so nothing grows" in done.stderr


@telling
def test_measuring_the_start_has_a_time_limit():
    """What takes too long is stopped and told; configs for accelerators are passed over."""
    script = "benchmarks/startup"
    done = call(script, "--only=photographs_cycle_256")
    assert (done.returncode, "not run: for an accelerator" in done.stdout) == (0, True)
    done = call(script, "--only=photographs_cycle_256", "--accelerator", "--timeout=0.5")
    assert (done.returncode, "over 0.5 s  (at most 60 s)" in done.stdout) == (1, True)
    done = call(script, "--only=ring8_r1", "--timeout=0.5")  # a bound is broken
    assert (done.returncode, "over 0.5 s  (at most 60 s)" in done.stdout) == (1, True)
    done = call(script, "--only=ring9")
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "--only=ring9 is in no row" in done.stderr
