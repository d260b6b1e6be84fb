"""The form of data as JSON, and data of that form without the examples.

A run folder keeps the form, so that networks can be built and sampled where the data are not.
"""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from ganjax.data.resident import Data, sample_rows


def form(data: Data) -> dict[str, Any]:
    """What games and networks know of data, as JSON.

    Returns:
      `shape`, `num_classes`, `paired`, as in `Data`; `batch`, {key: [shape of one row, dtype]}; and
      `classes`, the labels that the training examples have.
    """
    batch = jax.eval_shape(lambda rng: data.sample(data.train, rng, 1), jax.random.key(0))
    return {
        "shape": list(data.shape),
        "num_classes": data.num_classes,
        "paired": data.paired,
        "batch": {key: [list(rows.shape[1:]), str(rows.dtype)] for key, rows in batch.items()},
        "classes": [int(label) for label in classes(data)],
    }


def of_form(form: Mapping[str, Any]) -> Data:
    """Data of a form, with an example for every class, all zeros; nothing is held out."""
    count = max(1, len(form["classes"]))
    train = {key: np.zeros((count, *shape), kind) for key, (shape, kind) in form["batch"].items()}
    if "y" in train:
        train["y"] = np.array(form["classes"], train["y"].dtype)
    train = jax.tree.map(jax.numpy.asarray, train)
    classes, paired = form["num_classes"], form["paired"]
    return Data(tuple(form["shape"]), train, {}, sample_rows, num_classes=classes, paired=paired)


def classes(data: Data) -> np.ndarray:
    """The classes that the training examples have, in order; all of a closed form's."""
    return np.unique(data.train["y"]) if "y" in data.train else np.arange(data.num_classes)
