"""Data that are read by their rows: whole on the device, or streamed to it from the host.

Streamed training is resident training, bit for bit: both draw the rows of a batch from the same
key, and both turn the same bytes into numbers on the device.
"""

import dataclasses
import hashlib
import logging
from collections.abc import Iterator
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils

from ganjax.checks import one_of, whole
from ganjax.data.order import epochs
from ganjax.data.reading import form_of, read_rows, taken
from ganjax.data.resident import BUFFER, Batch, Data, Rows, one_length
from ganjax.errors import DataError
from ganjax.memory import free_bytes

log = logging.getLogger("ganjax")

KEEP = ("auto", "device", "stream")
ORDERS = ("random", "epochs", "once")
SHARE = 0.25  # of the free memory that resident data may take
SHOWN, NUMBERS = 60_000, 2**28  # examples that scores and pictures get
CHUNK = 4096  # rows read at a time where all are read


@dataclasses.dataclass(frozen=True)
class Table:
    """`Rows` of arrays of one length, in memory or mapped from files."""

    arrays: dict[str, np.ndarray]
    digest: str
    where: str

    def __len__(self) -> int:
        return one_length(self.where, self.arrays)

    def read(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        return {key: np.asarray(array[rows]) for key, array in self.arrays.items()}


@dataclasses.dataclass(frozen=True)
class Part:
    """Some rows of `Rows`, e.g. all that are not held out."""

    of: Rows
    index: np.ndarray

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.of.digest.encode() + self.index.tobytes()).hexdigest()

    @property
    def where(self) -> str:
        return self.of.where

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """The labels, where those of the whole are at hand."""
        labels = getattr(self.of, "arrays", {}).get("y")
        return {} if labels is None else {"y": labels[self.index]}

    def __len__(self) -> int:
        return len(self.index)

    def read(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        return self.of.read(self.index[rows])


def split(source: Rows, held_out: int) -> tuple[Rows, Rows | None]:
    """Training rows and held-out ones, the first of numpy's `RandomState(0).permutation(n)`.

    Raises:
      ValueError: `held_out` leaves no row for training.
    """
    whole(0, len(source) - 1, held_out=held_out, hint=f"there are {len(source)} examples")
    if not held_out:
        return source, None
    order = np.random.RandomState(0).permutation(len(source))
    return Part(source, np.sort(order[held_out:])), Part(source, order[:held_out])


def of_rows(
    source: Rows,
    *,
    test: Rows | None = None,
    num_classes: int = 0,
    keep: str = "auto",
    order: str = "random",
    value_range: tuple[float, float] | None = None,
    flip: bool = False,
    crop: int | None = None,
    paired: bool = False,
    buffer_bytes: int = BUFFER,
) -> Data:
    """Data of a source of rows.

    Args:
      source: of the training examples, e.g. a `Table`, or an object of your own with `len()`,
        `read(int[k])`, `digest` and `where`.
      test: of those held out; those that `some` takes are kept.
      num_classes: of the labels y; 0 without labels.
      keep: "device": read once, whole; "stream": read as training goes on; "auto": on the device if
        they take at most a quarter of its free memory.
      order: "random": rows are drawn with replacement; "epochs": every row once an epoch, in a new
        order each time; "once": in the first epoch's order.
      value_range: the numbers of images that stand for black and white. None for (-1, 1) of
        floats and (0, 255) of all others.
      flip: mirror images at random.
      crop: side of a random square that a batch gets of an image; of the middle where nothing is
        random. None for whole images.
      paired: whether row i of `a` belongs to row i of `b`; such images change alike.
      buffer_bytes: memory that streamed batches of steps to come may take.

    Returns:
      Data whose batches have the keys that `source.read` returns, images in [-1, 1].

    Raises:
      ValueError: an argument is out of range.
      DataError: rows cannot be read, or are not as declared.
    """
    one_of(KEEP, keep=keep)
    one_of(ORDERS, order=order)
    whole(2**20, buffer_bytes=buffer_bytes)
    if not len(source):
        raise DataError(f"{source.where} holds no examples; expected one at least")
    first = read_rows(source, np.zeros(1, int))
    _check_first(source, first)
    declared = (-1.0, 1.0)  # batches hold no others
    if value_range is None:
        floats = any(x.dtype.kind == "f" for key, x in first.items() if key != "y" and x.ndim > 3)
        value_range = (-1, 1) if floats else (0, 255)
        declared = None if floats else declared  # then images without a value below 0 are refused
    decode = partial(
        _decoded, value_range=tuple(value_range), flip=flip, crop=crop, together=paired
    )
    size = _bytes(source)
    resident = keep == "device" or (keep == "auto" and _fit(size))
    place = "on the device" if resident else "streamed from the host"
    log.info("%s: %d examples, %.1f MiB, %s", source.where, len(source), size / 2**20, place)

    def rows(rng, batch_size):
        return jax.random.randint(rng, (batch_size,), 0, len(source))

    def sample(train, rng, batch_size):
        read = taken(data, train, rows(rng, batch_size))
        return decode(read, jax.random.fold_in(rng, 1))

    key = "b" if "b" in first else "x"
    shape = jax.eval_shape(decode, first, None)[key].shape[1:]
    data = Data(
        shape=shape,
        train=everything(source) if resident else {},
        test={} if test is None else decode(some(test), None),
        sample=sample,
        num_classes=num_classes,
        paired=paired,
        value_range=declared,
        buffer_bytes=buffer_bytes,
        source=source,
        rows=rows,
        decode=decode,
        order=None if order == "random" else epochs(len(source), once=order == "once"),
    )
    return data


def _check_first(source: Rows, first: dict[str, np.ndarray]) -> None:
    """Raises a DataError for rows without images or points, or a digest that is no text."""
    if not isinstance(source.digest, str):
        raise DataError(
            f"{source.where}: digest is a {type(source.digest).__name__}; expected a str, as of "
            "hashlib.sha256(...).hexdigest()"
        )
    if "x" not in first and not {"a", "b"} <= first.keys():
        raise DataError(
            f"{source.where}: read gives {', '.join(first) or 'nothing'}; expected x, or a and b"
        )


def _domains(source: Rows) -> dict[str, Rows]:
    """The sources that rows of two unpaired domains are made of; {} for other sources."""
    return {"a": source.a, "b": source.b} if hasattr(source, "places") else {}


def _fit(size: int) -> bool:
    """Whether so many bytes fit on the device of every process; the answer is the same in all."""
    fits = size <= SHARE * free_bytes()
    if jax.process_count() == 1:
        return fits
    return bool(multihost_utils.process_allgather(np.array(fits)).all())


def _bytes(source: Rows) -> int:
    """Memory that all rows take."""
    if domains := _domains(source):
        return sum(map(_bytes, domains.values()))
    return len(source) * sum(x.size * x.dtype.itemsize for x in form_of(source).values())


def everything(source: Rows) -> dict[str, np.ndarray]:
    """All rows, in memory; those of each unpaired domain once."""
    if domains := _domains(source):
        return {key: everything(domain)["x"] for key, domain in domains.items()}
    if isinstance(source, Table):
        return {key: np.asarray(array) for key, array in source.arrays.items()}
    return _read_in_parts(source, np.arange(len(source)))


def some(source: Rows) -> dict[str, np.ndarray]:
    """Evenly spaced rows, as read: at most 60,000, and at most 2^28 numbers, 1 GiB as floats."""
    numbers = sum(x.size for x in form_of(source).values())
    count = min(len(source), SHOWN, max(1, NUMBERS // numbers))
    return _read_in_parts(source, np.arange(count) * len(source) // count)


def examples(data: Data) -> Batch:
    """Training examples with the keys of a batch, as `some` of a source; {} if there are none."""
    return data.train if data.decode is None else data.decode(some(data.source), None)


def count(data: Data) -> int:
    """The number of training examples; 0 of a closed form."""
    return len(data.source) if data.source else min(map(len, data.train.values()), default=0)


def parts(data: Data, size: int) -> Iterator[Batch]:
    """All training examples in order, decoded, up to `size` at a time."""
    form = None if data.decode is None else form_of(data.source)
    for begin in range(0, count(data), size):
        end = min(begin + size, count(data))
        if form is None:
            yield {key: array[begin:end] for key, array in data.train.items()}
        else:
            yield data.decode(read_rows(data.source, np.arange(begin, end), form), None)


def _read_in_parts(source: Rows, rows: np.ndarray) -> dict[str, np.ndarray]:
    form = form_of(source)
    arrays = {key: np.empty((len(rows), *x.shape), x.dtype) for key, x in form.items()}
    for begin in range(0, len(rows), CHUNK):
        for key, x in read_rows(source, rows[begin : begin + CHUNK], form).items():
            arrays[key][begin : begin + CHUNK] = x
    return arrays


def _decoded(
    read: Batch,
    rng: jax.Array | None,
    *,
    value_range: tuple[float, float],
    flip: bool,
    crop: int | None,
    together: bool,
) -> Batch:
    """A batch of rows as read: images scaled to [-1, 1] and changed at random, labels as they are.

    Behind a barrier, so that a step rounds alike wherever the rows come from.
    """
    batch = {}
    low, high = value_range
    for index, (key, x) in enumerate(sorted(read.items())):
        if key == "y" or x.ndim < 4:
            batch[key] = jnp.asarray(x)
            continue
        if (low, high) != (-1, 1) or x.dtype.kind in "iub":
            # One rounding, the same in every program: the difference is exact for whole numbers.
            scale = np.float32(2 / (high - low))
            x = (jnp.asarray(x, jnp.float32) - np.float32((high + low) / 2)) * scale
        if rng is None:
            batch[key] = _middle(x, crop)
        else:
            own = rng if together else jax.random.fold_in(rng, index)
            batch[key] = _changed(x, own, flip, crop)
    return jax.lax.optimization_barrier(batch)


def _middle(x: jax.Array, crop: int | None) -> jax.Array:
    if crop is None:
        return x
    top, left = ((side - crop) // 2 for side in x.shape[1:3])
    return x[:, top : top + crop, left : left + crop]


def _changed(x: jax.Array, rng: jax.Array, flip: bool, crop: int | None) -> jax.Array:
    """Images mirrored and cropped, each by draws of its own."""
    rng_flip, *rngs = jax.random.split(rng, 3)
    if flip:
        mirrored = jax.random.bernoulli(rng_flip, 0.5, (len(x), 1, 1, 1))
        x = jnp.where(mirrored, x[:, :, ::-1], x)
    if crop is None:
        return x
    corners = [
        jax.random.randint(rng, (len(x),), 0, side - crop + 1)
        for rng, side in zip(rngs, x.shape[1:3], strict=True)
    ]

    def square(image, top, left):
        return jax.lax.dynamic_slice(image, (top, left, 0), (crop, crop, image.shape[-1]))

    return jax.vmap(square)(x, *corners)
