"""Files of a run that are damaged, or are not of their kind: left out, made again, or refused."""

import io
import json
import os
import zipfile

import examples
import numpy as np
import pytest
from marks import telling

from ganjax import config_files, data, disclosure, experiment, records, report, run_folder, train
from ganjax.data import cache
from ganjax.data.files.array_files import arrays_of
from ganjax.errors import DataError, RunFolderError

from .conftest import only

SHAPES = ([], 3, "text", None, True)  # JSON that is no object
HUGE = {"descr": "<f8", "fortran_order": False, "shape": (10**12,)}  # 8 TB


@pytest.mark.parametrize("content", SHAPES, ids=repr)
def test_a_config_or_manifest_that_is_no_object_is_refused(content, tmp_path):
    for name, read in (
        ("config.json", run_folder.read_config),
        ("manifest.json", run_folder.read_manifest),
    ):
        (tmp_path / name).write_text(json.dumps(content))
        with pytest.raises(RunFolderError, match=f"{name} holds a .*; expected a JSON object"):
            read(tmp_path)
        (tmp_path / name).write_text("[" * 100_000)
        with pytest.raises(RunFolderError, match=f"{name} is not JSON"):
            read(tmp_path)


ROW = '{"step": 2, "loss/gen": 1.0}\n'


@pytest.mark.parametrize(
    "line",
    [*map(json.dumps, SHAPES), "{}", '{"loss/gen": 1.0}', '{"step": "2"}', '{"step": true}',
     '{"step": 2.5}', '{"step": -1}', '{"step": 2, "x": "text"}', '{"step": 2, "x": [1]}', "{", "",
     "[" * 100_000, "\\xff"],
    ids=lambda line: line[:20],
)  # fmt: skip
def test_a_line_that_is_no_row_is_refused_and_a_torn_last_one_dropped(line, tmp_path):
    content = line.encode().replace(b"\\xff", b"\xff")
    (tmp_path / "metrics.jsonl").write_bytes(ROW.encode() + content)
    assert run_folder.read_metrics(tmp_path) == [json.loads(ROW)]
    (tmp_path / "metrics.jsonl").write_bytes(content + b"\n" + ROW.encode())
    with pytest.raises(RunFolderError, match=r"metrics\.jsonl, line 1 is damaged"):
        run_folder.read_metrics(tmp_path)


EVALUATION = {"evaluation_samples": 8, "protocol": {"step": 2}, "scores": {"modes": 3.0}}
TORN = ("", "{", "[1]", "3", '{"scores": [1]}', '{"scores": {}', '{"protocol": {}}', "\0" * 99)


@pytest.mark.parametrize("content", TORN)
def test_a_torn_evaluation_counts_as_missing(content, tmp_path, caplog):
    run_folder.write_json(tmp_path / "eval" / "step_2.json", EVALUATION)
    (tmp_path / "eval" / "step_4.json").write_text(content)
    (tmp_path / "eval" / "step_x.json").write_text("{}")
    assert run_folder.read_evaluations(tmp_path) == {2: EVALUATION}
    assert run_folder.read_evaluation(tmp_path, 4) is None
    assert "step_4.json is damaged" in caplog.text
    assert run_folder.read_evaluation(tmp_path, 6) is None


@telling
def test_a_finished_run_with_a_torn_evaluation_makes_it_again(tmp_path):
    """It failed for ever. So do the best checkpoint's scores, once torn, give way."""
    config = {**examples.SCORED, "steps": 4, "log_every": 2, "evaluate_every": 2}
    config |= {"sample_count": 4, "best": {"name": "modes"}}
    run = experiment.build(config)
    report = train.train(run, tmp_path).report
    path = tmp_path / "eval" / "step_4.json"
    whole = path.read_bytes()
    for content in TORN:
        path.write_text(content)
        assert train.train(run, tmp_path).report == report
        assert path.read_bytes() == whole
    for kept in (tmp_path / "eval").glob("*.json"):
        kept.write_text("{")
    assert records.is_best(run, tmp_path, [], {"modes": 0.0})


def member(name, header, content=b"", compression=zipfile.ZIP_STORED):
    """A npz file with one array of a header and content."""
    buffer, array = io.BytesIO(), io.BytesIO()
    np.lib.format.write_array_header_1_0(array, header)
    with zipfile.ZipFile(buffer, "w", compression) as file:
        file.writestr(f"{name}.npy", array.getvalue() + content)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("shape", [(10**12,), (2**40, 2**40), (2**62, 8), (3,)])
