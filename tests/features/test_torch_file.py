"""PyTorch's files are read without running them; other pickles are refused by name.

`zip.pth` and `older.pth` are the two formats, as torch 2.13 saved one state dict.
"""

import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from ganjax.errors import DataError
from ganjax.features.torch_file import HEAD, tensors_of

HERE = Path(__file__).parent
SAVED = {
    "norm.weight": np.ones(3, np.float32),
    "norm.bias": np.zeros(3, np.float32),
    "norm.running_mean": np.array([1, 2, 3], np.float32),
    "norm.running_var": np.ones(3, np.float32),
    "norm.num_batches_tracked": np.array(0),
    "transposed": np.arange(12, dtype=np.float32).reshape(3, 4).T,  # a view with its strides
    "row": np.arange(4, 8, dtype=np.float32),  # a view with an offset
    "double": np.array([0.5, -2.0]),
    "half": np.array([[0.25]], np.float16),
    "empty": np.zeros((0, 3), np.float32),
}


@pytest.mark.parametrize("name", ["zip.pth", "older.pth"])
def test_tensors_of_both_formats(name):
    found = tensors_of(HERE / name)
    assert list(found) == list(SAVED)
    for key, expected in SAVED.items():
        np.testing.assert_array_equal(found[key], expected, strict=True)


@pytest.mark.parametrize("name", ["zip.pth", "older.pth"])
def test_a_file_that_is_cut_short(name, tmp_path):
    whole = (HERE / name).read_bytes()
    for length in (0, 20, len(whole) // 2, len(whole) - 1):
        (tmp_path / "x.pth").write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"x\.pth cannot be read as weights of PyTorch: "):
            tensors_of(tmp_path / "x.pth")


class Command:
    """A pickle that runs a command of the shell when it is loaded."""

    def __init__(self, path):
        self.line = f"touch {path}"

    def __reduce__(self):
        return os.system, (self.line,)


def zipped(path, value):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/data.pkl", value)
        archive.writestr("x/data/0", np.arange(6, dtype="<f4").tobytes())


def older(path, value):
    path.write_bytes(b"".join(pickle.dumps(head, 2) for head in HEAD) + value)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("write", [zipped, older, Path.write_bytes])
def test_a_pickle_that_runs_commands(write, protocol, tmp_path):
    path, ran = tmp_path / "x.pth", tmp_path / "ran"
    value = pickle.dumps({"a": Command(ran)}, protocol)
    pickle.loads(value)
    assert ran.exists()
    ran.unlink()
    write(path, value)
    with pytest.raises(DataError) as caught:
        tensors_of(path)
    assert not ran.exists()
    if protocol >= 2:
        assert f"it names {os.system.__module__}.system, which a state dict" in str(caught.value)


STORAGE = b"((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x06tQ"
REBUILD = b"ctorch._utils\n_rebuild_tensor_v2\n"


def of_tensor(offset=b"K\0", shape=b"K\x06\x85", strides=b"K\x01\x85"):
    """The pickle {"a": tensor} with a view of a storage of 6 numbers."""
    name = b"X\x01\0\0\0a"
    return b"\x80\x02}" + name + REBUILD + STORAGE + offset + shape + strides + b"\x89NtRs."


def test_a_tensor_by_hand(tmp_path):
    zipped(tmp_path / "x.pth", of_tensor(b"K\x01", b"K\x02K\x02\x86", b"K\x03K\x01\x86"))
    np.testing.assert_array_equal(tensors_of(tmp_path / "x.pth")["a"], [[1, 2], [4, 5]])


REFUSED = {
    "beyond the storage": (of_tensor(shape=b"K\x07\x85"), "the tensor a is cut short"),
    "from the end": (of_tensor(offset=b"J\xff\xff\xff\xff"), "the tensor a is cut short"),
    "backwards": (of_tensor(strides=b"J\xff\xff\xff\xff\x85"), "the tensor a is cut short"),
    "repeated": (of_tensor(shape=b"K\x07\x85", strides=b"K\0\x85"), "the tensor a is cut short"),
    "of no numbers": (of_tensor(shape=b"NK\x01\x86"), ""),
    "a storage called": (b"\x80\x02ctorch\nFloatStorage\n)R.", "it calls torch FloatStorage"),
    "a number": (b"\x80\x02}X\x01\0\0\0aK\x01s.", "it holds no state dict"),
    "nothing": (b"\x80\x02}.", "it holds no state dict"),
    "an instance": (b"(iposix\nsystem\n.", "it has the opcode INST"),
    "an empty stack": (b"\x80\x02t.", ""),
}


@pytest.mark.parametrize("case", REFUSED)
def test_other_pickles(case, tmp_path):
    value, message = REFUSED[case]
    zipped(tmp_path / "x.pth", value)
    with pytest.raises(DataError, match=f"cannot be read as weights of PyTorch: {message}"):
        tensors_of(tmp_path / "x.pth")


def test_other_archives(tmp_path):
    np.savez(tmp_path / "x.pth.npz", a=np.zeros(3))
    with pytest.raises(DataError, match=r"the zip has no data\.pkl"):
        tensors_of(tmp_path / "x.pth.npz")
    with zipfile.ZipFile(tmp_path / "x.pth", "w") as archive:
        archive.writestr("x/data.pkl", of_tensor())
        archive.writestr("x/byteorder", b"big")
    with pytest.raises(DataError, match="its numbers are big-endian"):
        tensors_of(tmp_path / "x.pth")
