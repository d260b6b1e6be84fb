"""The report on reconstructions, beside those of the best affine map of the same code width."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ganjax.checks import whole, within
from ganjax.metrics.finite import finite


class Affine(NamedTuple):
    """The map inputs [n, p] -> inputs @ matrix [p, q] + bias [q]."""

    matrix: np.ndarray
    bias: np.ndarray


def best_affine(
    inputs: np.ndarray, targets: np.ndarray, *, rank: int, noise: float = 0.0
) -> Affine:
    """The affine map of a given rank with the least expected squared error under noisy inputs.

    Reduced-rank regression (Izenman 1975): with the covariances C_xx + noise^2 I and C_xy the best
    map of any rank is B = (C_xx + noise^2 I)^-1 C_xy, and that of rank r is B V V^T, V the first r
    eigenvectors of C_yx B. With targets = inputs these are the principal components without noise,
    and the Wiener filter C (C + noise^2 I)^-1 of its r strongest components with it.

    Args:
      inputs: [n, p], without noise.
      targets: [n, q].
      rank: r, at least 1; no restriction if it is at least the smaller of p and q.
      noise: standard deviation of the noise N(0, noise^2 I) that will be on the inputs.

    Returns:
      `Affine`, in float64.

    Raises:
      ValueError: an argument is out of range or not finite, or there are not as many targets as
        inputs.
    """
    inputs, targets = finite("inputs", inputs), finite("targets", targets)
    if inputs.ndim != 2 or targets.ndim != 2 or len(inputs) != len(targets):
        raise ValueError(
            f"expected inputs [n, p] and targets [n, q], got {inputs.shape} and {targets.shape}"
        )
    whole(1, rank=rank)
    within("[0, inf)", noise=noise)
    mean_x, mean_y = inputs.mean(0), targets.mean(0)
    x, y = inputs - mean_x, targets - mean_y
    # Some pixels are constant: the pseudo-inverse ignores them.
    inverse = np.linalg.pinv(
        x.T @ x / len(x) + noise**2 * np.eye(x.shape[1]), rcond=1e-10, hermitian=True
    )
    cross = x.T @ y / len(x)
    matrix = inverse @ cross
    if rank < y.shape[1]:
        strongest = np.linalg.eigh(cross.T @ matrix)[1][:, -rank:]
        matrix = matrix @ strongest @ strongest.T
    return Affine(matrix, mean_y - mean_x @ matrix)


def reconstruction_report(
    data: Any, *, noise: float = 0.0, draws: int = 10
) -> Callable[..., dict[str, float]]:
    """Squared errors of an auto-encoder's outputs beside those of the best affine map.

    Errors are means over examples and pixels. The affine map has the rank of the code's width and
    is fitted on the training examples, in closed form; see `best_affine`. Of two domains, `a` is
    the input and `b` the target.

    Args:
      data: a `Data` with training and test examples.
      noise: standard deviation of Gaussian noise on the inputs, at least 0, that of the game; the
        same draws for the auto-encoder and the affine map.
      draws: draws of the noise for every example, at least 1.

    Returns:
      Report: the queries `encode` and `reconstruct` -> flat dict: `error` on the test examples,
      `error_affine`, `error_mean` (of the training examples' mean), `error_input` (of the unchanged
      inputs), and `error_train`, `error_affine_train`. The last is the least of any affine
      auto-encoder of that width, but for the draws.

    Raises:
      ValueError: an option is out of range, or there are no test examples; from the report, an
        output is not finite.
    """
    within("[0, inf)", noise=noise)
    whole(1, draws=draws)
    if not data.test:
        raise ValueError(
            "the reconstruction report needs examples that were held out, which these data do not "
            "have; set data to digits, or evaluation.name to 'none'"
        )
    draws = draws if noise else 1

    def report(encode, reconstruct):
        train, targets = _pair(data.train)
        width = math.prod(np.shape(encode(train[:2]))[1:])
        affine = best_affine(_flat(train), _flat(targets), rank=width, noise=noise)
        rng = np.random.RandomState(0)

        def errors(part):
            inputs, targets = _pair(part)
            noisy = [inputs + noise * rng.normal(size=inputs.shape) for _ in range(draws)]
            flat = _flat(targets)
            outputs = (finite("outputs", reconstruct(x.astype(inputs.dtype))) for x in noisy)
            learned = [_error(_flat(x), flat) for x in outputs]
            best = [_error(_flat(x) @ affine.matrix + affine.bias, flat) for x in noisy]
            unchanged = [_error(np.broadcast_to(x, targets.shape), targets) for x in noisy]
            return [float(np.mean(values)) for values in (learned, best, unchanged)]

        error, error_affine, error_input = errors(data.test)
        error_train, error_affine_train, _ = errors(data.train)
        return {
            "error": error,
            "error_affine": error_affine,
            "error_mean": _error(_flat(targets).mean(0), _flat(_pair(data.test)[1])),
            "error_input": error_input,
            "error_train": error_train,
            "error_affine_train": error_affine_train,
        }

    return report


def _pair(part: Any) -> tuple[np.ndarray, np.ndarray]:
    names = ("a", "b") if "a" in part else ("x", "x")
    return tuple(np.asarray(part[name]) for name in names)


def _flat(x: Any) -> np.ndarray:
    return np.asarray(x, np.float64).reshape(len(x), -1)


def _error(outputs: np.ndarray, targets: np.ndarray) -> float:
    return float(np.mean(np.square(outputs - targets)))
