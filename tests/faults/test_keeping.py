"""Checkpoints, rows, data and folder names vouch for each other: a fault is told or made good."""

import json
import shutil
import time
from pathlib import Path
from types import SimpleNamespace

import examples
import jax
import ml_collections
import numpy as np
import pytest
from marks import marked, telling

from ganjax import checkpoints, consistency, data, experiment, memory, records, run_folder, train
from ganjax.errors import CheckpointError, DataError, RunFolderError

pytestmark = pytest.mark.usefixtures("shared_chunks")
TOY = {**examples.BILINEAR, "steps": 60, "log_every": 5, "checkpoint_every": 20}
TOY |= {"keep_checkpoints": 9}
MADE = {**examples.SCORED, "steps": 8, "log_every": 2, "checkpoint_every": 4, "sample_count": 4}
MADE |= {"sample_every": 4, "evaluate_every": 4}


@pytest.fixture(scope="module")
def built():
    return experiment.build(TOY)


@pytest.fixture(scope="module")
def whole(built, shared_chunks, tmp_path_factory):
    """A run with checkpoints of steps 20, 40 and 60, and a row every 5 steps."""
    workdir = tmp_path_factory.mktemp("whole") / "run"
    train.train(built, workdir)
    return workdir


@pytest.fixture
def run(whole, tmp_path):
    """A copy to damage."""
    return Path(shutil.copytree(whole, tmp_path / "run"))


def newest(built, workdir):
    """The step that training resumes from."""
    return consistency.newest(workdir, experiment.belonging(built, workdir))["step"]


def flipped(path, bit):
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


FILE_DAMAGES = {
    "flip": lambda path: flipped(path, 4 * path.stat().st_size),
    "truncate": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "empty": lambda path: path.write_bytes(b""),
    "delete": Path.unlink,
    "extra": lambda path: (path.parent / "extra").write_bytes(b"x"),
}


@pytest.mark.parametrize("step", marked((20, 40, 60), default=(60,)))
def test_no_damage_of_any_file_is_believed(step, whole, run):
    """Every file of a checkpoint, damaged in five ways; a file beside `state` is never read."""
    good, folder = whole / "checkpoints" / str(step), run / "checkpoints" / str(step)
    files = [path.relative_to(good) for path in good.rglob("*") if path.is_file()]
    cases = [(kind, name) for kind in FILE_DAMAGES for name in files]
    cases.remove(("extra", Path("manifest.json")))
    believed = []
    for kind, name in cases:
        FILE_DAMAGES[kind](folder / name)
        try:
            checkpoints.verified(folder)
            believed.append((kind, name))
        except CheckpointError:
            (folder / name).with_name("extra").unlink(missing_ok=True)
            shutil.copy(good / name, folder / name)
    assert len(cases) >= 49
    assert not believed
    assert checkpoints.verified(folder)["step"] == step


def test_every_bit_flip_in_a_manifest_falls_back(built, run):
    """Of any character: keys, digests, white space."""
    path = run / "checkpoints" / "60" / "manifest.json"
    bits = np.random.RandomState(0).choice(8 * path.stat().st_size, 150, replace=False)
    for bit in bits.tolist():
        flipped(path, bit)
        assert newest(built, run) == 40, bit
        flipped(path, bit)
    assert newest(built, run) == 60


ODD = ["", "{", "[]", "[1]", "null", "7", '"text"', "{}", '{"step": 60}', "[" * 100_000, "\ud800"]
ODD += [json.dumps({"step": 60, "leaves": {}, "files": odd}) for odd in ([], None, 1, {"x": 1})]
ODD += [json.dumps({"step": odd, "leaves": [], "files": {}}) for odd in (60, "60", None)]


@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
def test_an_odd_manifest_falls_back(text, built, run):
    path = run / "checkpoints" / "60" / "manifest.json"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    assert newest(built, run) == 40


def renamed(old, new):
    return lambda folder: (folder / old).rename(folder / new)


