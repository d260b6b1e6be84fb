"""Concepts in samples: a class, with bold or thin strokes."""

from collections.abc import Callable

import numpy as np

STROKES = {"bold": (0.75, 1.0), "thin": (0.0, 0.25)}  # quantiles of the ink of a class's samples


def ink(x: np.ndarray) -> np.ndarray:
    """Mean brightness of each image [n], 0 for all black and 1 for all white.

    Args:
      x: images [n, height, width, channel] in [-1, 1].
    """
    return (np.asarray(x, np.float64).reshape(len(x), -1).mean(1) + 1) / 2


def class_judge(
    x: np.ndarray, y: np.ndarray
) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """scikit-learn's logistic regression (default C) on the pixels of labelled images.

    Args:
      x: images [m, height, width, channel].
      y: their labels [m].

    Returns:
      Function: images [n, ...] -> (most probable label [n], its probability [n]).
    """
    from sklearn.linear_model import LogisticRegression  # 0.7 s: after the checks

    def flat(x):
        return np.asarray(x, np.float64).reshape(len(x), -1)

    fit = LogisticRegression(max_iter=1000).fit(flat(x), np.asarray(y))

    def judge(x):
        probabilities = fit.predict_proba(flat(x))
        return fit.classes_[probabilities.argmax(1)], probabilities.max(1)

    return judge


def showing(stroke: str | None, inks: np.ndarray) -> np.ndarray:
    """Whether each sample of a class shows a stroke [n], bool; all do if it is None.

    Args:
      stroke: "bold", the quarter with the most ink; "thin", the quarter with the least; or None.
      inks: `ink` of samples of one class [n].

    Raises:
      ValueError: an unknown stroke.
    """
    if stroke is None:
        return np.ones(len(inks), bool)
    if stroke not in STROKES:
        raise ValueError(f"unknown stroke {stroke!r}; known: {', '.join(sorted(STROKES))}")
    low, high = np.quantile(inks, STROKES[stroke])
    return (inks >= low) & (inks <= high)
