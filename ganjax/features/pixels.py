"""Pixels as features, and a logistic regression on them."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ganjax import data as sources
from ganjax.features.extractor import Extractor, digest


def pixels(data: Any) -> Extractor:
    """The pixels themselves, scaled to [0, 1]; no class probabilities."""
    del data
    return Extractor("pixels", digest("pixels"), lambda: lambda x: (_flat(x + 1) / 2, None), 0)


def logistic(data: Any) -> Extractor:
    """Features of `pixels`, and the classes of scikit-learn's logistic regression on them.

    It is fitted with the default C on the training part, scaled to [-1, 1]: right for small images,
    e.g. of 8x8 digits; a `classifier` is for larger ones.

    Args:
      data: labelled images, at most 60,000 of which are used.

    Raises:
      ValueError: the data have no labels.
    """
    if not data.num_classes:
        raise ValueError("logistic needs labelled data; name the features 'pixels' or 'inception'")

    def load():
        from sklearn.linear_model import LogisticRegression  # 0.7 s: after the checks

        train = sources.examples(data)
        x, y = np.asarray(train["x"], np.float64), np.asarray(train["y"])
        fitted = LogisticRegression(max_iter=1000).fit(x.reshape(len(x), -1), y)
        weights = jnp.asarray(fitted.coef_, float), jnp.asarray(fitted.intercept_, float)
        return jax.tree_util.Partial(_classified, weights)

    of = digest(f"logistic {sources.digest(data)}")
    return Extractor("logistic", of, load, data.num_classes)


def _classified(weights: tuple[jax.Array, jax.Array], x: jax.Array) -> tuple[jax.Array, jax.Array]:
    coefficients, intercept = weights
    logits = _flat(x) @ coefficients.T + intercept[None]
    if logits.shape[1] == 1:  # of two classes scikit-learn keeps the second's alone
        logits = jnp.concatenate([jnp.zeros_like(logits), logits], 1)
    return _flat(x + 1) / 2, jax.nn.softmax(logits)


def _flat(x: jax.Array) -> jax.Array:
    return x.reshape(len(x), -1)
