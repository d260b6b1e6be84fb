"""Rows of two domains: pairs that belong together, and all pairs of two that do not."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganjax.data.order import LARGEST
from ganjax.data.resident import Rows


@dataclass(frozen=True)
class _Domains:
    a: Rows
    b: Rows

    @property
    def digest(self) -> str:
        return hashlib.sha256(f"{self.a.digest} {self.b.digest}".encode()).hexdigest()

    @property
    def where(self) -> str:
        return self.a.where


@dataclass(frozen=True)
class Paired(_Domains):
    """Row i has the images of row i of both domains, as `a` and `b`."""

    def __len__(self) -> int:
        return len(self.a)

    def read(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        return {"a": self.a.read(rows)["x"], "b": self.b.read(rows)["x"]}


@dataclass(frozen=True)
class Pairs(_Domains):
    """Every image of domain a with every one of b, so that a random row has two independent ones.

    Row r has image r % na of `a` and image (r // na + r % na) % nb of `b`. There are na * nb rows,
    or, for more than 2^29, as many multiples of na as fit.
    """

    def __len__(self) -> int:
        return len(self.a) * min(len(self.b), LARGEST // len(self.a))

    def places(self, rows: Any) -> dict[str, Any]:
        """The row of each domain, of NumPy or on the device."""
        turn, a = rows // len(self.a), rows % len(self.a)
        return {"a": a, "b": (turn + a) % len(self.b)}

    def read(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        places = self.places(rows)
        return {key: getattr(self, key).read(row)["x"] for key, row in places.items()}
