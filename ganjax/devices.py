"""One training run on all devices: meshes, replicas, several processes.

Batch sizes are global, and a batch has the draws that it has on one device: the parameters are
those of one device up to rounding, unless statistics are left to each device.
"""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from ganjax import cluster, spread
from ganjax.console import aside
from ganjax.draws import is_key
from ganjax.errors import ConfigError, MachineError, unknown
from ganjax.types import GanState

FORMS = ("jit", "pmap")
STATISTICS = {"global": spread.AXIS, "device": spread.ROWS}  # the axis that pmap maps for each


class Layout(NamedTuple):
    """How a training run is spread over devices.

    Attributes:
      form: "jit": arrays are whole, a mesh with the axis `data` splits the batch and the compiler
        adds the communication; "pmap": every device holds a replica and runs the step on its rows,
        gradients averaged over the mapped axis.
      mesh: all devices of all processes, with axes `seed` (of one device) and `data`.
      shard_optimiser: whether every device keeps only a part of the optimisers' state; "jit" only.
      statistics: rows that batch-wide operations such as batch normalisation see: "global", the
        whole batch, or "device", the rows of one device; "pmap" only.
    """

    form: str
    mesh: Mesh
    shard_optimiser: bool = False
    statistics: str = "global"

    @property
    def axis_name(self) -> str | None:
        """The mapped axis, for the scheme's factory, or None."""
        return STATISTICS[self.statistics] if self.form == "pmap" else None

    @property
    def count(self) -> int:
        """Number of devices that share a batch."""
        return self.mesh.shape[spread.AXIS]


def mesh(seed: int = 1, data: int = 0, among: Sequence[jax.Device] | None = None) -> Mesh:
    """A mesh with the axes `seed` (devices over runs) and `data` (devices over a batch).

    Args:
      seed: size of that axis.
      data: size of that axis; 0 for all devices that are left.
      among: the devices; None for all of all processes.

    Raises:
      ConfigError: seed * data is not the number of devices.
    """
    among = jax.devices() if among is None else among
    data = data or len(among) // seed
    if seed * data != len(among):
        raise ConfigError(
            f"a mesh of {seed} x {data} needs {seed * data} devices; there are {len(among)}"
        )
    axes, types = ("seed", spread.AXIS), (AxisType.Auto,) * 2
    return jax.make_mesh((seed, data), axes, axis_types=types, devices=among)


def local_mesh() -> Mesh | None:
    """A mesh of the devices of this process; None for one device."""
    return mesh(among=jax.local_devices()) if jax.local_device_count() > 1 else None


def layout(
    form: str = "jit",
    shard_optimiser: bool = False,
    statistics: str = "global",
    among: Sequence[jax.Device] | None = None,
) -> Layout:
    """A `Layout` over the devices `among`; None for all of all processes.

    Raises:
      ConfigError: unknown form or statistics, or a form that cannot shard the optimisers' state or
        leave statistics to each device.
    """
    for name, value, known in (("form", form, FORMS), ("statistics", statistics, STATISTICS)):
        if value not in known:
            raise ConfigError(unknown(name, value, known))
    if shard_optimiser and form != "jit":
        raise ConfigError(
            "replicas of pmap hold all of the optimisers' state; shard it with the form 'jit'"
        )
    if statistics == "device" and form != "pmap":
        raise ConfigError(
            "whole arrays have the statistics of the whole batch; leave them to each device with "
            "the form 'pmap'"
        )
    return Layout(form, mesh(among=among), shard_optimiser, statistics)


def check_batch(batch_size: int, count: int) -> None:
    """Raises ConfigError for a batch that devices cannot share evenly, with the nearest sizes."""
    if batch_size % count:
        below = batch_size // count * count
        nearest = f"{below} or {below + count}" if below else f"{count}"
        raise ConfigError(
            f"batch_size={batch_size} does not divide over {count} devices; use a multiple of "
            f"{count}, e.g. {nearest}"
        )


def initialise(
    coordinator: str = "",
    num_processes: int = 0,
    process_id: int = -1,
    partner_seconds: int = cluster.PARTNER_SECONDS,
) -> None:
    """Joins the other processes, before any other use of JAX; does nothing if there are none.

    Args:
      coordinator: "host:port" of the first process; "" to find it from the environment of a TPU
        pod, SLURM or Open MPI with several processes.
      num_processes: their number.
      process_id: the number of this one, from 0.
      partner_seconds: until a process that does not come, or is silent, counts as lost; JAX then
        aborts the others, see `ganjax.partners`.

    Raises:
      ConfigError: only some of the three are given, or they do not fit each other.
      MachineError: the other processes cannot be reached.
    """
    given = (bool(coordinator), num_processes > 0, process_id >= 0)
    if any(given) and not all(given):
        raise ConfigError(
            "coordinator, num_processes and process_id go together, e.g. --coordinator=host:1234 "
            "--num_processes=2 --process_id=0; or give none of them on a TPU pod or under SLURM"
        )
    if all(given) and process_id >= num_processes:
        raise ConfigError(f"process_id={process_id} must be below num_processes={num_processes}")
    arguments = (coordinator, num_processes, process_id) if all(given) else ()
    limits = dict.fromkeys(
        ("initialization_timeout", "heartbeat_timeout_seconds", "shutdown_timeout_seconds"),
        partner_seconds,
    )
    if arguments or cluster.announced(os.environ):
        try:
            aside(partial(jax.distributed.initialize, *arguments, **limits))
        except RuntimeError as error:
            raise MachineError(f"the processes do not find each other: {error}") from error