def swapped(folder):
    renamed("40", "x")(folder), renamed("60", "40")(folder), renamed("x", "60")(folder)


@pytest.mark.parametrize(
    ("change", "step"),
    [
        (renamed("60", "9999"), 40),
        (renamed("60", "060"), 40),
        (renamed("60", "50"), 40),
        (lambda folder: shutil.copytree(folder / "60", folder / "80"), 60),
        (swapped, 20),
    ],
    ids=["later", "zero", "earlier", "copied", "swapped"],
)
def test_a_renamed_checkpoint_is_passed_over(change, step, built, run, whole):
    change(run / "checkpoints")
    assert newest(built, run) == step
    assert train.train(built, run).step == 60
    assert examples.untimed(run) == examples.untimed(whole)


@pytest.mark.parametrize("record", [{"config": "f00d"}, {"updates": 61}, {"rows": {"count": 13}}])
def test_a_checkpoint_of_another_run_is_passed_over(record, built, run):
    """Of other settings, or of more updates than its step has, or of rows that the run has not."""
    state = experiment.restore(built, run).state
    rows = {"rows": {"step": 60, "sha256": "f00d", **record["rows"]}} if "rows" in record else {}
    checkpoints.save(run / "checkpoints", 60, state, keep=9, record={**record, **rows})
    assert newest(built, run) == 40


def test_settings_that_may_change_leave_checkpoints_usable(built, run):
    more = experiment.build({**TOY, "steps": 80, "log_every": 10, "keep_checkpoints": 2})
    run_folder.claim(run, more.config.to_dict(), trained=60)
    assert newest(more, run) == 60
    run_folder.write_json(run / "config.json", {**more.config.to_dict(), "steps": 50})
    assert newest(more, run) == 40  # no checkpoint is of a step after the last


def test_where_nothing_is_intact_it_says_so(built, run):
    for step in (20, 40, 60):
        (run / "checkpoints" / str(step)).rename(run / "checkpoints" / str(step + 1))
    with pytest.raises(CheckpointError, match=r"step 61 is damaged .*; step 21 is damaged"):
        train.train(built, run)


def test_the_settings_that_fix_the_past():
    """All that may change when a run resumes leaves the digest as it is."""
    config = {"steps": 9, "batch_size": 4, "classes": (1, 2)}
    stages = {"b": {"until": 9, "batch_size": 2}, "a": {"until": 3}}

    def digest(step=5, **changes):
        return consistency.settings_digest({**config, "stages": stages, **changes}, step)

    later = {**stages, "b": {"until": 12, "batch_size": 2}}
    for same in ({"steps": 12, "log_every": 1}, {"classes": [1, 2]}, {"stages": later}):
        assert digest(**same) == digest()
    other = {**stages, "b": {"until": 9, "batch_size": 3}}
    for changed in ({"batch_size": 8}, {"stages": other}, {"stages": {"b": stages["b"]}}):
        assert digest(**changed) != digest()
    assert digest(step=10, stages=later) != digest(step=10)  # that end is behind


def lines(edit):
    """A damage of the lines of metrics.jsonl, as a function of its path."""

    def damage(path):
        found = path.read_bytes().splitlines(keepends=True)
        edit(found)
        path.write_bytes(b"".join(found))

    return damage


ROW_DAMAGES = {  # of rows between steps 20 and 60, and the fault that is told of them
    "torn": (
        lines(lambda rows: rows.__setitem__(slice(9, None), [rows[9][:20]])),
        "line 10, after",
    ),
    "deleted": (lines(lambda rows: rows.__delitem__(slice(9, None))), "3 of 12 .* 45 and step 60"),
    "removed": (lines(lambda rows: rows.pop(9)), "1 of 12 rows .* step 45 and step 55"),
    "doubled": (lines(lambda rows: rows.insert(9, rows[8])), "line 10 repeats step 45"),
    "blank": (lines(lambda rows: rows.__setitem__(9, b"\n")), "line 10, after step 45, is damaged"),
    "no_row": (lines(lambda rows: rows.__setitem__(9, b"[50]\n")), "line 10, after step 45"),
    "edited": (
        lines(lambda rows: rows.__setitem__(9, rows[9].replace(b"evaluations/gen", b"x"))),
        "rows up to step 60 have changed",
    ),
}


