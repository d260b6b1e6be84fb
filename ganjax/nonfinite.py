"""The operation that first gives a NaN or an infinity, in a function evaluated eagerly.

An infinity that a mask or an exponential removes again is no fault, so each bad output is followed
back to its origin: `jax_debug_infs` stops at the first one, and checkify does not look for any.
"""

import itertools
import linecache
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.extend.core as jex
import jax.numpy as jnp
import numpy as np

LIBRARIES = ("jax", "jaxlib", "flax", "optax", "chex")  # whose lines say little to a user


class Origin(NamedTuple):
    """Where a value that is not finite comes from.

    Attributes:
      number: of the operation, in the order of evaluation; 0 for an input.
      operation: the primitive's name, or "input".
      value: "nan", "inf" or "-inf".
      place: "FILE:LINE (function): code" of the innermost line outside `LIBRARIES` that it belongs
        to, itself or by its derivative; an input's name.
      operands: (smallest, largest) of each operand of floats.
    """

    number: int
    operation: str
    value: str
    place: str
    operands: tuple[tuple[float, float], ...] = ()

    def __str__(self) -> str:
        if self.operation == "input":
            return f"{self.place} is {self.value} already at the start"
        ranges = ", ".join(f"[{low:.4g}, {high:.4g}]" for low, high in self.operands)
        operands = f" of operands in {ranges}" if ranges else ""
        return f"{self.operation}{operands} gives {self.value}, at {self.place}"


class _Scope(NamedTuple):
    """The place of the enclosing call, and the count of operations so far."""

    place: str
    count: Iterator[int]


def origins(function: Callable, *arguments: Any) -> tuple[Any, list[Origin | None]]:
    """Evaluates a pure function operation by operation.

    Args:
      function: of pytrees of arrays.
      arguments: pytrees of arrays.

    Returns:
      Its result, and the origin of every leaf of it, None of finite leaves.
    """
    closed, shapes = jax.make_jaxpr(function, return_shape=True)(*arguments)
    named = jax.tree_util.tree_leaves_with_path(arguments)
    leaves = [leaf for _, leaf in named]
    inputs = [
        None if is_finite(leaf) else Origin(0, "input", _value(leaf), name_of(path[1:]))
        for path, leaf in named
    ]
    values, found = _evaluated(closed, leaves, inputs, _Scope("?", itertools.count(1)))
    return jax.tree.unflatten(jax.tree.structure(shapes), values), found


def name_of(path: Sequence[Any]) -> str:
    """The name of a leaf: `params.gen['w']`."""
    return jax.tree_util.keystr(tuple(path)).lstrip(".")


def is_finite(leaf: Any) -> bool:
    """Whether all floats of an array are finite; integers and keys are."""
    return not jnp.issubdtype(leaf.dtype, jnp.inexact) or bool(np.isfinite(_host(leaf)).all())


def _host(leaf: Any) -> np.ndarray:
    """On the host, in a type that NumPy knows."""
    leaf = np.asarray(leaf)
    return leaf if leaf.dtype.kind in "fc" else leaf.astype(np.float32)


def _value(leaf: Any) -> str:
    leaf = _host(leaf)
    bad = leaf[~np.isfinite(leaf)]
    return "nan" if np.isnan(bad).any() else str(bad.flat[0])


def _evaluated(
    closed: jex.ClosedJaxpr, values: Sequence[Any], inputs: Sequence[Origin | None], scope: _Scope
) -> tuple[list[Any], list[Origin | None]]:
    """Outputs, and the origins of those that are not finite."""
    jaxpr = closed.jaxpr
    known = dict(zip(jaxpr.constvars, closed.consts, strict=True))
    known |= dict(zip(jaxpr.invars, values, strict=True))
    bad = {
        variable: origin
        for variable, origin in zip(jaxpr.invars, inputs, strict=True)
        if origin is not None and not is_finite(known[variable])
    }

    def read(variable):
        return variable.val if isinstance(variable, jex.Literal) else known[variable]

    def origin(variable):
        return None if isinstance(variable, jex.Literal) else bad.get(variable)

    for eqn in jaxpr.eqns:
        given, before = list(map(read, eqn.invars)), list(map(origin, eqn.invars))
        results = _result(jaxpr, eqn, given)
        known.update(zip(eqn.outvars, results, strict=True))
        number = next(scope.count)
        wrong = [not is_finite(result) for result in results]
        if any(wrong):
            inner = _placed(eqn, scope)
            found = _inside(eqn, given, before, inner)
            if found is None:
                value = _value(results[wrong.index(True)])
                own = Origin(number, eqn.primitive.name, value, inner.place, _ranges(given))
                found = [_first(before) or own] * len(results)
            bad |= {v: o for v, o, w in zip(eqn.outvars, found, wrong, strict=True) if w and o}
    return list(map(read, jaxpr.outvars)), list(map(origin, jaxpr.outvars))


