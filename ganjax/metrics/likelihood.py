"""Bounds on a latent-variable model's log-likelihood by importance sampling."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from scipy.special import logsumexp

from ganjax.checks import whole

DRAWS_AT_ONCE = 20  # in one call of the query, for all test examples


class Bound(NamedTuple):
    """A lower bound of E[log p(x)], in nats per example, and its standard error over draws."""

    value: float
    error: float


def importance_bounds(log_weights: np.ndarray, samples: Sequence[int]) -> dict[int, Bound]:
    """L_k = E[log (1/k) sum_i w_i] for several k (Burda et al. 2016, arXiv:1509.00519, eq. 8).

    w_i = p(x, z_i) / q(z_i|x). L_1 is the ELBO; L_k is a lower bound of log p(x) and rises to it
    with k. Every k uses the same draws, in groups of k.

    Args:
      log_weights: log w of independent draws [draws, n] for n examples.
      samples: the k, each from 1 to the number of draws.

    Returns:
      k -> `Bound`, the mean over the examples. Its error is over draws, for fixed examples: from
      the spread of the groups or, with one group, of the weights, to first order; NaN for one draw.

    Raises:
      ValueError: there are not enough draws, or the array is not [draws, n].
    """
    log_weights = np.asarray(log_weights, np.float64)
    if log_weights.ndim != 2:
        raise ValueError(f"expected log-weights [draws, n], got shape {log_weights.shape}")
    bounds = {}
    for k in samples:
        groups = len(log_weights) // k if k >= 1 else 0
        if groups < 1:
            raise ValueError(f"k={k} must be from 1 to the number of draws, {len(log_weights)}")
        rows = log_weights[: groups * k].reshape(groups, k, -1)
        means = (logsumexp(rows, axis=1) - np.log(k)).mean(1)  # [groups]
        spread = means.std(ddof=1) / np.sqrt(groups) if groups > 1 else _spread(rows[0])
        bounds[k] = Bound(float(means.mean()), float(spread))
    return bounds


def _spread(rows: np.ndarray) -> float:
    """Standard error of the mean over examples of log mean w, log w [draws, n] (delta method)."""
    draws, n = rows.shape
    if draws == 1:
        return np.nan
    weights = np.exp(rows - rows.max(0))
    relative = weights.std(0, ddof=1) / weights.mean(0) / np.sqrt(draws)  # [n]
    return float(np.sqrt(np.sum(np.square(relative))) / n)


def likelihood_report(data: Any, *, draws: int = 1000) -> Callable[..., dict[str, float]]:
    """The ELBO of the test examples and the tighter bounds of importance sampling, in nats.

    Args:
      data: a `Data` with test examples `x`.
      draws: of the latent, for each example; at least 1.

    Returns:
      Report: the query `log_weights` -> flat dict: `elbo` and `elbo_error` (the standard error of
      the draws), `iwae_10`, `iwae_100`, ... with their errors for every power of 10 that has more
      than one group in the draws, and `log_likelihood`, the estimate by all draws together, with
      `log_likelihood_error`.

    Raises:
      ValueError: an option is out of range, or there are no test examples.
    """
    whole(1, draws=draws)
    if "x" not in data.test:
        raise ValueError(
            "the likelihood report needs examples that were held out, which these data do not "
            "have; set data to digits, or evaluation.name to 'none'"
        )

    def report(log_weights):
        x, rows = np.asarray(data.test["x"]), []
        for first in range(0, draws, DRAWS_AT_ONCE):
            count = min(DRAWS_AT_ONCE, draws - first)
            keys = jax.random.split(jax.random.fold_in(jax.random.key(0), first), count)
            rows.append(np.asarray(jax.vmap(lambda key: log_weights(x, key))(keys)))
        tens = [10**power for power in range(1, len(str(draws))) if 2 * 10**power <= draws]
        bounds = importance_bounds(np.concatenate(rows), (1, *tens, draws))
        scores = {"elbo": bounds[1].value, "elbo_error": bounds[1].error}
        for k in tens:
            scores |= {f"iwae_{k}": bounds[k].value, f"iwae_{k}_error": bounds[k].error}
        value, error = bounds[draws]
        return {**scores, "log_likelihood": value, "log_likelihood_error": error}

    return report
