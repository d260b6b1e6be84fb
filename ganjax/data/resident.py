"""`Data`: its fields, its form without the examples, and row sampling."""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from ganjax.errors import DataError, RunFolderError

Batch = dict[str, jax.Array]
BUFFER = 2**28  # bytes of streamed batches


class Rows(Protocol):
    """A source of examples, read by random access; its methods are called from several threads.

    Attributes:
      digest: of the content, hexadecimal; the run folder keeps it.
      where: the file, folder or set, for messages.
    """

    digest: str
    where: str

    def __len__(self) -> int: ...

    def read(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """The examples of int[k], e.g. `x` uint8 [k, height, width, channel] and `y` int32 [k].

        Raises:
          DataError: a row cannot be read.
        """
        ...


class Data(NamedTuple):
    """A data set resident on the device or streamed to it, or a distribution in closed form.

    Attributes:
      shape: shape of one `x`, or of one `b` where there are two domains, e.g. (2,) or (8, 8, 1).
      train: arrays that `sample` draws from, first axis the example; {} for a closed form. They
        are an argument of `sample`, so a compiled program does not hold them as constants. All are
        of one length, except of two domains without pairs and beside few labelled examples; an
        array that holds no examples belongs in `sample`. Images under the keys of a batch are in
        [-1, 1] when `sample` gets them, see `value_range`; raw ones need another key, e.g. `raw`.
      test: held-out examples for scores, with the keys of a batch; {} if there are none.
      sample: `(train, rng, batch_size) -> batch`, pure: `x` [batch, *shape] and, where there are
        labels, `y` int [batch]; or two domains, `a` [batch, ...] and `b` [batch, *shape]; or, where
        few examples have labels, `x`, `x_labelled` [batch, *shape] and `y`, the labels of those.
      num_classes: number of classes of `y`; 0 without labels.
      centres: centres of a mixture's modes [modes, dim]; () otherwise.
      std: standard deviation of every mode of the mixture; 0.0 otherwise.
      density: of a distribution on the line, `(points) -> density`, elementwise; None otherwise.
      paired: of two domains, whether row i of a batch's `a` belongs to row i of its `b`.
      pairs_held_out: of two domains, whether the rows of `test` belong together although those of a
        batch do not: the truth that unpaired translators are judged against.
      value_range: the values of `train` and `test` that stand for black and white, where they are
        images under the keys of a batch; `experiment.build` scales them to [-1, 1]. None for floats
        in [-1, 1] or unsigned integers that are scaled by their type, see `values.scaled`.
      source: the training examples as `Rows`, see `data.of_rows`; None for data that have none. If
        `train` is {}, they are streamed.
      rows: with a source, `(rng, batch_size) -> int[batch]`, the rows of a batch, pure.
      decode: with a source, `(rows as read, rng) -> batch`, pure, on the device; without random
        changes if rng is None. `train` then holds rows as `source` reads them.
      order: with a source, `(rng, step, n) -> int[n]`, the rows of a step of training if they are
        not drawn by `rows`; rng is that of the whole training. None if they are.
      buffer_bytes: memory that streamed batches of steps to come may take.
      channel: of images stacked as channels, the labelled data of one; None for others.
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
    pairs_held_out: bool = False
    value_range: tuple[float, float] | None = None
    source: Rows | None = None
    rows: Callable[[jax.Array, int], jax.Array] | None = None
    decode: Callable[[Batch, jax.Array | None], Batch] | None = None
    order: Callable[[jax.Array, jax.Array, int], jax.Array] | None = None
    buffer_bytes: int = BUFFER
    channel: "Data | None" = None

    @property
    def streamed(self) -> bool:
        """Whether rows are read on the host as training goes on."""
        return self.source is not None and not self.train

    def show(self, rng: jax.Array, n: int) -> Batch:
        """The first n held-out examples, or as many as there are; a draw if none are held out."""
        if self.test:
            return {key: array[:n] for key, array in self.test.items()}
        return self.sample(self.train, rng, n)


def sample_rows(train: Batch, rng: jax.Array, batch_size: int) -> Batch:
    """Draws `batch_size` rows uniformly with replacement, the same rows of every array."""
    examples = one_length("sample_rows", train)
    rows = jax.random.randint(rng, (batch_size,), 0, examples)
    return {key: array[rows] for key, array in train.items()}


def one_length(where: str, arrays: Batch) -> int:
    """The number of rows of all arrays, or a DataError if their lengths differ.

    JAX would read past the end of a shorter one in silence.
    """
    lengths = {key: array.shape[0] for key, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        counts = " and ".join(f"{length} of {key!r}" for key, length in lengths.items())
        raise DataError(
            f"{where} has {counts}; row i of one belongs to row i of the other, so give them one "
            "length"
        )
    return next(iter(lengths.values()))


def form(data: Data) -> dict[str, Any]:
    """The part of the data that games and networks depend on, as JSON.

    A run folder keeps it, so that networks can be built and sampled without the data.

    Returns:
      `shape`, `num_classes`, `paired`, as in `Data`; `batch`, {key: [shape of one row, dtype]};
      `classes`, the labels that the training examples have; `digest`, of the source or of resident
      examples, None of a closed form; and `source`, where data of rows come from: `where`, `rows`,
      `digest`, and of folders the `names` of classes and files `left_out`; `sha256`, of all else.
    """
    batch = jax.eval_shape(lambda rng: data.sample(data.train, rng, 1), jax.random.key(0))
    found = {
        "shape": list(data.shape),
        "num_classes": data.num_classes,
        "paired": data.paired,
        "batch": {key: [list(rows.shape[1:]), str(rows.dtype)] for key, rows in batch.items()},
        "classes": [int(label) for label in classes(data)],
        "digest": data.source.digest if data.source else digest(data) if data.train else None,
        **({} if data.source is None else {"source": origin(data.source)}),
    }
    return {**found, "sha256": _seal(found)}


def _seal(form: Mapping[str, Any]) -> str:
    rest = {key: value for key, value in form.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def digest(data: Data) -> str:
    """sha256 of the training and test examples; of a source, its own digest stands for it."""
    found = hashlib.sha256(data.source.digest.encode() if data.source else b"")
    for part in (*(() if data.source else data.train.values()), *data.test.values()):
        found.update(np.ascontiguousarray(part))  # joining them would copy large data twice
    return found.hexdigest()


def origin(source: Rows) -> dict[str, Any]:
    """The description of a source, as JSON, see `form`."""
    more = {key: list(getattr(source, key, ())) for key in ("names", "left_out")}
    found = {"where": source.where, "rows": len(source), "digest": source.digest}
    return found | {key: names for key, names in more.items() if names}


def of_form(form: Mapping[str, Any]) -> Data:
    """Data of a form, with an example for every class, all zeros; nothing is held out.

    Raises:
      RunFolderError: it is none, as of a damaged manifest.
    """
    try:
        if form.get("sha256", seal := _seal(form)) != seal:  # older ones have none
            raise ValueError("it has changed")
        count, batch = max(1, len(form["classes"])), form["batch"].items()
        train = {key: np.zeros((count, *shape), kind) for key, (shape, kind) in batch}
        if "y" in train:
            train["y"] = np.array(form["classes"], train["y"].dtype)
        train = jax.tree.map(jnp.asarray, train)
        classes, paired = form["num_classes"], form["paired"]
        shape = tuple(form["shape"])
    except (AttributeError, LookupError, MemoryError, TypeError, ValueError) as error:
        raise RunFolderError(
            f"the form of the data in manifest.json is damaged ({type(error).__name__}: {error}); "
            "restore the file, or remove its `data`"
        ) from error
    return Data(shape, train, {}, sample_rows, num_classes=classes, paired=paired)


def labels(data: Data) -> np.ndarray | None:
    """The labels of the training examples; None where they are not at hand."""
    y = data.train.get("y", getattr(data.source, "arrays", {}).get("y"))
    return None if y is None else np.asarray(y)


def classes(data: Data) -> np.ndarray:
    """The classes of the training examples, in order; all classes where labels are not at hand."""
    y = labels(data)
    return np.arange(data.num_classes) if y is None else np.unique(y)
