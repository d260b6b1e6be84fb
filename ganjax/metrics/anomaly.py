"""The report on anomaly detection: the energy of trained classes against that of others."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ganjax.metrics.distances import nearest_distances
from ganjax.metrics.finite import finite


def anomaly_report(data: Any) -> Callable[..., dict[str, float]]:
    """The area under the ROC curve of the energy, normal classes against all others.

    Normal are the classes of the training examples; the test examples hold others too. The area is
    the probability that an anomalous example has more energy than a normal one, ties counting half.

    Args:
      data: a `Data` with labels, e.g. `data.digits(classes=(3,), test_classes=range(10))`.

    Returns:
      Report: the query `energy` -> flat dict: `auroc`; `auroc_nearest`, that of the distance to the
      nearest training example, a baseline; `normal` and `anomalous`, numbers of test examples.

    Raises:
      ValueError: the data have no labels, or no test examples of either kind; from the report, an
        energy is not finite.
    """
    labels = np.asarray(data.test.get("y", ()))
    anomalous = ~np.isin(labels, np.unique(data.train.get("y", ())))
    if not 0 < anomalous.sum() < len(labels):
        raise ValueError(
            "the anomaly report needs labelled test examples both of the trained classes and of "
            "others; train on some classes of the digits, e.g. data.classes=(3,) with "
            "data.test_classes=(0, 1, 2, 3, 4, 5, 6, 7, 8, 9)"
        )

    def report(energy):
        from sklearn.metrics import roc_auc_score  # 0.7 s: after the checks

        x, train = np.asarray(data.test["x"]), np.asarray(data.train["x"])
        nearest = nearest_distances(x.reshape(len(x), -1), train.reshape(len(train), -1))
        return {
            "auroc": float(roc_auc_score(anomalous, finite("energies", energy(x)))),
            "auroc_nearest": float(roc_auc_score(anomalous, nearest)),
            "normal": int((~anomalous).sum()),
            "anomalous": int(anomalous.sum()),
        }

    return report
