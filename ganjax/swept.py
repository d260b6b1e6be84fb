"""A config number that takes a different value in each run of one compiled program."""

import numbers
import operator
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp


class Swept:
    """A traced number that passes for a float while a config is turned into functions.

    Arithmetic with numbers gives swept numbers, with arrays arrays of their dtype, as a float's
    does. A comparison, as in the check of a range, has an answer if all values agree; where they do
    not, or where a plain float is needed (`math.sqrt`, a name, a shape), it raises TypeError, so
    that no value silently stands for the others.

    Attributes:
      traced: scalar array, the value in the run that is being traced.
      values: its values in all runs of the program.
    """

    def __init__(self, traced: Any, values: tuple[float, ...]):
        self.traced = traced
        self.values = values

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("a swept number has several values")

    def __repr__(self) -> str:
        return f"Swept{self.values}"

    def _agreed(self, test: Callable[[float], bool]) -> bool:
        answers = {bool(test(value)) for value in self.values}
        if len(answers) > 1:
            raise TypeError(f"the values {self.values} differ in more than a number")
        return answers.pop()

    def __bool__(self) -> bool:
        return self._agreed(bool)


def _compared(compare: Callable) -> Callable:
    return lambda self, other: self._agreed(lambda value: compare(value, other))


def _computed(compute: Callable, *given: Any) -> Any:
    """`compute` of swept numbers and others, of which at most one is an array."""
    array = next((x for x in given if not isinstance(x, numbers.Real)), None)
    if array is None:
        count = len(next(x.values for x in given if isinstance(x, Swept)))
        columns = [x.values if isinstance(x, Swept) else (x,) * count for x in given]
        values = tuple(compute(*row) for row in zip(*columns, strict=True))
        return Swept(compute(*(getattr(x, "traced", x) for x in given)), values)
    dtype = jnp.result_type(array)
    exact = not jnp.issubdtype(dtype, jnp.inexact)
    return compute(
        *(
            (x.traced if exact else x.traced.astype(dtype)) if isinstance(x, Swept) else x
            for x in given
        )
    )


def _forward(compute: Callable) -> Callable:
    return lambda self, *others: _computed(compute, self, *others)


def _backward(compute: Callable) -> Callable:
    return lambda self, other: _computed(compute, other, self)


for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Swept, f"__{_name}__", _compared(getattr(operator, _name)))
for _name in ("add", "sub", "mul", "truediv", "pow"):
    setattr(Swept, f"__{_name}__", _forward(getattr(operator, _name)))
    setattr(Swept, f"__r{_name}__", _backward(getattr(operator, _name)))
for _name in ("neg", "pos", "abs"):
    setattr(Swept, f"__{_name}__", _forward(getattr(operator, _name)))
Swept.__hash__ = None
numbers.Real.register(Swept)
# A pytree, so that it may be an argument of functions that are jitted, as some of optax's are.
jax.tree_util.register_pytree_node(
    Swept, lambda number: ((number.traced,), number.values), lambda of, x: Swept(x[0], of)
)
