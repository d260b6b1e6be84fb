"""Arrays, images, weights and sets from anybody: nothing in them runs, nothing is written."""

import io
import json
import pickle
import struct
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from ganjax import data, disclosure
from ganjax.data.files import image_files
from ganjax.data.files.array_files import arrays_of
from ganjax.data.sets import prepared
from ganjax.errors import DataError
from ganjax.features import inception_weights
from ganjax.features.kept import kept

from .conftest import refused


class Touch:
    """Unpickled, it writes the file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.fixture
def sentinel(tmp_path):
    path = tmp_path / "sentinel"
    pickle.loads(pickle.dumps(Touch(path))).close()
    assert path.exists()  # it is dangerous
    path.unlink()
    yield path
    assert not path.exists()


def pickled(sentinel, kind):
    """The bytes of a file that holds the pickle."""
    payload, file = Touch(sentinel), io.BytesIO()
    if kind == "npz":
        np.savez(file, x=np.array([payload], object), w=np.zeros(2))
    elif kind == "npy":
        np.save(file, np.array([payload], object), allow_pickle=True)
    elif kind == "pt":
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("archive/data.pkl", pickle.dumps({"w": payload}))
            archive.writestr("archive/version", "3")
    else:
        pickle.dump({"x": payload}, file)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["npz", "npy", "pt", "pickle"])
def test_a_pickle_is_not_run(kind, sentinel, tmp_path, called, monkeypatch):
    content = pickled(sentinel, kind)
    for name in ("x.npz", "x.npy", "x.pt", "x.pth", "x.safetensors"):
        (tmp_path / name).write_bytes(content)
    for name in ("x.npz", "x.npy"):
        with pytest.raises(DataError):
            arrays_of(tmp_path / name, {"x": True})
        samples = f"--samples={tmp_path / name}"
        assert refused(called("evaluate", "--config=ring8_r1", samples), 6)
    for name in ("x.npz", "x.pt", "x.pth", "x.safetensors"):
        with pytest.raises(DataError):
            inception_weights.read(tmp_path / name)
    (tmp_path / "cache").mkdir()
    monkeypatch.setenv("GANJAX_CACHE", str(tmp_path / "cache"))
    kept("key", lambda: {"a": np.ones(1)})
    for path in (tmp_path / "cache").glob("*.npz"):
        path.write_bytes(content)
    assert kept("key", lambda: {"a": np.ones(1)})["a"] == 1


def test_a_set_imports_no_module(tmp_path, monkeypatch):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "features_of_mine.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path / "code")
    folder = tmp_path / "mine" / "1.0.0"
    folder.mkdir(parents=True)
    (folder / "dataset_info.json").write_text('{"name": "mine", "version": "1.0.0"}')
    kind, of = "features_of_mine.Kind", "tensorflow_datasets.core.features."
    inner = {"pythonClassName": kind}
    for features in (
        inner,
        {"type": kind, "content": {}},
        {"pythonClassName": f"{of}features_dict.FeaturesDict", "featuresDict": {"features": inner}},
        {"pythonClassName": f"{of}sequence_feature.Sequence", "sequence": {"feature": [inner]}},
    ):
        (folder / "features.json").write_text(json.dumps(features))
        with pytest.raises(DataError, match="is none of tensorflow_datasets"):
            prepared.opened("mine", str(tmp_path))


def png(width, height):
    """A PNG that claims a size and has one row."""

    def chunk(kind, content):
        checksum = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    rows = chunk(b"IDAT", zlib.compress(bytes(64)))
    return b"\x89PNG\r\n\x1a\n" + head + rows + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(2**31 - 1, 2**31 - 1), (60_000, 60_000), (0, 4)])
def test_an_image_that_claims_any_size(size, tmp_path, monkeypatch):
    monkeypatch.setenv("GANJAX_CACHE", str(tmp_path / "cache"))
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_bytes(png(*size))
    with pytest.raises(DataError, match=r"a\.png"):
        data.DATA["images"](path=str(tmp_path / "images"), size=8)
    with pytest.raises(DataError):
        disclosure.read(tmp_path / "images" / "a.png")


NAMES = (
    "../../out.png",
    "/tmp/ganjax_out.png",
    "a\nb.png",
    "<script>alert(1)</script>.png",
    "{0.__class__}%s%n.png",
    "$(touch out).png",
    "\u202egnp.png",
    "a" * 200 + ".png",
    "C:\\out.png",
    ".png.png",
)


def test_names_in_a_zip_lead_nowhere(tmp_path, monkeypatch):
    monkeypatch.setenv("GANJAX_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    image = io.BytesIO()
    Image.fromarray(np.full((8, 8), 99, np.uint8)).save(image, "png")
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for name in NAMES:
            archive.writestr(name, image.getvalue())
    found = image_files.found(tmp_path / "x.zip")
    assert all(found.read(name) == image.getvalue() for name in found.names)
    made = data.DATA["images"](path=str(tmp_path / "x.zip"), size=8)
    assert len(made.source) == len(found.names) >= len(NAMES) - 1
    written = {path.parts[0] for path in (p.relative_to(tmp_path) for p in tmp_path.rglob("*"))}
    assert written == {"cache", "x.zip"}
