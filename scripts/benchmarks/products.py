"""Which matrix products and convolutions a lowered program has, and in which precision."""

import re
from typing import NamedTuple

_PRODUCT = re.compile(
    r"stablehlo\.(?:dot_general|convolution)\b.* : \(tensor<([^>]*)>, tensor<([^>]*)>\)"
    r" -> tensor<[^>]*> loc\((#loc\d*|\".*\")"
)
_LOCATION = re.compile(r"^(#loc\d+) = loc\((.*)\)$", re.MULTILINE)


class Product(NamedTuple):
    """One `dot_general` or `convolution`.

    Attributes:
      dtypes: of its operands, e.g. ("bf16", "bf16").
      scope: where in the program it was written, e.g. "jit(step)/MLPGenerator/Dense_0/...".
    """

    dtypes: tuple[str, str]
    scope: str


def products(text: str) -> list[Product]:
    """The products of a program.

    Args:
      text: StableHLO with locations, `jax.jit(f).lower(...).as_text(debug_info=True)`.

    Raises:
      ValueError: the text mentions more products than could be read.
    """
    scopes = dict(_LOCATION.findall(text))
    found = [
        Product(tuple(operand.split("x")[-1] for operand in (a, b)), scopes.get(at, at))
        for a, b, at in _PRODUCT.findall(text)
    ]
    if len(found) != len(re.findall(r"stablehlo\.(?:dot_general|convolution)\b", text)):
        raise ValueError("the program has products whose operands could not be read")
    return found
