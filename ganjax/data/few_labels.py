"""Labelled sets of which training sees few labels, for semi-supervised games."""

import jax
import numpy as np

from ganjax.checks import whole
from ganjax.data.digits import digits
from ganjax.data.resident import Data, sample_rows
from ganjax.data.rows import examples


def few_labels(of: Data, *, labels_per_class: int = 10, seed: int = 0) -> Data:
    """The training examples of a set without labels, except for the same few of every class.

    The labelled ones are the first of each class in numpy's `RandomState(seed)` permutation of the
    training examples. They are among the unlabelled ones too, as is usual. The test examples, all
    labelled, are those of the set.

    Args:
      of: resident or streamed data with labels; at most 60,000 training examples are used, as they
        are without random flips or crops, and stay in memory.
      labels_per_class: labelled examples of each class, from 1 to the size of the smallest class.
      seed: of that choice, from 0 to 2^32 - 1.

    Returns:
      Data whose batches have `x` [batch, *shape], drawn from all training examples, and
      `x_labelled` [batch, *shape] with labels `y` int [batch], drawn from the few; all with
      replacement.

    Raises:
      ValueError: not every example has a label, or an argument is out of range.
    """
    whole(0, 2**32 - 1, seed=seed)
    train = examples(of)
    if train.keys() != {"x", "y"}:
        raise ValueError(
            f"few_labels needs examples x with labels y, got {', '.join(train) or 'none'}"
        )
    x, labels = train["x"], np.asarray(train["y"])
    smallest = int(np.bincount(labels, minlength=of.num_classes).min())
    whole(1, smallest, labels_per_class=labels_per_class)
    order = np.random.RandomState(seed).permutation(len(labels))
    classes = range(of.num_classes)
    few = np.concatenate([order[labels[order] == y][:labels_per_class] for y in classes])
    return Data(
        of.shape,
        {"x": x, "x_labelled": x[few], "y": train["y"][few]},
        of.test,
        _sample,
        num_classes=of.num_classes,
        value_range=of.value_range,
    )


def digits_few_labels(labels_per_class: int = 2, seed: int = 0, size: int = 8) -> Data:
    """`few_labels` of `digits` of this size: 1,297 training digits, 500 test digits."""
    return few_labels(digits(size=size), labels_per_class=labels_per_class, seed=seed)


def _sample(train, rng, batch_size):
    rng_unlabelled, rng_labelled = jax.random.split(rng)
    few = {"x_labelled": train["x_labelled"], "y": train["y"]}
    return {
        **sample_rows({"x": train["x"]}, rng_unlabelled, batch_size),
        **sample_rows(few, rng_labelled, batch_size),
    }
