"""The keys of a batch that games read, and packs of its rows."""

import jax
import jax.numpy as jnp
import numpy as np


def _value(batch: dict[str, jax.Array], keys: tuple[str, ...], remedy: str) -> list[jax.Array]:
    if missing := [key for key in keys if key not in batch]:
        raise ValueError(
            f"a batch of {', '.join(sorted(batch))} has no {' and '.join(missing)}; {remedy}"
        )
    return [batch[key] for key in keys]


def data_of(batch: dict[str, jax.Array]) -> jax.Array:
    """The data x; ValueError for a batch without, as that of two domains."""
    return _value(batch, ("x",), "take data of one domain, e.g. digits or ring")[0]


def domains_of(batch: dict[str, jax.Array]) -> tuple[jax.Array, jax.Array]:
    """The domains a and b; ValueError for a batch without, as that of a single domain."""
    remedy = "take data of two domains, e.g. affine_domains, photograph_domains or paired_images"
    a, b = _value(batch, ("a", "b"), remedy)
    return a, b


def labels_of(batch: dict[str, jax.Array], num_classes: int) -> jax.Array:
    """The labels y of all data x.

    Raises:
      ValueError: there are none, not for all data, of another shape or dtype, or, where their
        values are known yet, out of range.
    """
    (y,) = _value(batch, ("y",), "take data with labels, e.g. digits or ring")
    if "x_labelled" in batch:
        raise ValueError(
            "only x_labelled has labels in this batch, not all of x; take data that are labelled "
            "throughout, e.g. digits, or the game 'semi_supervised'"
        )
    check_labels(y, data_of(batch).shape[0])
    if not isinstance(y, jax.core.Tracer) and not np.isin(y, np.arange(num_classes)).all():
        raise ValueError(f"labels y={y} must be from 0 to {num_classes - 1}")
    return y


def labelled_of(batch: dict[str, jax.Array]) -> tuple[jax.Array, jax.Array]:
    """The examples x_labelled and their labels y, beside the data x.

    Raises:
      ValueError: there are none, or they do not fit each other or x.
    """
    remedy = "a semi-supervised game needs data with a few labels, e.g. digits_few_labels"
    x, y = _value(batch, ("x_labelled", "y"), remedy)
    if x.shape[1:] != data_of(batch).shape[1:]:
        raise ValueError(
            f"x_labelled are examples of shape {x.shape[1:]}, x of {batch['x'].shape[1:]}; "
            "expected one shape"
        )
    check_labels(y, x.shape[0])
    return x, y


def check_labels(y: jax.Array, rows: int) -> None:
    """Raises ValueError for labels that are not int [rows]."""
    if y.shape != (rows,) or not jnp.issubdtype(y.dtype, jnp.integer):
        raise ValueError(f"labels y must be int [{rows}], got {y.dtype} {list(y.shape)}")


def packs(x: jax.Array | None, packing: int) -> jax.Array | None:
    """Joins every m successive samples along the last axis, [n, ..., c] -> [n / m, ..., m c].

    Labels [n] become [n / m, m], and None stays None.

    Raises:
      ValueError: the batch does not divide into packs.
    """
    if packing == 1 or x is None:
        return x
    n = x.shape[0]
    if n % packing:
        fits = max(n // packing, 1) * packing
        raise ValueError(
            f"a batch of {n} does not divide into packs of {packing}; use a multiple of {packing}, "
            f"e.g. {fits} or {fits + packing}"
        )
    x = x.reshape(n // packing, packing, *x.shape[1:])
    if x.ndim == 2:  # labels
        return x
    return jnp.moveaxis(x, 1, -2).reshape(x.shape[0], *x.shape[2:-1], -1)
