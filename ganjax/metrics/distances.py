"""Distances between sets of samples: Frechet distance and nearest neighbours."""

import numpy as np


def _moments(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    features = np.asarray(features, np.float64)
    if features.ndim != 2 or len(features) < 2:
        raise ValueError(f"expected features [samples >= 2, dim], got shape {features.shape}")
    return features.mean(0), np.atleast_2d(np.cov(features, rowvar=False))


def _root(matrix: np.ndarray) -> np.ndarray:
    """Square root of a symmetric positive semi-definite matrix."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T


def frechet_distance(features_a: np.ndarray, features_b: np.ndarray) -> float:
    """|mu_a - mu_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)) (Heusel et al. 2017, arXiv:1706.08500).

    The squared 2-Wasserstein distance of the Gaussians fitted to both sets, with covariances over
    n - 1. The root's trace comes from the symmetric C_a^(1/2) C_b C_a^(1/2), which has the same
    eigenvalues, so singular covariances (constant pixels) are no trouble.

    Args:
      features_a: [samples, dim], at least 2 samples.
      features_b: [samples, dim].

    Returns:
      The distance, at least 0 up to rounding, in squared units of the features.

    Raises:
      ValueError: a set is not [samples, dim], or the dims differ.
    """
    (mean_a, cov_a), (mean_b, cov_b) = _moments(features_a), _moments(features_b)
    if mean_a.shape != mean_b.shape:
        raise ValueError(f"features of {mean_a.size} and {mean_b.size} dimensions do not compare")
    root = _root(cov_a)
    overlap = np.sqrt(np.clip(np.linalg.eigvalsh(root @ cov_b @ root), 0, None)).sum()
    return float(np.sum((mean_a - mean_b) ** 2) + np.trace(cov_a) + np.trace(cov_b) - 2 * overlap)


def nearest_distances(samples: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Euclidean distance of every sample to its nearest neighbour in `reference`.

    Args:
      samples: [samples, dim].
      reference: [references, dim].

    Returns:
      Distances [samples]; 0 is a copy.
    """
    from sklearn.neighbors import NearestNeighbors  # 0.7 s: not for a run that is refused

    search = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(reference)
    return search.kneighbors(samples)[0][:, 0]
