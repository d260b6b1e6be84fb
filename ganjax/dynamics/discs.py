"""Discs around the eigenvalues of a matrix of intervals, multiple or not."""

import numpy as np
from flint import acb, acb_mat, arb, ctx
from scipy.sparse.csgraph import connected_components

from ganjax.dynamics.balls import Undecided


def eigenvalue_discs(matrix: np.ndarray) -> tuple[list[acb], list[arb]]:
    """Gershgorin's discs of V^-1 A V, V approximate eigenvectors of a matrix near A.

    The matrix near A differs by 2^(-bits / 2) of its size, or as much as the intervals are wide, so
    that V has an inverse where eigenvalues are multiple. V is approximate, the product is enclosed,
    so that the discs hold for any V. They are tight to that change, if the eigenvalues are
    semi-simple, and to its k-th root for a Jordan block of k.

    Args:
      matrix: A, object array of `arb` [n, n]; the discs hold for every matrix in it.

    Returns:
      (centres, radii), n of each. Discs that overlap are joined: one that stands k times holds k
      eigenvalues, counted with multiplicity.

    Raises:
      Undecided: an entry is not finite, or V has no inverse.
    """
    n = len(matrix)
    if not all(entry.is_finite() for entry in matrix.flat):
        raise Undecided("the derivative is not finite, or divides by an interval around 0")
    enclosure = acb_mat(matrix.tolist())
    largest = max([arb(1), *(entry.abs_upper() for entry in matrix.flat)])
    change = max([largest * arb(2) ** (-ctx.prec // 2), *(entry.rad() for entry in matrix.flat)])
    noise = acb_mat(np.random.default_rng(0).standard_normal((n, n)).tolist())
    try:
        _, found = (enclosure.mid() + change * noise).eig(right=True, algorithm="approx")
        vectors = acb_mat([_normed(column) for column in found.transpose().tolist()])
        vectors = vectors.transpose().mid()  # V, its columns of length about 1
        similar = vectors.solve(enclosure * vectors).tolist()
    except (ValueError, ZeroDivisionError) as error:
        raise Undecided(f"no eigenvectors are found ({error})") from error
    centres = [similar[i][i].mid() for i in range(n)]
    radii = [
        sum((abs(similar[i][j] - (centres[i] if i == j else 0)) for j in range(n)), arb(0)).upper()
        for i in range(n)
    ]
    return _joined(centres, radii)


def _normed(vector: list[acb]) -> list[acb]:
    largest = max(x.abs_upper() for x in vector)
    return [x / largest for x in vector]


def _joined(centres: list[acb], radii: list[arb]) -> tuple[list[acb], list[arb]]:
    """The discs of each connected component as one disc around them."""
    discs = list(zip(centres, radii, strict=True))
    meet = [[not abs(c - d) > r + s for d, s in discs] for c, r in discs]
    _, labels = connected_components(np.array(meet), directed=False)
    joined = {}
    for label in set(labels):
        part = [disc for disc, other in zip(discs, labels, strict=True) if other == label]
        centre = (sum((c for c, _ in part), acb(0)) / len(part)).mid()
        joined[label] = centre, max((abs(c - centre) + r).upper() for c, r in part)
    return tuple(map(list, zip(*(joined[label] for label in labels), strict=True)))