@pytest.mark.parametrize(("damage", "told"), ROW_DAMAGES.values(), ids=ROW_DAMAGES)
def test_damaged_rows_are_written_again_from_an_older_checkpoint(
    damage, told, built, run, whole, caplog
):
    damage(run / "metrics.jsonl")
    assert newest(built, run) == 40
    assert train.train(built, run).step == 60
    assert examples.untimed(run) == examples.untimed(whole)
    logged = [record.getMessage() for record in caplog.records]
    assert any("step 60 does not go with its folder" in line for line in logged)
    for step in (20, 40):
        shutil.rmtree(run / "checkpoints" / str(step))
    damage(run / "metrics.jsonl")
    with pytest.raises(RunFolderError, match=rf"cannot be resumed: metrics\.jsonl: .*{told}"):
        train.train(built, run)


@pytest.mark.parametrize(
    "damage", [Path.unlink, lambda path: path.write_bytes(b""), lines(lambda rows: rows.pop(0))]
)
def test_rows_that_no_checkpoint_has_are_refused(damage, built, run):
    before = (run / "checkpoints" / "60" / "manifest.json").read_bytes()
    damage(run / "metrics.jsonl")
    with pytest.raises(RunFolderError, match="rows are missing, between step 0 and step "):
        train.train(built, run)
    assert (run / "checkpoints" / "60" / "manifest.json").read_bytes() == before


def test_rows_after_the_checkpoint_are_cut(built, run, whole):
    with open(run / "metrics.jsonl", "a", encoding="utf-8") as file:
        file.write('{"step": 65}\n{"step": 70')
    train.train(built, run)
    assert (run / "metrics.jsonl").read_bytes() == (whole / "metrics.jsonl").read_bytes()


def test_runs_of_older_versions_resume(built, run, whole):
    """Their manifests have neither a digest of themselves nor of settings, rows and data."""
    for step in (20, 40, 60):
        path = run / "checkpoints" / str(step) / "manifest.json"
        manifest = json.loads(path.read_text())
        old = {key: manifest[key] for key in ("step", "leaves", "files")}
        path.write_text(json.dumps(old, indent=1))
    shutil.rmtree(run / "checkpoints" / "60")
    assert newest(built, run) == 40
    train.train(built, run)
    assert examples.untimed(run) == examples.untimed(whole)
    with open(run / "metrics.jsonl", "a", encoding="utf-8") as file:
        file.write(json.dumps(examples.untimed(run)[0]) + "\n")
    with pytest.raises(RunFolderError, match="line 13 repeats step 5 after 60"):
        train.train(experiment.build({**TOY, "steps": 65}), run)


def test_resident_data_have_a_digest():
    """Of every array; a closed form, which its config tells whole, has none."""
    digits = data.digits()
    forms = [data.form(digits)]
    for key, array in digits.train.items():
        forms.append(data.form(digits._replace(train={**digits.train, key: array.at[3].add(1)})))
    assert len({form["digest"] for form in forms}) == len(forms) == 3
    assert data.form(data.ring())["digest"] is None


def test_changed_data_are_refused(built, run):
    """Both digests are told."""
    state = experiment.restore(built, run).state
    checkpoints.save(run / "checkpoints", 60, state, keep=9, record={"data": "f00d"})
    with pytest.raises(DataError, match=r"changed since step 60 .* was f00d and is None"):
        train.train(built, run)


