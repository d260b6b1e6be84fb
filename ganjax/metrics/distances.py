"""Distances between sets of samples: Frechet distance and nearest neighbours."""

import numpy as np

from ganjax.metrics.finite import rows, same_dim
from ganjax.metrics.running import Moments, factored


def _factored(name: str, features: np.ndarray | Moments) -> tuple[np.ndarray, np.ndarray]:
    """The mean [dim] and R [min(samples, dim), dim] with R^T R the covariance over n - 1."""
    if isinstance(features, Moments):
        return factored(name, features)
    features = rows(name, features, least=2)
    mean = features.mean(0)
    root = (features - mean) / np.sqrt(len(features) - 1)
    return mean, np.linalg.qr(root, mode="r") if len(root) > root.shape[1] else root


def frechet_distance(real: np.ndarray | Moments, generated: np.ndarray | Moments) -> float:
    """|mu_r - mu_g|^2 + tr(C_r + C_g - 2 (C_r C_g)^(1/2)) (Heusel et al. 2017, arXiv:1706.08500).

    The squared 2-Wasserstein distance of the Gaussians fitted to both sets, with covariances over
    n - 1. With C = R^T R of the centred features, the root's trace is the nuclear norm of
    R_r R_g^T, the sum of its singular values. This takes no root of an eigenvalue of C_r C_g, which
    would magnify rounding, so covariances may be singular (constant pixels, fewer samples than
    dimensions). torch-fidelity and torchmetrics do take such roots.

    Args:
      real: [samples, dim], at least 2 samples, finite; or the `Moments` of such features.
      generated: the same; the order does not matter.

    Returns:
      The distance, at least 0, in squared units of the features; of a set to itself at most 1e-12
      of the trace of its covariance. Its bias grows as samples get fewer: compare equal numbers.

    Raises:
      ValueError: a set is not [samples, dim] or not finite, by name, or the dims differ.
    """
    mean_r, root_r = _factored("real", real)
    mean_g, root_g = _factored("generated", generated)
    same_dim(mean_r.size, mean_g.size)
    overlap = np.linalg.norm(root_r @ root_g.T, "nuc")
    spread = np.sum(root_r**2) + np.sum(root_g**2) - 2 * overlap  # at least 0 but for rounding
    return float(np.sum((mean_r - mean_g) ** 2) + max(spread, 0.0))


def nearest_distances(samples: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Euclidean distance of every sample to its nearest neighbour in `reference`.

    Args:
      samples: [samples, dim], finite.
      reference: [references, dim].

    Returns:
      Distances [samples]; 0 is a copy.

    Raises:
      ValueError: a set is not [samples, dim] or not finite, by name, or the dims differ.
    """
    samples, reference = rows("samples", samples), rows("reference", reference)
    same_dim(samples.shape[1], reference.shape[1])
    from sklearn.neighbors import NearestNeighbors  # 0.7 s: after the checks

    search = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(reference)
    return search.kneighbors(samples)[0][:, 0]
