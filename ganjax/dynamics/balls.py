"""Jaxprs in ball arithmetic: every float becomes an interval of python-flint that contains it.

FLINT's `arb` (Johansson 2017, arXiv:1611.02831) rounds outwards. Integers, booleans and random keys
are computed as they are. A primitive without a rule, or a comparison that the intervals leave open,
raises `Undecided`: no branch is taken by chance.
"""

import operator
import string
from collections.abc import Callable
from functools import partial
from typing import Any

import jax.numpy as jnp
import numpy as np
from flint import arb
from jax.extend.core import Literal


class Undecided(Exception):  # noqa: N818 - an answer, not an error
    """Intervals cannot answer; the message says why."""


def enclosed(value: Any) -> Any:
    """Floats as an object array of `arb`, exactly; anything else as it is.

    Raises:
      Undecided: the numbers are complex.
    """
    if _is_balls(value) or not jnp.issubdtype(value.dtype, jnp.inexact):
        return value
    if jnp.issubdtype(value.dtype, jnp.complexfloating):
        raise Undecided("complex numbers have no rule")
    return _each(arb, np.asarray(value, np.float64))


def evaluate(jaxpr: Any, consts: Any, arguments: Any) -> list:
    """The outputs of a jaxpr in exact arithmetic, as intervals.

    Args:
      jaxpr: a `jax.extend.core.Jaxpr`.
      consts: values of its constants.
      arguments: its arguments; floats are arrays, taken exactly, or object arrays of `arb`.

    Returns:
      Object arrays of `arb` for floats, arrays for everything else.

    Raises:
      Undecided: a primitive has no rule, or a comparison is open.
    """
    variables = (*jaxpr.constvars, *jaxpr.invars)
    known = dict(zip(variables, map(enclosed, (*consts, *arguments)), strict=True))

    def value(variable):
        if isinstance(variable, Literal):
            return enclosed(np.asarray(variable.val, variable.aval.dtype))
        return known[variable]

    for equation in jaxpr.eqns:
        outputs = _outputs(equation, [value(variable) for variable in equation.invars])
        if not equation.primitive.multiple_results:
            outputs = [outputs]
        known.update(zip(equation.outvars, map(enclosed, outputs), strict=True))
    return [value(variable) for variable in jaxpr.outvars]


def _outputs(equation: Any, inputs: list) -> Any:
    """The outputs of one equation, in the form that its primitive's `bind` returns."""
    name, params = equation.primitive.name, equation.params
    if name in CONTROL:
        return CONTROL[name](params, *inputs)
    if not any(map(_is_balls, inputs)):
        floats = (jnp.issubdtype(out.aval.dtype, jnp.inexact) for out in equation.outvars)
        if name in EXACT or not any(floats):
            return equation.primitive.bind(*inputs, **params)
    if name in ELEMENTWISE:
        return _each(ELEMENTWISE[name], *inputs)
    if name in COMPARISONS:
        return _each(partial(_compared, name), *inputs).astype(bool)
    if name in RULES:
        return RULES[name](params, *inputs)
    if name in MOVES:
        return _moved(equation, inputs)
    raise Undecided(f"the primitive {name!r} has no rule")


def _is_balls(value: Any) -> bool:
    return value.dtype == object


def _each(function: Callable, *arrays: Any) -> np.ndarray:
    """The function on every number of arrays whose shapes broadcast."""
    arrays = [np.asarray(a).astype(object) for a in arrays]  # integers as Python's own
    return np.asarray(np.frompyfunc(function, len(arrays), 1)(*arrays), object)


def _compared(name: str, a: arb, b: arb) -> bool:
    if a is b and a.is_finite():  # x != x asks whether x is NaN
        return name in ("eq", "ge", "le")
    true, false = COMPARISONS[name]
    if true(a, b):
        return True
    if false(a, b):
        return False
    raise Undecided(f"the comparison {name!r} is open: {a.str(5)} against {b.str(5)}")


def _larger(a: arb, b: arb) -> arb:
    """The very number where that is known, so that a later `eq` finds it."""
    return a if a > b else b if b > a else arb.max(a, b)


