"""Files of the user's: what is read, and what each mistake is told."""

import numpy as np
import pytest

from ganjax.data import samples_of_file
from ganjax.errors import DataError

SHAPE = (4, 4, 3)
GOOD = np.linspace(-1, 1, 2 * 48).reshape(2, *SHAPE)


def test_both_kinds_are_read(tmp_path):
    np.save(tmp_path / "x.npy", GOOD)
    np.savez(tmp_path / "x.npz", x=GOOD, other=1)
    for name in ("x.npy", "x.npz"):
        x = samples_of_file(tmp_path / name, SHAPE)
        assert x.dtype == np.float32
        np.testing.assert_array_equal(x, GOOD.astype("f"))
    np.save(tmp_path / "points.npy", np.array([[5]]))  # only images have a range
    assert samples_of_file(tmp_path / "points.npy", (1,)) == 5


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (GOOD[0], r"shape \(4, 4, 3\); expected \[n, 4, 4, 3\]"),
        (GOOD[:, :3], r"samples of shape \(3, 4, 3\); expected \(4, 4, 3\): resize or crop"),
        (GOOD[..., :1], r"samples of shape \(4, 4, 1\); expected \(4, 4, 3\): give them 3 chan"),
        (GOOD[:0], "no samples"),
        (np.where(GOOD > 0.9, np.nan, GOOD), "not finite"),
        (127.5 * (GOOD + 1), "pixels from 0 to 255; expected -1 to 1, which x / 127.5"),
        (GOOD > 0, "values of type bool"),
        (GOOD.astype(object), "cannot be read as a npz or npy file"),
    ],
)
def test_arrays_that_are_not_images_are_refused(x, message, tmp_path):
    np.save(tmp_path / "x.npy", x)
    np.savez(tmp_path / "x.npz", x=x)
    for name in ("x.npy", "x.npz"):
        with pytest.raises(DataError, match=message):
            samples_of_file(tmp_path / name, SHAPE)


def test_files_that_are_no_arrays_are_refused(tmp_path):
    (tmp_path / "text.npz").write_text("no zip")
    (tmp_path / "empty.npy").write_bytes(b"")
    (tmp_path / "cut.npz").write_bytes(b"PK\x03\x04")
    np.savez(tmp_path / "y.npz", y=GOOD)
    for name, message in (
        (".", "is a folder"),
        ("nothing.npz", "No such file"),
        ("text.npz", "cannot be read"),
        ("empty.npy", "cannot be read"),
        ("cut.npz", "cannot be read"),
        ("y.npz", "holds y; expected an array x"),
    ):
        with pytest.raises(DataError, match=message):
            samples_of_file(tmp_path / name, SHAPE)
