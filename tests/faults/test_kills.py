"""A run that is killed at any moment and called again leaves the bits of one that was not."""

import contextlib
import os
import random
import shutil
import signal
import time
from collections import Counter
from functools import partial
from pathlib import Path

import killing
import pytest
from forked import Commands
from killing import equal, left
from marks import marked

from ganjax import checkpoints, experiment, run_folder, train

pytestmark = pytest.mark.usefixtures("shared_chunks")
TESTS = Path(__file__).parent.parent
LIVES = int(os.environ.get("GANJAX_LIVES", 6))  # ended by a kill, of all runs together
SHORT = {**killing.POINTS, "steps": 4, "log_every": 1, "checkpoint_every": 2, "sample_every": 2}
SHORT |= {"evaluate_every": 2, "keep_checkpoints": 1}


@pytest.fixture(scope="module")
def short():
    return experiment.build(SHORT)


@pytest.mark.parametrize("every", marked([25, 1], default=[25]))
def test_killed_before_any_change(every, short, tmp_path, monkeypatch):
    """A copy of the folder before a file is flushed, named or removed is what a kill leaves."""
    whole, changes = tmp_path / "whole" / "run", []
    monkeypatch.setattr(train, "installed", dict)

    def copied(write, *arguments, **options):
        changes.append(write)
        if len(changes) % every == 0:
            shutil.copytree(whole, tmp_path / str(len(changes)) / "run")
        return write(*arguments, **options)

    with monkeypatch.context() as patch:
        writers = [(os, name) for name in ("replace", "fsync", "unlink", "rmdir")]
        for owner, name in (*writers, (run_folder, "append_metrics")):
            patch.setattr(owner, name, partial(copied, getattr(owner, name)))
        train.train(short, whole)
    expected = left(short, whole)
    assert len(changes) >= 40
    for count in range(every, len(changes) + 1, every):
        killed = tmp_path / str(count) / "run"
        train.train(short, killed)
        assert equal(left(short, killed), expected), count


@pytest.mark.slow
def test_resumed_at_each_of_50_steps(tmp_path, monkeypatch):
    monkeypatch.setattr(train, "installed", dict)
    every = {"checkpoint_every": 1, "sample_every": 20, "evaluate_every": 17}
    built = experiment.build({**SHORT, **every, "steps": 51, "keep_checkpoints": 51})
    whole = tmp_path / "whole" / "run"
    train.train(built, whole)
    expected = left(built, whole)
    for step in range(1, 51):
        workdir = tmp_path / str(step) / "run"
        shutil.copytree(whole, workdir)
        for later in checkpoints.steps(workdir / "checkpoints")[step:]:
            shutil.rmtree(workdir / "checkpoints" / str(later))
        assert train.train(built, workdir).step == 51
        assert equal(left(built, workdir), expected), step
        shutil.rmtree(workdir)


def names(workdir):
    """All names in a run folder, those within drafts too, and the size of metrics.jsonl."""
    found = set()
    for folder in ("", "checkpoints", "best", "samples", "eval"):
        for path in (workdir / folder).glob("*"):
            found.add(path)
            if path.name.endswith(".draft"):
                with contextlib.suppress(FileNotFoundError):  # renamed since
                    found.update(path.glob("*"))
    with contextlib.suppress(OSError):
        found.add((workdir / "metrics.jsonl").stat().st_size)
    return found


def watched(commands, process, workdir, changes):
    """Kills a process as soon as it has changed the folder's names so often.

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


@pytest.fixture
def start(tmp_path, monkeypatch):
    """`(commands, config, workdir) -> process` that trains; its messages are in `err`."""
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    path = tmp_path / "config.py"

    def start(commands, config, workdir):
        workdir.mkdir(parents=True, exist_ok=True)
        path.write_text(
            "from ml_collections import ConfigDict\n"
            f"def get_config(): return ConfigDict({config!r})\n"
        )
        return commands.start(tmp_path / "err", "train", "--config", path, "--workdir", workdir)

    return start


@pytest.mark.slow
def test_killed_at_any_moment(tmp_path, start):
    """After a number of changes of the folder that is drawn, from the outside."""
    (tmp_path / "data").mkdir()
    cells, draw, drafts, seconds = killing.cells(tmp_path / "data"), random.Random(0), Counter(), []
    with Commands() as commands:
        for index, (name, config) in enumerate(cells.items()):
            kills = LIVES // len(cells) + (index < LIVES % len(cells))
            if not kills:
                continue
            whole, killed = (tmp_path / name / part / "run" for part in ("whole", "killed"))
            process = start(commands, config, whole)
            changes, code = watched(commands, process, whole, float("inf"))
            assert code == 0, (tmp_path / "err").read_text()
            built = experiment.build(config)
            expected = left(built, whole)
            while kills or code:
                began, at = time.monotonic(), draw.randint(1, changes // 3)
                process = start(commands, config, killed)
                _, code = watched(commands, process, killed, at if kills else float("inf"))
                if code == 0:
                    assert equal(left(built, killed), expected), name
                    shutil.rmtree(killed)
                    continue
                assert code == 137, (tmp_path / "err").read_text()
                seconds.append(time.monotonic() - began)
                drafts.update({path.parent.name for path in killed.rglob(".*.draft")} or {"none"})
                kills -= 1
    print(f"{len(seconds)} kills, {sum(seconds) / len(seconds):.1f} s each; left drafts: {drafts}")
