"""Folders of image files of every kind that people have."""

import json
import logging
import shutil
import zipfile

import jax
import numpy as np
import pytest
from PIL import Image

from ganjax.data import examples, images
from ganjax.errors import DataError

RGB = np.random.RandomState(0).randint(0, 256, (16, 16, 3), np.uint8)
SCALED = RGB / np.float32(127.5) - 1


def save(path, array, mode=None, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(array)
    (image if mode is None else image.convert(mode)).save(path, **options)


def x_of(source):
    return np.asarray(examples(source)["x"])


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    """The folder of caches."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("GANJAX_CACHE", str(folder))
    return folder


def test_every_mode_becomes_colour(tmp_path):
    """Alpha over white; palettes, one bit and CMYK through RGB; in the order of the names."""
    alpha = np.arange(256, dtype=np.uint8).reshape(16, 16)
    save(tmp_path / "rgb.png", RGB)
    save(tmp_path / "grey.png", RGB[..., 0])
    save(tmp_path / "grey_alpha.png", np.dstack([RGB[..., 0], alpha]))
    save(tmp_path / "rgba.png", np.dstack([RGB, alpha]))
    save(tmp_path / "palette.png", RGB, "P")
    save(tmp_path / "one_bit.png", RGB, "1")
    save(tmp_path / "cmyk.JPG", RGB, "CMYK", format="JPEG", quality=95)
    save(tmp_path / "not_square.png", RGB[:12])
    save(tmp_path / "one_pixel.png", RGB[:1, :1])
    save(tmp_path / "이미지 é 1.png", RGB)
    source = images(str(tmp_path), size=16)
    names = sorted(path.name for path in tmp_path.iterdir())
    x = dict(zip(names, x_of(source), strict=True))
    assert source.shape == (16, 16, 3)
    assert source.num_classes == 0
    assert all(np.abs(image).max() <= 1 for image in x.values())
    for name in ("rgb.png", "이미지 é 1.png"):
        np.testing.assert_allclose(x[name], SCALED, atol=1e-6)
    grey = np.repeat(SCALED[..., :1], 3, -1)
    np.testing.assert_allclose(x["grey.png"], grey, atol=1e-6)
    share = alpha[..., None] / 255
    for name, solid in (("grey_alpha.png", grey), ("rgba.png", SCALED)):
        np.testing.assert_allclose(x[name], share * solid + 1 - share, atol=1.01 / 127.5)
    palette = np.asarray(Image.fromarray(RGB).convert("P").convert("RGB")) / np.float32(127.5) - 1
    np.testing.assert_allclose(x["palette.png"], palette, atol=1e-6)
    assert set(np.unique(x["one_bit.png"])) == {-1, 1}
    assert np.abs(x["cmyk.JPG"] - SCALED).mean() < 0.2  # a JPEG of noise
    np.testing.assert_allclose(
        x["one_pixel.png"], np.broadcast_to(SCALED[0, 0], (16, 16, 3)), atol=1e-6
    )
    middle = Image.fromarray(RGB[:12, 2:14]).resize((16, 16), Image.Resampling.BICUBIC)
    inside = np.asarray(middle)[:, 3:-3] / 127.5 - 1  # the filter reaches 2 pixels of 12 further
    np.testing.assert_allclose(x["not_square.png"][:, 3:-3], inside, atol=1.01 / 127.5)


def test_grey_is_luma(tmp_path):
    save(tmp_path / "rgb.png", RGB)
    luma = RGB @ np.array([0.299, 0.587, 0.114])
    x = x_of(images(str(tmp_path), size=16, channels=1))
    np.testing.assert_allclose(x[0, ..., 0], luma / 127.5 - 1, atol=1.01 / 127.5)


@pytest.mark.parametrize("kind", ["png", "tif", "pgm"])
def test_16_bits_become_8(kind, tmp_path):
    """65535 -> 1 and 0 -> -1, where Pillow's own conversion clips at 255."""
    ramp = np.linspace(0, 65535, 256).round().astype(np.uint16).reshape(16, 16)
    save(tmp_path / f"0.{kind}", ramp)
    save(tmp_path / f"1.{kind}", np.roll(ramp, 1, 1))
    x = x_of(images(str(tmp_path), size=16))
    assert (x.min(), x.max()) == (-1, 1)
    np.testing.assert_allclose(x[0, ..., 2], ramp / 32767.5 - 1, atol=1.01 / 255)
    assert x.shape == (2, 16, 16, 3)


def test_bad_files_are_named_before_anything_else(tmp_path):
    for name in range(10):
        save(tmp_path / f"{name}.png", RGB)
    cut = tmp_path / "7.png"
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    (tmp_path / "8_empty.png").write_bytes(b"")
    (tmp_path / "notes.png").write_text("not an image")
    (tmp_path / "nowhere.png").symlink_to(tmp_path / "gone.png")
    (tmp_path / "Thumbs.db").write_bytes(b"\0" * 16)
    (tmp_path / "._0.png").write_bytes(b"\0" * 16)  # as a Mac leaves beside every file
    with pytest.raises(DataError) as caught:
        images(str(tmp_path), size=16)
    message = str(caught.value)
    for text in (
        "4 of 13 images",
        "7.png (image file is truncated",
        "8_empty.png (empty)",
        "notes.png (no image that Pillow knows)",
        "nowhere.png (a link to nothing)",
        "data.skip_bad=True",
    ):
        assert text in message
    assert "Thumbs" not in message
    assert "\n" not in message
    for cache in (True, True, False):
        source = images(str(tmp_path), size=16, skip_bad=True, cache=cache).source
        assert source.read(np.arange(9))["x"].shape == (9, 16, 16, 3)
        assert len(source) == 9
        assert [name.split(" (")[0] for name in source.left_out] == [
            "7.png",
            "8_empty.png",
            "notes.png",
            "nowhere.png",
        ]


def test_many_bad_files_are_counted(tmp_path):
    for name in range(30):
        (tmp_path / f"{name:02d}.png").write_bytes(b"")
    for skip_bad in (False, True):  # with none left there is nothing to go on with
        with pytest.raises(DataError, match=r"30 of 30 .* 19\.png \(empty\) and 10 more; repair"):
            images(str(tmp_path), size=16, skip_bad=skip_bad)


def grey_folders(root, names):
    for value, name in enumerate(names):
        for row in range(4):
            ending = "PNG" if row % 2 else "png"
            path = root / name / "batch 1" / f"{row}.{ending}"
            save(path, np.full((16, 16), 20 * value, np.uint8), format="PNG")


def test_class_folders_in_the_order_of_their_numbers(tmp_path, caplog):
    """10 is class 10, not 2; a link to a known image is logged, not taken twice."""
    grey_folders(tmp_path, map(str, range(12)))
    (tmp_path / "linked.png").symlink_to("3/batch 1/0.png")
    with caplog.at_level(logging.INFO, "ganjax"):
        source = images(str(tmp_path), size=16, channels=1)
    assert "linked.png" in caplog.text
    x, y = x_of(source), np.asarray(source.train["y"])
    assert (len(x), source.num_classes) == (48, 12)
    for label in range(12):
        assert (y == label).sum() == 4
        np.testing.assert_allclose(x[y == label].mean(), 20 * label / 127.5 - 1, atol=1e-6)
    assert "y" not in images(str(tmp_path), size=16, labels=False).train


def test_class_folders_in_the_order_of_their_names(tmp_path, caplog):
    grey_folders(tmp_path, ("cat", "dog", "ant"))
    bad = tmp_path / "ant" / "bad.png"
    bad.write_bytes(b"")
    with caplog.at_level(logging.INFO, "ganjax"):
        source = images(str(tmp_path), size=4, skip_bad=True)
    assert "classes from 0 on: ant, cat, dog" in caplog.text
    means = x_of(source)[:, 0, 0, 0]
    np.testing.assert_allclose(means[np.asarray(source.train["y"]) == 0], 40 / 127.5 - 1, rtol=1e-6)
    save(tmp_path / "stray.png", RGB)  # of no class
    bad.unlink()
    assert images(str(tmp_path), size=4).num_classes == 0


def test_links_are_followed(tmp_path):
    """To files and folders elsewhere; one that leads back does not go on for ever."""
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    save(root / "a.png", RGB)
    save(elsewhere / "b.png", RGB[::-1].copy())
    (root / "folder").symlink_to(elsewhere)
    (root / "back").symlink_to(root)
    (root / "z.png").symlink_to(elsewhere / "b.png")  # as in the folder
    x = x_of(images(str(root), size=16))
    np.testing.assert_allclose(x, [SCALED, SCALED[::-1]], atol=1e-6)


def test_sizes_are_reduced_with_antialiasing(tmp_path):
    """A fine chessboard becomes grey, not black or white."""
    board = np.uint8(255 * (np.indices((64, 64)).sum(0) % 2))
    save(tmp_path / "0.png", board)
    x = x_of(images(str(tmp_path), size=8, channels=1))
    np.testing.assert_allclose(x, 0, atol=0.1)


def test_held_out_images_are_others(tmp_path):
    for value in range(10):
        save(tmp_path / f"{value}.png", np.full((4, 4), 20 * value, np.uint8))
    source = images(str(tmp_path), size=4, held_out=3)
    parts = [
        np.rint(127.5 * (np.asarray(x)[:, 0, 0, 0] + 1)) for x in (x_of(source), source.test["x"])
    ]
    assert [len(part) for part in parts] == [7, 3]
    assert sorted(np.concatenate(parts)) == [20 * value for value in range(10)]
    with pytest.raises(
        ValueError, match="held_out=10 must be a whole number, from 0 to 9; there are 10"
    ):
        images(str(tmp_path), size=4, held_out=10)


@pytest.mark.parametrize(("size", "channels"), [(0, 3), (8, 2)])
def test_arguments_out_of_range(size, channels, tmp_path):
    with pytest.raises(
        ValueError, match="size=0 must be" if size == 0 else "channels=2 must be one of 1, 3"
    ):
        images(str(tmp_path), size=size, channels=channels)


def test_folders_without_images(tmp_path):
    with pytest.raises(DataError, match="there is no folder"):
        images(str(tmp_path / "gone"), size=8)
    (tmp_path / "x.npy").write_bytes(b"")
    with pytest.raises(DataError, match=r"holds no .*\.png.*; other files: 1 \.npy"):
        images(str(tmp_path), size=8)
    (tmp_path / "float.tif").touch()
    save(tmp_path / "float.tif", np.zeros((4, 4), np.float32))
    with pytest.raises(DataError, match=r"float\.tif \(pixels of 32 bits, mode F, of no known"):
        images(str(tmp_path), size=8)


def test_masks_are_not_taken_for_black(tmp_path):
    """Files of 0 and 1 in 8 bits, and of 12 bits in 16; a black image is one."""
    for x in (np.uint8(RGB[..., 0] > 127), RGB[..., 0].astype(np.uint16) * 16):
        save(tmp_path / "0.png", x)
        with pytest.raises(DataError, match=r"end at 0\.0.* of white, as masks of 0 and 1"):
            images(str(tmp_path), size=16)
    save(tmp_path / "0.png", 0 * RGB)
    assert (x_of(images(str(tmp_path), size=16)) == -1).all()


def zipped(folder, path, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for file in sorted(folder.rglob("*"), reverse=True):
            archive.write(file, file.relative_to(folder.parent))
    return str(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_is_its_folder(method, tmp_path):
    root = tmp_path / "set"
    grey_folders(root, map(str, range(3)))
    (root / "notes.txt").write_text("no image")
    path = zipped(root, tmp_path / "set.zip", method)
    for cache in (True, False):
        sources = [images(p, size=16, cache=cache).source for p in (str(root), path)]
        assert sources[0].digest == sources[1].digest
        assert sources[0].names == sources[1].names == ("0", "1", "2")
        found = [source.read(np.array([11, 0, 11])) for source in sources]
        for key in ("x", "y"):
            np.testing.assert_array_equal(found[0][key], found[1][key])
        np.testing.assert_array_equal(found[0]["y"], [2, 0, 2])


def test_damage_in_a_zip_is_named(tmp_path):
    for name in range(3):
        save(tmp_path / "set" / f"{name}.bmp", RGB)
    path = zipped(tmp_path / "set", tmp_path / "set.zip", zipfile.ZIP_STORED)
    data = bytearray((tmp_path / "set.zip").read_bytes())
    data[data.index(RGB[:, :, ::-1][0].tobytes()[:48])] ^= 1  # of the first file that was written
    (tmp_path / "set.zip").write_bytes(data)
    with pytest.raises(DataError, match=r"1 of 3 .*: set/2\.bmp \(another checksum than the zip"):
        images(path, size=16)
    other = zipped(tmp_path / "set", tmp_path / "lzma.zip", zipfile.ZIP_LZMA)
    with pytest.raises(DataError, match=r"3 of 3 .* method 14; only deflate is known"):
        images(other, size=16)
    (tmp_path / "set.zip").write_bytes(data[:-40])
    for name in ("set.zip", "set/0.bmp"):
        with pytest.raises(DataError, match=r"cannot be read as a zip \(File is not a zip file\)"):
            images(str(tmp_path / name), size=16)


def test_parts_are_trained_on_and_held_out(tmp_path, caplog):
    """Folders around all images mean nothing; the classes are those of the training part."""
    root = tmp_path / "around"
    grey_folders(root / "train", ("2", "10"))
    grey_folders(root / "test", ("2", "10"))
    shutil.rmtree(root / "test" / "2" / "batch 1")
    save(root / "test" / "2" / "0.png", np.full((16, 16), 200, np.uint8))
    source = images(str(tmp_path), size=16, channels=1)
    assert source.source.names == ("2", "10")
    assert len(source.source) == 8
    np.testing.assert_array_equal(source.source.read(np.arange(8))["y"], [1] * 4 + [0] * 4)
    np.testing.assert_array_equal(source.test["y"], [1] * 4 + [0])
    np.testing.assert_allclose(source.test["x"][4], 200 / 127.5 - 1, atol=1e-6)
    with pytest.raises(ValueError, match=r"held_out=2, but .* has a test part"):
        images(str(tmp_path), size=16, held_out=2)
    other = images(str(tmp_path), size=16, part="test", held_out=2)
    assert (len(other.source), len(other.test["x"])) == (3, 2)
    with pytest.raises(DataError, match="has no folder 'val'; it has test, train"):
        images(str(tmp_path), size=16, part="val")
    save(root / "extra" / "0.png", RGB)
    images(str(tmp_path), size=16)
    assert "1 images are neither in train nor in test; left out" in caplog.text
    save(root / "test" / "3" / "0.png", RGB)
    with pytest.raises(DataError, match=r"has 3/0\.png in its test part, of none of the classes 2"):
        images(str(tmp_path), size=16)
    assert "y" not in images(str(tmp_path), size=16, labels=False).test


def domains(root, counts):
    """Grey images, those of b lighter; the folders by their counts."""
    for folder, count in counts.items():
        base = 100 if folder.lower().endswith("b") else 20
        for row in range(count):
            save(root / folder / f"{row}.png", np.full((8, 8), base + row, np.uint8))


def test_domains_without_pairs(tmp_path):
    """Every image of a meets every one of b; held-out ones as many as there are."""
    domains(tmp_path, {"trainA": 3, "trainB": 4, "testA": 2, "testB": 1})
    source = images(str(tmp_path), size=8, channels=1)
    assert (source.num_classes, source.paired, len(source.source)) == (0, False, 12)
    read = source.source.read(np.arange(12))
    pairs = set(zip(read["a"][:, 0, 0, 0].tolist(), read["b"][:, 0, 0, 0].tolist(), strict=True))
    assert pairs == {(20 + a, 100 + b) for a in range(3) for b in range(4)}
    assert {key: len(x) for key, x in source.test.items()} == {"a": 2, "b": 1}
    np.testing.assert_allclose(source.test["b"][0], 100 / 127.5 - 1, atol=1e-6)
    batch = source.sample(source.train, jax.random.key(0), 5)
    assert {key: x.shape for key, x in batch.items()} == {"a": (5, 8, 8, 1), "b": (5, 8, 8, 1)}
    (tmp_path / "testB" / "0.png").unlink()
    with pytest.raises(DataError, match="one domain in its test part, none in testB"):
        images(str(tmp_path), size=8)


def test_domains_of_pairs(tmp_path):
    domains(tmp_path, {"train/a": 6, "train/b": 6, "val/a": 2, "val/b": 2})
    save(tmp_path / "train" / "b" / "3.bmp", np.full((8, 8), 103, np.uint8))
    (tmp_path / "train" / "b" / "3.png").unlink()
    source = images(str(tmp_path), size=8, channels=1, paired=True, flip=True)
    assert source.paired
    read = source.source.read(np.array([3, 5]))
    np.testing.assert_array_equal(read["a"][:, 0, 0, 0], [23, 25])
    np.testing.assert_array_equal(read["b"][:, 0, 0, 0], [103, 105])
    np.testing.assert_allclose(source.test["b"][:, 0, 0, 0], [-27.5 / 127.5, -26.5 / 127.5])
    (tmp_path / "train" / "a" / "3.png").write_bytes(b"")
    good = images(str(tmp_path), size=8, paired=True, skip_bad=True).source
    np.testing.assert_array_equal(
        good.read(np.arange(5))["b"][:, 0, 0, 0], 100 + np.delete(np.arange(6), 3)
    )
    unpaired = images(str(tmp_path), size=8, skip_bad=True, part="train", held_out=2)
    assert len(unpaired.source) == 3 * 4
    assert {key: len(x) for key, x in unpaired.test.items()} == {"a": 2, "b": 2}
    (tmp_path / "train" / "b" / "3.bmp").unlink()
    with pytest.raises(DataError, match=r"1 images without a partner .*: train/a/3\.png; add"):
        images(str(tmp_path), size=8, paired=True)
    with pytest.raises(DataError, match="has no two folders a and b"):
        images(str(tmp_path / "train" / "a"), size=8, paired=True)


@pytest.mark.parametrize(
    "options",
    [
        {"flip": True},
        {"crop": "random", "cache": False},
        {"order": "epochs", "held_out": 3, "crop": "pad"},
    ],
)
def test_streamed_batches_are_resident_ones(options, tmp_path):
    for row in range(12):
        save(tmp_path / str(row % 3) / f"{row}.png", np.roll(RGB, row, 1))
    sources = [
        images(str(tmp_path), size=16, keep=keep, **options) for keep in ("stream", "device")
    ]
    assert sources[0].streamed > sources[1].streamed
    for seed in range(3):
        draws = [s.sample(s.train, jax.random.key(seed), 7) for s in sources]
        assert draws[0]["x"].shape == (7, 16, 16, 3)
        for key in ("x", "y"):
            np.testing.assert_array_equal(*(draw[key] for draw in draws))


def test_images_of_their_own_size(tmp_path):
    save(tmp_path / "0.png", RGB[:12])
    source = images(str(tmp_path))
    assert source.shape == (12, 16, 3)
    save(tmp_path / "1.png", RGB)
    with pytest.raises(DataError, match=r"0\.png is \[12, 16, 3\] .* 1\.png is \[16, 16"):
        images(str(tmp_path))
    with pytest.raises(ValueError, match="crop='random' needs a size"):
        images(str(tmp_path), crop="random")


def test_enlarging_is_told(tmp_path, caplog):
    save(tmp_path / "0.png", RGB)
    save(tmp_path / "1.png", np.tile(RGB, (2, 2, 1)))
    images(str(tmp_path), size=20, crop="pad")
    assert "enlarged" not in caplog.text
    images(str(tmp_path), size=20)
    assert "1 images are smaller than 20 pixels and enlarged: 0.png" in caplog.text


def test_a_change_of_the_files_is_seen(tmp_path, cache):
    """Other bytes, another digest; another path or time, the same."""
    save(tmp_path / "one" / "0.png", RGB)
    first = images(str(tmp_path / "one"), size=16).source.digest
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    assert images(str(tmp_path / "two"), size=16).source.digest == first
    save(tmp_path / "one" / "0.png", RGB[::-1].copy())
    assert images(str(tmp_path / "one"), size=16).source.digest != first
    metas = [json.loads(path.read_text()) for path in cache.glob("*/meta.json")]
    assert len(metas) == 3


def test_a_file_that_goes_while_training(tmp_path):
    for row in range(3):
        save(tmp_path / f"{row}.png", RGB)
    source = images(str(tmp_path), size=16, cache=False).source
    (tmp_path / "1.png").unlink()
    source.read(np.array([0, 2]))
    with pytest.raises(DataError, match=r"1\.png, row 1, cannot be read \(gone\)"):
        source.read(np.array([0, 1]))
