"""One image as a viewer shows it, in a square."""

import io

import numpy as np
import pytest
from PIL import Image

from ganjax.data.files.sizing import fitted, stored_side

RGB = np.random.RandomState(0).randint(0, 256, (16, 16, 3), np.uint8)
GREY = np.ascontiguousarray(RGB[..., 0])
BICUBIC = Image.Resampling.BICUBIC


def of_file(image, kind="PNG", **options):
    """An image that went through a file."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return Image.open(file)


def test_an_image_of_the_size_is_not_touched():
    for crop in ("centre", "pad", "stretch"):
        np.testing.assert_array_equal(fitted(Image.fromarray(RGB), 16, 3, crop), RGB)
        grey = fitted(Image.fromarray(GREY), 16, 1, crop)
        np.testing.assert_array_equal(grey, GREY[..., None])
    np.testing.assert_array_equal(fitted(Image.fromarray(RGB[:, :9].copy()), None), RGB[:, :9])


def test_grey_and_colour():
    np.testing.assert_array_equal(fitted(Image.fromarray(GREY), 16), np.dstack([GREY] * 3))
    luma = fitted(Image.fromarray(RGB), 16, 1)[..., 0]
    np.testing.assert_allclose(luma, RGB @ np.array([0.299, 0.587, 0.114]), atol=0.51)


def test_one_bit_and_palettes():
    bits = Image.fromarray(GREY).convert("1")
    np.testing.assert_array_equal(fitted(of_file(bits), 16, 1)[..., 0], np.asarray(bits) * 255)
    palette = Image.fromarray(RGB).convert("P")
    np.testing.assert_array_equal(fitted(of_file(palette), 16), np.asarray(palette.convert("RGB")))


def test_cmyk_through_colour():
    """A quarter of cyan on a white page."""
    page = Image.new("CMYK", (4, 4), (64, 0, 0, 0))
    np.testing.assert_array_equal(fitted(page, 4), np.full((4, 4, 3), (191, 255, 255)))


def test_alpha_is_laid_over_white():
    alpha = np.arange(256, dtype=np.uint8).reshape(16, 16)
    share = alpha[..., None] / 255
    for solid, layers in ((RGB, RGB), (np.dstack([GREY] * 3), GREY)):
        image = of_file(Image.fromarray(np.dstack([layers, alpha])))
        expected = share * solid + 255 * (1 - share)
        np.testing.assert_allclose(fitted(image, 16), expected, atol=1.01)
    clear = of_file(Image.fromarray(GREY), transparency=int(GREY[0, 0]))
    expected = np.where(GREY[0, 0] == GREY, 255, GREY)
    np.testing.assert_array_equal(fitted(clear, 16, 1)[..., 0], expected)
    palette = of_file(Image.fromarray(GREY).convert("P"), transparency=int(GREY[0, 0]))
    assert (fitted(palette, 16)[0, 0] == 255).all()


def test_photographs_are_turned_as_their_cameras_say():
    """Tag 6: the camera lay on its side, row 0 is on the right."""
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = of_file(Image.fromarray(RGB), exif=exif)
    np.testing.assert_array_equal(fitted(turned, 16), np.rot90(RGB, -1))


def test_16_bits_become_8():
    values = np.array([[0, 1, 128, 129, 257, 32768, 65278, 65535]], np.uint16)
    for image in (Image.fromarray(values), of_file(Image.fromarray(values))):
        found = fitted(image, None, 1)[0, :, 0]
        np.testing.assert_array_equal(found, [0, 1, 1, 1, 1, 128, 254, 255])
    clear = of_file(Image.fromarray(values), transparency=257)
    assert fitted(clear, None)[0, 4].tolist() == [255] * 3


def test_32_bits_are_refused():
    for image in (np.zeros((4, 4), np.float32), np.zeros((4, 4), np.int32)):
        with pytest.raises(ValueError, match=r"pixels of 32 bits, mode [IF], of no known range"):
            fitted(Image.fromarray(image), 4)


def test_the_middle_is_cut_out():
    wide = Image.fromarray(np.tile(RGB, (1, 3, 1)))
    np.testing.assert_array_equal(fitted(wide, 16), RGB)
    small = Image.fromarray(RGB).resize((8, 8), BICUBIC)
    inside = (slice(None), slice(2, 6))  # the filter reaches beyond the middle
    np.testing.assert_allclose(fitted(wide, 8)[inside], np.asarray(small)[inside], atol=1)


def test_all_is_kept_where_images_are_padded():
    """28 pixels become 32 between two of black on every side; larger ones shrink."""
    digit = np.random.RandomState(0).randint(0, 256, (28, 28), np.uint8)
    padded = fitted(Image.fromarray(digit), 32, 1, "pad")[..., 0]
    np.testing.assert_array_equal(padded, np.pad(digit, 2))
    wide = fitted(Image.fromarray(np.tile(RGB, (1, 2, 1))), 16, 3, "pad")
    assert (wide[:4] == 0).all()
    assert (wide[12:] == 0).all()
    shrunk = Image.fromarray(np.tile(RGB, (1, 2, 1))).resize((16, 8), BICUBIC)
    np.testing.assert_array_equal(wide[4:12], shrunk)
    deep = fitted(Image.fromarray(np.full((2, 2), 65535, np.uint16)), 4, 1, "pad")[..., 0]
    np.testing.assert_array_equal(deep, np.pad(np.full((2, 2), 255), 1))


def test_images_are_stretched():
    wide = Image.fromarray(np.tile(RGB, (1, 2, 1)))
    np.testing.assert_array_equal(fitted(wide, 16, 3, "stretch"), wide.resize((16, 16), BICUBIC))


def test_random_squares_have_a_margin():
    assert [stored_side(size, "random") for size in (8, 32, 64, None)] == [9, 36, 72, None]
    assert stored_side(64, "centre") == 64
    large = Image.fromarray(RGB).resize((72, 72), BICUBIC)
    np.testing.assert_array_equal(fitted(large, 64, 3, "random"), large)


def test_sizes_are_reduced_with_antialiasing():
    """A fine chessboard becomes grey, not black or white."""
    board = Image.fromarray(np.uint8(255 * (np.indices((64, 64)).sum(0) % 2)))
    for crop in ("centre", "pad", "stretch"):
        np.testing.assert_allclose(fitted(board, 8, 1, crop), 127.5, atol=12)
