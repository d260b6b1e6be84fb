"""A cache of decoded rows: equal to the rows, believed only if it is whole."""

import errno
import json
import logging
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from ganjax.data.cache import Cached, Decoded, cached
from ganjax.data.columns import digest_of
from ganjax.errors import DataError, MachineError

X = np.random.RandomState(0).randint(0, 256, (50, 4, 4, 3), np.uint8)
Y = np.arange(50, dtype=np.int32) % 7
ROWS = np.array([3, 49, 3, 0])


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch):
    """The folder of caches."""
    monkeypatch.setenv("GANJAX_CACHE", str(tmp_path / "caches"))
    return tmp_path / "caches"


@pytest.fixture
def reads():
    """How often each row was decoded."""
    return Counter()


@pytest.fixture
def make(reads):
    def read(row):
        reads[row] += 1
        return {"x": X[row], "y": Y[row]}

    def made(key="key", read=read, count=50, **options):
        return cached(key, "the source", count, read, **options)

    return made


def folder_of(root):
    (folder,) = (path for path in root.iterdir() if path.is_dir())
    return folder


@pytest.mark.parametrize("on", [True, False])
def test_rows_are_those_decoded(on, make):
    rows = make(on=on, known={"z": Y + 1})
    assert isinstance(rows, Cached if on else Decoded)
    assert len(rows) == 50
    read = rows.read(ROWS)
    for key, column in {"x": X, "y": Y, "z": Y + 1}.items():
        np.testing.assert_array_equal(read[key], column[ROWS])
        assert read[key].dtype == column.dtype
    assert rows.digest == digest_of({"x": X, "y": Y, "z": Y + 1})
    np.testing.assert_array_equal(rows.arrays["z"], Y + 1)


def test_rows_are_decoded_once(make, reads, root, caplog):
    with caplog.at_level(logging.INFO, "ganjax"):
        first = make()
    assert f"the source: cache of 0.0 MiB in {folder_of(root)}" in caplog.text
    assert reads == dict.fromkeys(range(50), 1)
    again = make()
    again.read(ROWS)
    assert reads.total() == 50
    assert again.digest == first.digest
    assert isinstance(again.arrays["x"], np.memmap)
    other = make("another key")
    assert reads.total() == 100
    assert other.digest == first.digest  # that of the content


