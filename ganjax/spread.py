"""What functions of a whole batch do where the batch is spread over devices.

Devices meet on the axis named `data`. Mapped (`jax.pmap`, `jax.vmap` with `axis_name="data"`), each
sees its own rows alone; of a mesh under `jit`, arrays stay whole and the compiler splits them. The
functions here give what the whole batch gives in either form, and where nothing is spread. Mapped
over the axis `rows` instead, each device has statistics of its own rows, and the draws of those
rows out of the whole batch; an axis of another name leaves draws to each device too.
"""

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import jax
import jax.numpy as jnp

AXIS = "data"
ROWS = "rows"
# (index, parts) of the part of a batch that is being traced; see `part`.
_PART: ContextVar[tuple[jax.Array, int] | None] = ContextVar("part", default=None)


@contextlib.contextmanager
def part(index: jax.Array, parts: int) -> Iterator[None]:
    """While it lasts, what is traced is one of so many parts of this device's batch, in order."""
    token = _PART.set((index, parts))
    try:
        yield
    finally:
        _PART.reset(token)


def axis_name() -> str | None:
    """`AXIS` where it is mapped over several, else None, as `flax.linen.BatchNorm` wants it."""
    return AXIS if _mapped(AXIS) else None


def dealt_axis_name() -> str | None:
    """The mapped axis that a batch's rows are dealt to, `AXIS` or `ROWS`; None without one."""
    return axis_name() or (ROWS if _mapped(ROWS) else None)


def _mapped(name: str) -> bool:
    try:
        return jax.lax.axis_size(name) > 1
    except NameError:
        return False


def mean(x: jax.Array) -> jax.Array:
    """Mean over the leading axis, the batch, of all devices."""
    own = jnp.mean(x, axis=0)
    return own if axis_name() is None else jax.lax.pmean(own, AXIS)


def everyone(x: jax.Array) -> jax.Array:
    """The rows [batch, ...] of all devices in their order; x itself where nothing is mapped."""
    return x if axis_name() is None else jax.lax.all_gather(x, AXIS, tiled=True)


def own(x: jax.Array) -> jax.Array:
    """This device's rows out of `everyone`'s; x itself where those are its own."""
    return x if axis_name() is None else dealt(x)


def dealt(x: jax.Array, axis: int = 0) -> jax.Array:
    """This device's rows of a whole batch; x itself where nothing is mapped.

    Args:
      x: the whole batch, which the devices divide.
      axis: the batch's axis.
    """
    name = dealt_axis_name()
    if name is None:
        return x
    count = x.shape[axis] // jax.lax.axis_size(name)
    return jax.lax.dynamic_slice_in_dim(x, jax.lax.axis_index(name) * count, count, axis)


def draw(sampler: Callable, rng: jax.Array, shape: tuple[int, ...], *args: Any) -> jax.Array:
    """`sampler(rng, shape, *args)`, the same draw for a row wherever the row is.

    Args:
      sampler: e.g. `jax.random.normal`.
      rng: the same key on every device.
      shape: [batch, ...], the batch being this device's rows where it is mapped.
      args: of the sampler.
    """
    index, parts = _PART.get() or (0, 1)
    count = shape[0] * parts
    name = dealt_axis_name()
    whole = count if name is None else count * jax.lax.axis_size(name)
    drawn = dealt(sampler(rng, (whole, *shape[1:]), *args))
    if parts > 1:
        drawn = jax.lax.dynamic_slice_in_dim(drawn, index * shape[0], shape[0])
    return rows(drawn)


def rows(x: Any, axis: int = 0) -> Any:
    """Splits the batches of a pytree over a mesh that has the axis `data`; nothing without one.

    Args:
      x: arrays whose axis `axis` is the batch, of a size that the mesh divides.
      axis: which axis.
    """
    mesh = jax.sharding.get_abstract_mesh()
    if AXIS not in mesh.axis_names or mesh.manual_axes:
        return x
    free = (jax.sharding.PartitionSpec.UNCONSTRAINED,)
    spec = jax.sharding.PartitionSpec(*free * axis, AXIS)

    def split(leaf):
        if leaf.ndim <= axis or leaf.shape[axis] % mesh.shape[AXIS]:
            return leaf  # a lone number, or a batch that is not the players' own
        return jax.lax.with_sharding_constraint(leaf, spec)

    return jax.tree.map(split, x)
