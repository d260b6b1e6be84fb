"""Stacks of labelled images as channels, the sets on which lost modes are counted."""

import hashlib

import numpy as np

from ganjax.checks import whole
from ganjax.data.digits import digits
from ganjax.data.resident import Data
from ganjax.data.rows import examples, of_rows

CHANNELS = 3


class Stacks:
    """`Rows` whose channels are random images of one channel, the same ones for the same seed.

    The label of a row is the number with the channels' labels as its digits, the first one leading.
    """

    def __init__(self, images: dict[str, np.ndarray], classes: int, count: int, seed: int):
        self.images = _in_bytes(np.asarray(images["x"])[..., 0])
        self.chosen = np.random.RandomState(seed).randint(len(self.images), size=(count, CHANNELS))
        labels = np.asarray(images["y"])[self.chosen]
        y = np.ravel_multi_index(tuple(labels.T), (classes,) * CHANNELS)
        self.arrays = {"y": y.astype(np.int32)}
        content = hashlib.sha256(np.ascontiguousarray(self.images))
        content.update(y.tobytes() + self.chosen.tobytes())
        self.digest = content.hexdigest()
        self.where = f"stacks of {len(self.images)} images"

    def __len__(self) -> int:
        return len(self.chosen)

    def read(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        x = self.images[self.chosen[rows]]  # [rows, channel, height, width]
        return {"x": np.moveaxis(x, 1, -1), "y": self.arrays["y"][rows]}


def _in_bytes(x: np.ndarray) -> np.ndarray:
    """Images in [-1, 1] as the bytes that they were made of, a quarter of the memory, if any."""
    levels = np.rint((x + 1) * 127.5)
    exact = np.abs(levels / 127.5 - 1 - x).max() < 1e-6
    return levels.astype(np.uint8) if exact else x


def stacked(of: Data, *, count: int = 128_000, held_out: int = 26_000, seed: int = 0) -> Data:
    """Three random images of a labelled set as the channels of one, e.g. Stacked MNIST.

    Its classes are all triples of labels: 1,000 modes of digits. Metz et al. 2017
    (arXiv:1611.02163, section 3.3.1); 128,000 training images and 26,000 samples as in VEEGAN
    (arXiv:1705.07761). A `features.stacked` judge classifies each channel.

    Args:
      of: resident or streamed images [height, width, 1] in [-1, 1] with labels; at most 60,000 are
        used, as they are without random flips or crops.
      count: stacks of training images.
      held_out: stacks of test images, if there are any.
      seed: of the choice of images.

    Returns:
      Data with images `x` [batch, height, width, 3] in [-1, 1] and labels `y` int [batch] from 0 to
      num_classes^3 - 1; `channel` is `of`.

    Raises:
      ValueError: the images have no labels or more than one channel, or an argument is out of
        range.
    """
    whole(1, count=count, held_out=held_out)
    whole(0, 2**32 - 2, seed=seed)
    few = "x_labelled" in of.train
    if len(of.shape) != 3 or of.shape[-1] != 1 or not of.num_classes or few:
        raise ValueError(
            f"stacked needs labelled images [height, width, 1], got data of {of.shape} with "
            f"{of.num_classes} classes{', few of them labelled' if few else ''}"
        )
    classes = of.num_classes
    train = Stacks(examples(of), classes, count, seed)
    test = Stacks(of.test, classes, held_out, seed + 1) if of.test else None
    data = of_rows(train, test=test, num_classes=classes**CHANNELS)
    return data._replace(channel=of)


def stacked_digits(count: int = 128_000, held_out: int = 26_000, seed: int = 0) -> Data:
    """`stacked` of the real `digits` of 8x8 pixels: a Stacked MNIST that trains in a minute."""
    return stacked(digits(), count=count, held_out=held_out, seed=seed)
