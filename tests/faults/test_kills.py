"""A run that is killed at any moment and called again leaves the bits of one that was not."""

import os
import random
import shutil
import signal
import time
from collections import Counter
from pathlib import Path

import killing
import pytest
from forked import Commands

from ganjax import experiment

TESTS = Path(__file__).parent.parent
LIVES = int(os.environ.get("GANJAX_LIVES", 6))  # ended by a kill, of all runs together
FOLDERS = ("", "checkpoints", "best", "samples", "eval")


def names(workdir):
    """All names in a run folder, those within drafts too, and the size of metrics.jsonl."""
    found = set()
    for folder in FOLDERS:
        for path in sorted((workdir / folder).glob("*")):
            found.add(path)
            if path.name.endswith(".draft"):
                found.update(path.glob("*"))
    try:
        found.add(os.stat(workdir / "metrics.jsonl").st_size)
    except OSError:
        pass
    return found


def watched(commands, process, workdir, changes):
    """Kills a process after it has changed the folder's names so often.

    Returns:
      The number of changes, and the exit code.
    """
    seen, count = names(workdir), 0
    while count < changes:
        code = commands.ended(process)
        if code is not None:
            return count, code
        found = names(workdir)
        count, seen = count + (found != seen), found
        time.sleep(0.001)
    os.kill(process, signal.SIGKILL)
    return count, commands.wait(process)


def underway(workdir):
    """The kind of file that a killed process was writing."""
    drafts = [path.relative_to(workdir) for path in workdir.rglob(".*.draft")]
    return "a " + " and a ".join(sorted(str(path.parent) for path in drafts)) if drafts else "none"


@pytest.mark.slow
def test_killed_at_any_moment(tmp_path, monkeypatch):
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    (tmp_path / "data").mkdir()
    cells, draw, at, seconds = killing.cells(tmp_path / "data"), random.Random(0), Counter(), []
    with Commands() as commands:
        for index, (name, config) in enumerate(cells.items()):
            kills = LIVES * (index + 1) // len(cells) - LIVES * index // len(cells)
            if not kills:
                continue
            path, err = tmp_path / "config.py", tmp_path / "err"
            path.write_text(
                "from ml_collections import ConfigDict\n"
                f"def get_config(): return ConfigDict({config!r})\n"
            )
            whole, killed = tmp_path / "whole" / "run", tmp_path / "killed" / "run"

            def start(workdir):
                workdir.mkdir(parents=True, exist_ok=True)
                return commands.start(err, "train", "--config", path, "--workdir", workdir)

            changes, code = watched(commands, start(whole), whole, float("inf"))
            assert code == 0, err.read_text()
            built = experiment.build(config)
            expected = killing.left(built, whole)
            print(name, changes)
            while kills:
                began = time.monotonic()
                process = start(killed)
                _, code = watched(commands, process, killed, draw.randint(1, changes // 3))
                if code == 0:
                    assert killing.equal(killing.left(built, killed), expected)
                    shutil.rmtree(killed)
                else:
                    assert code == 137, err.read_text()
                    seconds.append(time.monotonic() - began)
                    at[underway(killed)] += 1
                    kills -= 1
            assert commands.wait(start(killed)) == 0, err.read_text()
            assert killing.equal(killing.left(built, killed), expected)
            shutil.rmtree(tmp_path / "whole")
            shutil.rmtree(tmp_path / "killed")
    print(f"{sum(at.values())} kills, {sum(seconds) / len(seconds):.1f} s each; drafts left: {at}")