def _result(jaxpr: Any, eqn: Any, given: Sequence[Any]) -> list[Any]:
    """The results of one operation."""
    variables = [variable for variable in eqn.invars if not isinstance(variable, jex.Literal)]
    alone = jaxpr.replace(
        constvars=[],
        invars=variables,
        outvars=eqn.outvars,
        eqns=[eqn],
        debug_info=jaxpr.debug_info.with_unknown_names(),
    )
    values = [x for v, x in zip(eqn.invars, given, strict=True) if not isinstance(v, jex.Literal)]
    return jex.jaxpr_as_fun(jex.ClosedJaxpr(alone, []))(*values)


def _inside(
    eqn: Any, given: list[Any], before: list[Origin | None], scope: _Scope
) -> list[Origin | None] | None:
    """Origins within a call, a loop or a branch, by output; None of an operation without a body."""
    params, name = eqn.params, eqn.primitive.name
    if name == "scan":
        return _scanned(eqn, given, before, scope)
    if name == "while":
        return _looped(params, given, before, scope)
    if name == "cond":
        branch = params["branches"][int(given[0])]
        return _evaluated(branch, given[1:], before[1:], scope)[1]
    body = params.get("jaxpr") or params.get("call_jaxpr")
    if isinstance(body, jex.Jaxpr) and not body.constvars:
        body = jex.ClosedJaxpr(body, [])
    if not isinstance(body, jex.ClosedJaxpr):
        return None
    shapes = [[v.aval.shape for v in of.invars] for of in (body.jaxpr, eqn)]
    return _evaluated(body, given, before, scope)[1] if shapes[0] == shapes[1] else None


def _scanned(
    eqn: Any, given: list[Any], before: list[Origin | None], scope: _Scope
) -> list[Origin | None]:
    params, body = eqn.params, eqn.params["jaxpr"].jaxpr
    # Rows of a scan have an axis less inside; the names of its counts differ between releases.
    split, carried = (
        sum(v.aval.ndim == of.aval.ndim for v, of in zip(outer, inner, strict=True))
        for outer, inner in ((eqn.invars, body.invars), (eqn.outvars, body.outvars))
    )
    fixed = split - carried
    state, found, collected = given[fixed:split], before[fixed:split], []
    order = range(params["length"])
    for at in reversed(order) if params["reverse"] else order:
        row = [x[at] for x in given[split:]]
        values, outcome = _evaluated(
            params["jaxpr"],
            [*given[:fixed], *state, *row],
            [*before[:fixed], *found, *before[split:]],
            scope,
        )
        state, found = values[:carried], outcome[:carried]
        collected.append(outcome[carried:])
    return [*found, *map(_first, zip(*collected, strict=True))]


def _looped(
    params: Any, given: list[Any], before: list[Origin | None], scope: _Scope
) -> list[Origin | None]:
    tested, fixed = params["cond_nconsts"], params["body_nconsts"]
    split = tested + fixed
    state, found = given[split:], before[split:]
    while jex.jaxpr_as_fun(params["cond_jaxpr"])(*given[:tested], *state)[0]:
        values, bad = [*given[tested:split], *state], [*before[tested:split], *found]
        state, found = _evaluated(params["body_jaxpr"], values, bad, scope)
    return found


def _first(found: Sequence[Origin | None]) -> Origin | None:
    return min(filter(None, found), default=None, key=lambda origin: origin.number)


def _placed(eqn: Any, scope: _Scope) -> _Scope:
    """The scope of an operation: its own line, or that of the call around it."""
    frames = eqn.source_info.traceback.frames if eqn.source_info.traceback else ()
    folders = [Path(sys.modules[n].__file__).parent for n in LIBRARIES if n in sys.modules]
    folders.append(Path(__file__))
    for frame in frames:
        file = Path(frame.file_name)
        if not any(file.is_relative_to(folder) for folder in folders):
            code = linecache.getline(frame.file_name, frame.line_num).strip()
            place = f"{file}:{frame.line_num} ({frame.function_name}): {code}"
            return scope._replace(place=place)
    return scope


def _ranges(given: Sequence[Any]) -> tuple[tuple[float, float], ...]:
    floats = [np.asarray(x) for x in given if jnp.issubdtype(jnp.result_type(x), jnp.inexact)]
    real = [_host(x) for x in floats if x.size and not np.iscomplexobj(x)]
    return tuple((float(x.min()), float(x.max())) for x in real)
