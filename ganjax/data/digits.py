"""The 1,797 real handwritten digits of 8x8 pixels that ship inside scikit-learn; no download."""

import jax
import jax.numpy as jnp
import numpy as np

from ganjax.data.resident import Data, sample_rows

TRAIN_EXAMPLES = 1297


def digits(
    classes: tuple[int, ...] = tuple(range(10)), size: int = 8, pyramid: int | None = None
) -> Data:
    """Handwritten digits (UCI ML repository, optical recognition of handwritten digits, test part).

    The split is fixed: numpy's `RandomState(0).permutation(1797)`, the first 1,297 for training,
    the other 500 for tests.

    Args:
      classes: the digits to keep, distinct and from 0 to 9, e.g. (1, 7); all ten by default.
      size: side of the images, 8 as they come, or 16 or 32 by cubic interpolation (clipped to
        [-1, 1]) for networks that need more room.
      pyramid: 8, 16 or 32, at least `size`: the images are enlarged to this side and averaged over
        blocks down to `size`, so that those of one size are those of the next, halved, as growing
        networks need it; `size` if None.

    Returns:
      Data with images `x` [batch, size, size, 1] in [-1, 1] and labels `y` int [batch], 0 to 9.

    Raises:
      ValueError: `classes` is empty, repeats a digit or holds something else; another size, or a
        pyramid that is smaller.
    """
    if size not in (8, 16, 32):
        raise ValueError(f"size={size} must be 8, 16 or 32")
    side = size if pyramid is None else pyramid
    if side not in (8, 16, 32) or side < size:
        raise ValueError(f"pyramid={pyramid} must be 8, 16 or 32, and at least size={size}")
    if not classes or len(set(classes)) < len(classes) or not set(classes) <= set(range(10)):
        raise ValueError(
            f"classes={classes} must be distinct digits from 0 to 9, at least one, e.g. (1, 7)"
        )
    from sklearn.datasets import load_digits  # 0.7 s: not for a run that is refused before

    images, labels = load_digits(return_X_y=True)
    # Pixels are counts from 0 to 16.
    images = images.reshape(-1, 8, 8, 1) / 8 - 1
    order = np.random.RandomState(0).permutation(len(images))

    def part(rows):
        rows = rows[np.isin(labels[rows], classes)]
        x = jnp.asarray(images[rows], float)
        if side > 8:
            x = jnp.clip(jax.image.resize(x, (len(rows), side, side, 1), "cubic"), -1, 1)
        if side > size:
            x = x.reshape(len(rows), size, side // size, size, side // size, 1).mean((2, 4))
        return {"x": x, "y": jnp.asarray(labels[rows], jnp.int32)}

    return Data(
        shape=(size, size, 1),
        train=part(order[:TRAIN_EXAMPLES]),
        test=part(order[TRAIN_EXAMPLES:]),
        sample=sample_rows,
        num_classes=10,
    )