def test_an_npz_file_that_claims_more_than_it_holds_is_no_matter_of_memory(kind, shape, tmp_path):
    """8 TB were told as a lack of device memory."""
    path = tmp_path / "claims.npz"
    path.write_bytes(member("x", {**HUGE, "shape": shape}, compression=kind))
    with pytest.raises(DataError, match="cannot be read as a npz or npy file"):
        arrays_of(path, {"x": True})
    path.write_bytes(member("disclosure", {**HUGE, "shape": shape}, compression=kind))
    with pytest.raises(DataError):
        disclosure.read(path)


def test_an_npy_file_that_claims_more_than_it_holds(tmp_path):
    with open(tmp_path / "claims.npy", "wb") as file:
        np.lib.format.write_array_header_1_0(file, HUGE)
    with pytest.raises(DataError, match="cannot be read as a npz or npy file"):
        arrays_of(tmp_path / "claims.npy", {"x": True})


@pytest.mark.parametrize("pack", [np.savez, np.savez_compressed])
def test_whole_files_are_read(pack, tmp_path):
    x = np.arange(12.0).reshape(3, 4)
    pack(tmp_path / "x.npz", x=x, y=np.zeros((0, 2)), z=np.asfortranarray(x))
    found = arrays_of(tmp_path / "x.npz", {"x": True, "y": True, "z": True})
    np.testing.assert_array_equal(found["x"], x)
    np.testing.assert_array_equal(found["z"], x)
    assert found["y"].shape == (0, 2)


def test_a_user_without_a_home(monkeypatch):
    """Neither $HOME nor an entry among the users, as in a container with a number for a user."""
    for name in ("HOME", "XDG_CACHE_HOME", "GANJAX_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda number: {}[number])
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    from ganjax import cli
    from ganjax.data.sets import prepared

    cli.keep_compiled()
    assert "JAX_COMPILATION_CACHE_DIR" not in os.environ
    assert cache.writable_root() is None
    assert cache.cached("key", "here", 1, lambda row: {"x": np.ones(2)}).arrays == {}
    assert prepared.data_folder(None).name == "tensorflow_datasets"
    assert config_files.shipped()


FORM = {"shape": [2], "num_classes": 0, "paired": False, "batch": {"x": [[2], "float32"]}}
FORMS = (
    *(3, "text", {}, {**FORM, "classes": 3}, {**FORM, "classes": [], "batch": 3}),
    {**FORM, "classes": [], "batch": {"x": [[-1], "float32"]}},
    {**FORM, "classes": [], "batch": {"x": [[2**40, 2**40], "float32"]}},
    {**FORM, "classes": [], "batch": {"x": [[2], "nonsense"]}},
    {**FORM, "classes": [], "batch": {"x": [[2], "object"]}},
    {**FORM, "classes": [], "shape": 3},
)


@pytest.mark.parametrize("form", FORMS, ids=repr)
def test_a_damaged_form_of_the_data_is_told(form, tmp_path):
    run_folder.write_json(tmp_path / "config.json", examples.RING)
    run_folder.write_json(tmp_path / "manifest.json", {"data": [form]})
    with pytest.raises(RunFolderError, match=r"the form of the data in manifest\.json is damaged"):
        experiment.load(tmp_path, data=False)


def test_a_changed_form_of_the_data_is_told(tmp_path):
    """Else samples would be of other classes, in silence."""
    form = data.form(data.digits())
    run_folder.write_json(tmp_path / "config.json", {**examples.RING, "data": {"name": "digits"}})
    for change in ({"classes": [3]}, {"num_classes": 9}, {"digest": None}, {"paired": True}):
        run_folder.write_json(tmp_path / "manifest.json", {"data": [{**form, **change}]})
        with pytest.raises(RunFolderError, match="it has changed"):
            experiment.load(tmp_path, data=False)
    assert data.of_form(form).num_classes == 10


REPORTED = {
    "config.json": ({}, {"game": 3, "scheme": {"name": "x"}}, {"game": {"name": [1]}}),
    "status.json": ({"status": "done"}, {"status": [], "step": 3, "reason": ""}, [3]),
    "eval/step_2.json": ({"scores": {"modes": "text"}}, {"scores": {"modes": [1]}}),
    "manifest.json": ([1], {"devices": 3}, {"packages": 3}),
    "comparison.json": ({}, [], {"cells": 3}, {"cells": {}, "baseline": "x"}),
}


@pytest.mark.parametrize("name", REPORTED)
def test_the_report_of_a_damaged_folder_is_refused(name, tmp_path):
    """Or it does without the file."""
    for content in REPORTED[name]:
        run_folder.write_json(tmp_path / "config.json", examples.BILINEAR)
        run_folder.write_json(tmp_path / name, content)
        with only(4):
            assert report.write(tmp_path).exists()
