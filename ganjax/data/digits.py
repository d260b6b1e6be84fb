"""The 1,797 real handwritten digits of 8x8 pixels that ship inside scikit-learn; no download."""

import jax
import jax.numpy as jnp
import numpy as np

from ganjax.checks import one_of
from ganjax.data.resident import Data, sample_rows

TRAIN_EXAMPLES = 1297


def digits(
    classes: tuple[int, ...] = tuple(range(10)),
    size: int = 8,
    test_classes: tuple[int, ...] | None = None,
    pyramid: int | None = None,
) -> Data:
    """Handwritten digits (UCI ML repository, optical recognition of handwritten digits, test part).

    The split is fixed: numpy's `RandomState(0).permutation(1797)`, the first 1,297 for training,
    the other 500 for tests.

    Args:
      classes: the digits to keep, distinct and from 0 to 9, e.g. (1, 7); all ten by default.
      size: side of the images: 8, or 16 or 32 by cubic interpolation (clipped to [-1, 1]) for
        networks that need more room.
      test_classes: the digits to keep in the test split, e.g. more than were trained on, to detect
        the others; `classes` if None.
      pyramid: 8, 16 or 32, at least `size`: the images are enlarged to this side and averaged over
        blocks down to `size`, so that those of one size are those of the next, halved, as growing
        networks need it; `size` if None.

    Returns:
      Data with images `x` [batch, size, size, 1] in [-1, 1] and labels `y` int [batch], 0 to 9.

    Raises:
      ValueError: an argument is out of range, or a class is repeated.
    """
    side = size if pyramid is None else pyramid
    one_of((8, 16, 32), size=size)
    hint = f"and at least size={size}"
    one_of([known for known in (8, 16, 32) if known >= size], pyramid=side, hint=hint)
    test_classes = classes if test_classes is None else test_classes
    for name, kept in (("classes", classes), ("test_classes", test_classes)):
        if not kept or len(set(kept)) < len(kept) or not set(kept) <= set(range(10)):
            raise ValueError(
                f"{name}={kept} must be distinct digits from 0 to 9, at least one, e.g. (1, 7)"
            )
    from sklearn.datasets import load_digits  # 0.7 s: after the checks

    images, labels = load_digits(return_X_y=True)
    images = images.reshape(-1, 8, 8, 1) / 8 - 1  # pixels are counts from 0 to 16
    order = np.random.RandomState(0).permutation(len(images))

    def part(rows, kept):
        rows = rows[np.isin(labels[rows], kept)]
        x = jnp.asarray(images[rows], float)
        if side > 8:
            x = jnp.clip(jax.image.resize(x, (len(rows), side, side, 1), "cubic"), -1, 1)
        if side > size:
            x = x.reshape(len(rows), size, side // size, size, side // size, 1).mean((2, 4))
        return {"x": x, "y": jnp.asarray(labels[rows], jnp.int32)}

    train, test = order[:TRAIN_EXAMPLES], order[TRAIN_EXAMPLES:]
    train, test = part(train, classes), part(test, test_classes)
    return Data((size, size, 1), train, test, sample_rows, num_classes=10)
