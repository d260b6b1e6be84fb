"""The batches that `sample` makes of the arrays: their shapes, traced, and one that is drawn.

A sample is anybody's function, so the arrays alone do not tell its pixels, labels and points.
"""

import math
import traceback
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np

from ganjax.data.pixels import ROUNDING
from ganjax.data.resident import Batch, Data
from ganjax.errors import DataError

IMAGES = ("x", "x_labelled", "a", "b")  # keys of samples, in images of three axes or more
DRAWN = 64  # samples of the batch that is drawn, fewer if they have more numbers than these:
NUMBERS = 2**24
CONTRAST = 0.25  # of black and white, -1 and 1, at least so much is left by an augmentation


def traced(where: str, data: Data) -> Batch:
    """Shapes and types of a batch of two.

    Raises:
      DataError: `sample` raises, or returns no dict of arrays.
    """
    batch = _draw(where, data, 2, jax.eval_shape)
    arrays = isinstance(batch, Mapping) and all(hasattr(v, "shape") for v in batch.values())
    if not arrays:
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
    """Black and white are drawn as black and white, whatever the arrays hold now.

    `sample` is called on images that are half -1, half 1, and on their negatives, so that scaling
    of its own, x / 127.5 - 1 or (x + 1) / 2, is seen at any values of the real images.

    Args:
      where: for the messages.
      data: as they came.
      batch: shapes and types of a batch of theirs.

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
        seen = [
            x
            for name, x in drawn.items()
            if (name == key or (key not in drawn and name in IMAGES))
            and (x.ndim > 3 or x[0].size == probe[0].size)
            and np.isrealobj(x)
        ]
        if seen:
            low, high = min(x.min() for x in seen), max(x.max() for x in seen)
            inside = low >= -1 - ROUNDING and high <= 1 + ROUNDING
            if np.isnan(low) or (inside and low <= -CONTRAST and high >= CONTRAST):
                continue
            how = f"drawn as {low:g} and {high:g}"
        elif failure is not None:
            how = f"refused: {failure}"
        else:
            continue
        raise DataError(
            f"sample of {where} makes something else of {key!r}, {data.train[key].dtype}, whose "
            f"black and white are -1 and 1 when it is drawn from, and are {how}; return "
            "them as they are, or give arrays that sample scales itself another name, e.g. 'raw'"
        ) from failure


def check_drawn(where: str, data: Data, batch: Batch) -> dict[str, np.ndarray]:
    """A batch, as it is drawn in training: of finite floats, images in [-1, 1].

    Args:
      where: for the messages.
      data: with the arrays scaled, and the `value_range` that was declared.
      batch: shapes and types of a batch of theirs.

    Returns:
      The batch.

    Raises:
      DataError: the batch is not so; or pixels drawn from other arrays than `of_pixels` are all at
        least 0; or there is a `value_range`, but no array of pixels.
    """
    drawn = _batch(where, data, batch)
    for key in [key for key in batch if key in IMAGES]:
        x, told = drawn[key], f"{where} draws {key!r}"
        if not jnp.issubdtype(x.dtype, jnp.floating):
            raise DataError(f"{told} of type {x.dtype}; return floats, images in [-1, 1]")
        if not np.isfinite(x).all():
            raise DataError(f"{told} with values that are not finite; mend its sample")
        if data.value_range not in (None, (-1, 1)) and not of_pixels(data.train, batch):
            raise DataError(
                f"{told} from other arrays, which value_range={data.value_range} does not scale; "
                "return images in [-1, 1], or leave the range out for points"
            )
        if x.ndim < 4:
            continue
        found = f"{told} with pixels from {x.min():g} to {x.max():g}"
        if np.abs(x).max() > 1 + ROUNDING:
            raise DataError(f"{found}; return images in [-1, 1]")
        if key not in data.train and data.value_range is None and x.min() >= 0:
            raise DataError(
                f"{found}, none below 0, where -1 is black; return images in [-1, 1], or declare "
                "value_range=(-1, 1) if they are right as they are"
            )
    return drawn


def reason(error: Exception, function: Callable) -> str:
    """An error in one line: where the function's file was left, type, first line of the message."""
    frames = traceback.extract_tb(error.__traceback__)
    file = getattr(getattr(function, "__code__", None), "co_filename", None)
    frame = next((frame for frame in reversed(frames) if frame.filename == file), frames[-1])
    told = [str(e).strip().partition("\n")[0] for e in (error, error.__cause__) if e is not None]
    return f"{frame.filename}, line {frame.lineno}: {type(error).__name__}: {' '.join(told)}"


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
    """A batch, `sample` being called or traced by `call`."""
    train = jax.tree.map(jnp.asarray, data.train)
    try:
        return call(lambda train, rng: data.sample(train, rng, rows), train, jax.random.key(0))
    except DataError as error:
        raise DataError(f"{where}: {error}") from error
    except Exception as error:
        raise DataError(
            f"{where} cannot be drawn from: {reason(error, data.sample)}; mend its "
            "sample(train, rng, n)"
        ) from error
