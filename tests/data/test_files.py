"""Files of the user's: arrays that are read, and the message of each mistake."""

from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image

from ganjax.data import Table, arrays, checked, examples, parsed_range, samples_of_file
from ganjax.data.files.sizing import fitted
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
    np.testing.assert_array_equal(source.source.read(np.array([2, 0]))["x"], BYTES[[2, 0]])
    assert arrays(path, num_classes=5).num_classes == 5
    held_out = arrays(path, held_out=1)
    assert (len(held_out.source), len(held_out.test["x"])) == (3, 1)
    np.savez(path, x=np.arange(8.0).reshape(4, 2))
    assert arrays(path).shape == (2,)
    with pytest.raises(ValueError, match=r"value_range=\(1, 0\) must be two numbers"):
        arrays(path, value_range=(1, 0))
    with pytest.raises(ValueError, match=r"value_range=\(0, 1\) is for images"):
        arrays(path, value_range=(0, 1))
    with pytest.raises(ValueError, match="flip=True is for images"):
        arrays(path, flip=True)


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


@pytest.mark.parametrize("name", ["x.npy", "stored.npz", "packed.npz"])
def test_files_are_mapped_where_they_can_be(name, tmp_path):
    """Also in an archive, if it is not compressed; in the order of Fortran too."""
    x = np.asfortranarray(BYTES)
    np.save(tmp_path / "x.npy", x)
    np.savez(tmp_path / "stored.npz", y=np.arange(4), x=x)
    np.savez_compressed(tmp_path / "packed.npz", x=x)
    source = arrays(str(tmp_path / name)).source
    assert isinstance(source, Table)
    assert isinstance(source.arrays["x"], np.memmap) == (name != "packed.npz")
    np.testing.assert_array_equal(source.read(np.array([3, 1]))["x"], BYTES[[3, 1]])


def test_archives_that_are_cut_are_refused(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, x=BYTES)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match="cannot be read as a npz or npy file"):
        arrays(str(path))


def test_parts_by_their_names(tmp_path):
    """As in the archives of MNIST."""
    path = str(tmp_path / "x.npz")
    parts = {"x_train": BYTES, "y_train": [0, 1, 2, 0], "x_test": BYTES[:2], "y_test": [1, 0]}
    np.savez(path, **parts)
    names = {"x": "x_train", "y": "y_train", "x_test": "x_test", "y_test": "y_test"}
    source = arrays(path, **names)
    assert (len(source.source), source.num_classes) == (4, 3)
    np.testing.assert_array_equal(source.test["y"], [1, 0])
    np.testing.assert_allclose(source.test["x"], IMAGES[:2], atol=1e-6)
    for changed, message in (
        ({"x": "x"}, r"holds x_train, y_train, .*; expected an array x, .* or name another"),
        ({"y": "z"}, "expected an array z"),
        ({"y_test": None}, "x and y to train on, but x held out; give y and y_test, or neither"),
    ):
        with pytest.raises(DataError, match=message):
            arrays(path, **{**names, **changed})
    with pytest.raises(ValueError, match="held_out=1, but x_test is held out"):
        arrays(path, **names, held_out=1)
    np.savez(path, **{**parts, "x_test": BYTES[:2, :8]})
    with pytest.raises(DataError, match=r"shape \(2, 8, 16, 1\); expected uint8 \[n, 16, 16, 1\]"):
        arrays(path, **names)
    np.savez(path, **{**parts, "y_test": [1, 5]})
    with pytest.raises(DataError, match="is of 3 classes, but has labels from 1 to 5"):
        arrays(path, **names)


KINDS = {
    "uint8": (BYTES, None),
    "uint16": (BYTES.astype(np.uint16) * 257, None),
    "big-endian": ((BYTES.astype(np.uint16) * 257).astype(">u2"), None),
    "int64": (BYTES.astype(np.int64), (0, 255)),
    "float64": (IMAGES.astype(np.float64), None),
    "float16": ((BYTES / 255).astype(np.float16), (0, 1)),
    "bool": (BYTES > 127, (0, 1)),
    "points": (BYTES[:, :2, 0, 0].astype(np.int64), None),
}


