"""What a function cannot do without: FLOPs and bytes of its products, and what devices tell.

Counted from the shapes in its traced program, before any compiler: what is done beside the work,
as multiplying the zeros of a dilated input or copying neighbourhoods, does not count. Convolutions
are traced in the form of the backend at hand; on CPU some take fewer multiplications than defined.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
from jax.interpreters.partial_eval import dce_jaxpr

COLLECTIVES = ("psum", "psum_invariant", "pmax", "pmin", "all_gather", "all_to_all", "ppermute")


class Collectives(NamedTuple):
    """What devices tell each other in a call.

    Attributes:
      bytes: of all that is averaged or gathered, as each device gets it.
      rounds: the longest chain of collectives of which each waits for the one before.
    """

    bytes: float
    rounds: int


def flops(function: Callable, *arguments: Any) -> float:
    """FLOPs of the matrix products and convolutions of `function(*arguments)`, traced and not run.

    A product [b, n] x [n, m] has 2 b n m, a convolution two for each tap of each output, those on
    the zeros around an image included and those on zeros between dilated inputs left out. Bodies of
    `scan` count as often as they run, of the branches of a `cond` the dearest. What is mapped over
    devices (`shard_map`, `pmap`) counts for one of them. Elementwise work does not count, nor does
    what no result depends on.

    Args:
      function: any that JAX can trace.
      arguments: pytrees of arrays or of `jax.ShapeDtypeStruct`.

    Raises:
      ValueError: products in a `while`, whose number of turns is not known before it runs.
    """
    return _total(_traced(function, arguments), _work)


def traffic(function: Callable, *arguments: Any, bytes_each: int = 2) -> float:
    """Bytes if every product and convolution reads its operands and writes its result once.

    All else is taken to be done on the way, and nothing to stay on the chip between two products.

    Args:
      function: any that JAX can trace.
      arguments: pytrees of arrays or of `jax.ShapeDtypeStruct`.
      bytes_each: of a number; 2 of bfloat16.

    Raises:
      ValueError: as `flops`.
    """

    def moved(equation):
        return bytes_each * sum(
            math.prod(v.aval.shape) for v in (*equation.invars, *equation.outvars)
        )

    return _total(_traced(function, arguments), moved)


def products(function: Callable, *arguments: Any) -> float:
    """The number of matrix products and convolutions that are made, as in `flops`."""
    return _total(_traced(function, arguments), lambda equation: 1)


def collectives(function: Callable, *arguments: Any, axis_name: str, devices: int) -> Collectives:
    """What `function`, mapped over a device axis, tells other devices.

    Args:
      function: that averages or gathers over `axis_name`.
      arguments: of one device, arrays or `jax.ShapeDtypeStruct`.
      axis_name: of the mapped axis.
      devices: on it.
    """
    traced = _traced(function, arguments, axis_env=[(axis_name, devices)])
    return Collectives(_told(traced), max(_rounds(traced, [0] * len(traced.invars)), default=0))


def _traced(function: Callable, arguments: tuple, **options: Any):
    """The program without what no result depends on, as a compiler leaves it out too."""
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


def _work(equation) -> float:
    """FLOPs of one product or convolution."""
    left, right = (v.aval.shape for v in equation.invars[:2])
    numbers = equation.params["dimension_numbers"]
    results = math.prod(equation.outvars[0].aval.shape)
    if equation.primitive.name == "dot_general":
        (contracted, _), _ = numbers
        return 2 * results * math.prod(left[axis] for axis in contracted)
    _, *taps = numbers.rhs_spec  # features out; features in of one group, then the spatial axes
    dense = 2 * results * math.prod(right[axis] for axis in taps)
    return dense / math.prod(equation.params["lhs_dilation"])


def _told(jaxpr) -> float:
    """Bytes that all devices get to know."""
    total = 0
    for equation in jaxpr.eqns:
        if equation.primitive.name in COLLECTIVES:
            avals = [v.aval for v in equation.outvars]
            total += sum(math.prod(a.shape) * a.dtype.itemsize for a in avals)
        else:
            inside = sum(map(_told, _jaxprs(equation.params)))
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
