"""`ganjax prepare`: conversions, a stock set from a server, and what it refuses at once."""

import functools
import http.server
import socket
import threading
import time
import zipfile

import numpy as np
import pytest
from PIL import Image
from processes import call

from ganjax import data
from ganjax.data.sets import prepared, stock
from ganjax.errors import DataError

RGB = np.random.RandomState(0).randint(0, 256, (6, 12, 12, 3), np.uint8)
SECONDS = 5.0  # of the processor, within which a mistake is refused
PATIENCE = 60.0  # seconds of a busy machine


@pytest.fixture
def line(monkeypatch, tmp_path):
    """Calls a script; returns exit code, stdout and stderr. A refusal takes seconds."""
    monkeypatch.setenv("GANJAX_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "data"))

    def called(*arguments):
        begin, computed = time.monotonic(), time.process_time()
        done = call(*arguments)
        if done.returncode:
            assert time.process_time() - computed < SECONDS
            assert time.monotonic() - begin < PATIENCE
        return done

    return called


def save(path, array, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)


def test_a_folder_becomes_a_set_of_your_own(line, tmp_path):
    for part, rows in (("train", RGB[:4]), ("test", RGB[4:])):
        for row, image in enumerate(rows):
            save(tmp_path / "own" / part / ("10", "9")[row % 2] / f"{row}.png", image)
    code, out, _ = line("prepare", "--set=own", "--from", tmp_path / "own", "--shards=2")
    assert code == 0
    assert "own/1.0.0: test 2, train 4;" in out or "own/1.0.0: train 4, test 2;" in out
    assert "next: --config.data=\"{'name': 'tfds', 'set': 'own'}\"" in out
    found = data.tfds("own")
    assert found.source.names == ("9", "10")
    read = found.source.read(np.arange(4))
    np.testing.assert_array_equal(read["x"], RGB[[0, 2, 1, 3]])  # 10 comes before 9 by name
    np.testing.assert_array_equal(read["y"], [1, 1, 0, 0])
    assert len(found.test["x"]) == 2
    code, _, err = line("prepare", "--set=own", "--from", tmp_path / "own")
    assert code == 6
    assert "own is in " in err
    assert line("prepare", "--set=own")[:2] == (0, out)


def test_jpeg_of_a_zip_stay_as_they_are(line, tmp_path):
    """Their bytes; other modes and formats become PNG, as a viewer shows them."""
    for row, image in enumerate(RGB[:2]):
        save(tmp_path / f"{row}.jpg", image, quality=90)
    save(tmp_path / "2.png", RGB[2])
    save(tmp_path / "3.png", RGB[3, ..., 0])
    save(tmp_path / "4.bmp", RGB[4])
    save(tmp_path / "5.png", np.dstack([RGB[5], np.full((12, 12), 0, np.uint8)]))
    files = sorted(path for path in tmp_path.iterdir() if path.suffix in (".jpg", ".png", ".bmp"))
    with zipfile.ZipFile(tmp_path / "own.zip", "w") as archive:
        for path in files:
            archive.write(path, path.name)
    command = ("prepare", "--set=own", "--from", tmp_path / "own.zip", "--split=all_of_it")
    assert line(*command)[0] == 0
    records = prepared.records(prepared.opened("own", None), "all_of_it")
    kept = [path.read_bytes() in records.read(row) for row, path in enumerate(files)]
    assert kept == [True, True, True, False, False, False]
    x = data.tfds("own", split="all_of_it").source.read(np.arange(6))["x"]
    np.testing.assert_array_equal(x[2], RGB[2])
    np.testing.assert_array_equal(x[3], np.repeat(RGB[3, ..., :1], 3, axis=-1))
    np.testing.assert_array_equal(x[4], RGB[4])
    assert (x[5] == 255).all()


def test_images_of_several_sizes_are_fitted_when_they_are_read(line, tmp_path):
    save(tmp_path / "own" / "0.png", RGB[0])
    save(tmp_path / "own" / "1.png", RGB[1, :8])
    assert line("prepare", "--set=own", "--from", tmp_path / "own")[0] == 0
    assert data.tfds("own", size=8).shape == (8, 8, 3)
    with pytest.raises(DataError, match="several sizes"):
        data.tfds("own")


def test_a_zip_in_place_of_a_download(line, tmp_path):
    """TFDS has no names for the classes of CIFAR-10 before a download; those of folders count."""
    names = [
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    ]
    for label, name in enumerate(names):
        for part in ("train", "test"):
            image = np.full((32, 32, 3), 20 * label, np.uint8)
            save(tmp_path / "cifar" / part / name / "0001.png", image)
    assert line("prepare", "--set=cifar10", "--from", tmp_path / "cifar")[0] == 0
    found = data.tfds("cifar10", keep="device")
    assert found.source.names == tuple(names)
    np.testing.assert_array_equal(found.train["x"][:, 0, 0, 0], 20 * np.arange(10))
    np.testing.assert_array_equal(found.train["y"], np.arange(10))
    import tensorflow_datasets as tfds

    builder = tfds.builder("cifar10", data_dir=tmp_path / "data")
    assert type(builder).__name__ == "Cifar10"
    row = builder.as_data_source("test")[3]
    assert (row["label"], row["image"][0, 0, 0]) == (3, 60)
    assert row["id"] == b"test/cat/0001.png"


ARRAYS = {
    "floats": ({"x": np.zeros((3, 8, 8), np.float32)}, "own", "are float32 [3, 8, 8, 1]; expected"),
    "labels": ({"x": RGB, "y": np.arange(5)}, "own", "are int64 [5]; expected whole"),
    "no images": ({"images": RGB}, "own", "has the arrays images; expected x"),
    "another size": ({"x": RGB, "y": np.arange(6)}, "mnist", "has images of shape (28, 28, 1)"),
    "no labels": ({"x": np.zeros((3, 28, 28), np.uint8)}, "mnist", "has labels"),
    "classes": (
        {"x": np.zeros((3, 28, 28), np.uint8), "y": np.array([0, 1, 10])},
        "mnist",
        "has 10 classes",
    ),
    "features": ({"x": RGB}, "celeb_a", "has the features image, landmarks, attributes, identity"),
}


@pytest.mark.parametrize("case", ARRAYS)
def test_arrays_that_do_not_fit(case, line, tmp_path):
    arrays, name, message = ARRAYS[case]
    np.savez(tmp_path / "x.npz", **arrays)
    code, out, err = line("prepare", f"--set={name}", "--from", tmp_path / "x.npz")
    assert (code, out) == (6, "")
    assert message in err.splitlines()[-1]
    assert "Traceback" not in err


def test_sources_that_cannot_be_read(line, tmp_path):
    save(tmp_path / "own" / "0.png", RGB[0])
    (tmp_path / "own" / "1.png").write_bytes((tmp_path / "own" / "0.png").read_bytes()[:200])
    for name in ("own", "nowhere", "gone.npz"):
        code, _, err = line("prepare", "--set=own", "--from", tmp_path / name)
        assert code == 6
        assert str(tmp_path / name) in err
    assert not (tmp_path / "data").exists()
    assert "1 of 2 images" in line("prepare", "--set=own", "--from", tmp_path / "own")[2]


def test_a_set_that_tensorflow_builds(line, monkeypatch):
    monkeypatch.setattr(stock.importlib.util, "find_spec", lambda name: None)
    code, _, err = line("prepare", "--set=mnist")
    assert code == 8
    assert "pip install 'ganjax[prepare]'" in err
    assert "ganjax prepare --set mnist --from PATH" in err


def test_unknown_sets_and_configs(line):
    assert line("prepare", "--set=mnits")[0] == 6
    assert "Nearest: mnist" in line("prepare", "--set=mnits")[2]
    assert "Nearest: lsun/bedroom" in line("prepare", "--set=lsun/bedrom")[2]


def test_training_refuses_a_set_that_is_not_there(line, tmp_path):
    command = ("train", "--config=digits_mlp", "--workdir", tmp_path / "run")
    section = "{'name': 'tfds:mnist', 'size': 32}"
    code, _, err = line(*command, f"--config.data={section}")
    assert code == 6
    assert "data 'tfds:mnist' is read as data 'tfds' with set='mnist'" in err
    assert "call `ganjax prepare --set mnist`" in err


@pytest.fixture
def server(tmp_path):
    """The address of a server of the files in tmp_path / served."""
    (tmp_path / "served").mkdir()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path / "served")
    handler.func.log_message = lambda *_: None
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{served.server_address[1]}"
        served.shutdown()


