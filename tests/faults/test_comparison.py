"""A comparison with a cell that fails, or with damaged files, is finished and says so."""

import contextlib
import json

import examples
import numpy as np
import pytest

from ganjax import comparison, experiment, run_folder, standings, sweep
from ganjax.errors import ConfigError, RunFolderError
from ganjax.sweep import plan, record, study

CELLS = {"base": {}, "faster": {"gen_tx": {"learning_rate": 0.2}}}
ASKED = {
    "question": "?",
    "base": "toy",
    "score": "distance",
    "seeds": 2,
    "budget": {"steps": 4},
    "looks": 2,
}


def asked(cells=CELLS, **changes):
    return comparison.resolve({**ASKED, "cells": cells, **changes}, lambda _: examples.BILINEAR)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    sweep.run(asked(), folder, "map")
    return folder


def files(folder):
    return {path.name: path.read_bytes() for path in sorted((folder / "cells").glob("*.json"))}


def test_a_cell_that_cannot_be_built_stops_all_before_anything(tmp_path, monkeypatch):
    built = experiment.build

    def build(config):
        if config["gen_tx"]["learning_rate"] == 0.2:
            raise ZeroDivisionError("division by zero")
        return built(config)

    monkeypatch.setattr(experiment, "build", build)
    with pytest.raises(ConfigError, match=r"in cell 'faster': ZeroDivisionError: division by zero"):
        sweep.run(asked(), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"lock"}


def test_a_cell_that_fails_while_trained_is_a_result(tmp_path, made, monkeypatch):
    """Two cells share a program; the one that fails does not take the other with it."""
    scores = record._scores

    def failing(built, state, seed):
        if state.step == 2 and state.params.gen[0] < 0.7:  # 0.584 with the larger rate, else 0.791
            raise OSError("a file server has gone")
        return scores(built, state, seed)

    monkeypatch.setattr(record, "_scores", failing)
    sweep.run(asked(), tmp_path, "map")
    found = sweep.read(tmp_path)
    assert found["base"]["status"] == ["done"] * 2
    assert files(tmp_path)["base.json"] == files(made)["base.json"]
    assert found["faster"]["status"] == ["failed"] * 2
    assert found["faster"]["reason"].startswith("OSError: a file server has gone (")
    table = standings.table(tmp_path)
    rows = {row["cell"]: row for row in table["rows"]}
    assert rows["base"]["failed"] is None
    assert rows["faster"]["failed"] == found["faster"]["reason"]
    assert "failed: OSError: a file server has gone" in standings.text(table, found)
    monkeypatch.setattr(study, "planned", None)  # a result is not trained again
    sweep.run(asked(), tmp_path, "map")


def test_growth_beyond_the_bound_is_a_divergence(tmp_path):
    cells = {"bounded": {"largest_parameter": 1}, "free": {"largest_parameter": 0}}
    sweep.run(asked(cells, shared={"game": {"start": (2.0, 2.0)}}), tmp_path, "map")
    found = sweep.read(tmp_path)
    assert found["bounded"]["status"] == ["diverged"] * 2
    assert found["bounded"]["stopped_at"] == [0] * 2
    assert found["free"]["status"] == ["done"] * 2


DAMAGES = {
    "torn": lambda text: text[: len(text) // 2],
    "emptied": lambda text: b"",
    "a list": lambda text: b"[]",
    "no text": lambda text: b"\xff\xfe" + text,
    "other keys": lambda text: b'{"odd": 1}',
}


@contextlib.contextmanager
def changed(path, text):
    """The file with another content."""
    before = path.read_bytes()
    path.write_bytes(text)
    yield
    path.write_bytes(before)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("file", ["cells/base.json", "cells/base.npz", "costs/base.json"])
def test_a_damaged_file_of_a_cell_counts_as_missing(file, damage, made, caplog):
    path = made / file
    with changed(path, DAMAGES[damage](path.read_bytes())):
        assert list(sweep.read(made)) == ["faster"]
        assert standings.table(made)["missing"] == ["base"]
    assert "cell base counts as missing" in caplog.text
    assert str(path) in caplog.text


@pytest.mark.parametrize("file", ["cells/base.json", "costs/base.json"])
def test_a_changed_number_is_found(file, made):
    content = run_folder.read_json(made / file)
    numbers = content["scores"]["distance"][-1] if "scores" in content else content["seconds"]
    numbers[0] += 0.125
    with changed(made / file, json.dumps(content).encode()):
        assert list(sweep.read(made)) == ["faster"]


def test_changed_arrays_and_swapped_cells_are_found(made, tmp_path):
    with np.load(made / "cells" / "base.npz") as file:
        arrays = dict(file)
    arrays["way"][0, 0, 0] += 1
    np.savez_compressed(tmp_path / "changed.npz", **arrays)
    with changed(made / "cells" / "base.npz", (tmp_path / "changed.npz").read_bytes()):
        assert list(sweep.read(made)) == ["faster"]
    with contextlib.ExitStack() as stack:
        for part in ("cells/{}.json", "cells/{}.npz", "costs/{}.json"):
            other = (made / part.format("faster")).read_bytes()
            stack.enter_context(changed(made / part.format("base"), other))
        assert list(sweep.read(made)) == ["faster"]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_plans_count_as_missing(damage, made, caplog):
    path = made / "plan.json"
    with changed(path, DAMAGES[damage](path.read_bytes())):
        assert plan._read(path) == {}
    assert str(path) in caplog.text


def test_damaged_files_are_made_again(made):
    """The result is the same bits."""
    before = files(made)
    for name in ("plan.json", "cells/base.json", "costs/faster.json"):
        (made / name).write_bytes((made / name).read_bytes()[:20])
    sweep.run(asked(), made, "map")
    assert files(made) == before
    assert list(sweep.read(made)) == ["base", "faster"]
    assert json.loads((made / "plan.json").read_text())["base,faster"]["steps"] == 4


def test_folders_without_digests_and_newer_settings_stay_readable(made, monkeypatch):
    before = sweep.read(made)
    for path in (*made.glob("c*/*.json"), made / "plan.json"):
        content = run_folder.read_json(path)
        del content["content_sha256"]
        run_folder.write_json(path, content)
    whole = (made / "comparison.json").read_bytes()
    described = run_folder.read_json(made / "comparison.json")
    for cell in described["cells"].values():
        del cell["largest_parameter"]
    run_folder.write_json(made / "comparison.json", described)
    with monkeypatch.context() as patch:
        patch.setattr(study, "planned", None)  # nothing is trained
        sweep.run(asked(), made, "map")
    assert (made / "comparison.json").read_bytes() == whole
    again = sweep.read(made)
    assert list(again) == list(before)
    np.testing.assert_array_equal(again["base"]["way"], before["base"]["way"])


def test_a_damaged_description_is_refused(made):
    path = made / "comparison.json"
    whole = path.read_bytes()
    for text in (whole[:40], b"", b"[]", b"{}"):
        path.write_bytes(text)
        with pytest.raises(RunFolderError, match=r"comparison\.json is damaged"):
            sweep.run(asked(), made, "map")
        with pytest.raises(RunFolderError, match=r"comparison\.json is damaged"):
            sweep.read(made)
    path.unlink()
    sweep.run(asked(), made, "map")
    assert path.read_bytes() == whole
