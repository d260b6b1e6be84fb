"""Results for the same arrays again, as of the real set of every evaluation in a run."""

import functools
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

MOST = 2  # the newest results of a function: the real set's stays, the generated one's changes


def remembered(function: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    """The function, which returns its earlier result for arguments of the same content.

    Arguments are arrays and numbers; their SHA-256 is kept, not they.
    """
    results: OrderedDict[bytes, np.ndarray] = OrderedDict()

    @functools.wraps(function)
    def call(*arguments: Any) -> np.ndarray:
        digest = hashlib.sha256()
        for x in map(np.ascontiguousarray, arguments):
            digest.update(f"{x.dtype} {x.shape}".encode())
            digest.update(x.data)
        key = digest.digest()
        result = results.pop(key, None)
        results[key] = result = function(*arguments) if result is None else result
        while len(results) > MOST:
            results.popitem(last=False)
        return result.copy()

    return call
