"""One process at a time in a folder, whatever happens to its lock."""

import json
import os
import subprocess
import sys
import time

import examples
import pytest
from forked import until
from marks import telling

from ganjax import consistency, experiment, run_folder, train
from ganjax.errors import RunFolderError

pytestmark = pytest.mark.usefixtures("shared_chunks")
TOY = {**examples.BILINEAR, "steps": 20, "log_every": 5, "checkpoint_every": 5}
TOY["scheme"] = {"name": "simultaneous"}


def test_a_removed_lock_still_locks(tmp_path):
    """The folder is locked; the holder writes its record again before its next save."""
    with run_folder.locked(tmp_path) as held:
        record = (tmp_path / "lock").read_text()
        assert record.startswith(f"process {os.getpid()} on {os.uname().nodename} since 20")
        (tmp_path / "lock").unlink()
        with pytest.raises(RunFolderError, match="in use by another process"):
            run_folder.locked(tmp_path).__enter__()
        held()
        assert (tmp_path / "lock").read_text() == record
        with pytest.raises(RunFolderError, match=rf"in use by process {os.getpid()} on .* since"):
            run_folder.locked(tmp_path).__enter__()
    with run_folder.locked(tmp_path):
        pass


def test_a_folder_that_is_moved_or_replaced_is_not_written(tmp_path):
    workdir = tmp_path / "run"
    with run_folder.locked(workdir) as held:
        workdir.rename(tmp_path / "moved")
        with pytest.raises(RunFolderError, match="was moved or replaced"):
            held()
        workdir.mkdir()
        with pytest.raises(RunFolderError, match="was moved or replaced"):
            held()


def test_another_host_is_named(tmp_path, caplog):
    """One whose lock is not seen here, as on some network file systems."""
    other = "process 7 on elsewhere since 2026-11-30T00:00:00Z"
    with run_folder.locked(tmp_path) as held:
        (tmp_path / "lock").write_text(f"{other}\n")
        with pytest.raises(RunFolderError, match=f"taken over by {other}"):
            held()
    assert (tmp_path / "lock").read_text().strip() == other  # it is not ours to clear
    with run_folder.locked(tmp_path):
        assert f"was not released by {other}" in caplog.text


def test_a_lock_that_is_a_link_is_not_followed(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("kept")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "lock").symlink_to(victim)
    with pytest.raises(OSError, match="lock"):
        run_folder.locked(tmp_path / "run").__enter__()
    assert victim.read_text() == "kept"


def test_a_folder_that_nothing_came_of_is_removed(tmp_path):
    with run_folder.locked(tmp_path / "new"):
        pass
    assert not (tmp_path / "new").exists()
    (tmp_path / "old").mkdir()
    with run_folder.locked(tmp_path / "old"):
        pass
    assert (tmp_path / "old").exists()


@pytest.mark.parametrize("after", [5, 10, 15])
def test_a_run_that_is_taken_over_saves_nothing_more(after, tmp_path, monkeypatch):
    def taken(workdir, row):
        line = append(workdir, row)
        if row["step"] == after:
            before = workdir / "checkpoints" / str(after - 5)
            until(lambda: after == 5 or before.exists())
            (workdir / "lock").write_text("process 7 on elsewhere since 2026\n")
        return line

    append = run_folder.append_metrics
    with monkeypatch.context() as patch:
        patch.setattr(run_folder, "append_metrics", taken)
        with pytest.raises(RunFolderError, match="taken over by process 7 on elsewhere"):
            train.train(experiment.build(TOY), tmp_path)
    saved = sorted(int(path.name) for path in (tmp_path / "checkpoints").glob("[0-9]*"))
    assert max(saved, default=0) == after - 5


def test_a_save_underway_is_not_put_in_place_once_another_has_taken_over(tmp_path, monkeypatch):
    def taken(self):
        sync(self)
        (tmp_path / "lock").write_text("process 7 on elsewhere since 2026\n")

    sync = consistency.Rows.sync
    monkeypatch.setattr(consistency.Rows, "sync", taken)
    with pytest.raises(RunFolderError, match="taken over by process 7 on elsewhere"):
        train.train(experiment.build(TOY), tmp_path)
    assert [*(tmp_path / "checkpoints").iterdir()] == []


@telling
def test_a_second_process_is_refused_before_jax_is_imported(tmp_path):
    """Of `train` and `compare`; the seconds are those of a start and of the flags."""
    config = tmp_path / "config.py"
    config.write_text(
        "from ml_collections import ConfigDict\n"
        f"def get_config(): return ConfigDict({json.dumps(TOY)})\n"
    )
    with run_folder.locked(tmp_path / "run"):
        for command, name in (("train", str(config)), ("compare", "compare_bilinear")):
            flags = ["--config", name, "--workdir", str(tmp_path / "run")]
            program = (
                "import sys; from ganjax import commands\n"
                "try: commands.main()\n"
                "finally: assert 'jax' not in sys.modules"
            )
            began = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-c", program, command, *flags], capture_output=True, text=True
            )
            print(f"{command} refused after {time.perf_counter() - began:.2f} s")
            assert done.returncode == 4, done.stderr
            assert f"in use by process {os.getpid()} on" in done.stderr
            assert len(done.stderr.splitlines()) == 1
