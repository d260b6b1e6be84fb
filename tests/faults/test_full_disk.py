"""A full disk: exit 8 in one line, nothing half written, and the run goes on once there is room."""

import errno
import os
import shutil
import subprocess

import examples
import jax
import numpy as np
import orbax.checkpoint as ocp
import pytest
from forked import Commands
from marks import telling
from PIL import Image

from ganjax import disk, experiment, files, pictures, run_folder, train
from ganjax.disclosure import Disclosure
from ganjax.errors import DataError, MachineError

pytestmark = pytest.mark.usefixtures("shared_chunks")
RING = {
    **examples.RING,
    "steps": 2,
    "log_every": 2,
    "checkpoint_every": 2,
    "sample_every": 2,
    "evaluate_every": 2,
    "evaluation": {"name": "modes"},
    "best": {"name": "modes"},
    "evaluation_samples": 50,
    "sample_count": 4,
}


def test_a_draft_never_replaces_a_whole_file(tmp_path):
    path = tmp_path / "made" / "curves.png"
    image = np.zeros((4, 4, 1), np.uint8)
    pictures.save_image(path, image, disclosure=Disclosure("run"))
    before = path.read_bytes()

    def half(file):
        file.write(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OSError, match="No space left"), files.replaced(path) as file:
        half(file)
    assert [*path.parent.iterdir()] == [path]
    assert path.read_bytes() == before


def test_errors_of_a_full_disk_are_told_from_others(tmp_path):
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    quota = ValueError(f"RESOURCE_EXHAUSTED: ... {os.strerror(errno.EDQUOT)} [os_error_code='122']")
    wrapped = RuntimeError("in a thread")
    wrapped.__cause__ = full
    for error in (full, quota, wrapped):
        with (
            pytest.raises(MachineError, match=r"full: at least 1,234 bytes .*, [\d,]+ bytes are"),
            disk.writing(tmp_path / "not" / "there", 1234),
        ):
            raise error
    for error in (KeyError("x"), OSError(errno.EACCES, "denied"), DataError("no")):
        with pytest.raises(type(error)), disk.writing(tmp_path):
            raise error


class Full:
    """A disk that is full at one write, and has room again after it."""

    def __init__(self, patch, at=None):
        self.count, self.at = 0, at
        for owner, name in (
            (os, "fsync"),
            (run_folder, "append_metrics"),
            (ocp.StandardCheckpointer, "save"),
        ):
            patch.setattr(owner, name, self.limited(getattr(owner, name)))

    def limited(self, write):
        def limited(*arguments, **options):
            self.count += 1
            if self.count == self.at:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return write(*arguments, **options)

        return limited


@telling
def test_every_write_may_fail(tmp_path, monkeypatch):
    """One after another; each is told, leaves no draft, and the same command completes the run."""
    built = experiment.build(RING)
    monkeypatch.setattr(train, "installed", dict)  # sinks fail on their own
    with monkeypatch.context() as patch:
        whole = Full(patch)
        train.train(built, tmp_path / "whole" / "run")
    assert whole.count >= 14
    expected = experiment.restore(built, tmp_path / "whole" / "run").state
    for at in range(1, whole.count + 1):
        workdir = tmp_path / str(at) / "run"
        with monkeypatch.context() as patch:
            Full(patch, at)
            with pytest.raises(MachineError, match=f"the disk of {workdir}.* is full: .* are free"):
                train.train(built, workdir)
        assert not [*workdir.rglob("*.draft*")]
        if (workdir / "status.json").exists():  # it is not the first file
            status = run_folder.read_json(workdir / "status.json")
            assert status["status"] == "failed"
            assert "is full" in status["reason"]
        for picture in workdir.rglob("*.png"):
            Image.open(picture).load()
        train.train(built, workdir)
        jax.tree.map(
            np.testing.assert_array_equal, experiment.restore(built, workdir).state, expected
        )
        assert examples.untimed(workdir) == examples.untimed(tmp_path / "whole" / "run")
    print(f"{whole.count} writes failed in turn")


def test_an_error_of_a_save_is_the_exit_code(called, tmp_path, monkeypatch):
    """The first of two, which is written beside the training."""
    config = {**examples.BILINEAR, "steps": 4, "log_every": 2, "checkpoint_every": 2}
    path = tmp_path / "config.py"
    path.write_text(
        f"from ml_collections import ConfigDict\ndef get_config(): return ConfigDict({config!r})\n"
    )

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(ocp.StandardCheckpointer, "save", full)
    done = called("train", "--config", path, "--workdir", tmp_path / "run")
    assert done.code == 8
    *_, last = done.err.splitlines()
    folder = tmp_path / "run" / "checkpoints"
    assert last.startswith(f"error: the disk of {folder} is full: at least ")
    assert [*folder.iterdir()] == []


@pytest.fixture
def small_disk(tmp_path):
    """`size -> folder` on a disk of so many KiB; skipped where nothing can be mounted."""
    place = tmp_path / "disk"
    place.mkdir()

    def mounted(size):
        options = ["-t", "tmpfs", "-o", f"size={size}k", "none", str(place)]
        if shutil.which("mount") is None or subprocess.run(["mount", *options]).returncode:
            pytest.skip("no permission to mount")
        return place

    yield mounted
    subprocess.run(["umount", str(place)])


@pytest.mark.slow
@pytest.mark.parametrize("size", [8, 24, 40, 60, 80, 100, 130, 160, 200, 240, 280, 320, 360, 400])
def test_a_small_disk(size, small_disk, tmp_path, commands):
    """A real one, filled by a real process: what orbax and its threads say is not shown."""
    config, err = tmp_path / "config.py", tmp_path / "err"
    longer = {**RING, "steps": 12}
    config.write_text(
        f"from ml_collections import ConfigDict\ndef get_config(): return ConfigDict({longer!r})\n"
    )
    place = small_disk(size)
    flags = ("train", "--config", config, "--workdir", place / "run")
    assert commands.run(err, *flags) == 8, err.read_text()
    *_, last = err.read_text().splitlines()
    assert last.startswith(f"error: the disk of {place / 'run'}")
    assert "Traceback" not in err.read_text()
    assert not [*(place / "run").rglob("*.draft*")]
    subprocess.run(["mount", "-o", "remount,size=4m", str(place)], check=True)
    assert commands.run(err, *flags) == 0, err.read_text()
    assert run_folder.read_json(place / "run" / "status.json")["status"] == "done"


@pytest.fixture(scope="module")
def commands(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        cache = tmp_path_factory.mktemp("cache")
        patch.setenv("JAX_COMPILATION_CACHE_DIR", str(cache))
        patch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
        with Commands() as started:
            yield started
