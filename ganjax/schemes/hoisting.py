"""A function split in two, so that a loop computes only what changes in it."""

from collections.abc import Callable
from typing import Any

import jax
from jax.extend.core import Literal


def split(function: Callable, fixed: Any, moving: Any) -> tuple[Callable, Callable]:
    """`(before, after)` with `after(before(fixed), moving) = function(fixed, moving)`.

    `before` computes all that depends on `fixed` alone. The compiler moves invariant values out of
    a loop, but not invariant derivatives: a loop over a discriminator's steps would push a
    cotangent back through the generator in every one of them. After the split generated samples are
    constants of the loop, their cotangents add up, and the generator is passed once each way.

    Args:
      function: pure, `(fixed, moving) -> pytree`.
      fixed: pytree of arrays, for their structure, shapes and dtypes.
      moving: the same.

    Returns:
      `before: fixed -> list of arrays`; `after: (that list, moving) -> pytree`. Both can be called
      with any arrays of the same shapes, mapped and differentiated.
    """
    closed, shape = jax.make_jaxpr(function, return_shape=True)(fixed, moving)
    jaxpr, count = closed.jaxpr, len(jax.tree.leaves(fixed))
    constants = dict(zip(jaxpr.constvars, closed.consts, strict=True))
    known, rest, later = [], [], set(jaxpr.invars[count:])
    for equation in jaxpr.eqns:
        if equation.effects or any(v in later for v in _variables(equation.invars)):
            rest.append(equation)
            later.update(equation.outvars)
        else:
            known.append(equation)
    wanted = _variables([*(v for equation in rest for v in equation.invars), *jaxpr.outvars])
    computed = [v for v in dict.fromkeys(wanted) if v not in later and v not in constants]

    def before(fixed):
        values = constants | dict(zip(jaxpr.invars[:count], jax.tree.leaves(fixed), strict=True))
        return _evaluate(known, values, computed)

    def after(arrays, moving):
        given = [*arrays, *jax.tree.leaves(moving)]
        values = constants | dict(zip([*computed, *jaxpr.invars[count:]], given, strict=True))
        return jax.tree.unflatten(jax.tree.structure(shape), _evaluate(rest, values, jaxpr.outvars))

    return before, after


def _variables(atoms) -> list:
    return [atom for atom in atoms if not isinstance(atom, Literal)]


def _evaluate(equations, values, outputs) -> list:
    """Runs equations of a jaxpr on `values`, a dict of its variables."""

    def read(atom):
        return atom.val if isinstance(atom, Literal) else values[atom]

    for equation in equations:
        given = [read(atom) for atom in equation.invars]
        parameters = equation.primitive.get_bind_params(equation.params)
        with equation.ctx.manager:
            results = equation.primitive.bind(*given, **parameters)
        results = results if equation.primitive.multiple_results else [results]
        values |= dict(zip(equation.outvars, results, strict=True))
    return [read(atom) for atom in outputs]
