"""Folders of image files of every kind that people have."""

import logging

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
    assert x_of(images(str(tmp_path), size=16, skip_bad=True)).shape == (9, 16, 16, 3)


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
