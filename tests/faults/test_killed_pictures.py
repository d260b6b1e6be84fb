"""Killed between the checkpoint and the picture of a step: the resumed run has all pictures."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent
KILLED = """
import os, pathlib, signal, sys
import examples
from ganjax import experiment, records, train

workdir, at, draw = pathlib.Path(sys.argv[1]), int(sys.argv[2]), records.draw

def killed(built, workdir, step, *more):
    if step == at:
        os.kill(os.getpid(), signal.SIGKILL)
    return draw(built, workdir, step, *more)

records.draw = killed
every = {"checkpoint_every": 4, "sample_every": 4, "evaluate_every": 4}
config = {**examples.SCORED, "steps": 12, "log_every": 2, "sample_count": 4, **every}
train.train(experiment.build(config), workdir)
"""


def run(folder, at):
    """Trains in a process of its own, killed before it draws a step; its exit code."""
    command = [sys.executable, "-c", KILLED, folder / "run", str(at)]
    return subprocess.run(command, cwd=TESTS, capture_output=True, check=False).returncode


def made(folder):
    """Pictures and scores by name, and the rows without times."""
    workdir = folder / "run"
    files = [workdir / "curves.png", *workdir.glob("samples/*"), *workdir.glob("eval/*")]
    lines = (workdir / "metrics.jsonl").read_text().splitlines()
    rows = [{k: v for k, v in json.loads(line).items() if "time/" not in k} for line in lines]
    return {path.relative_to(workdir): path.read_bytes() for path in files}, rows


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    assert run(folder, 0) == 0
    return made(folder)


@pytest.mark.slow
@pytest.mark.parametrize("step", [4, 8, 12])
def test_a_picture_lost_to_a_kill_is_drawn_on_resume(step, whole, tmp_path):
    assert run(tmp_path, step) == -9
    assert not (tmp_path / "run" / "samples" / f"step_{step}.png").exists()
    assert run(tmp_path, 0) == 0
    assert made(tmp_path) == whole
