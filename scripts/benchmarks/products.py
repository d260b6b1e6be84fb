"""Matrix products and convolutions of a lowered or compiled program, and their precision."""

import re
from typing import NamedTuple

_PRODUCT = re.compile(
    r"stablehlo\.(?:dot_general|convolution)\b.* : \(tensor<([^>]*)>, tensor<([^>]*)>\)"
    r" -> tensor<[^>]*> loc\((#loc\d*|\".*\")"
)
_LOCATION = re.compile(r"^(#loc\d+) = loc\((.*)\)$", re.MULTILINE)
_NAMED = re.compile(r"^\s*(?:ROOT )?%([\w.-]+) = \(?(\w+)\[", re.MULTILINE)
_OPERATION = re.compile(r" (dot|convolution|custom-call)\((.*?)\)(?:,|$)(.*)")
# Libraries' products, e.g. __cublas$gemm and __cudnn$convForward.
_LIBRARY = re.compile(r'custom_call_target="[^"]*(?:gemm|conv|matmul)')
_SCOPE = re.compile(r'op_name="([^"]*)"')


class Product(NamedTuple):
    """One matrix product or convolution.

    Attributes:
      dtypes: of the operands, e.g. ("bf16", "bf16").
      scope: its place in the program, e.g. "jit(step)/MLPGenerator/Dense_0/...".
    """

    dtypes: tuple[str, str]
    scope: str


def products(text: str) -> list[Product]:
    """The products of a lowered program.

    Args:
      text: StableHLO with locations, `jax.jit(f).lower(...).as_text(debug_info=True)`.

    Raises:
      ValueError: the text has more products than were parsed.
    """
    scopes = dict(_LOCATION.findall(text))
    found = [
        Product(tuple(operand.split("x")[-1] for operand in (a, b)), scopes.get(at, at))
        for a, b, at in _PRODUCT.findall(text)
    ]
    if len(found) != len(re.findall(r"stablehlo\.(?:dot_general|convolution)\b", text)):
        raise ValueError("the program has products whose operands could not be read")
    return found


def compiled_products(text: str) -> list[Product]:
    """The products of a compiled program, inside fusions and library calls too.

    Args:
      text: optimised HLO, `jax.jit(f).lower(...).compile().as_text()`.
    """
    dtypes = dict(_NAMED.findall(text))
    found = []
    for line in text.splitlines():
        if operands := compiled_product(line):
            first, second = re.findall(r"%([\w.-]+)", operands)[:2]
            found.append(Product((dtypes[first], dtypes[second]), scope(line)))
    return found


def compiled_product(line: str) -> str | None:
    """The operands of a line of a compiled program if it is a product or a library's product."""
    operation = _OPERATION.search(line)
    if operation and (operation[1] != "custom-call" or _LIBRARY.search(line)):
        return operation[2]
    return None


def scope(line: str) -> str:
    """The scope of a line of a compiled program; "" if unknown."""
    found = _SCOPE.search(line)
    return found[1] if found else ""
