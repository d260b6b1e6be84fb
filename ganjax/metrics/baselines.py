"""Predictions without a network, to stand beside those of one."""

import numpy as np
from scipy.sparse import csr_array, diags_array, eye_array
from scipy.sparse.linalg import cg

SPREAD = 0.99  # of label spreading: the share of a label that comes from neighbours
PIXELS = 200_000  # that trees are fitted to
WIDTHS = 2.0 ** np.arange(-3, 3)  # of the kernel, in median distances between nearest neighbours


def label_spreading(
    x: np.ndarray, y: np.ndarray, unlabelled: np.ndarray, test: np.ndarray
) -> np.ndarray:
    """Classes of test examples by label spreading on the graph of 7 nearest neighbours.

    Zhou et al. 2004, "Learning with local and global consistency": F = (1 - a S)^-1 Y with a = 0.99
    and S = D^(-1/2) W D^(-1/2). Test examples have the mean F of their 7 nearest training examples.
    Paper: W has Gaussian weights of tuned width; here W is 1 where either is among the other's
    nearest. scikit-learn's `LabelSpreading` does not make this graph symmetric and errs twice as
    often on digits.

    Args:
      x: labelled examples [n, ...].
      y: their classes [n], int.
      unlabelled: [m, ...].
      test: [k, ...].

    Returns:
      Classes [k].
    """
    from sklearn.neighbors import NearestNeighbors  # 0.7 s: only where it is used

    rows = np.concatenate([_flat(x), _flat(unlabelled)])
    search = NearestNeighbors(n_neighbors=min(7, len(rows) - 1)).fit(rows)
    graph = csr_array(search.kneighbors_graph())
    graph = graph.maximum(graph.T)
    scale = diags_array(graph.sum(1) ** -0.5)
    system = eye_array(len(rows)) - SPREAD * (scale @ graph @ scale)
    given = np.zeros((len(rows), y.max() + 1))
    given[np.arange(len(y)), y] = 1
    spread = np.stack([cg(system, column)[0] for column in given.T], 1)
    return (search.kneighbors_graph(_flat(test)) @ spread).argmax(1)


def ridge(a: np.ndarray, b: np.ndarray, test: np.ndarray, *, alpha: float = 1.0) -> np.ndarray:
    """Ridge regression from inputs [n, ...] to outputs [n, ...], at test inputs [k, ...]."""
    from sklearn.linear_model import Ridge

    return Ridge(alpha=alpha).fit(_flat(a), _flat(b)).predict(_flat(test)).reshape(-1, *b.shape[1:])


def kernel_mean(a: np.ndarray, b: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Mean of outputs [n, ...], weighted by a Gaussian of the inputs' distance to test inputs.

    Nadaraya and Watson's estimate; of `WIDTHS` the one with the least squared error on the
    training pairs, each left out in turn.
    """
    from scipy.spatial.distance import cdist

    a, outputs, test = _flat(a), _flat(b), _flat(test)
    within = cdist(a, a, "sqeuclidean")
    np.fill_diagonal(within, np.inf)
    unit = np.median(np.where(within > 0, within, np.inf).min(1))  # a pair may be drawn twice

    def weighted(squared, width):
        logits = -squared / (2 * width**2 * unit)
        weights = np.exp(logits - logits.max(1, keepdims=True))
        return weights @ outputs / weights.sum(1, keepdims=True)

    errors = [np.mean((weighted(within, width) - outputs) ** 2) for width in WIDTHS]
    best = WIDTHS[int(np.argmin(errors))]
    return weighted(cdist(test, a, "sqeuclidean"), best).reshape(-1, *b.shape[1:])


def neighbourhood(a: np.ndarray, b: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Masks of test images, each pixel's from the 7x7 pixels around it, by boosted trees.

    scikit-learn's histogram gradient boosting, fitted to 200,000 pixels at most, drawn at random;
    images are mirrored at the border.

    Args:
      a: images [n, height, width, channel].
      b: their masks [n, height, width, 1] of -1 and 1.
      test: images [k, height, width, channel].

    Returns:
      2 p - 1 [k, height, width, 1], p the probability that a pixel is in the mask.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    def around(x, pixels):
        x = np.pad(x, ((0, 0), (3, 3), (3, 3), (0, 0)), mode="symmetric")
        windows = np.lib.stride_tricks.sliding_window_view(x, (7, 7), axis=(1, 2))
        places = np.unravel_index(pixels, windows.shape[:3])
        return windows[places].reshape(len(pixels), -1)

    pixels = np.random.RandomState(0).permutation(b.size)[:PIXELS]
    inside, shape = b.ravel()[pixels] > 0, (*test.shape[:3], 1)
    if inside.all() or not inside.any():
        return np.full(shape, 2.0 * inside[0] - 1)
    trees = HistGradientBoostingClassifier(random_state=0)
    trees.fit(around(a, pixels), inside)
    found = []
    for images in np.array_split(test, -(-len(test) // 500)):  # 49 numbers of every pixel at a time
        every = np.arange(np.prod(images.shape[:3]))
        found.append(trees.predict_proba(around(images, every))[:, 1])
    return 2 * np.concatenate(found).reshape(shape) - 1


def _flat(x: np.ndarray) -> np.ndarray:
    return np.asarray(x, np.float64).reshape(len(x), -1)
