"""Memory traffic and elementwise work of a traced program, before any compiler.

Products, reductions and collectives read their inputs from memory and write their results;
elementwise work, views and draws between them are free, as often as something needs them.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from counting import COLLECTIVES

# fmt: off
VIEWS = (
    "axis_index", "bitcast_convert_type", "broadcast_in_dim", "concatenate",
    "convert_element_type", "copy", "dynamic_slice", "dynamic_update_slice", "expand_dims",
    "iota", "pad", "random_seed", "random_split", "random_unwrap", "random_wrap", "reshape",
    "rev", "slice", "split", "squeeze", "stack", "stop_gradient", "tile", "transpose",
    "unstack",
)
# fmt: on
PRODUCTS = ("dot_general", "conv_general_dilated")
REDUCTIONS = (*COLLECTIVES, "sort", "cumsum", "gather", "scatter", "scatter-add", "scatter_add")
# Threefry: 20 rounds of about 5 operations and its key schedule for two words of 32 bits.
OPERATIONS_OF_A_DRAW = 60


class Moved(NamedTuple):
    """Bytes read and written, and the least number of kernels.

    A kernel is a product, a group of reductions of the same values, or all results.
    """

    bytes: float
    kernels: int


def moved(jaxpr: Any) -> Moved:
    """Bytes and kernels of a program from `counting.traced`.

    Reductions of the same values read them once, as do all results together; a result that is an
    argument is free. The body of a `scan` counts as often as it runs, of a `cond` the dearest
    branch.

    Raises:
      ValueError: a `while`, whose number of turns is unknown.
    """
    count = _Count()
    count.results(jaxpr, count.walk(jaxpr, [count.source(v.aval) for v in jaxpr.invars]))
    return Moved(count.bytes, count.kernels)


def apart(jaxpr: Any) -> float:
    """Bytes if every operation but a view reads its operands and writes its results."""
    return _sum(jaxpr, lambda equation: _sizes((*equation.invars, *equation.outvars)))


def operations(jaxpr: Any) -> float:
    """Elementwise operations: one a number made, one a number reduced, 60 a draw."""

    def cost(equation):
        name = equation.primitive.name
        if name in PRODUCTS or name in COLLECTIVES:
            return 0
        if _reduces(name):
            return sum(math.prod(v.aval.shape) for v in equation.invars)
        made = sum(math.prod(v.aval.shape) for v in equation.outvars)
        return OPERATIONS_OF_A_DRAW * made if name == "random_bits" else made

    return _sum(jaxpr, cost)


def _reduces(name: str) -> bool:
    return name.startswith(("reduce_", "arg")) and name != "reduce_precision"


def _size(aval: Any) -> int:
    """Bytes; of a random key the 8 of its two words."""
    return math.prod(aval.shape) * getattr(aval.dtype, "itemsize", 8)


def _sizes(variables: Any) -> int:
    return sum(_size(v.aval) for v in variables)


def _inner(equation: Any) -> Any:
    """The program that an equation calls with its own arguments, or None."""
    inner = equation.params.get("jaxpr", equation.params.get("call_jaxpr"))
    return getattr(inner, "jaxpr", inner)


def _branches(equation: Any) -> list[Any]:
    return [getattr(branch, "jaxpr", branch) for branch in equation.params["branches"]]


def _sum(jaxpr: Any, cost: Callable) -> float:
    """The cost of all operations in a program but its views."""
    total = 0.0
    for equation in jaxpr.eqns:
        name, inner = equation.primitive.name, _inner(equation)
        if name == "while":
            _unknown()
        elif name == "cond":
            total += max(_sum(branch, cost) for branch in _branches(equation))
        elif inner is not None:
            total += (equation.params["length"] if name == "scan" else 1) * _sum(inner, cost)
        elif name not in VIEWS:
            total += cost(equation)
    return total


def _unknown() -> None:
    raise ValueError(
        "the program has a `while` of unknown length; count its body, or give the loop a fixed "
        "number of turns (`jax.lax.scan`)"
    )


class _Whole(frozenset):
    """The one array in memory that a value is."""


class _Count:
    """Walks a program with the arrays in memory from which every value is made."""

    def __init__(self):
        self.bytes, self.kernels, self.sizes, self.reduced = 0.0, 0, [], set()

    def source(self, aval: Any) -> _Whole:
        """A new array in memory."""
        self.sizes.append(_size(aval))
        return _Whole({len(self.sizes) - 1})

    def launch(self, sources: frozenset) -> None:
        """Reads every array once."""
        self.bytes += sum(self.sizes[source] for source in sources)
        self.kernels += 1

    def walk(self, jaxpr: Any, given: list[frozenset]) -> list[frozenset]:
        """The sources of the results, from those of the arguments."""
        known = dict(zip(jaxpr.invars, given, strict=True))
        known |= {v: self.source(v.aval) for v in jaxpr.constvars}

        def sources(values):
            return [frozenset() if hasattr(v, "val") else known[v] for v in values]

        for equation in jaxpr.eqns:
            outs = self.step(equation, sources(equation.invars))
            known |= zip(equation.outvars, outs, strict=True)
        return sources(jaxpr.outvars)

    def step(self, equation: Any, given: list[frozenset]) -> list[frozenset]:
        """The same of one operation."""
        name, inner = equation.primitive.name, _inner(equation)
        everything = frozenset().union(*given)
        if name == "while":
            _unknown()
        if name in ("scan", "cond"):
            scan = name == "scan"
            found = moved(inner) if scan else max(map(moved, _branches(equation)))
            times = equation.params["length"] if scan else 1
            self.bytes += times * found.bytes
            self.kernels += times * found.kernels
            return [self.source(v.aval) for v in equation.outvars]
        if inner is not None:
            return self.walk(inner, given)
        if name in PRODUCTS:
            self.launch(everything)
        elif name in REDUCTIONS or _reduces(name):
            if everything not in self.reduced:
                self.launch(everything)
            self.reduced.add(everything)
        else:
            return [everything] * len(equation.outvars)
        self.bytes += _sizes(equation.outvars)
        return [self.source(v.aval) for v in equation.outvars]

    def results(self, jaxpr: Any, outs: list[frozenset]) -> None:
        """Writes the results that are not in memory already."""
        pairs = zip(outs, jaxpr.outvars, strict=True)
        made = [(out, v) for out, v in pairs if not isinstance(out, _Whole)]
        if made:
            self.launch(frozenset().union(*(out for out, _ in made)))
            self.bytes += _sizes(v for _, v in made)
