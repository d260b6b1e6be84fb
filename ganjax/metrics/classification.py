"""The report on a classifier: its error on held-out examples."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from ganjax.metrics.baselines import label_spreading
from ganjax.metrics.finite import finite


def classification_report(data: Any) -> Callable[[Callable], dict[str, float]]:
    """Scores a classifier on the labelled test examples.

    Args:
      data: a data source whose test part has `x` and labels `y`.

    Returns:
      Report: `classify`, x [n, ...] -> logits of the classes [n, classes], -> flat dict of
      `test_examples`, their number, and `test_error`, the percentage of them whose largest logit is
      not that of their class; of data with few labels also `test_error_spreading`, that of
      `baselines.label_spreading` from the same labels.

    Raises:
      ValueError: no test example has a label; from the report, a logit is not finite.
    """
    if "y" not in data.test:
        raise ValueError(
            "the classification report needs held-out examples with labels; set data to e.g. "
            "digits_few_labels, or evaluation.name to 'none'"
        )
    x, y = data.test["x"], np.asarray(data.test["y"])

    @cache
    def spread():
        train = data.train
        if "x_labelled" not in train:
            return {}
        found = label_spreading(train["x_labelled"], np.asarray(train["y"]), train["x"], x)
        return {"test_error_spreading": 100 * float((found != y).mean())}

    def report(classify):
        wrong = np.argmax(finite("logits", classify(x)), axis=-1) != y
        return {"test_examples": len(y), "test_error": 100 * float(wrong.mean()), **spread()}

    return report
