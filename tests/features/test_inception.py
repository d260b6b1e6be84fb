"""The Inception network against that of PyTorch with the same random weights, and its resizing."""

import hashlib
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from marks import telling
from PIL import Image
from processes import call
from safetensors.numpy import save_file

from ganjax.errors import DataError
from ganjax.features import Extractor, inception, inception_weights
from ganjax.features.inception_weights import shapes
from ganjax.features.resizing import RESIZINGS

SIDE = 299
BYTES = np.random.RandomState(1).randint(0, 256, (2, 40, 32, 3), np.uint8)
BYTES[1] = np.arange(40)[:, None, None] * 3 + np.arange(32)[:, None] * 2  # smooth and grey
X = jnp.asarray(BYTES / 127.5 - 1, jnp.float32)
DATA = SimpleNamespace(shape=X.shape[1:])

# Of X with the weights of `drawn`: features[:, ::128] and probabilities[:, ::63] by torch-fidelity
# 0.4.0 with torch 2.13. The last test computes them again where these packages are.
FEATURES = """
3.08904 4.66912 0 0.117509 0 0 0.793204 5.76661
0.421252 0.586963 1.10514 0.0427104 16.1527 0.383887 0.22928 0.115842
2.01241 2.05562 0 0.0351997 0 0 0.250765 2.48816
0.382521 0.247403 0.612231 0.00938874 8.75994 0.300641 0.12422 0.0874167
"""
PROBABILITIES = """
0.0106261 0.00249111 0.000704976 6.29115e-05 0.000251318 6.76216e-05 0.00208188 0.000297415
7.70833e-05 6.24169e-05 0.00012523 0.000582427 0.000312345 0.000209534 0.000691691 0.000434578
0.00480239 0.00187823 0.00118678 0.000321304 0.000647275 0.000302618 0.00184305 0.000799683
0.00029254 0.000288655 0.000427605 0.0010618 0.000754989 0.000598099 0.00106083 0.000831409
"""
FEATURES, PROBABILITIES = (
    np.array(text.split(), float).reshape(2, -1) for text in (FEATURES, PROBABILITIES)
)


def drawn():
    """Random weights that keep the scale of signals through the layers."""
    draws, weights = np.random.RandomState(0), {}
    for name, shape in sorted(shapes().items()):
        if name.endswith("conv.weight"):
            values = draws.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))
        elif name == "fc.weight":
            values = draws.standard_normal(shape) * 0.005
        elif name.endswith((".weight", ".running_var")):
            values = draws.uniform(0.5, 1.5, shape)
        else:
            values = draws.uniform(-0.2, 0.2, shape)
        weights[name] = values.astype(np.float32)
    return weights


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("inception") / "inception.safetensors"
    save_file(drawn(), path)
    return path


def close(found, expected, tolerance):
    """Whether the largest difference is at most this share of the largest value."""
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * np.abs(expected).max())


@pytest.mark.parametrize("size", [(32, 40), (299, 299), (300, 31), (1024, 640)])
def test_resizing_of_clean_fid(size):
    """Pillow's bicubic resizing of floats, channel by channel, and 0 to 255 as -1 to 127/128."""
    image = np.random.RandomState(0).randint(0, 256, (*size, 3), np.uint8)
    found = jax.jit(RESIZINGS["clean"], static_argnums=1)(image[None] / np.float32(127.5) - 1, SIDE)
    channels = [Image.fromarray(image[..., c].astype(np.float32)) for c in range(3)]
    resized = [np.asarray(c.resize((SIDE, SIDE), Image.Resampling.BICUBIC)) for c in channels]
    expected = (np.stack(resized, -1).clip(0, 255) - 128) / 128
    np.testing.assert_allclose(found[0], expected, atol=5e-6)


@pytest.mark.parametrize("name", ["torch", "tensorflow"])
@pytest.mark.parametrize("length", [5, 299, 1024])
def test_bilinear_resizing(name, length):
    """Linear interpolation at (i + 1/2) h / side - 1/2 or at i h / side, ends repeated."""
    line = np.random.RandomState(0).randint(0, 256, length)
    x = np.broadcast_to(line[None, :, None, None], (1, length, 9, 1)) / np.float32(127.5) - 1
    at = np.arange(SIDE) * length / SIDE
    if name == "torch":
        at = at + length / SIDE / 2 - 0.5
    grey = np.interp(at, np.arange(length), line)
    expected = grey / 127.5 - 1 if name == "torch" else (grey - 128) / 128
    for image, axis in ((x, 0), (x.swapaxes(1, 2), 1)):
        found = np.moveaxis(RESIZINGS[name](jnp.asarray(image), SIDE)[0, ..., 0], axis, 0)
        np.testing.assert_allclose(found, np.tile(expected, (SIDE, 1)).T, atol=2e-6)


def refused(message, weights, error=DataError, data=DATA, **options):
    with pytest.raises(error, match=message):
        inception(data, weights, **options)


