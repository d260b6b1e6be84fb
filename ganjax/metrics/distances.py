"""Distances between sets of samples: Frechet distance and nearest neighbours."""

import numpy as np

from ganjax.metrics.finite import finite


def _factored(name: str, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean [dim] and R [min(samples, dim), dim] with R^T R the covariance over n - 1."""
    features = finite(name, features)
    if features.ndim != 2 or len(features) < 2:
        remedy = "give more samples" if features.ndim == 2 else "flatten images first"
        raise ValueError(
            f"expected {name} [samples >= 2, dim], got shape {features.shape}; {remedy}"
        )
    mean = features.mean(0)
    root = (features - mean) / np.sqrt(len(features) - 1)
    return mean, np.linalg.qr(root, mode="r") if len(root) > root.shape[1] else root


def frechet_distance(features_a: np.ndarray, features_b: np.ndarray) -> float:
    """|mu_a - mu_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)) (Heusel et al. 2017, arXiv:1706.08500).

    The squared 2-Wasserstein distance of the Gaussians fitted to both sets, with covariances over
    n - 1. With C = R^T R of the centred features, the root's trace is the nuclear norm of
    R_a R_b^T, the sum of its singular values. This takes no root of an eigenvalue, which would
    magnify rounding, so covariances may be singular (constant pixels, fewer samples than
    dimensions).

    Args:
      features_a: [samples, dim], at least 2 samples, finite.
      features_b: [samples, dim].

    Returns:
      The distance, at least 0, in squared units of the features; of a set to itself at most 1e-12
      of the trace of its covariance.

    Raises:
      ValueError: a set is not [samples, dim] or not finite, by name, or the dims differ.
    """
    mean_a, root_a = _factored("features_a", features_a)
    mean_b, root_b = _factored("features_b", features_b)
    if mean_a.shape != mean_b.shape:
        raise ValueError(f"features of {mean_a.size} and {mean_b.size} dimensions do not compare")
    overlap = np.linalg.norm(root_a @ root_b.T, "nuc")
    spread = np.sum(root_a**2) + np.sum(root_b**2) - 2 * overlap  # at least 0 but for rounding
    return float(np.sum((mean_a - mean_b) ** 2) + max(spread, 0.0))


def nearest_distances(samples: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Euclidean distance of every sample to its nearest neighbour in `reference`.

    Args:
      samples: [samples, dim], finite.
      reference: [references, dim].

    Returns:
      Distances [samples]; 0 is a copy.

    Raises:
      ValueError: a set is not finite, by name.
    """
    samples, reference = finite("samples", samples), finite("reference", reference)
    from sklearn.neighbors import NearestNeighbors  # 0.7 s: after the checks

    search = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(reference)
    return search.kneighbors(samples)[0][:, 0]
