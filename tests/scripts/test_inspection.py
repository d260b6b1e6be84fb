"""`ganjax inspect` of run folders: digests verified, and the step that training resumes from."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import examples
import pytest

from ganjax import experiment, train
from ganjax.errors import CheckpointError, RunFolderError

pytestmark = pytest.mark.usefixtures("shared_chunks")
SCRIPTS = Path(__file__).parent.parent.parent / "scripts"
TOY = {**examples.BILINEAR, "steps": 4, "log_every": 1, "checkpoint_every": 2}


@pytest.fixture(scope="module")
def whole(shared_chunks, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("whole") / "run"
    train.train(experiment.build(TOY), workdir)
    return workdir


@pytest.fixture
def run(whole, tmp_path):
    return Path(shutil.copytree(whole, tmp_path / "run"))


def test_a_run_is_shown(here, run, tmp_path):
    out = tmp_path / "out.json"
    printed = here("inspection", run, "--json", out).splitlines()
    found = json.loads(out.read_text())[str(run)]
    assert printed[0] == f"{run}:"
    assert printed[-1].split() == ["resumes", "4"]
    assert found["checkpoints"] == {step: "intact, data None" for step in "24"}
    assert (found["steps"], found["rows"], found["resumes"]) == (4, "4, to step 4", 4)


def test_damage_is_named(here, run, capsys):
    (run / "checkpoints" / "4").rename(run / "checkpoints" / "9999")
    with open(run / "metrics.jsonl", "a", encoding="utf-8") as file:
        file.write('{"step"')
    printed = here("inspection", run)
    assert "9999: the folder's name is 9999, the manifest's step 4" in printed
    assert "4, to step 4, 1 damaged" in printed
    assert printed.splitlines()[-1].split() == ["resumes", "2"]
    shutil.rmtree(run / "checkpoints" / "2")
    with pytest.raises(CheckpointError, match="no intact checkpoint"):
        here("inspection", run)
    assert "9999: the folder's name" in capsys.readouterr().out


def test_lost_rows_are_named(here, run):
    (run / "metrics.jsonl").unlink()
    with pytest.raises(RunFolderError, match="4 of 4 rows are missing, between step 0 and step 4"):
        here("inspection", run)


def test_a_run_that_saved_nothing_starts_again(here, run, tmp_path):
    shutil.rmtree(run / "checkpoints")
    assert here("inspection", run).splitlines()[-1].split() == ["resumes", "0"]
    with pytest.raises(RunFolderError, match="is not a run folder"):
        here("inspection", tmp_path)


def test_the_script_hides_no_standard_library(run):
    """`inspect` beside a script is found before the library's."""
    done = subprocess.run(
        [sys.executable, SCRIPTS / "inspect.py", run], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1].split() == ["resumes", "4"]
    code = f"import sys; sys.path.insert(0, {str(SCRIPTS)!r}); import inspect; inspect.ismodule"
    subprocess.run([sys.executable, "-c", code], check=True)
