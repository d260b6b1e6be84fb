"""Arrays that are computed once and kept in the user's cache: fitted weights, statistics."""

import logging
import os
import secrets
from collections.abc import Callable
from pathlib import Path

import numpy as np
from flax import traverse_util

from ganjax.data.cache import writable_root
from ganjax.features.extractor import digest

log = logging.getLogger("ganjax")


def kept(key: str, make: Callable[[], dict]) -> dict:
    """`make()`, or its arrays from the cache, `$GANJAX_CACHE` or the folder of cached data.

    Args:
      key: whatever determines the arrays; a file of another key is not read.
      make: () -> nested dict of arrays.
    """
    root = writable_root()
    if root is None:
        return make()
    path = root / f"{digest(key)}.npz"
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
            flat = dict(arrays)
        if str(flat.pop("")) == key:
            log.info("from the cache: %s", path)
            return traverse_util.unflatten_dict(flat, sep="/")
        log.warning("%s is of another key; making it again", path)
    except FileNotFoundError:
        pass
    except Exception as error:  # of a damaged zip there are many kinds
        log.warning("%s is damaged (%s); making it again", path, error)
    made = make()
    _write(path, {"": np.array(key), **traverse_util.flatten_dict(made, sep="/")})
    return made


def _write(path: Path, arrays: dict) -> None:
    """In one rename."""
    draft = path.with_name(f".{path.stem}.{secrets.token_hex(4)}.draft")
    try:
        with open(draft, "wb") as file:
            np.savez(file, **{key: np.asarray(array) for key, array in arrays.items()})
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError as error:
        log.warning("%s cannot be written (%s); it is made again next time", path, error)
    finally:
        draft.unlink(missing_ok=True)
