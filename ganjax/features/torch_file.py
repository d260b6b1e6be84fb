"""Tensors of PyTorch's files (`torch.save` of a state dict), read without unpickling.

The opcodes of the pickle are listed, not run: names in it are compared with `NAMES`, and nothing is
imported or called. Both formats are read: the zip of PyTorch 1.6 and later, and the older one.
"""

import math
import pickletools
import struct
import zipfile
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from ganjax.data.columns import reason
from ganjax.errors import DataError

HEAD = (0x1950A86A20F9469CFC6C, 1001)  # of the older format: a magic number and a version
STORAGES = {
    "torch HalfStorage": np.dtype("<f2"),
    "torch FloatStorage": np.dtype("<f4"),
    "torch DoubleStorage": np.dtype("<f8"),
    "torch LongStorage": np.dtype("<i8"),
}
TENSOR, DICT = "torch._utils _rebuild_tensor_v2", "collections OrderedDict"
NAMES = {TENSOR, DICT, *STORAGES}


class Tensor(NamedTuple):
    """A view of a storage: the storage's key and type, and the rest in numbers of that type."""

    key: str
    kind: np.dtype
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def tensors_of(path: str | Path) -> dict[str, np.ndarray]:
    """The tensors in a PyTorch file that holds a state dict, by name.

    Raises:
      DataError: the file cannot be opened, is damaged, or holds anything but a state dict; the
        message has the first name in it that a state dict does not need.
    """
    try:
        with open(path, "rb") as file:
            return (_zipped if zipfile.is_zipfile(file) else _older)(file)
    # A hostile pickle can bring the stack machine below to any error, as can a damaged archive.
    except Exception as error:
        raise DataError(f"{path} cannot be read as weights of PyTorch: {reason(error)}") from error


def _zipped(file: BinaryIO) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        pickle = next((name for name in names if name.endswith("data.pkl")), None)
        if pickle is None:
            raise ValueError("the zip has no data.pkl")
        root = pickle.removesuffix("data.pkl")
        if f"{root}byteorder" in names and archive.read(f"{root}byteorder") != b"little":
            raise ValueError("its numbers are big-endian")
        tensors = _state_dict(_value(archive.read(pickle)))
        return {
            name: _array(name, tensor, archive.read(f"{root}data/{tensor.key}"))
            for name, tensor in tensors.items()
        }


def _older(file: BinaryIO) -> dict[str, np.ndarray]:
    file.seek(0)
    if any(_value(file) != expected for expected in HEAD):
        raise ValueError("it is no file of torch.save")
    if not _value(file)["little_endian"]:
        raise ValueError("its numbers are big-endian")
    tensors = _state_dict(_value(file))
    sizes = {tensor.key: tensor.kind.itemsize for tensor in tensors.values()}
    blocks = {}
    for key in _value(file):
        (count,) = struct.unpack("<q", file.read(8))
        blocks[key] = file.read(count * sizes[key])
    return {name: _array(name, tensor, blocks[tensor.key]) for name, tensor in tensors.items()}


def _state_dict(value: Any) -> dict[str, Tensor]:
    tensors = isinstance(value, dict) and all(isinstance(item, Tensor) for item in value.values())
    if not tensors or not value:
        raise ValueError("it holds no state dict, which has tensors alone")
    return value


def _array(name: str, tensor: Tensor, block: bytes) -> np.ndarray:
    numbers = np.frombuffer(block, tensor.kind)[tensor.offset :]
    sizes = list(zip(tensor.shape, tensor.strides, strict=True))
    last = sum((length - 1) * stride for length, stride in sizes)
    negative = min((0, tensor.offset, *tensor.shape, *tensor.strides)) < 0
    if negative or max(last + 1, math.prod(tensor.shape)) > len(numbers):
        raise ValueError(f"the tensor {name} is cut short")
    strides = [stride * tensor.kind.itemsize for stride in tensor.strides]
    return np.lib.stride_tricks.as_strided(numbers, tensor.shape, strides).copy()


def _value(pickle: bytes | BinaryIO) -> Any:
    """The value of a pickle, with `Tensor` for tensors."""
    stack, marks, memo = [], [], {}

    def popped() -> list:
        begin = marks.pop()
        values = stack[begin:]
        del stack[begin:]
        return values

    for opcode, argument, _ in pickletools.genops(pickle):
        match opcode.name:
            case "PROTO" | "FRAME" | "STOP":
                pass
            case "BINUNICODE" | "SHORT_BINUNICODE" | "BININT" | "BININT1" | "BININT2" | "LONG1":
                stack.append(argument)
            case "NONE" | "NEWTRUE" | "NEWFALSE":
                stack.append({"NEWTRUE": True, "NEWFALSE": False}.get(opcode.name))
            case "EMPTY_DICT" | "EMPTY_LIST" | "EMPTY_TUPLE":
                stack.append({"EMPTY_DICT": {}, "EMPTY_LIST": []}.get(opcode.name, ()))
            case "MARK":
                marks.append(len(stack))
            case "TUPLE":
                stack.append(tuple(popped()))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                count = int(opcode.name[-1])
                stack[-count:] = [tuple(stack[-count:])]
            case "BINPUT" | "LONG_BINPUT":
                memo[argument] = stack[-1]
            case "MEMOIZE":
                memo[len(memo)] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(memo[argument])
            case "SETITEM":
                key, value = stack.pop(-2), stack.pop()
                stack[-1][key] = value
            case "SETITEMS":
                values = popped()
                stack[-1].update(zip(values[::2], values[1::2], strict=True))
            case "APPENDS":
                values = popped()
                stack[-1].extend(values)
            case "BUILD":  # attributes of the state dict: versions of the modules
                stack.pop()
            case "GLOBAL":
                stack.append(_named(argument))
            case "STACK_GLOBAL":
                stack[-2:] = [_named(" ".join(stack[-2:]))]
            case "BINPERSID":
                stack.append(_storage(*stack.pop()))
            case "REDUCE":
                arguments = stack.pop()
                stack.append(_made(stack.pop(), arguments))
            case _:
                raise ValueError(f"it has the opcode {opcode.name}, which a state dict lacks")
    return stack.pop()


def _named(name: str) -> str:
    if name not in NAMES:
        raise ValueError(f"it names {name.replace(' ', '.')}, which a state dict does not need")
    return name


def _storage(_kind: str, name: str, key: str, _device: str, _length: int, view=None) -> tuple:
    """The key and type of a storage, from its identifier."""
    if view is not None:
        raise ValueError("it has views of storages")
    return key, STORAGES[name]


def _made(name: str, arguments: tuple) -> dict | Tensor:
    """The result of a call that the pickle asks for."""
    if name == DICT and not arguments:
        return {}
    if name == TENSOR:
        storage, offset, shape, strides = arguments[:4]
        return Tensor(*storage, offset, shape, strides)
    raise ValueError(f"it calls {name}")