@telling
def test_changed_resident_data_are_refused(tmp_path):
    """The manifest of the run has the digest of its start."""
    built = experiment.build({**examples.IMAGES, "sample_count": 4})
    train.train(built, tmp_path)
    then = run_folder.read_manifest(tmp_path)["data"][0]["digest"]
    changed = {**built.data.train, "x": built.data.train["x"] * 0.5}
    other = built._replace(data=built.data._replace(train=changed))
    with pytest.raises(DataError, match=rf"digest was {then} and is \w{{64}};"):
        train.train(other, tmp_path)


@pytest.fixture(scope="module")
def made():
    return experiment.build(MADE)


@pytest.fixture(scope="module")
def pictured(made, shared_chunks, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("pictured") / "run"
    train.train(made, workdir)
    return workdir


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_text('{"scores": {"mo')])
def test_what_was_due_at_the_restored_step_is_made(damage, made, pictured, tmp_path):
    """As after a kill behind the checkpoint of step 4 and before its picture."""
    workdir = Path(shutil.copytree(pictured, tmp_path / "run"))  # pictures name their run
    shutil.rmtree(workdir / "checkpoints" / "8")
    picture, scores = workdir / "samples" / "step_4.png", workdir / "eval" / "step_4.json"
    picture.unlink()
    damage(scores)
    train.train(made, workdir)
    for path in (picture, scores):
        assert path.read_bytes() == (pictured / path.relative_to(workdir)).read_bytes()


@pytest.mark.parametrize("text", ["", '{"sco', "[]", "null", "{}", '{"scores": 1, "protocol": {}}'])
def test_a_torn_evaluation_is_made_again(text, made, pictured):
    path = pictured / "eval" / "step_8.json"
    before = path.read_bytes()
    path.write_text(text)
    assert train.train(made, pictured).report == json.loads(before)["scores"]
    assert path.read_bytes() == before


def test_the_best_is_told_by_the_rows(made, pictured, tmp_path):
    """By those up to here; an evaluation is a file that may be torn."""
    config = ml_collections.FrozenConfigDict({**made.config, "best": {"name": "modes"}})
    best, state = made._replace(config=config), experiment.restore(made, pictured).state
    row = {"step": 4, "score/modes": 3.0}
    assert records.is_best(best, tmp_path, [row], {"modes": 0.0})  # none is kept yet
    checkpoints.save(tmp_path / "best", 4, state, keep=1)
    found = [records.is_best(best, tmp_path, [row], {"modes": modes}) for modes in (2.0, 4.0)]
    assert found == [False, True]
    assert records.is_best(best, tmp_path, [], {"modes": 0.0})  # of a step that comes again


@pytest.mark.parametrize("text", [None, "{", "[]", '{"seconds": {"training": "x"}}'])
def test_the_seconds_of_all_calls_add_up(text, tmp_path):
    path = tmp_path / "summary.json"
    if text is not None:
        path.write_text(text)
    for _ in range(2):
        clock = records.Clock(tmp_path)
        with clock("training"):
            time.sleep(0.01)
        clock.write()
    seconds = json.loads(path.read_text())["seconds"]
    assert seconds.keys() == {"training"}
    assert 0.02 <= seconds["training"] < 2


@pytest.mark.parametrize(
    ("platform", "error"), [("cpu", MemoryError), ("gpu", jax.errors.JaxRuntimeError)]
)
def test_memory_is_refused_before_it_is_allocated(platform, error, monkeypatch):
    """A product of 10^6 x 10^6 numbers, 4 TB; `cli.run` turns both errors into exit code 7."""
    monkeypatch.setattr(jax, "local_devices", lambda: [SimpleNamespace(platform=platform)])
    monkeypatch.setattr(memory, "free_bytes", lambda: 2.0**40)
    x = jax.ShapeDtypeStruct((10**6,), np.float32)
    outer = jax.jit(lambda x: x[:, None] * x[None]).lower(x).compile()
    with pytest.raises(error, match=r"needs 3,814,697 MiB, and [\d,]+ MiB are left"):
        memory.check(outer)
    memory.check(jax.jit(lambda x: x * x).lower(x).compile())
    memory.check(outer.__call__)  # tells nothing
