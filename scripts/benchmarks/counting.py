"""FLOPs and bytes of the products of a function, and its communication between devices.

They are counted from the shapes in its traced program, before any compiler, so that overheads such
as multiplied zeros of a dilated input or copied neighbourhoods do not count. Convolutions are
traced in the form of the current backend; on CPU some need fewer multiplications than defined.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import jax
from jax.interpreters.partial_eval import dce_jaxpr

COLLECTIVES = (
    "psum",
    "psum_invariant",
    "pmax",
    "pmin",
    "all_gather",
    "reduce_scatter",
    "all_to_all",
    "ppermute",
)


class Collectives(NamedTuple):
    """Communication between devices in a call.

    Attributes:
      bytes: averaged or gathered, as each device receives them.
      rounds: the longest chain of collectives of which each waits for the one before.
    """

    bytes: float
    rounds: int


def flops(function: Callable, *arguments: Any, tile: tuple[int, int, int] = (1, 1, 1)) -> float:
    """FLOPs of the matrix products and convolutions of `function(*arguments)`, traced and not run.

    A product [b, n] x [n, m] has 2 b n m, a convolution two for each tap of each output, those on
    the zeros around an image included and those on zeros between dilated inputs left out. Bodies of
    `scan` count as often as they run, of the branches of a `cond` the dearest. What is mapped over
    devices (`shard_map`, `pmap`) counts for one of them. Elementwise work does not count, nor do
    operations without an effect on the results.

    Args:
      function: any that JAX can trace.
      arguments: pytrees of arrays or of `jax.ShapeDtypeStruct`.
      tile: rows, contracted numbers and columns that a matrix unit takes at a time; partly filled
        tiles count as full ones, rows and columns of a product in the cheaper order.

    Raises:
      ValueError: products in a `while`, whose number of turns is not known before it runs.
    """
    return flops_of(traced(function, *arguments), tile)


def flops_of(jaxpr: Any, tile: tuple[int, int, int] = (1, 1, 1)) -> float:
    """`flops` of a traced program."""
    return _total(jaxpr, partial(_work, tile=tile))


def traffic(function: Callable, *arguments: Any, bytes_each: int = 2) -> float:
    """Bytes if every product and convolution reads its operands and writes its result once.

    All other work is fused, and nothing stays on the chip between two products.

    Args:
      function: any that JAX can trace.
      arguments: pytrees of arrays or of `jax.ShapeDtypeStruct`.
      bytes_each: of a number; 2 of bfloat16.

    Raises:
      ValueError: as `flops`.
    """
    return traffic_of(traced(function, *arguments), bytes_each)


def traffic_of(jaxpr: Any, bytes_each: int = 2) -> float:
    """`traffic` of a traced program."""

    def moved(equation):
        return bytes_each * sum(
            math.prod(v.aval.shape) for v in (*equation.invars, *equation.outvars)
        )

    return _total(jaxpr, moved)


def products(function: Callable, *arguments: Any) -> float:
    """The number of matrix products and convolutions, as in `flops`."""
    return _total(traced(function, *arguments), lambda equation: 1)


def collectives(function: Callable, *arguments: Any, axis_name: str, devices: int) -> Collectives:
    """Communication of `function`, mapped over a device axis.

    Args:
      function: that averages or gathers over `axis_name`.
      arguments: of one device, arrays or `jax.ShapeDtypeStruct`.
      axis_name: of the mapped axis.
      devices: on it.
    """
    jaxpr = traced(function, *arguments, axis_env=[(axis_name, devices)])
    return Collectives(_received(jaxpr), rounds_of(jaxpr))


def rounds_of(jaxpr: Any) -> int:
    """The `rounds` of a traced program over its mapped axis."""
    return max(_rounds(jaxpr, [0] * len(jaxpr.invars)), default=0)


def parts_of(jaxpr: Any) -> Counter:
    """Bytes of one device that are averaged, gathered or scattered, by primitive."""
    total = Counter()
    for equation in jaxpr.eqns:
        name, times = equation.primitive.name, 1
        if name in COLLECTIVES:
            given, got = (
                sum(math.prod(v.aval.shape) * v.aval.dtype.itemsize for v in of)
                for of in (equation.invars, equation.outvars)
            )
            total[name] += min(given, got)
        elif _is_scan(equation):
            times = equation.params["length"]
        for inner in _jaxprs(equation.params):
            total += Counter({of: times * size for of, size in parts_of(inner).items()})
    return total


def traced(function: Callable, *arguments: Any, **options: Any) -> Any:
    """The program without operations that no result depends on; a compiler drops them too.

    Args:
      function: any that JAX can trace.
      arguments: pytrees of arrays or of `jax.ShapeDtypeStruct`.
      options: of `jax.make_jaxpr`.
    """
    jaxpr = jax.make_jaxpr(function, **options)(*arguments).jaxpr
    return dce_jaxpr(jaxpr, [True] * len(jaxpr.outvars), instantiate=True)[0]


def _total(jaxpr, cost: Callable) -> float:
    """The cost of all products in a program, `cost(equation)` that of one."""
    return float(sum(_of_equation(equation, cost) for equation in jaxpr.eqns))


def _of_equation(equation, cost: Callable) -> float:
    name, parameters = equation.primitive.name, equation.params
    if name in ("dot_general", "conv_general_dilated"):
        return cost(equation)
    inside = [_total(jaxpr, cost) for jaxpr in _jaxprs(parameters)]
    if name == "cond":
        return max(inside)
    if name == "while" and any(inside):
        raise ValueError(
            "the function has matrix products in a `while` of unknown length; count its body, or "
            "give the loop a fixed number of turns (`jax.lax.scan`)"
        )
    return parameters["length"] * sum(inside) if name == "scan" else sum(inside)


def _work(equation, tile: tuple[int, int, int]) -> float:
    """FLOPs of one product or convolution, in whole tiles."""
    left, right = (v.aval.shape for v in equation.invars[:2])
    numbers = equation.params["dimension_numbers"]
    results = math.prod(equation.outvars[0].aval.shape)
    if equation.primitive.name == "dot_general":
        (contracted, of_right), (alike, alike_right) = numbers
        depth = math.prod(left[axis] for axis in contracted)
        apart = math.prod(left[axis] for axis in alike)
        taken = (*of_right, *alike_right)
        columns = math.prod(size for axis, size in enumerate(right) if axis not in taken)
    else:
        _, *taps = numbers.rhs_spec  # features out; features in of one group, the spatial axes
        depth = math.prod(right[axis] for axis in taps)
        depth /= math.prod(equation.params["lhs_dilation"])
        apart = equation.params["feature_group_count"] * equation.params["batch_group_count"]
        columns = right[numbers.rhs_spec[0]] // apart
    rows = results / (apart * columns) if results else 0
    high, deep, wide = tile
    area = min(
        _whole(rows, high) * _whole(columns, wide), _whole(rows, wide) * _whole(columns, high)
    )
    return 2 * apart * area * _whole(depth, deep)


def _whole(size: float, tile: int) -> float:
    """A size in whole tiles."""
    return size if tile == 1 else math.ceil(size / tile) * tile


def _received(jaxpr) -> float:
    """Bytes that all devices receive."""
    total = 0
    for equation in jaxpr.eqns:
        if equation.primitive.name in COLLECTIVES:
            avals = [v.aval for v in equation.outvars]
            total += sum(math.prod(a.shape) * a.dtype.itemsize for a in avals)
        else:
            inside = sum(map(_received, _jaxprs(equation.params)))
            total += equation.params["length"] * inside if _is_scan(equation) else inside
    return total


def _rounds(jaxpr, before: list[int]) -> list[int]:
    """Collectives behind each result, given those behind each argument."""
    known = dict(zip(jaxpr.invars, before, strict=False))
    for equation in jaxpr.eqns:
        given = [known.get(v, 0) for v in equation.invars if not hasattr(v, "val")]
        first = max(given, default=0)
        depth = first + (equation.primitive.name in COLLECTIVES)
        for inner in _jaxprs(equation.params):
            # Coarser than need be: all results of a call wait for all of its arguments.
            added = max(_rounds(inner, [0] * len(inner.invars)), default=0)
            added *= equation.params["length"] if _is_scan(equation) else 1
            depth = max(depth, first + added)
        known |= dict.fromkeys(equation.outvars, depth)
    return [known.get(v, 0) for v in jaxpr.outvars if not hasattr(v, "val")]


def _is_scan(equation) -> bool:
    return equation.primitive.name == "scan"


def _jaxprs(parameters: dict) -> Iterator:
    """Programs inside of an equation: bodies, branches, called functions."""
    for value in parameters.values():
        for part in value if isinstance(value, (tuple, list)) else (value,):
            part = getattr(part, "jaxpr", part)
            if hasattr(part, "eqns"):
                yield part
