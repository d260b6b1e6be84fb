"""Images as a viewer shows them, of one size: uint8 arrays of grey or colour."""

import numpy as np
from PIL import Image, ImageOps

CROPS = ("centre", "pad", "stretch", "random")
MARGIN = 1.125  # side of an image that random squares are cut from, in sides of a square
ORIENTATION = 0x0112  # the tag of EXIF


def fitted(
    image: Image.Image, size: int | None, channels: int = 3, crop: str = "centre"
) -> np.ndarray:
    """One image as uint8 [side, side, channels], side = `stored_side(size, crop)`.

    It is rotated as its EXIF data say and laid over white where it is transparent; 16 bits of grey
    become 8, 65535 -> 255, and only 0 becomes 0. It is resized by bicubic interpolation with
    antialiasing.

    Args:
      image: of any mode of Pillow but 32-bit ones.
      size: side of the images in a batch; None for the image's own size, [height, width, channels].
      channels: 3 for colour or 1 for grey (luma of Rec. 601).
      crop: "centre": the largest square in the middle is resized. "pad": the whole image in the
        middle of a black square, shrunk if it is larger, never enlarged. "stretch": the whole
        image, whatever its shape. "random": as "centre", but larger, for random squares.

    Raises:
      ValueError: the pixels have 32 bits, of no known range.
    """
    deep = image.mode.startswith("I;16") or (
        image.mode == "I" and image.format in ("PNG", "PPM")  # as Pillow before 11.3 opens 16 bits
    )
    if image.getexif().get(ORIENTATION, 1) != 1:
        image = ImageOps.exif_transpose(image)
    if deep:
        return _of_16_bits(image, size, channels, crop)
    if image.mode in ("I", "F"):
        raise ValueError(f"pixels of 32 bits, mode {image.mode}, of no known range")
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    if channels == 1 and image.mode != "L":
        image = image.convert("RGB").convert("L")
    elif channels == 3:
        image = image.convert("RGB")
    x = np.asarray(resized(image, size, crop))
    return x.reshape(*x.shape[:2], channels)


def stored_side(size: int | None, crop: str) -> int | None:
    """The side of the images that batches of side `size` are cut from."""
    return round(size * MARGIN) if size is not None and crop == "random" else size


def resized(image: Image.Image, size: int | None, crop: str, black: float = 0) -> Image.Image:
    """An image of a mode that can be interpolated, e.g. L, RGB or F, of another size.

    Args: as of `fitted`; `black` is the value that fills up squares.
    """
    if size is None:
        return image
    side = stored_side(size, crop)
    if image.size == (side, side):
        return image
    if crop == "stretch":
        return image.resize((side, side), Image.Resampling.BICUBIC)
    if crop != "pad":
        return ImageOps.fit(image, (side, side), Image.Resampling.BICUBIC)
    larger = max(image.size)
    if larger > side:
        shrunk = [max(1, round(edge * side / larger)) for edge in image.size]
        image = image.resize(shrunk, Image.Resampling.BICUBIC)
    square = Image.new(image.mode, (side, side), black)
    square.paste(image, tuple((side - edge) // 2 for edge in image.size))
    return square


def _of_16_bits(image, size, channels, crop):
    grey = np.asarray(image).astype(np.float32)  # Pillow itself would clip at 255
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        grey[grey == clear] = 65535
    x = np.asarray(resized(Image.fromarray(grey), size, crop))
    # A mask of 0 and 1 must not become black: it is refused later, see `images`.
    x = np.clip(np.rint(x / 257), x >= 0.5, 255).astype(np.uint8)
    return np.repeat(x[..., None], channels, axis=-1)
