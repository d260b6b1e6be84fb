"""Checks of the batches that `sample` draws: their shapes, and one drawn batch.

A user may give any `sample`, so pixels, labels and points are also checked after the draw. `where`
names the data in messages, and `batch` has the shapes and types of a batch, see `traced`.
"""

import math
import traceback
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np

from ganjax.data.resident import Batch, Data
from ganjax.data.values import ROUNDING
from ganjax.errors import DataError

IMAGES = ("x", "x_labelled", "a", "b")  # keys of samples, in images of three axes or more
DRAWN = 64  # samples of the drawn batch, fewer if they have more numbers than these:
NUMBERS = 2**24
CONTRAST = 0.25  # an augmentation leaves at least so much of black and white, -1 and 1


def traced(where: str, data: Data) -> Batch:
    """Shapes and types of a batch of two.

    Raises:
      DataError: `sample` raises, or returns no dict of arrays.
    """
    batch = _draw(where, data, 2, jax.eval_shape)
    if not (isinstance(batch, Mapping) and all(hasattr(v, "shape") for v in batch.values())):
        raise DataError(f"{where} draws {batch}; expected a dict of arrays [n, ...]")
    return batch


def of_pixels(arrays: Batch, batch: Batch) -> list[str]:
    """Keys of the arrays that hold images, with all their axes or drawn with them."""
    return [
        key
        for key, array in arrays.items()
        if key in IMAGES and max(array.ndim, batch[key].ndim if key in batch else 0) > 3
    ]


def check_sample(where: str, data: Data, batch: Batch) -> None:
    """Checks that `sample` does not scale images.

    It is called on images that are half -1, half 1, and on their negatives, and must draw black and
    white; so x / 127.5 - 1 or (x + 1) / 2 is found whatever the values of the real images.

    Raises:
      DataError: `sample` scales the images, or cannot take them in [-1, 1].
    """
    probes = {key: _half_white(data.train[key].shape) for key in of_pixels(data.train, batch)}
    if not probes:
        return
    try:
        both = [
            _batch(where, data._replace(train={**data.train, **images}), batch)
            for images in (probes, jax.tree.map(jnp.negative, probes))
        ]
        drawn, failure = {key: np.concatenate([x[key] for x in both]) for key in batch}, None
    except DataError as error:
        drawn, failure = {}, error
    for key, probe in probes.items():
        made_of_it = [
            x
            for name, x in drawn.items()
            if (name == key or (key not in drawn and name in IMAGES))
            and (x.ndim > 3 or x[0].size == probe[0].size)
            and np.isrealobj(x)
        ]
        if made_of_it:
            low, high = min(x.min() for x in made_of_it), max(x.max() for x in made_of_it)
            inside = low >= -1 - ROUNDING and high <= 1 + ROUNDING
            if np.isnan(low) or (inside and low <= -CONTRAST and high >= CONTRAST):
                continue
            outcome = f"draws them as {low:g} and {high:g}"
        elif failure is not None:
            outcome = f"refuses them: {failure}"
        else:
            continue
        raise DataError(
            f"sample of {where} scales {key!r}, {data.train[key].dtype}: given black and white as "
            f"-1 and 1 it {outcome}; return them unchanged, or give arrays that sample scales "
            "itself another name, e.g. 'raw'"
        ) from failure


def check_drawn(where: str, data: Data, batch: Batch) -> dict[str, np.ndarray]:
    """Draws a batch as in training and returns it: finite floats, images in [-1, 1].

    The arrays of the data are scaled by now, and `value_range` is the declared one.

    Raises:
      DataError: the batch is not so; or pixels drawn from other arrays than `of_pixels` are all at
        least 0; or there is a `value_range`, but no array of pixels.
    """
    drawn = _batch(where, data, batch)
    for key in [key for key in batch if key in IMAGES]:
        x, subject = drawn[key], f"{where} draws {key!r}"
        if not jnp.issubdtype(x.dtype, jnp.floating):
            raise DataError(f"{subject} of type {x.dtype}; return floats, images in [-1, 1]")
        if not np.isfinite(x).all():
            raise DataError(f"{subject} with values that are not finite; correct its sample")
        if data.value_range not in (None, (-1, 1)) and not of_pixels(data.train, batch):
            raise DataError(
                f"{subject} from other arrays, which value_range={data.value_range} does not "
                "scale; return images in [-1, 1], or leave the range out for points"
            )
        if x.ndim < 4:
            continue
        found = f"{subject} with pixels from {x.min():g} to {x.max():g}"
        if np.abs(x).max() > 1 + ROUNDING:
            remedy = "" if data.source is None else ", or give of_rows the value_range of yours"
            raise DataError(f"{found}; return images in [-1, 1]{remedy}")
        as_read = key not in data.train or data.decode is not None
        if as_read and data.value_range is None and x.min() >= 0:
            raise DataError(
                f"{found}, none below 0, where -1 is black; return images in [-1, 1], or declare "
                "value_range=(-1, 1) if they are right as they are"
            )
    return drawn


def reason(error: Exception, function: Callable) -> str:
    """An error in one line: the last line in the function's file, type, first line of message."""
    frames = traceback.extract_tb(error.__traceback__)
    file = getattr(getattr(function, "__code__", None), "co_filename", None)
    frame = next((frame for frame in reversed(frames) if frame.filename == file), frames[-1])
    texts = [str(e).strip().partition("\n")[0] for e in (error, error.__cause__) if e is not None]
    return f"{frame.filename}, line {frame.lineno}: {type(error).__name__}: {' '.join(texts)}"


def _half_white(shape: tuple[int, ...]) -> jax.Array:
    """Examples [n, ...] of which the first half of the numbers is -1 and the rest 1."""
    size = math.prod(shape[1:])
    example = np.where(np.arange(size) < size / 2, -1, 1).astype(np.float32)
    return jnp.broadcast_to(example.reshape(shape[1:]), shape)


def _batch(where: str, data: Data, batch: Batch) -> dict[str, np.ndarray]:
    """A batch of `DRAWN` samples, or of two at least."""
    numbers = max(math.prod(array.shape[1:]) for array in batch.values())
    rows = max(2, min(DRAWN, NUMBERS // max(numbers, 1)))
    return jax.tree.map(np.asarray, _draw(where, data, rows, lambda draw, *args: draw(*args)))


def _draw(where: str, data: Data, rows: int, call: Callable) -> Batch:
    """A batch; `call` runs or traces `sample`."""
    train = jax.tree.map(jnp.asarray, data.train)
    try:
        return call(lambda train, rng: data.sample(train, rng, rows), train, jax.random.key(0))
    except DataError as error:
        raise DataError(f"{where}: {error}") from error
    except Exception as error:
        raise DataError(
            f"{where} cannot be drawn from: {reason(error, data.sample)}; correct its "
            "sample(train, rng, n)"
        ) from error
