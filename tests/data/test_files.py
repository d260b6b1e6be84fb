"""Files of the user's: arrays that are read, and the message of each mistake."""

import numpy as np
import pytest

from ganjax.data import arrays, checked, examples, parsed_range, samples_of_file
from ganjax.errors import ConfigError, DataError

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


def test_points_are_finite_as_float32(tmp_path):
    np.save(tmp_path / "points.npy", np.array([[1e300]]))
    for read in (lambda path: samples_of_file(path, (1,)), arrays):
        with pytest.raises(DataError, match=r"npy has values from 1e\+300 .*, beyond float32"):
            read(tmp_path / "points.npy")


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


BYTES = np.random.RandomState(0).randint(0, 256, (4, 16, 16, 1), np.uint8)
BYTES.flat[:2] = 0, 255
IMAGES = BYTES / np.float32(127.5) - 1


@pytest.mark.parametrize(
    ("x", "value_range", "expected"),
    [
        (BYTES, None, IMAGES),
        (BYTES.astype(np.uint16) * 257, None, IMAGES),
        (IMAGES, None, IMAGES),
        (np.float32(BYTES / 255), (0, 1), IMAGES),
        (np.float32(BYTES / 255), None, "pixels from 0 to 1, none below 0, .* give --range=0,1 if"),
        (np.abs(IMAGES), (-1, 1), np.abs(IMAGES)),
        (np.uint8(BYTES > 127), None, "pixels from 0 to 1, of type uint8, .* --range=0,1"),
        (np.uint8(BYTES > 127), (0, 1), np.where(BYTES > 127, 1, -1)),
        (BYTES > 127, None, "values of type bool, a mask and no image; give .* --range=0,1"),
        (BYTES > 127, (0, 1), np.where(BYTES > 127, 1, -1)),
        (0 * BYTES, None, 0 * IMAGES - 1),
        (BYTES.astype(np.uint16), None, "from 0 to 255, of type uint16, .* --range=0,255"),
        (BYTES.astype(np.uint16), (0, 255), IMAGES),
        (BYTES.astype(np.uint16) * 16, None, "from 0 to 4080, of type uint16, .* --range=0,4095"),
        (BYTES.astype(int), None, "type int64, which does not tell where white is.* --range=0,255"),
        (BYTES.astype(int), (0, 255), IMAGES),
        (BYTES / 1.0, None, "pixels from 0 to 255; expected -1 to 1, .*; .* --range=0,255"),
        (BYTES / 1.0, (0, 1), "pixels from 0 to 255; expected 0 to 1"),
        (3 * IMAGES, None, "pixels from -3 to 3; expected -1 to 1; scale .* --range=-3,3"),
    ],
)
def test_pixels_have_one_contract(x, value_range, expected, tmp_path):
    """Unsigned integers by their type, floats in [-1, 1] as they are; no mask is ever -1 / 127."""
    np.save(tmp_path / "x.npy", x)
    if isinstance(expected, str):
        with pytest.raises(DataError, match=expected):
            samples_of_file(tmp_path / "x.npy", (16, 16, 1), value_range)
        if x.dtype != bool and value_range is None:
            with pytest.raises(DataError, match=r"value_range=\("):
                arrays(str(tmp_path / "x.npy"))
        return
    found = samples_of_file(tmp_path / "x.npy", (16, 16, 1), value_range)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert found.dtype == np.float32
    source = checked("own", arrays(str(tmp_path / "x.npy"), value_range=value_range))
    np.testing.assert_allclose(examples(source)["x"], found, atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "expected", "hint"),
    [
        ((4, 16, 16), (16, 16, 1), r"add a channel axis, x\[\.\.\., None\]$"),
        ((4, 16, 16), (16, 16, 3), r"add a channel axis, .* give them 3 channels, np\.repeat"),
        ((4, 3, 16, 16), (16, 16, 3), r"put the channels last, np\.moveaxis\(x, 1, -1\)"),
        ((4, 16, 16, 1), (16, 16, 3), r"give them 3 channels, np\.repeat"),
        ((4, 16, 16, 3), (16, 16, 1), r"give them 1 channel, x\.mean\(-1, keepdims=True\)"),
        ((4, 16, 16, 4), (16, 16, 3), r"give them 3 channels, x\[\.\.\., :3\] without alpha"),
        ((4, 16, 16, 5), (16, 16, 3), "give them 3 channels$"),
        ((4, 12, 16, 3), (16, 16, 3), "resize or crop them"),
        ((16, 16, 3), (16, 16, 3), r"holds one sample .* take x\[None\]"),
        ((4, 768), (16, 16, 3), r"make images \[n, height, width, channel\] of them"),
        ((4, 2, 2), (4,), r"reshape them, x\.reshape\(-1, 4\)"),
        ((4, 3), (2,), "take points of 2 coordinates"),
    ],
)
def test_the_hint_fits_the_shape(shape, expected, hint, tmp_path):
    np.save(tmp_path / "x.npy", np.linspace(-1, 1, np.prod(shape)).reshape(shape))
    with pytest.raises(DataError, match=hint):
        samples_of_file(tmp_path / "x.npy", expected)


