"""FLOPs that a function cannot do without: those of its matrix products and convolutions.

Counted from the shapes in its traced program, before any compiler: additions to a convolution's
speed, as multiplying the zeros of a dilated input or gathering patches, do not count as work.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import jax


def flops(function: Callable, *arguments: Any) -> float:
    """FLOPs of the matrix products and convolutions of `function(*arguments)`, traced and not run.

    A product [b, n] x [n, m] has 2 b n m, a convolution two for each tap of each output, those on
    the zeros around an image included and those on zeros between dilated inputs left out. Bodies of
    `scan` count as often as they run, of the branches of a `cond` the dearest. What is mapped over
    devices (`shard_map`, `pmap`) counts for one of them. Elementwise work does not count.

    Args:
      function: any that JAX can trace.
      arguments: pytrees of arrays or of `jax.ShapeDtypeStruct`.

    Raises:
      ValueError: products in a `while`, whose number of turns is not known before it runs.
    """
    return _flops(jax.make_jaxpr(function)(*arguments).jaxpr)


def _flops(jaxpr) -> float:
    return float(sum(_of_equation(equation) for equation in jaxpr.eqns))


def _of_equation(equation) -> float:
    name, parameters = equation.primitive.name, equation.params
    if name == "dot_general":
        (contracted, _), _ = parameters["dimension_numbers"]
        left = equation.invars[0].aval.shape
        return _two_each(equation, math.prod(left[axis] for axis in contracted))
    if name == "conv_general_dilated":
        # Kernel's axes: features out, features in of one group, then the spatial ones.
        _, *taps = parameters["dimension_numbers"].rhs_spec
        kernel = equation.invars[1].aval.shape
        dense = _two_each(equation, math.prod(kernel[axis] for axis in taps))
        return dense / math.prod(parameters["lhs_dilation"])
    inside = [_flops(jaxpr) for jaxpr in _jaxprs(parameters)]
    if name == "cond":
        return max(inside)
    if name == "while" and any(inside):
        raise ValueError(
            "the function has matrix products in a `while` of unknown length; count its body, or "
            "give the loop a fixed number of turns (`jax.lax.scan`)"
        )
    return parameters["length"] * sum(inside) if name == "scan" else sum(inside)


def _two_each(equation, terms: int) -> float:
    return 2.0 * math.prod(equation.outvars[0].aval.shape) * terms


def _jaxprs(parameters: dict) -> Iterator:
    """Programs inside of an equation: bodies, branches, called functions."""
    for value in parameters.values():
        for part in value if isinstance(value, (tuple, list)) else (value,):
            part = getattr(part, "jaxpr", part)
            if hasattr(part, "eqns"):
                yield part
