"""Data that live on the device: what a source is, and sampling rows inside a compiled chunk.

Streams from disk (TFDS, folders of images) are another kind of source with files of their own.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax

Batch = dict[str, jax.Array]


class Data(NamedTuple):
    """A data set resident on the device, or a distribution known in closed form.

    Attributes:
      shape: shape of one `x`, or of one `b` where there are two domains, e.g. (2,) or (8, 8, 1).
      train: arrays that `sample` draws from, first axis the example; {} for a closed form. They
        are an argument of `sample` so that a compiled program does not hold them as constants.
      test: held-out examples for scores, with the keys of a batch; {} if there are none.
      sample: `(train, rng, batch_size) -> batch`, pure: `x` [batch, *shape] and, where there are
        labels, `y` int [batch]; or two domains, `a` [batch, ...] and `b` [batch, *shape]; or, where
        few examples have labels, `x`, `x_labelled` [batch, *shape] and `y`, the labels of those.
      num_classes: number of classes of `y`; 0 without labels.
      centres: centres of a mixture's modes [modes, dim]; () otherwise.
      std: standard deviation of every mode of the mixture; 0.0 otherwise.
      density: of a distribution on the line, `(points) -> density`, elementwise; None otherwise.
      paired: of two domains, whether row i of a batch's `a` belongs to row i of its `b`.
    """

    shape: tuple[int, ...]
    train: Batch
    test: Batch
    sample: Callable[[Batch, jax.Array, int], Batch]
    num_classes: int = 0
    centres: jax.Array | tuple = ()
    std: float = 0.0
    density: Callable[[jax.Array], jax.Array] | None = None
    paired: bool = False

    def show(self, rng: jax.Array, n: int) -> Batch:
        """The first n held-out examples, or as many as there are; a draw if none are held out."""
        if self.test:
            return {key: array[:n] for key, array in self.test.items()}
        return self.sample(self.train, rng, n)


def sample_rows(train: Batch, rng: jax.Array, batch_size: int) -> Batch:
    """Draws `batch_size` rows uniformly with replacement, the same rows of every array."""
    examples = next(iter(train.values())).shape[0]
    rows = jax.random.randint(rng, (batch_size,), 0, examples)
    return {key: array[rows] for key, array in train.items()}
