"""The error of filled holes, and fills without a generator. Masks are 0 in the hole."""

import numpy as np

from ganjax.metrics.finite import finite


def hole_error(filled: np.ndarray, x: np.ndarray, mask: np.ndarray) -> float:
    """Mean squared error over the pixels of the holes, in the squared units of the images.

    Args:
      filled: images with filled holes [n, height, width, channel].
      x: the originals, same shape.
      mask: [n, height, width, 1], 1 visible and 0 in the hole.

    Raises:
      ValueError: there is no hole, or a filled pixel is not finite.
    """
    hole = np.broadcast_to(np.asarray(mask) == 0, np.shape(x))
    if not hole.any():
        raise ValueError("no pixel is missing; give masks with holes")
    return float(np.mean((finite("filled", filled) - x)[hole] ** 2))


def mean_fill(x: np.ndarray, mask: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Holes filled with the mean training image.

    Args:
      x: images [n, height, width, channel]; pixels in holes are ignored.
      mask: [n, height, width, 1], 1 visible and 0 in the hole.
      train: training images [m, height, width, channel].

    Returns:
      Images like `x`, in float64.
    """
    mean = np.asarray(train, np.float64).mean(axis=0, keepdims=True)
    return np.where(np.asarray(mask) > 0, x, mean)


def nearest_fill(
    x: np.ndarray, mask: np.ndarray, train: np.ndarray, *, neighbours: int = 5
) -> np.ndarray:
    """Holes filled with the mean of the training images nearest in the visible pixels.

    Args:
      x, mask, train: as in `mean_fill`.
      neighbours: images in the mean.

    Returns:
      Images like `x`, in float64.
    """
    visible = np.broadcast_to(np.asarray(mask) > 0, np.shape(x))
    filled, pool = np.array(x, np.float64), np.asarray(train, np.float64)
    for row, shown in enumerate(visible):
        squared = ((pool - filled[row]) ** 2 * shown).reshape(len(pool), -1).sum(1)
        mean = pool[np.argpartition(squared, neighbours - 1)[:neighbours]].mean(0)
        filled[row] = np.where(shown, filled[row], mean)
    return filled


def regression_fill(
    x: np.ndarray, mask: np.ndarray, train: np.ndarray, *, alpha: float = 1.0
) -> np.ndarray:
    """Holes filled by ridge regression from the visible pixels.

    scikit-learn's `Ridge`, one for each distinct mask, fitted on the training images.

    Args:
      x, mask, train: as in `mean_fill`.
      alpha: of the ridge, in the squared units of the images times their number.

    Returns:
      Images like `x`, in float64.
    """
    from sklearn.linear_model import Ridge  # 0.7 s: only where it is used

    n = len(x)
    visible = np.broadcast_to(np.asarray(mask) > 0, np.shape(x)).reshape(n, -1)
    filled = np.array(x, np.float64).reshape(n, -1)
    pool = np.asarray(train, np.float64).reshape(len(train), -1)
    kinds, kind = np.unique(visible, axis=0, return_inverse=True)
    for index, shown in enumerate(kinds):
        rows = np.flatnonzero(kind.reshape(-1) == index)
        if shown.all():
            continue
        if not shown.any():
            filled[rows] = pool.mean(0)
            continue
        fit = Ridge(alpha=alpha).fit(pool[:, shown], pool[:, ~shown])
        predicted = fit.predict(filled[rows][:, shown]).reshape(len(rows), -1)
        filled[np.ix_(rows, ~shown)] = predicted
    return filled.reshape(np.shape(x))
