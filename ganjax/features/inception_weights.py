"""Weights of the Inception network: read from a file of the user, checked, folded, converted.

Tensors have the names and axes of pytorch-fid's and torch-fidelity's file, in every format.
"""

import functools
import hashlib
import zipfile
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from ganjax.data.columns import digest_of, reason
from ganjax.errors import DataError
from ganjax.features.inception_net import SIDE, InceptionV3
from ganjax.features.torch_file import tensors_of
from ganjax.files import replaced

# pt_inception-2015-12-05-6726825d.pth of pytorch-fid, weights-inception-2015-12-05-6726825d.pth of
# torch-fidelity: one file of 95,628,359 bytes.
USUAL = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
NORM = ("weight", "bias", "running_mean", "running_var")
EPSILON = 1e-3  # of batch normalisation


class Converted(NamedTuple):
    """Converted weights: their digest, and whether they are from the usual file of the FID."""

    digest: str
    usual: bool


@functools.cache
def shapes() -> dict[str, tuple[int, ...]]:
    """The shapes of the tensors, by name."""
    images = jax.ShapeDtypeStruct((1, SIDE, SIDE, 3), jnp.float32)
    params = jax.eval_shape(InceptionV3().init, jax.random.key(0), images)["params"]
    found = {"fc.weight": params["fc"].pop("kernel").shape[::-1]}
    for path, leaf in flatten_dict(params, sep=".").items():
        layer, _, kind = path.rpartition(".")
        if kind == "kernel":
            h, w, channels, features = leaf.shape
            found[f"{layer}.conv.weight"] = (features, channels, h, w)
            found |= {f"{layer}.bn.{part}": (features,) for part in NORM}
    return found


def read(path: str | Path) -> dict[str, np.ndarray]:
    """The tensors of the network, float32 by name, from a safetensors, npz or PyTorch file.

    Others in the file are left out: the bias of the logits, counts of batches, a second head.

    Raises:
      DataError: there is no such file, it cannot be read, or a tensor is missing or of another
        shape or type.
    """
    path = Path(path)
    if path.suffix.lower() not in READERS:
        raise DataError(f"weights are read from files in {', '.join(READERS)}, got {path}")
    if not path.is_file():
        raise DataError(f"there is no file {path}; expected the weights of the Inception network")
    try:
        found = READERS[path.suffix.lower()](path)
    except (OSError, ValueError, MemoryError, zipfile.BadZipFile, SafetensorError) as error:
        raise DataError(f"{path} cannot be read: {reason(error)}") from error
    expected = shapes()
    missing = [name for name in expected if name not in found]
    if missing:
        raise DataError(
            f"{path} lacks the tensor {missing[0]}, the first of {len(missing)} missing ones of "
            f"{len(expected)}; expected the names of pt_inception-2015-12-05 of pytorch-fid"
        )
    for name, shape in expected.items():
        tensor = found[name]
        if tensor.shape != shape or tensor.dtype.kind != "f":
            raise DataError(
                f"{path} has {name} as {tensor.dtype} {list(tensor.shape)}; expected floats "
                f"{list(shape)}, as in pt_inception-2015-12-05 of pytorch-fid (torchvision's "
                "Inception is another network)"
            )
    return {name: np.asarray(found[name], np.float32) for name in expected}


def folded(tensors: dict[str, np.ndarray]) -> dict:
    """Parameters of `InceptionV3`, batch normalisation folded into the convolutions."""
    params = {("fc", "kernel"): tensors["fc.weight"].T}
    for name in tensors:
        layer, is_kernel, _ = name.partition(".conv.weight")
        if is_kernel:
            gain, bias, mean, variance = (tensors[f"{layer}.bn.{part}"] for part in NORM)
            gain, path = gain / np.sqrt(variance + EPSILON), tuple(layer.split("."))
            params[*path, "kernel"] = tensors[name].transpose(2, 3, 1, 0) * gain
            params[*path, "bias"] = bias - mean * gain
    return unflatten_dict({path: jnp.asarray(array) for path, array in params.items()})


def convert(source: str | Path, out: str | Path) -> Converted:
    """Writes the weights in a file as safetensors.

    Raises:
      DataError: as `read`.
    """
    tensors, out = read(source), Path(out)
    with open(source, "rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    with replaced(out) as file:
        file.write(save(tensors, {"source_sha256": sha256}))
    return Converted(digest_of(tensors), sha256 == USUAL)


def _npz(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


READERS = {".safetensors": load_file, ".npz": _npz, ".pth": tensors_of, ".pt": tensors_of}
