"""Batch-wide operations (mean, gather, draws) that give the same result on one device and on many.

Mapped (`jax.pmap`), each device sees only its rows. The mapped axis is passed once, to the scheme,
which evaluates its game through `on_rows`; inside, the functions here know it. On a mesh under
`jit` arrays stay whole and the compiler splits them.
"""

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp

from ganjax import draws

AXIS = "data"
ROWS = "own_rows"  # the axis over which batch-wide operations stay within each device's rows
OUTSIDE = "outside"
# The axis that `on_rows` was given while it evaluates a function; OUTSIDE otherwise.
_OVER: ContextVar[str | None] = ContextVar("over", default=OUTSIDE)


@contextlib.contextmanager
def _over(axis_name: str | None) -> Iterator[None]:
    token = _OVER.set(axis_name)
    try:
        yield
    finally:
        _OVER.reset(token)


def on_rows(losses: Callable, axis_name: str | None) -> Callable:
    """A game's losses on one device's rows of a batch, as if the device saw the whole batch.

    Batch-wide operations of this module span the devices, and every draw from `rng`, by any
    function, is that of the device's rows in the whole batch's draw (`draws.key_of_part`). The mean
    of the losses over the axis is then the loss of the whole batch.

    Args:
      losses: `(params, model_state, batch, rng) -> pytree`, of a `Game`.
      axis_name: a mapped axis of any name over which the rows are dealt. With `ROWS` batch-wide
        operations stay within the device's rows, draws do not. None gives the losses themselves,
        as does a call from inside such losses.

    Returns:
      The same function; it raises ValueError where the axis is not mapped, or as
      `draws.key_of_part` does.
    """
    if axis_name is None:
        return losses

    def of_rows(params, model_state, batch, rng):
        if _OVER.get() != OUTSIDE:
            return losses(params, model_state, batch, rng)
        devices = _devices(axis_name)
        with _over(None):
            of_whole = _drawn(losses, (params, model_state), batch, devices)
        with _over(axis_name):
            if of_whole:
                index = jax.lax.axis_index(axis_name)
                rng = _key(losses, (params, model_state), batch, rng, index, devices, of_whole)
            return losses(params, model_state, batch, rng)

    return of_rows


def key_of_part(
    losses: Callable, players: tuple[Any, Any], batch: Any, rng: jax.Array, index: Any, parts: int
) -> jax.Array:
    """`draws.key_of_part` for the losses of one of several equal parts of a batch.

    Args:
      losses: of a `Game`.
      players: (params, model_state).
      batch: the part.
      rng: the whole batch's key.
      index: of the part, from 0.
      parts: their number.
    """
    of_whole = _drawn(losses, players, batch, parts)
    return _key(losses, players, batch, rng, index, parts, of_whole)


def _key(losses, players, batch, rng, index, parts, of_whole):
    leaves = jax.tree.leaves(batch)
    return draws.key_of_part(
        rng,
        index,
        parts,
        rows=leaves[0].shape[0] if leaves else 0,
        of_part=_drawn(losses, players, batch, 1),
        of_whole=of_whole,
    )


def _drawn(losses, players, batch, times):
    """The draws of losses on a batch of `times` the rows, from a plain key."""
    batch = jax.tree.map(
        lambda x: jax.ShapeDtypeStruct((x.shape[0] * times, *x.shape[1:]), x.dtype), batch
    )
    plain = jax.eval_shape(jax.random.key, 0)
    leaves, structure = jax.tree.flatten((*players, batch, plain))
    kinds = tuple((jnp.shape(leaf), jnp.result_type(leaf)) for leaf in leaves)
    return _traced(losses, structure, kinds, _OVER.get())


@lru_cache(maxsize=64)
def _traced(losses, structure, kinds, over):
    """`draws.drawn`, once for all gradients of a step; `over` is a part of the cache's key."""
    del over
    return draws.drawn(
        losses, *jax.tree.unflatten(structure, [jax.ShapeDtypeStruct(*kind) for kind in kinds])
    )


def _devices(axis_name: str) -> int:
    try:
        return jax.lax.axis_size(axis_name)
    except NameError as error:
        raise ValueError(
            f"axis_name={axis_name!r} is not mapped here; map the step over it, e.g. "
            f"jax.pmap(scheme.step, axis_name={axis_name!r}), or build the scheme without axis_name"
        ) from error


def rows_axis_name() -> str | None:
    """The mapped axis over which the rows are dealt, or None."""
    return None if _OVER.get() == OUTSIDE else _OVER.get()


def axis_name() -> str | None:
    """The axis that batch-wide operations span, as `flax.linen.BatchNorm` wants it, or None."""
    return None if rows_axis_name() == ROWS else rows_axis_name()


def mean(x: jax.Array) -> jax.Array:
    """Mean over the leading axis, the batch, of all devices."""
    here, axis = jnp.mean(x, axis=0), axis_name()
    return here if axis is None else jax.lax.pmean(here, axis)


def everyone(x: jax.Array) -> jax.Array:
    """The rows [batch, ...] of all devices in order; x itself where nothing is mapped."""
    return x if axis_name() is None else jax.lax.all_gather(x, axis_name(), tiled=True)


def own(x: jax.Array) -> jax.Array:
    """This device's rows out of those of `everyone`; x itself where nothing is mapped."""
    return dealt(x, axis_name())


def dealt(x: jax.Array, axis_name: str | None, axis: int = 0) -> jax.Array:
    """This device's rows of a whole batch, whose size the devices divide.

    Args:
      x: the whole batch.
      axis_name: the mapped axis; None gives x itself. It raises ValueError if it is not mapped.
      axis: the batch's axis.
    """
    if axis_name is None:
        return x
    count = x.shape[axis] // _devices(axis_name)
    return jax.lax.dynamic_slice_in_dim(x, jax.lax.axis_index(axis_name) * count, count, axis)


def rows(x: Any, axis: int = 0) -> Any:
    """Splits arrays, whose axis `axis` is the batch, over a mesh with the axis `data`, if any."""
    mesh = jax.sharding.get_abstract_mesh()
    if AXIS not in mesh.axis_names or mesh.manual_axes:
        return x
    free = (jax.sharding.PartitionSpec.UNCONSTRAINED,)
    spec = jax.sharding.PartitionSpec(*free * axis, AXIS)

    def split(leaf):
        if leaf.ndim <= axis or leaf.shape[axis] % mesh.shape[AXIS]:
            return leaf  # a lone number, or not a batch of the players
        return jax.lax.with_sharding_constraint(leaf, spec)

    return jax.tree.map(split, x)
