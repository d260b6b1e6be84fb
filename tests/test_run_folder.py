"""The run folder: lock, claim, metrics."""

import json

import pytest

from ganjax import run_folder
from ganjax.errors import RunFolderError


def test_one_process_at_a_time(tmp_path):
    with (
        run_folder.locked(tmp_path / "run"),
        pytest.raises(RunFolderError, match="in use by process"),
        run_folder.locked(tmp_path / "run"),
    ):
        pass
    with run_folder.locked(tmp_path / "run"):
        pass


def test_a_folder_belongs_to_its_config(tmp_path):
    config = {"steps": 5, "classes": (1, 2), "scheme": {"name": "a"}}
    run_folder.claim(tmp_path, config)
    run_folder.claim(tmp_path, config)  # tuples come back from JSON as lists
    assert run_folder.read_config(tmp_path)["steps"] == 5
    with pytest.raises(RunFolderError, match=r"scheme\.name: 'a' -> 'b'"):
        run_folder.claim(tmp_path, {**config, "scheme": {"name": "b"}})


def test_a_run_without_its_config_is_not_claimed(tmp_path):
    run_folder.append_metrics(tmp_path, {"step": 1})
    with pytest.raises(RunFolderError, match=r"no config\.json"):
        run_folder.claim(tmp_path, {"steps": 5})


def test_damage_in_the_middle_of_the_metrics_is_told(tmp_path):
    (tmp_path / "metrics.jsonl").write_text('{"step": 1}\n{"st\n{"step": 3}\n')
    with pytest.raises(RunFolderError, match="line 2 is damaged"):
        run_folder.read_metrics(tmp_path)


def test_what_is_no_run_folder(tmp_path):
    with pytest.raises(RunFolderError, match=r"no config\.json"):
        run_folder.read_config(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(RunFolderError, match="not JSON"):
        run_folder.read_config(tmp_path)


def test_metrics_of_older_runs_go_by_their_present_names(tmp_path):
    old = {"step": 1, "disc/accuracy": 0.5, "balance/k": 0.1, "loss/gen": 2.0, "time/seconds": 3.0}
    run_folder.append_metrics(tmp_path, old)
    new = {"step": 1, "accuracy/disc": 0.5, "k/disc": 0.1, "loss/gen": 2.0, "time/seconds": 3.0}
    assert run_folder.read_metrics(tmp_path) == [new]
    assert run_folder.rewind_metrics(tmp_path, 1) == [new]
    assert json.loads((tmp_path / "metrics.jsonl").read_text()) == old  # a digest vouches for it


def test_metrics_rewind(tmp_path):
    assert run_folder.read_metrics(tmp_path) == []
    for step in (1, 2, 3):
        run_folder.append_metrics(tmp_path, {"step": step, "loss/gen": step / 3})
    with open(tmp_path / "metrics.jsonl", "a") as file:
        file.write('{"step": 4, "lo')  # torn by a kill
    assert [row["step"] for row in run_folder.read_metrics(tmp_path)] == [1, 2, 3]
    assert [row["step"] for row in run_folder.rewind_metrics(tmp_path, 2)] == [1, 2]
    run_folder.append_metrics(tmp_path, {"step": 3})
    assert [row["step"] for row in run_folder.read_metrics(tmp_path)] == [1, 2, 3]


def test_status_and_manifest(tmp_path):
    run_folder.write_status(tmp_path, "diverged", 7, "why")
    status = json.loads((tmp_path / "status.json").read_text())
    told = {"status": "diverged", "step": 7, "reason": "why"}
    assert status == {**told, "row": None, "checkpoint": None}
    run_folder.append_metrics(tmp_path, {"step": 6})
    with open(tmp_path / "metrics.jsonl", "a") as file:
        file.write('{"step": 7')  # torn
    (tmp_path / "checkpoints" / "4").mkdir(parents=True)
    run_folder.write_status(tmp_path, "running", 7)
    status = json.loads((tmp_path / "status.json").read_text())
    assert (status["row"], status["checkpoint"]) == (6, 4)
    run_folder.write_manifest(tmp_path, ["cpu:0"], seed=3)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert {"jax", "flax", "optax", "ganjax"} <= manifest["packages"].keys()
    assert (manifest["seed"], manifest["devices"]) == (3, ["cpu:0"])
    assert manifest["host"]
