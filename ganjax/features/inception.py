"""Inception-v3 as an extractor: the features of Frechet Inception distances."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from ganjax.checks import one_of
from ganjax.data.columns import digest_of
from ganjax.errors import DataError
from ganjax.features.extractor import Extractor
from ganjax.features.extractor import digest as digest_of_text
from ganjax.features.inception_net import SIDE, InceptionV3
from ganjax.features.inception_weights import folded, read
from ganjax.features.resizing import RESIZINGS


def inception(
    data: Any, weights: str | Path, *, resize: str = "clean", digest: str | None = None
) -> Extractor:
    """The Inception-v3 network of the Frechet Inception distance (Heusel et al. 2017).

    Features are the 2,048 of the last pooling, probabilities those of `InceptionV3`. Grey images
    become three equal channels. An image takes 11 GFLOP, 0.2 s of one CPU core.

    Args:
      data: of images, `.shape` (height, width, 1 or 3).
      weights: a safetensors, npz or PyTorch file; `ganjax prepare --inception` converts the latter.
      resize: to 299 x 299 pixels, a name of `resizing.RESIZINGS`: as clean-fid, as pytorch-fid
        ("torch") or as the first FID and torch-fidelity ("tensorflow").
      digest: the expected digest of the weights, as `ganjax prepare --inception` prints it.

    Raises:
      ValueError: the data are no such images, or an unknown resizing.
      DataError: the weights have another digest, or as `inception_weights.read`.
    """
    one_of(RESIZINGS, resize=resize)
    shape = tuple(data.shape)
    if len(shape) != 3 or shape[-1] not in (1, 3):
        raise ValueError(f"inception needs images [height, width, 1 or 3], got data of {shape}")
    tensors = read(weights)
    found = digest_of(tensors)
    if digest not in (None, found):
        raise DataError(f"{weights} has weights with the digest {found}; expected {digest}")
    settings = f"inception {SIDE} {resize} {found}"
    apply = jax.tree_util.Partial(partial(_extract, RESIZINGS[resize]), folded(tensors))
    return Extractor(f"inception, {resize}", digest_of_text(settings), lambda: apply, 1008)


def _extract(resize: Callable, params: dict, x: jax.Array) -> tuple[jax.Array, jax.Array]:
    x = resize(x, SIDE)
    if x.shape[-1] == 1:
        x = jnp.repeat(x, 3, -1)
    return InceptionV3().apply({"params": params}, x)
