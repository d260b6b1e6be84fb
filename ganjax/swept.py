"""A number of a config that is another in every run of one program."""

import numbers
import operator
from collections.abc import Callable
from typing import Any


class Swept:
    """A traced number that passes for a float while a config is turned into functions.

    Arithmetic gives traced arrays. A comparison, as in the check of a range, is answered if all
    the values agree; where they do not, or where a plain float is needed (`math.sqrt`, a name, a
    shape), it raises TypeError, so that no value can silently stand for the others.

    Attributes:
      traced: scalar array, the value of the run that is being traced.
      values: all the values that it may take.
    """

    def __init__(self, traced: Any, values: tuple[float, ...]):
        self.traced = traced
        self.values = values

    def __jax_array__(self) -> Any:
        return self.traced

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("a swept number has no one value")

    def __repr__(self) -> str:
        return f"Swept{self.values}"

    __hash__ = None

    def _agreed(self, test: Callable[[float], bool]) -> bool:
        answers = {bool(test(value)) for value in self.values}
        if len(answers) > 1:
            raise TypeError(f"the values {self.values} differ in more than a number")
        return answers.pop()

    def __bool__(self) -> bool:
        return self._agreed(bool)


def _compared(compare: Callable) -> Callable:
    return lambda self, other: self._agreed(lambda value: compare(value, other))


def _forward(name: str) -> Callable:
    return lambda self, *others: getattr(operator, name)(
        self.traced, *(getattr(other, "traced", other) for other in others)
    )


def _backward(name: str) -> Callable:
    return lambda self, other: getattr(operator, name)(other, self.traced)


for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Swept, f"__{_name}__", _compared(getattr(operator, _name)))
for _name in ("add", "sub", "mul", "truediv", "pow"):
    setattr(Swept, f"__{_name}__", _forward(_name))
    setattr(Swept, f"__r{_name}__", _backward(_name))
for _name in ("neg", "pos", "abs"):
    setattr(Swept, f"__{_name}__", _forward(_name))
Swept.__hash__ = None
numbers.Real.register(Swept)
