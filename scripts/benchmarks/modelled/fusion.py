"""What a traced program moves through memory, and its elementwise work, before any compiler.

Between everything done on the way and nothing: products, reductions and what devices tell each
other read from memory what they are made of and write what they make; elementwise work, views and
draws in between are done on the way, as often as something needs them.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from counting import COLLECTIVES

VIEWS = (
    "axis_index",
    "bitcast_convert_type",
    "broadcast_in_dim",
    "concatenate",
    "convert_element_type",
    "copy",
    "dynamic_slice",
    "dynamic_update_slice",
    "expand_dims",
    "iota",
    "pad",
    "random_seed",
    "random_split",
    "random_unwrap",
    "random_wrap",
    "reshape",
    "rev",
    "slice",
    "split",
    "squeeze",
    "stack",
    "stop_gradient",
    "tile",
    "transpose",
    "unstack",
)
PRODUCTS = ("dot_general", "conv_general_dilated")
REDUCTIONS = (*COLLECTIVES, "sort", "cumsum", "gather", "scatter", "scatter-add", "scatter_add")
# Threefry: 20 rounds of about 5 operations and its key schedule for two words of 32 bits.
OPERATIONS_OF_A_DRAW = 60


class Moved(NamedTuple):
    """What a program moves.

    Attributes:
      bytes: read and written.
      kernels: products, groups of reductions of the same values, and one for the results: what is
        launched at least.
    """

    bytes: float
    kernels: int


def moved(jaxpr: Any) -> Moved:
    """Bytes and kernels of a program from `counting.traced`.

    Reductions of the same values read them once, as do all results together. A result that is an
    argument is not moved. Bodies of `scan` count as often as they run and hand on through memory;
    of a `cond` the dearest branch.

    Raises:
      ValueError: a `while`, whose number of turns is not known.
    """
    count = _Count()
    count.results(jaxpr, count.walk(jaxpr, [count.source(v.aval) for v in jaxpr.invars]))
    return Moved(count.bytes, count.kernels)


def apart(jaxpr: Any) -> float:
    """Bytes if every operation reads its operands and writes its results, views excepted."""

    def cost(equation):
        if equation.primitive.name in VIEWS:
            return 0
        return sum(_size(v.aval) for v in (*equation.invars, *equation.outvars))

    return _sum(jaxpr, cost)


def operations(jaxpr: Any) -> float:
    """Elementwise operations: one for each number made, for each number reduced, 60 for a draw."""

    def cost(equation):
        name = equation.primitive.name
        if name in VIEWS or name in PRODUCTS or name in COLLECTIVES:
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


def _inner(equation: Any) -> Any:
    """The program that an equation calls with its own arguments, if it does; else None."""
    inner = equation.params.get("jaxpr", equation.params.get("call_jaxpr"))
    return getattr(inner, "jaxpr", inner)


def _branches(equation: Any) -> list[Any]:
    return [getattr(branch, "jaxpr", branch) for branch in equation.params["branches"]]


def _sum(jaxpr: Any, cost: Callable) -> float:
    """The cost of all operations in a program."""
    total = 0.0
    for equation in jaxpr.eqns:
        name, inner = equation.primitive.name, _inner(equation)
        if name == "while":
            _turns()
        elif name == "cond":
            total += max(_sum(branch, cost) for branch in _branches(equation))
        elif inner is not None:
            times = equation.params["length"] if name == "scan" else 1
            total += times * _sum(inner, cost)
        else:
            total += cost(equation)
    return total


def _turns() -> None:
    raise ValueError(
        "the program has a `while` of unknown length; count its body, or give the loop a fixed "
        "number of turns (`jax.lax.scan`)"
    )


class _Whole(frozenset):
    """The one array in memory that a value is, where it is made of nothing else."""


_NOTHING: frozenset = frozenset()


class _Count:
    """The arrays in memory that every value is made of, as a program is walked through."""

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
        """What the results are made of, from what the arguments are made of."""
        known = dict(zip(jaxpr.invars, given, strict=True))
        known |= {v: self.source(v.aval) for v in jaxpr.constvars}

        def made_of(values):
            return [_NOTHING if hasattr(v, "val") else known[v] for v in values]

        for equation in jaxpr.eqns:
            outs = self.step(equation, made_of(equation.invars))
            known |= zip(equation.outvars, outs, strict=True)
        return made_of(jaxpr.outvars)

    def step(self, equation: Any, given: list[frozenset]) -> list[frozenset]:
        """The same of one operation."""
        name, inner = equation.primitive.name, _inner(equation)
        everything = frozenset(source for sources in given for source in sources)
        if name == "while":
            _turns()
        if name in ("scan", "cond"):
            self.inside(equation)
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
        self.bytes += sum(_size(v.aval) for v in equation.outvars)
        return [self.source(v.aval) for v in equation.outvars]

    def inside(self, equation: Any) -> None:
        """Adds what the body of a loop, or the dearest branch, moves."""
        if equation.primitive.name == "scan":
            found, times = moved(_inner(equation)), equation.params["length"]
        else:
            found, times = max(map(moved, _branches(equation))), 1
        self.bytes += times * found.bytes
        self.kernels += times * found.kernels

    def results(self, jaxpr: Any, outs: list[frozenset]) -> None:
        """Writes the results that are not in memory already."""
        pairs = zip(outs, jaxpr.outvars, strict=True)
        made = [(out, v) for out, v in pairs if not isinstance(out, _Whole)]
        if made:
            self.launch(_NOTHING.union(*(out for out, _ in made)))
            self.bytes += sum(_size(v.aval) for _, v in made)
