"""One training on all devices: meshes, replicas, several processes.

In either form batch sizes are global, and a batch draws what it draws on one device: the parameters
are those of one device up to rounding, unless statistics are left to each device.
"""

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from ganjax import spread
from ganjax.draws import is_key
from ganjax.errors import ConfigError, MachineError, unknown
from ganjax.types import GanState

FORMS = ("jit", "pmap")
STATISTICS = {"global": spread.AXIS, "device": spread.ROWS}  # the axis that pmap maps for each


class Layout(NamedTuple):
    """How a training is spread over devices.

    Attributes:
      form: "jit": arrays are whole, a mesh with the axis `data` splits the batch and the compiler
        adds what devices tell each other; "pmap": every device holds a replica and runs the step
        on its rows, gradients averaged over the mapped axis.
      mesh: of all devices of all processes, with axes `seed` (of one device) and `data`.
      shard_optimiser: whether every device keeps a part of the optimisers' state alone; "jit" only.
      statistics: "global": batch normalisation and all else that looks at a batch as one sees the
        whole batch; "device": the rows of its device; "pmap" only.
    """

    form: str
    mesh: Mesh
    shard_optimiser: bool = False
    statistics: str = "global"

    @property
    def axis_name(self) -> str | None:
        """What the scheme is to be built with: the mapped axis, or None."""
        return STATISTICS[self.statistics] if self.form == "pmap" else None

    @property
    def count(self) -> int:
        """Devices that a batch is spread over."""
        return self.mesh.shape[spread.AXIS]


def mesh(seed: int = 1, data: int = 0, among: Sequence[jax.Device] | None = None) -> Mesh:
    """A mesh with the axes `seed` and `data`.

    Args:
      seed: devices that runs are spread over.
      data: devices that a batch is spread over; 0 for all that are left.
      among: the devices, all of all processes if None.

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


def layout(
    form: str = "jit",
    shard_optimiser: bool = False,
    statistics: str = "global",
    among: Sequence[jax.Device] | None = None,
) -> Layout:
    """A training spread over devices, all of all processes if `among` is None; see `Layout`.

    Raises:
      ConfigError: unknown form or statistics, or a form that cannot shard the optimisers' state or
        leave statistics to each device.
    """
    if form not in FORMS:
        raise ConfigError(unknown("form", form, FORMS))
    if shard_optimiser and form != "jit":
        raise ConfigError(
            "replicas of pmap hold all of the optimisers' state; shard it with the form 'jit'"
        )
    if statistics not in STATISTICS:
        raise ConfigError(unknown("statistics", statistics, STATISTICS))
    if statistics == "device" and form != "pmap":
        raise ConfigError(
            "whole arrays have the statistics of the whole batch; leave them to each device with "
            "the form 'pmap'"
        )
    return Layout(form, mesh(among=among), shard_optimiser, statistics)


def check_batch(batch_size: int, count: int) -> None:
    """Refuses a batch that devices cannot share evenly.

    Raises:
      ConfigError: with the nearest sizes that they can.
    """
    if batch_size % count:
        below = batch_size // count * count
        nearest = f"{below} or {below + count}" if below else f"{count}"
        raise ConfigError(
            f"batch_size={batch_size} does not divide over {count} devices; use a multiple of "
            f"{count}, e.g. {nearest}"
        )


def initialise(coordinator: str = "", num_processes: int = 0, process_id: int = -1) -> None:
    """Joins the other processes, before anything else touches JAX; does nothing on its own.

    Args:
      coordinator: "host:port" of the first process; "" to have it found where the environment is
        that of a TPU pod, SLURM or Open MPI with several processes.
      num_processes: how many there are.
      process_id: which this is, from 0.

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
    if arguments or _in_cluster(os.environ):
        try:
            jax.distributed.initialize(*arguments)
        except RuntimeError as error:
            raise MachineError(f"the processes do not find each other: {error}") from error


def _in_cluster(environment: dict[str, str]) -> bool:
    """Whether the environment is that of one of several processes."""
    counts = ("SLURM_NTASKS", "OMPI_COMM_WORLD_SIZE")
    several = any(int(environment.get(name) or 1) > 1 for name in counts)
    return several or "," in environment.get("TPU_WORKER_HOSTNAMES", "")


def leads() -> bool:
    """Whether this process keeps the run folder."""
    return jax.process_index() == 0


def any_of(flag: bool) -> bool:
    """Whether a flag is up in any process."""
    if jax.process_count() == 1:
        return flag
    return bool(multihost_utils.process_allgather(np.array(flag)).any())


def from_first(tree: Any) -> Any:
    """The first process's numbers, in all processes; the tree's shapes must be known to all."""
    return tree if jax.process_count() == 1 else multihost_utils.broadcast_one_to_all(tree)