def test_the_folder_is_beside_the_source_if_it_can_be(make, tmp_path, monkeypatch, caplog):
    monkeypatch.delenv("GANJAX_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    beside = tmp_path / "source"
    assert make(beside=beside).folder.parent == beside / ".ganjax-cache"
    closed = tmp_path / "closed"
    closed.write_text("")  # no folder can be made in a file
    assert make(beside=closed).folder.parent == tmp_path / "home" / ".cache" / "ganjax"
    assert make().folder.parent == tmp_path / "home" / ".cache" / "ganjax"
    monkeypatch.setenv("HOME", str(closed))
    assert isinstance(make(beside=closed), Decoded)
    assert "no cache, for none of" in caplog.text


def cut(folder):
    path = folder / "x.npy"
    path.write_bytes(path.read_bytes()[:-1])


def shorter(folder):
    np.save(folder / "x.npy", X[:-1])


def without_numbers(folder):
    (folder / "meta.json").write_text("{}")


DAMAGE = {
    "a column is cut": cut,
    "a column is shorter": shorter,
    "a column is gone": lambda folder: (folder / "x.npy").unlink(),
    "the description is cut": lambda folder: (folder / "meta.json").write_text("{"),
    "the description is empty": without_numbers,
    "the description is gone": lambda folder: (folder / "meta.json").unlink(),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_cache_is_made_anew(damage, make, reads, root, caplog):
    digest = make().digest
    damage(folder_of(root))
    rows = make()
    assert caplog.text.count("is damaged") == 1
    assert reads.total() == 100
    assert rows.digest == digest
    np.testing.assert_array_equal(rows.read(ROWS)["x"], X[ROWS])
    make()
    assert reads.total() == 100


def broken(row):
    if row in (3, 40):
        raise ValueError(f"no {row}\nmore")
    return {"x": X[row]}


@pytest.mark.parametrize("on", [True, False])
def test_rows_that_cannot_be_read(on, make, root, caplog):
    """They are named, or left out with what is known of them; then a cache says so again."""
    message = r"^2 of 50 images in the source cannot be read: row 3 \(no 3\), row 40 \(no 40\);"
    options = {"read": broken, "on": on, "name": "row {}".format, "hint": "mend them"}
    with pytest.raises(DataError, match=message):
        make(**options)
    assert not on or not [path for path in root.iterdir() if path.is_dir()]
    good = np.delete(np.arange(50), [3, 40])
    for _ in range(2):
        caplog.clear()
        rows = make(**options, skip_bad=True, known={"y": Y})
        assert "row 40 (no 40); left out" in caplog.text
        assert dict(rows.left_out) == {3: "no 3", 40: "no 40"}
        assert len(rows) == 48
        read = rows.read(np.arange(48))
        np.testing.assert_array_equal(read["x"], X[good])
        np.testing.assert_array_equal(read["y"], Y[good])
        assert rows.digest == digest_of({"x": X[good], "y": Y[good]})
    with pytest.raises(DataError, match=message):
        make(**options)


def gone(row):
    raise ValueError("gone")


def test_none_is_left(make):
    with pytest.raises(DataError, match=r"50 of 50 .* 19 \(gone\) and 30 more; repair"):
        make(read=gone, skip_bad=True)


def test_rows_of_several_shapes_are_refused(make):
    def read(row):
        return {"x": X[row, : 3 + (row != 9)]}

    with pytest.raises(DataError, match=r"sizes: 0 is \[4, 4, 3\] of uint8 and 9 is \[3, 4, 3\]"):
        make(read=read)


def test_an_error_while_training_names_the_row(make, reads):
    def read(row):
        reads[row] += 1
        if reads[row] > 1 and row == 49:
            raise OSError("gone")
        return {"x": X[row]}

    rows = make(read=read, on=False, name="file {}".format)
    rows.read(np.array([1, 2]))
    with pytest.raises(DataError, match=r"^the source: file 49, row 49, cannot be read \(gone\)"):
        rows.read(ROWS)


def test_a_full_disk(make, root, monkeypatch):
    free = type("Usage", (), {"free": 2399})
    monkeypatch.setattr("shutil.disk_usage", lambda path: free)
    with pytest.raises(MachineError, match=rf"needs 2600 bytes in {root}, where 2399 are free"):
        make()
    assert not list(root.glob("*.draft"))
    free.free = 10**6

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(MachineError, match="give cache=False"):
        make()
    assert not list(root.glob("*.draft"))


PROCESS = """
import os, sys, time
import numpy as np
from ganjax.data.cache import cached
killed_at = int(sys.argv[1])
def read(row):
    os.write(1, f"{row}\\n".encode())
    if row == killed_at:
        os.kill(os.getpid(), 9)
    time.sleep(0.02)
    return {"x": np.full((4, 4, 3), row, np.uint8)}
print("digest", cached("key", "the source", 200, read).digest)
"""


def test_processes_that_are_killed_or_run_at_once(root):
    """A write cut short leaves nothing; of two at once, one writes and the other waits."""

    def start(killed_at):
        command = [sys.executable, "-c", PROCESS, str(killed_at)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    killed = start(100)
    assert "digest" not in killed.communicate()[0]
    assert killed.returncode == -9
    assert len(list(root.glob("*.draft"))) == 1
    processes = [start(-1), start(-1)]
    told = [process.communicate()[0].split() for process in processes]
    assert sorted(map(len, told)) == [2, 202]
    assert told[0][-1] == told[1][-1]
    assert not list(root.glob("*.draft"))
    meta = json.loads((folder_of(root) / "meta.json").read_text())
    assert meta["columns"]["x"][:2] == ["|u1", [200, 4, 4, 3]]