@pytest.mark.parametrize("kind", KINDS)
def test_streamed_batches_are_resident_ones(kind, tmp_path):
    """Whatever the type; numbers that devices lack are read as floats."""
    x, value_range = KINDS[kind]
    np.savez(tmp_path / "x.npz", x=x, y=[0, 1, 1, 0])
    sources = [
        arrays(str(tmp_path / "x.npz"), value_range=value_range, keep=keep)
        for keep in ("stream", "device")
    ]
    draws = [s.sample(s.train, jax.random.key(0), 7) for s in sources]
    assert draws[0]["x"].dtype == np.float32
    for key in ("x", "y"):
        np.testing.assert_array_equal(*(draw[key] for draw in draws))
    rows = np.asarray(sources[0].rows(jax.random.key(0), 7))
    expected = x[rows].astype(np.float64)
    if value_range or x.dtype.kind == "u":
        expected = expected / (value_range or (0, np.iinfo(x.dtype).max))[1] * 2 - 1
    np.testing.assert_allclose(draws[0]["x"], expected, atol=1e-6)


def test_images_of_another_size(tmp_path, monkeypatch):
    """Padded with black; else resized as image files are, bytes of their own and floats."""
    monkeypatch.setenv("GANJAX_CACHE", str(tmp_path / "cache"))
    path = str(tmp_path / "x.npz")
    np.savez(path, x=BYTES, floats=IMAGES, y=[0, 1, 1, 0])
    padded = arrays(path, size=20)
    assert padded.shape == (20, 20, 1)
    expected = np.pad(BYTES, ((0, 0), (2, 2), (2, 2), (0, 0)))
    np.testing.assert_array_equal(padded.source.read(np.arange(4))["x"], expected)
    np.testing.assert_array_equal(padded.source.arrays["y"], [0, 1, 1, 0])
    assert padded.source.digest != arrays(path).source.digest
    floats = arrays(path, x="floats", size=20).source.read(np.arange(4))["x"]
    np.testing.assert_allclose(floats, expected / 127.5 - 1, atol=1e-6)
    for size, crop in ((8, "centre"), (8, "pad"), (12, "random"), (20, "stretch")):
        found = arrays(path, size=size, crop=crop)
        assert found.shape == (size, size, 1)
        assert np.unique(found.train["y"]).tolist() == [0, 1]
        x = found.source.read(np.arange(4))["x"]
        same = [fitted(Image.fromarray(one[..., 0]), size, 1, crop) for one in BYTES]
        np.testing.assert_array_equal(x, same)
        floats = arrays(path, x="floats", size=size, crop=crop, cache=False)
        rounded = np.rint(127.5 * (floats.source.read(np.arange(4))["x"] + 1))
        np.testing.assert_allclose(rounded, x, atol=8)  # bytes are cut off between two passes
    with pytest.raises(ValueError, match="crop='middle' must be one of"):
        arrays(path, crop="middle")


def test_large_arrays_are_checked_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr("ganjax.data.values.PART", 300)
    np.save(tmp_path / "x.npy", IMAGES)
    assert arrays(str(tmp_path / "x.npy")).shape == (16, 16, 1)
    for row, value, message in ((3, np.nan, "not finite"), (2, 7, "pixels from -1 to 7")):
        x = IMAGES.copy()
        x[row, 15, 15] = value
        np.save(tmp_path / "x.npy", x)
        with pytest.raises(DataError, match=message):
            arrays(str(tmp_path / "x.npy"))


MNIST = Path(__file__).parents[3] / "shared" / "data" / "mnist.npz"


@pytest.mark.skipif(not MNIST.exists(), reason="MNIST is not there")
def test_mnist():
    names = {"x": "x_train", "y": "y_train", "x_test": "x_test", "y_test": "y_test"}
    source = arrays(str(MNIST), **names, size=32)
    assert (source.shape, len(source.source), source.num_classes) == ((32, 32, 1), 60_000, 10)
    assert len(source.test["x"]) == 10_000
    x = source.source.read(np.array([0]))["x"]
    assert (x.dtype, x[0, :2].max(), x.max()) == (np.uint8, 0, 255)