def text_from_first(text: str) -> str:
    """The first process's text, in all processes."""
    if jax.process_count() == 1:
        return text
    here = np.frombuffer(text.encode(), np.uint8)
    size = int(from_first(np.int32(here.size)))
    return bytes(from_first(np.resize(here, size))).decode()


def gathered(tree: Any) -> Any:
    """Arrays over the devices of all processes as whole arrays of the host, in every process."""
    if jax.process_count() == 1:
        return jax.device_get(tree)
    return multihost_utils.process_allgather(tree, tiled=True)


def wait() -> None:
    """Until all processes are here."""
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
    """The mesh that pmap makes for itself; arrays laid out over another are traced anew."""
    return Mesh(layout.mesh.devices.ravel(), (layout.axis_name,), axis_types=(AxisType.Auto,))


def share(layout: Layout, tree: Any) -> Any:
    """What is the same on every device, put there once."""
    return jax.tree.map(partial(laid_out, sharding=_whole(layout)), tree)


def take(layout: Layout, state: GanState) -> GanState:
    """A laid-out state as one of this process's first device.

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
    """Every device makes the same moves, unless a scheme forgets to average its gradients."""
    for leaf in jax.tree.leaves(params):
        first, *others = (np.asarray(shard.data) for shard in leaf.addressable_shards)
        if not all(np.allclose(first, x, rtol=1e-4, atol=1e-5, equal_nan=True) for x in others):
            raise ConfigError(
                "the devices' parameters have drifted apart: the scheme moves each by its own "
                "gradient; average gradients with ganjax.schemes.field (both_gradients, "
                "own_gradient, device_mean) and its axis_name, or use --form=jit"
            )


def _same(tree: Any) -> Any:
    """One function, so that gathering what it is given is compiled once."""
    return tree


def _whole(layout: Layout) -> NamedSharding:
    """The same on every device."""
    mesh = _pmaps_mesh(layout) if layout.form == "pmap" else layout.mesh
    return NamedSharding(mesh, PartitionSpec())


def compiled(layout: Layout, run: Callable, state: Any, *shared: Any) -> Callable:
    """`run(state, *shared) -> (state, told)` compiled for a layout; the state is donated.

    Args:
      layout: from `layout`.
      run: pure; it spreads its batches itself, see `spread.rows` and `spread.dealt`.
      state: a state of one device, for its shapes.
      shared: the other arguments, the same on every device; for their shapes.

    Returns:
      `(state laid out, *shared) -> (state laid out, told)`, told being this process's. It raises
      a ConfigError for a function that cannot be mapped.
    """
    if layout.form == "pmap":
        # pmap copies a key over several processes anew at every call, its bits it takes as they lie
        def run_on_bits(state, *shared_bits):
            return run(state, *jax.tree.map(_as, shared, shared_bits))

        mapped = jax.pmap(
            run_on_bits,
            axis_name=layout.axis_name,
            in_axes=(0, *(None,) * len(shared)),
            donate_argnums=0,
            devices=list(layout.mesh.devices.ravel()),
        )

        def play(state, *shared):
            shared_bits = jax.tree.map(_bits, share(layout, shared))
            try:
                state, told = mapped(state, *shared_bits)
            except (ValueError, TypeError, NotImplementedError) as error:  # in the first trace
                raise ConfigError(f"under --form=pmap: {error}") from error
            return state, jax.tree.map(lambda x: x.addressable_data(0)[0], told)

        return play
    whole, shardings = _whole(layout), _shardings(layout, state)
    with jax.set_mesh(layout.mesh):
        program = (
            jax.jit(
                run,
                in_shardings=(shardings, *(whole,) * len(shared)),
                out_shardings=(shardings, whole),
                donate_argnums=0,
            )
            .lower(state, *shared)
            .compile()
        )

    def play(state, *shared):
        state, told = program(state, *share(layout, shared))
        return state, jax.tree.map(lambda x: x.addressable_data(0), told)

    return play


def _bits(leaf: jax.Array) -> jax.Array:
    """The leaf itself, or the raw integers of a key."""
    return jax.random.key_data(leaf) if is_key(leaf) else leaf


def _as(like: jax.Array, bits: jax.Array) -> jax.Array:
    """What `_bits` was given, of a leaf that was like another."""
    return jax.random.wrap_key_data(bits, impl=jax.random.key_impl(like)) if is_key(like) else bits


def _shardings(layout: Layout, state: GanState) -> GanState:
    """Whole on every device; the optimisers' state split along an axis that the devices divide."""

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
    """An array over the devices of all processes, from the same numbers in every process."""
    if isinstance(leaf, jax.Array) and leaf.sharding == sharding:
        return leaf
    if sharding.is_fully_addressable:
        return jax.device_put(leaf, sharding)
    if is_key(leaf):
        return _as(leaf, laid_out(_bits(leaf), sharding))
    here = np.asarray(leaf)
    return jax.make_array_from_callback(here.shape, sharding, lambda index: here[index])