def _smaller(a: arb, b: arb) -> arb:
    return a if a < b else b if b < a else arb.min(a, b)


def _finite(x: arb) -> bool:
    if x.is_finite():
        return True
    raise Undecided("whether a number is finite is open")


def _converted(params: dict, x: Any) -> Any:
    """Between floats and from integers: exactly. From floats to integers: `Undecided`."""
    if jnp.issubdtype(params["new_dtype"], jnp.inexact):
        return _each(arb, x)
    if jnp.issubdtype(params["new_dtype"], jnp.bool_):
        return _each(partial(_compared, "ne"), x, _each(arb, 0)).astype(bool)
    raise Undecided("floats that become integers have no rule")


def _broadcast(params: dict, x: np.ndarray) -> np.ndarray:
    shape = np.ones(len(params["shape"]), int)
    shape[list(params["broadcast_dimensions"])] = x.shape
    return np.broadcast_to(x.reshape(shape), params["shape"])


def _dot(params: dict, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    (x_summed, y_summed), (x_batch, y_batch) = params["dimension_numbers"]
    letters = iter(string.ascii_letters)
    xs, ys = ([next(letters) for _ in range(a.ndim)] for a in (x, y))
    for i, j in zip((*x_summed, *x_batch), (*y_summed, *y_batch), strict=True):
        ys[j] = xs[i]
    batch = [xs[i] for i in x_batch]
    free = [letter for letter in xs + ys if (letter in xs) != (letter in ys)]
    terms = f"{''.join(xs)},{''.join(ys)}->{''.join(batch + free)}"
    return _each(arb, np.einsum(terms, x, y))  # arb: a sum without terms is an integer


def _reduced(function: Callable) -> Callable:
    ufunc = np.frompyfunc(function, 2, 1)

    def rule(params, x):
        for axis in sorted(params["axes"], reverse=True):
            x = np.asarray(ufunc.reduce(x, axis=axis), object)
        return x

    return rule


def _moved(equation: Any, inputs: list) -> Any:
    """A primitive that only moves numbers: done with their positions."""
    params = equation.params | ({"fill_value": -1} if "fill_value" in equation.params else {})
    positions, numbers = [], []
    for x in inputs:
        if _is_balls(x):
            start = sum(map(np.size, numbers))
            numbers.append(x.ravel())
            x = jnp.arange(start, start + x.size).reshape(x.shape)
        positions.append(x)
    found = np.asarray(equation.primitive.bind(*positions, **params))
    numbers = np.concatenate(numbers)
    if not ((found >= 0) & (found < len(numbers))).all():
        raise Undecided(f"{equation.primitive.name!r} reads out of bounds")
    return numbers[found]


def _called(params: dict, *inputs: Any) -> list:
    jaxpr = params["jaxpr"] if "jaxpr" in params else params["call_jaxpr"]
    return _closed(jaxpr, inputs)


def _closed(jaxpr: Any, inputs: Any) -> list:
    """`evaluate` of a jaxpr that may have its constants with it."""
    if hasattr(jaxpr, "consts"):
        return evaluate(jaxpr.jaxpr, jaxpr.consts, inputs)
    return evaluate(jaxpr, (), inputs)


def _scan(params: dict, *inputs: Any) -> list:
    if "ft_in" in params:  # JAX 0.12
        first, count, _ = map(len, params["ft_in"].unpack())
    else:
        first, count = params["num_consts"], params["num_carry"]
    last = first + count
    consts, carry, xs = inputs[:first], list(inputs[first:last]), inputs[last:]
    rows, order = [], range(params["length"])
    for index in reversed(order) if params["reverse"] else order:
        outputs = _closed(params["jaxpr"], (*consts, *carry, *(_row(x, index) for x in xs)))
        carry, row = outputs[: len(carry)], outputs[len(carry) :]
        rows.append(row)
    rows = rows[::-1] if params["reverse"] else rows
    return carry + [np.stack([np.asarray(x) for x in column]) for column in zip(*rows, strict=True)]


def _row(x: Any, index: int) -> Any:
    return np.asarray(x[index], object) if _is_balls(x) else x[index]


def _while(params: dict, *inputs: Any) -> list:
    first, last = params["cond_nconsts"], params["cond_nconsts"] + params["body_nconsts"]
    tested, consts, carry = inputs[:first], inputs[first:last], list(inputs[last:])
    while (going := np.asarray(_closed(params["cond_jaxpr"], (*tested, *carry))[0])).any():
        following = _closed(params["body_jaxpr"], (*consts, *carry))
        if going.ndim:  # under vmap, each of a batch until its own end
            following = map(partial(_where, going), following, carry)
        carry = list(following)
    return carry


def _where(going: np.ndarray, new: Any, old: Any) -> np.ndarray:
    new, old = np.asarray(new), np.asarray(old)
    return np.where(going.reshape(going.shape + (1,) * (new.ndim - going.ndim)), new, old)


def _branch(params: dict, index: Any, *inputs: Any) -> list:
    last = len(params["branches"]) - 1
    return _closed(params["branches"][int(np.clip(int(index), 0, last))], inputs)


def _linear_solve(params: dict, *inputs: Any) -> list:
    """By the solver that the step brings, as JAX does."""
    counts, jaxprs = params["const_lengths"], params["jaxprs"]
    first = counts.matvec + counts.vecmat
    right = inputs[sum(counts) :]
    return _closed(jaxprs.solve, (*inputs[first : first + counts.solve], *right))


CALLS = ("custom_jvp_call", "jit", "remat2")
CONTROL = {
    **dict.fromkeys(CALLS, _called),
    "cond": _branch,
    "custom_linear_solve": _linear_solve,
    "device_put": lambda params, *xs: list(xs),
    "scan": _scan,
    "while": _while,
}
EXACT = ("bitcast_convert_type", "iota")  # floats out of integers, without rounding
ALIKE = ("cos", "exp", "expm1", "log", "log1p", "rsqrt", "sin", "sqrt", "tanh")
ELEMENTWISE = {
    **{name: getattr(arb, name) for name in ALIKE},
    "abs": abs,
    "add": operator.add,
    "add_any": operator.add,
    "clamp": lambda low, x, high: _smaller(_larger(low, x), high),
    "div": operator.truediv,
    "erf_inv": arb.erfinv,
    "logistic": lambda x: 1 / (1 + (-x).exp()),
    "max": _larger,
    "min": _smaller,
    "mul": operator.mul,
    "neg": operator.neg,
    "one_minus_square": lambda x: 1 - x**2,  # of JAX 0.12
    "pow": operator.pow,
    "sign": arb.sgn,
    "square": lambda x: x**2,
    "sub": operator.sub,
}
# Each with its opposite: both may fail.
COMPARISONS = {
    "eq": (operator.eq, operator.ne),
    "ge": (operator.ge, operator.lt),
    "gt": (operator.gt, operator.le),
    "le": (operator.le, operator.gt),
    "lt": (operator.lt, operator.ge),
    "ne": (operator.ne, operator.eq),
}
RULES = {
    "broadcast_in_dim": _broadcast,
    "concatenate": lambda params, *xs: np.concatenate(xs, params["dimension"]),
    "convert_element_type": _converted,
    "copy": lambda params, x: x,
    "dot_general": _dot,
    "is_finite": lambda params, x: _each(_finite, x).astype(bool),
    "integer_pow": lambda params, x: _each(lambda number: number ** params["y"], x),
    "reduce_max": _reduced(_larger),
    "reduce_min": _reduced(_smaller),
    "reduce_sum": lambda params, x: np.asarray(
        np.sum(x, axis=params["axes"], initial=arb(0)), object
    ),
    "reshape": lambda params, x: x.reshape(params["new_sizes"]),
    "select_n": lambda params, which, *cases: np.asarray(
        np.choose(np.asarray(which, int), cases), object
    ),
    "split": lambda params, x: np.split(x, np.cumsum(params["sizes"])[:-1], params["axis"]),
    "squeeze": lambda params, x: np.squeeze(x, params["dimensions"]),
    "stop_gradient": lambda params, x: x,
    "transpose": lambda params, x: np.transpose(x, params["permutation"]),
}
MOVES = ("dynamic_slice", "gather", "pad", "rev", "scatter", "slice", "stack")