def squares(address, folder):
    """A set of one image at an address, defined as TensorFlow Datasets defines its own."""
    import tensorflow_datasets as tfds

    class Squares(tfds.core.GeneratorBasedBuilder, skip_registration=True):
        VERSION = tfds.core.Version("1.2.3")
        pkg_dir_path = folder
        url_infos = {address: None}  # noqa: RUF012

        def _info(self):
            features = tfds.features.FeaturesDict({"image": tfds.features.Image()})
            return tfds.core.DatasetInfo(builder=self, description="x", features=features)

        def _split_generators(self, manager):
            return {"train": self._generate_examples(manager.download(address))}

        def _generate_examples(self, path):
            yield 0, {"image": path}

    return Squares


@pytest.fixture
def known(tmp_path, monkeypatch):
    """Makes the set squares one that TensorFlow Datasets knows."""
    import tensorflow_datasets as tfds

    def register(address):
        made = squares(address, tmp_path)
        monkeypatch.setattr(tfds, "list_builders", lambda **_: ["squares"])
        monkeypatch.setattr(tfds, "builder_cls", lambda name: made)
        monkeypatch.setattr(tfds, "builder", lambda name, **options: made(**options))

    return register


def test_a_stock_set_is_downloaded_and_built(line, tmp_path, server, known):
    save(tmp_path / "served" / "x.png", RGB[0])
    known(f"{server}/x.png")
    done = line("prepare", "--set=squares")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("squares/1.2.3: train 1;")
    assert "Downloading" in done.stderr
    np.testing.assert_array_equal(data.tfds("squares").source.read(np.arange(1))["x"], RGB[:1])
    again = line("prepare", "--set=squares")
    assert again.stdout == done.stdout
    assert "is prepared already" in again.stderr


def test_a_server_that_fails(line, server, known):
    known(f"{server}/gone.png")
    code, out, err = line("prepare", "--set=squares")
    assert (code, out) == (6, "")
    assert "'squares' cannot be built (DownloadError: Failed to get url" in err


def test_offline(line, known):
    known("http://127.0.0.1:9/x.png")
    code, out, err = line("prepare", "--set=squares")
    assert (code, out) == (8, "")
    assert "squares cannot be downloaded: http://127.0.0.1:9/x.png does not answer" in err
    assert "ganjax prepare --set squares --from PATH" in err


def test_a_server_that_never_answers(monkeypatch):
    monkeypatch.setattr(stock, "PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert stock.unreachable(f"http://127.0.0.1:{silent.getsockname()[1]}/") is not None