def leads() -> bool:
    """Whether this process writes the run folder."""
    return jax.process_index() == 0


def alone() -> bool:
    """Whether this is the only process."""
    return jax.process_count() == 1


def parted(layout: Layout | None) -> bool:
    """Whether several processes hold a part of the state each."""
    return layout is not None and layout.shard_optimiser and not alone()


def any_of(flag: bool) -> bool:
    """Whether a flag is set in any process."""
    if jax.process_count() == 1:
        return flag
    return bool(multihost_utils.process_allgather(np.array(flag)).any())


def from_first(tree: Any) -> Any:
    """The first process's numbers, in all processes; the shapes must agree."""
    return tree if jax.process_count() == 1 else multihost_utils.broadcast_one_to_all(tree)


def text_from_first(text: str) -> str:
    """The first process's text, in all processes."""
    if jax.process_count() == 1:
        return text
    here = np.frombuffer(text.encode(), np.uint8)
    size = int(from_first(np.int32(here.size)))
    return bytes(from_first(np.resize(here, size))).decode()


def gathered(tree: Any) -> Any:
    """Arrays spread over the devices of all processes, whole on the host of each."""
    if jax.process_count() == 1:
        return jax.device_get(tree)
    return multihost_utils.process_allgather(tree, tiled=True)


def wait() -> None:
    """Waits for all processes."""
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices("ganjax")


def put(layout: Layout, state: GanState) -> GanState:
    """A state of one device, the same in every process, laid out for `compiled`."""
    if layout.form == "pmap":
        spec = NamedSharding(_pmaps_mesh(layout), PartitionSpec(layout.axis_name))
        stacked = jax.tree.map(lambda x: np.broadcast_to(x, (layout.count, *x.shape)), state)
        return jax.tree.map(partial(laid_out, sharding=spec), stacked)
    return jax.tree.map(laid_out, state, _shardings(layout, state))


def _pmaps_mesh(layout: Layout) -> Mesh:
    """The mesh that pmap makes; arrays laid out over another are traced again."""
    return Mesh(layout.mesh.devices.ravel(), (layout.axis_name,), axis_types=(AxisType.Auto,))


def share(layout: Layout, tree: Any) -> Any:
    """Arrays copied to every device."""
    return jax.tree.map(partial(laid_out, sharding=_whole(layout)), tree)


def deal(layout: Layout | None, rows: np.ndarray, read: Callable, axis: int) -> Any:
    """Examples laid out for `compiled`; each process reads those of its own devices.

    Args:
      layout: from `layout`; None for one device.
      rows: of all devices, int [...], the batch along `axis`.
      read: `rows -> pytree of arrays` with the rows' axes first.
      axis: of the batch.
    """
    if layout is None:
        return jax.device_put(read(rows))
    if layout.form == "pmap":  # one leading axis, a row for each device
        rows = np.stack(np.split(rows, layout.count, axis))
        mesh, spec, axis = _pmaps_mesh(layout), PartitionSpec(layout.axis_name), 0
    else:
        mesh, spec = layout.mesh, _along(axis)
    sharding = NamedSharding(mesh, spec)
    places = sharding.addressable_devices_indices_map(rows.shape).values()
    own = sorted({place[axis].indices(rows.shape[axis])[:2] for place in places})
    here = read(np.concatenate([rows.take(range(*ends), axis) for ends in own], axis))
    return jax.tree.map(
        lambda x: jax.make_array_from_process_local_data(
            sharding, x, (*rows.shape, *x.shape[rows.ndim :])
        ),
        here,
    )


def _along(axis: int) -> PartitionSpec:
    return PartitionSpec(*(None,) * axis, spread.AXIS)


def take(layout: Layout, state: GanState) -> GanState:
    """A laid-out state on this process's first device.

    Raises:
      ConfigError: replicas of pmap have drifted apart.
    """
    if layout.form == "pmap":
        _check_replicas(state.params)
        return jax.tree.map(lambda x: x.addressable_data(0)[0], state)
    if layout.shard_optimiser:
        state = jax.jit(_same, out_shardings=_whole(layout))(state)
    return jax.tree.map(lambda x: x.addressable_data(0), state)