def test_weights_that_do_not_fit(tmp_path):
    names = list(shapes())
    assert len(names) == 5 * 94 + 1
    refused("there is no file", tmp_path / "x.npz")
    refused(r"read from files in \.safetensors, \.npz, \.pth", tmp_path / "x.ckpt")
    for ending in ("safetensors", "npz", "pth"):
        (tmp_path / f"x.{ending}").write_bytes(b"none of them")
        refused("cannot be read", tmp_path / f"x.{ending}")
    np.savez(tmp_path / "x.npz", **dict.fromkeys(names[1:], np.zeros(1)))
    refused(f"lacks the tensor {names[0]}, the first of 1 missing ones", tmp_path / "x.npz")
    found = dict.fromkeys(names, np.zeros(1, np.float32))
    for array in (np.zeros((1000, 2048), np.float16), np.zeros((1008, 2048), np.int8)):
        save_file({**found, "fc.weight": array}, tmp_path / "x.safetensors")
        kind = (
            rf"fc\.weight as {array.dtype} \[{len(array)}, 2048\]; expected floats \[1008, 2048\]"
        )
        refused(kind, tmp_path / "x.safetensors")


def test_command_with_other_weights(tmp_path):
    out = tmp_path / "x.safetensors"
    for name in ("zip.pth", "older.pth"):
        command = ("prepare", "--inception", Path(__file__).parent / name, "--out", out)
        code, printed, error = call(*command)
        assert (code, printed) == (6, "")
        assert f"{name} lacks the tensor fc.weight, the first of 471 missing ones" in error
        assert error.count("\n") == 1
    assert not out.exists()
    assert call("prepare", "--set=mnist", "--out", out).returncode == 2
    assert call("prepare").returncode == 2


def test_data_that_are_no_images(tmp_path):
    for shape in ((2,), (8, 8, 4)):
        refused("needs images", tmp_path, ValueError, SimpleNamespace(shape=shape))
    refused("resize='bilinear' must be one of 'clean'", tmp_path, ValueError, resize="bilinear")


@telling
def test_features_and_probabilities(weights):
    extractor = inception(DATA, weights, resize="tensorflow")
    assert isinstance(extractor, Extractor)
    features, probabilities = jax.jit(extractor.load())(X)
    assert features.shape == (2, 2048)
    assert probabilities.shape == (2, 1008)
    close(features[:, ::128], FEATURES, 1e-5)
    close(probabilities[:, ::63], PROBABILITIES, 1e-5)


@telling
def test_command_and_digest(weights, tmp_path, monkeypatch):
    """The digest is of weights and resizing, whichever file has the weights."""
    np.savez(tmp_path / "x.npz", **drawn(), **{"fc.bias": np.ones(1008)})
    out = tmp_path / "x.safetensors"
    code, printed, _ = call("prepare", "--inception", tmp_path / "x.npz", "--out", out)
    assert code == 0
    assert f"{out}: weights from another file than pt_inception" in printed
    digest = printed.split('digest="')[1][:64]
    named = inception(DATA, out, digest=digest)
    assert named.name == "inception, clean"
    assert named.digest == inception(DATA, weights).digest
    assert named.digest != inception(DATA, weights, resize="torch").digest
    refused(f"with the digest {digest}; expected 0", out, digest="0" * 64)
    sha256 = hashlib.sha256((tmp_path / "x.npz").read_bytes()).hexdigest()
    monkeypatch.setattr(inception_weights, "USUAL", sha256)
    assert inception_weights.convert(tmp_path / "x.npz", out) == (digest, True)
    changed = drawn()
    changed["fc.weight"][0, 0] += 1
    save_file(changed, out)
    assert inception(DATA, out).digest != named.digest


@telling
def test_grey_images_have_three_channels(weights):
    features, _ = jax.jit(inception(DATA, weights, resize="tensorflow").load())(X[1:, ..., :1])
    close(features[:, ::128], FEATURES[1:], 1e-5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of other packages
def test_torch_fidelity_and_pytorch_fid(weights, tmp_path, monkeypatch):
    """The same weights in both formats of PyTorch's files, and the resizing of each package."""
    torch = pytest.importorskip("torch")
    fidelity = pytest.importorskip("torch_fidelity.feature_extractor_inceptionv3")
    fid = pytest.importorskip("pytorch_fid.inception")
    saved = {name: torch.from_numpy(array) for name, array in drawn().items()}
    saved["fc.bias"] = torch.ones(1008)
    torch.save(saved, tmp_path / "x.pth")
    torch.save(saved, tmp_path / "older.pth", _use_new_zipfile_serialization=False)
    images = torch.from_numpy(BYTES.transpose(0, 3, 1, 2).copy())
    names = ["2048", "logits_unbiased"]
    network = fidelity.FeatureExtractorInceptionV3("x", names, str(tmp_path / "x.pth"))
    features, logits = network(images)
    probabilities = torch.softmax(logits, 1)
    close(features[:, ::128].numpy(), FEATURES, 1e-5)
    close(probabilities[:, ::63].numpy(), PROBABILITIES, 1e-5)
    found = jax.jit(inception(DATA, tmp_path / "x.pth", resize="tensorflow").load())(X)
    close(found[0], features.numpy(), 1e-5)
    close(found[1], probabilities.numpy(), 1e-5)
    monkeypatch.setattr(fid, "load_state_dict_from_url", lambda *_, **__: saved)
    features = fid.InceptionV3().eval()(images / 255)[0][..., 0, 0]
    found = jax.jit(inception(DATA, tmp_path / "older.pth", resize="torch").load())(X)
    close(found[0], features.numpy(), 1e-5)