def test_images_of_any_size_where_that_will_do(tmp_path):
    larger = np.random.RandomState(0).uniform(-1, 1, (4, 32, 24, 1)).astype("f")
    np.save(tmp_path / "x.npy", larger)
    found = samples_of_file(tmp_path / "x.npy", (16, 16, 1), any_size=True)
    np.testing.assert_array_equal(found, larger)
    with pytest.raises(DataError, match="give them 3 channels"):
        samples_of_file(tmp_path / "x.npy", (16, 16, 3), any_size=True)


def test_examples_with_labels(tmp_path):
    path, y = str(tmp_path / "x.npz"), np.array([0, 2, 2, 0])
    np.savez(path, x=BYTES, y=y, names=np.array([None]))
    source = arrays(path)
    assert (source.num_classes, source.shape) == (3, (16, 16, 1))
    np.testing.assert_array_equal(source.train["y"], y)
    assert arrays(path, num_classes=5).num_classes == 5
    held_out = arrays(path, held_out=1)
    assert (len(held_out.train["x"]), len(held_out.test["x"])) == (3, 1)
    np.savez(path, x=np.arange(8.0).reshape(4, 2))
    assert arrays(path).shape == (2,)
    with pytest.raises(ValueError, match=r"value_range=\(1, 0\) must be two numbers"):
        arrays(path, value_range=(1, 0))
    with pytest.raises(ValueError, match=r"value_range=\(0, 1\) is for images"):
        arrays(path, value_range=(0, 1))


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (BYTES, [1, 2, 3, 1], "is of 3 classes, but has labels from 1 to 3; .* y - 1"),
        (BYTES, [0, 1], "has 4 of 'x' and 2 of 'y'"),
        (BYTES, list("abca"), "of type <U1 .* numpy.unique"),
        (BYTES, np.eye(4), r"y\.argmax\(1\)"),
        (BYTES, [0.0, 1.0, 0.0, 1.0], r"y\.astype\(int\)"),
        (BYTES, np.array([], int), r"of type int64 and shape \[0\]; expected"),
        (BYTES[:0], None, r"shape \(0, 16, 16, 1\); expected numbers"),
        (list("abcd"), None, "of type <U1"),
    ],
)
def test_examples_that_are_wrong_are_refused(x, y, message, tmp_path):
    np.savez(tmp_path / "x.npz", **{"x": x} | ({} if y is None else {"y": y}))
    with pytest.raises(DataError, match=message):
        arrays(str(tmp_path / "x.npz"))


@pytest.mark.parametrize("text", ["0", "1,0", "a,b", "0,1,2", "0,nan", ""])
def test_ranges_of_flags(text):
    assert parsed_range(None) is None
    assert parsed_range("0,255") == (0.0, 255.0)
    with pytest.raises(ConfigError, match=f"--range={text} must be two numbers"):
        parsed_range(text)