def _check_replicas(params: Any) -> None:
    """Refuses replicas that differ: a scheme has not averaged its gradients."""
    for leaf in jax.tree.leaves(params):
        first, *others = (np.asarray(shard.data) for shard in leaf.addressable_shards)
        if not all(np.allclose(first, x, rtol=1e-4, atol=1e-5, equal_nan=True) for x in others):
            raise ConfigError(
                "the devices' parameters have drifted apart: the scheme moves each by its own "
                "gradient; average gradients with ganjax.schemes.field (both_gradients, "
                "own_gradient, device_mean) and its axis_name, or use --form=jit"
            )


def _same(tree: Any) -> Any:
    """The identity, one function, so that gathering is compiled once."""
    return tree


def _whole(layout: Layout) -> NamedSharding:
    """Sharding of arrays that are whole on every device."""
    mesh = _pmaps_mesh(layout) if layout.form == "pmap" else layout.mesh
    return NamedSharding(mesh, PartitionSpec())


@contextlib.contextmanager
def mapping() -> Iterator[None]:
    """Errors of tracing a mapped step, as a ConfigError."""
    try:
        yield
    except (ValueError, TypeError, NotImplementedError) as error:
        raise ConfigError(f"under --form=pmap: {error}") from error


def compiled(
    layout: Layout, run: Callable, state: Any, examples: Any, *shared: Any, axis: int | None = None
) -> Callable:
    """`run(state, examples, *shared) -> (state, metrics)` compiled; the state is donated.

    Args:
      layout: from `layout`.
      run: pure; it spreads its batches by `spread.rows` and `spread.dealt`.
      state: a state of one device, for its shapes.
      examples: arrays that are the same on every device or, with `axis`, dealt to the devices.
      shared: the other arguments, the same on every device, for their shapes.
      axis: along which `deal` has dealt the examples; None for resident ones.

    Returns:
      The function of a laid-out state, of the examples and of `shared`; it raises a ConfigError for
      a `run` that cannot be mapped.
    """
    if layout.form == "pmap":
        # At every call pmap copies a key over several processes; its raw bits it takes as they are.
        def run_on_bits(state, examples, *shared_bits):
            return run(state, examples, *jax.tree.map(_as, shared, shared_bits))

        mapped = jax.pmap(
            run_on_bits,
            axis_name=layout.axis_name,
            in_axes=(0, None if axis is None else 0, *(None,) * len(shared)),
            donate_argnums=0,
            devices=list(layout.mesh.devices.ravel()),
        )

        def replicas(state, examples, *shared):
            shared_bits = jax.tree.map(_bits, share(layout, shared))
            examples = share(layout, examples) if axis is None else examples
            with mapping():
                state, metrics = mapped(state, examples, *shared_bits)
            return state, jax.tree.map(lambda x: x.addressable_data(0)[0], metrics)

        return replicas
    whole, shardings = _whole(layout), _shardings(layout, state)
    dealt = whole if axis is None else NamedSharding(layout.mesh, _along(axis))
    jitted = jax.jit(
        run,
        in_shardings=(shardings, dealt, *(whole,) * len(shared)),
        out_shardings=(shardings, whole),
        donate_argnums=0,
    )
    with jax.set_mesh(layout.mesh):
        lowered = jitted.lower(state, examples, *shared)
    program = aside(lowered.compile)

    def spread_out(state, examples, *shared):
        examples = share(layout, examples) if axis is None else examples
        state, metrics = program(state, examples, *share(layout, shared))
        return state, jax.tree.map(lambda x: x.addressable_data(0), metrics)

    return spread_out


def _bits(leaf: jax.Array) -> jax.Array:
    """The raw integers of a key; any other leaf itself."""
    return jax.random.key_data(leaf) if is_key(leaf) else leaf


def _as(like: jax.Array, bits: jax.Array) -> jax.Array:
    """The inverse of `_bits`, for a leaf like another."""
    return jax.random.wrap_key_data(bits, impl=jax.random.key_impl(like)) if is_key(like) else bits


def _shardings(layout: Layout, state: GanState) -> GanState:
    """Whole on every device; a sharded optimisers' state along an axis that the devices divide."""

    def part(leaf):
        for axis, size in enumerate(leaf.shape):
            if size and size % layout.count == 0:
                return NamedSharding(layout.mesh, PartitionSpec(*(None,) * axis, spread.AXIS))
        return _whole(layout)

    whole = jax.tree.map(lambda leaf: _whole(layout), state)
    if not layout.shard_optimiser:
        return whole
    return whole._replace(opt_state=jax.tree.map(part, state.opt_state))


def laid_out(leaf: Any, sharding: NamedSharding) -> jax.Array:
    """An array over the devices of all processes; every process passes the same numbers."""
    if isinstance(leaf, jax.Array) and leaf.sharding == sharding:
        return leaf
    if sharding.is_fully_addressable:
        return jax.device_put(leaf, sharding)
    if is_key(leaf):
        return _as(leaf, laid_out(_bits(leaf), sharding))
    here = np.asarray(leaf)
    return jax.make_array_from_callback(here.shape, sharding, lambda index: here[index])
