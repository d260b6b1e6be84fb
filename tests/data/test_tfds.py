"""Sets of TensorFlow Datasets: rows by random access; refusals before anything is compiled."""

import hashlib
import json
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jax
import numpy as np
import pytest
from marks import telling
from PIL import Image
from sklearn.datasets import load_digits

from ganjax import config, data
from ganjax.data.sets import prepared, writer
from ganjax.errors import ConfigError, DataError, MachineError

RNG = jax.random.key(0)
SECONDS = 5.0  # of the processor, within which a mistake is refused; on a busy machine more pass


def digits():
    """150 digits to train and 50 to test, uint8 [n, 28, 28], in an npz's arrays."""
    images, labels = load_digits(return_X_y=True)
    x = np.kron(images[:200].reshape(200, 8, 8) * 255 / 16, np.ones((3, 3))).astype(np.uint8)
    x, y = np.pad(x, ((0, 0), (2, 2), (2, 2))), labels[:200].astype(np.uint8)
    return {"x_train": x[:150], "y_train": y[:150], "x_test": x[150:], "y_test": y[150:]}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A data folder with the set mnist in three shards a split; not to be changed."""
    root = tmp_path_factory.mktemp("tfds")
    np.savez(root / "digits.npz", **digits())
    source, folder = str(root / "digits.npz"), str(root / "data")
    writer.convert(source, "mnist", folder, split="train", shards=3)
    return root / "data"


@pytest.fixture
def mnist(made, tmp_path, monkeypatch):
    """The set's own folder, which may be damaged; the data folder is the one that TFDS asks."""
    shutil.copytree(made, tmp_path / "data")
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("GANJAX_CACHE", str(tmp_path / "cache"))
    return next((tmp_path / "data" / "mnist").iterdir())


def refused(*parts, **arguments):
    """The message of a refusal with exit code 6, which comes within seconds."""
    begin = time.process_time()
    with pytest.raises(DataError) as error:
        data.tfds(**{"set": "mnist"} | arguments)
    assert time.process_time() - begin < SECONDS
    message = str(error.value)
    for part in parts:
        assert part in message
    assert error.value.exit_code == 6
    return message


def test_rows_are_those_of_the_source_in_their_order(mnist):
    found = data.tfds("mnist")
    want = digits()
    assert len(found.source) == 150
    rows = np.array([149, 0, 7, 7])
    read = found.source.read(rows)
    assert read["x"].dtype == np.uint8
    assert read["y"].dtype == np.int32
    np.testing.assert_array_equal(read["x"], want["x_train"][rows][..., None])
    np.testing.assert_array_equal(read["y"], want["y_train"][rows])
    assert (found.shape, found.num_classes) == ((28, 28, 1), 10)
    assert found.source.names == tuple("0123456789")
    np.testing.assert_array_equal(found.test["y"], want["y_test"])
    np.testing.assert_allclose(
        found.test["x"][..., 0], want["x_test"] / 127.5 - 1, rtol=0, atol=1e-6
    )


def test_the_stock_builder_reads_the_same(mnist):
    import tensorflow_datasets as tfds

    builder = tfds.builder("mnist", data_dir=mnist.parent.parent)
    assert type(builder).__name__ == "MNIST"
    assert {key: part.num_shards for key, part in builder.info.splits.items()} == {
        "train": 3,
        "test": 3,
    }
    stock, want = builder.as_data_source(split="train"), digits()
    assert len(stock) == 150
    for row in range(0, 150, 30):
        np.testing.assert_array_equal(stock[row]["image"][..., 0], want["x_train"][row])
        assert stock[row]["label"] == want["y_train"][row]


@pytest.mark.parametrize("cache", [True, False])
def test_streamed_is_resident(mnist, cache):
    kept = {
        keep: data.tfds("mnist", size=32, crop="pad", flip=True, keep=keep, cache=cache)
        for keep in ("device", "stream")
    }
    assert kept["stream"].streamed
    assert not kept["device"].streamed
    drawn = [jax.jit(each.sample, static_argnums=2)(each.train, RNG, 16) for each in kept.values()]
    assert drawn[0]["x"].shape == (16, 32, 32, 1)
    jax.tree.map(np.testing.assert_array_equal, *drawn)


def test_the_digest_is_that_of_the_rows_whatever_the_cache(mnist):
    first = data.tfds("mnist").source.digest
    assert data.tfds("mnist", cache=False).source.digest == first
    assert data.tfds("mnist", split="test").source.digest != first


@pytest.mark.parametrize("most", [1, 256])
def test_rows_are_the_same_from_many_threads(mnist, most, monkeypatch):
    """With every shard open, and with more shards than may be open."""
    monkeypatch.setattr(prepared, "OPEN", most)
    builder = prepared.opened("mnist", None)
    records = prepared.records(builder, "train")
    rows = np.random.RandomState(0).randint(0, 150, 4000).tolist()
    want = {row: hashlib.sha256(records.read(row)).digest() for row in range(150)}
    with ThreadPoolExecutor(8) as pool:
        read = pool.map(lambda row: hashlib.sha256(records.read(row)).digest(), rows)
        assert list(read) == [want[row] for row in rows]
    assert len(records._readers) <= max(3, most)


@pytest.mark.parametrize(
    ("split", "rows"),
    [
        ("train[10:20]", range(10, 20)),
        ("train[:10%]", range(15)),
        ("train[45:55]+train[:1]", [*range(45, 55), 0]),
    ],
)
def test_a_split_may_be_slices_that_cross_shards(mnist, split, rows):
    read = data.tfds("mnist", split=split).source
    assert len(read) == len(rows)
    want = digits()["x_train"][[*rows]]
    np.testing.assert_array_equal(read.read(np.arange(len(rows)))["x"][..., 0], want)


def test_held_out_rows_are_of_the_split_and_not_trained_on(mnist):
    found = data.tfds("mnist", held_out=30, keep="device")
    assert found.train["x"].shape[0] == 120
    order = np.random.RandomState(0).permutation(150)
    np.testing.assert_array_equal(found.test["y"], digits()["y_train"][order[:30]])
    assert data.tfds("mnist", split="train+test").test == {}
    with pytest.raises(ValueError, match="held_out=3 and test_split='test'; give one"):
        data.tfds("mnist", held_out=3, test_split="test")
    with pytest.raises(ValueError, match="held_out=150"):
        data.tfds("mnist", held_out=150)


def test_a_test_split_without_labels_is_not_held_out(tmp_path, monkeypatch, caplog):
    """As that of ImageNet, whose labels are -1; it may be asked for without labels."""
    import tensorflow_datasets as tfds

    monkeypatch.setenv("GANJAX_CACHE", str(tmp_path / "cache"))

    class Contest(tfds.core.GeneratorBasedBuilder, skip_registration=True):
        VERSION = tfds.core.Version("1.0.0")
        pkg_dir_path = tmp_path

        def _info(self):
            label = tfds.features.ClassLabel(num_classes=2)
            features = {"image": tfds.features.Image(shape=(4, 4, 1)), "label": label}
            features = tfds.features.FeaturesDict(features)
            return tfds.core.DatasetInfo(builder=self, description="x", features=features)

        def _split_generators(self, manager):
            return {"train": self._generate_examples(1), "test": self._generate_examples(-1)}

        def _generate_examples(self, label):
            Image.new("L", (4, 4), 200).save(tmp_path / "x.png")
            yield from ((row, {"image": tmp_path / "x.png", "label": label}) for row in range(3))

    Contest(data_dir=tmp_path, file_format="array_record").download_and_prepare()
    found = data.tfds("contest", data_dir=str(tmp_path))
    assert found.test == {}
    assert "split 'test' of contest/1.0.0 has no labels, -1 in their place; not held out" in (
        caplog.messages
    )
    for arguments in ({"split": "test"}, {"test_split": "test"}):
        refused(
            "split 'test' of contest/1.0.0 has no labels",
            "labels=False",
            set="contest",
            data_dir=str(tmp_path),
            **arguments,
        )
    assert len(data.tfds("contest", data_dir=str(tmp_path), labels=False).test["x"]) == 3


def test_labels_and_colour_are_options(mnist):
    found = data.tfds("mnist", labels=False, channels=3, size=14)
    assert found.shape == (14, 14, 3)
    assert found.num_classes == 0
    assert found.source.read(np.arange(2)).keys() == {"x"}
    assert found.test.keys() == {"x"}


def test_small_images_are_padded_and_large_ones_shrunk_unless_told(mnist):
    want = digits()["x_train"][:2, ..., None]
    at = [data.tfds("mnist", size=side).source.read(np.arange(2))["x"] for side in (32, 14)]
    np.testing.assert_array_equal(at[0], np.pad(want, ((0, 0), (2, 2), (2, 2), (0, 0))))
    assert at[1].shape == (2, 14, 14, 1)
    assert at[1].max() > 0
    stretched = data.tfds("mnist", size=32, crop="stretch").source.read(np.arange(2))["x"]
    assert (stretched != at[0]).any()


def test_domains_of_cycle_gan(tmp_path, monkeypatch):
    """Splits trainA and trainB become a and b; testA and testB of other lengths are held out."""
    monkeypatch.setenv("GANJAX_CACHE", str(tmp_path / "cache"))
    counts = {"trainA": 3, "trainB": 4, "testA": 1, "testB": 2}
    for part, (name, count) in enumerate(counts.items()):
        (tmp_path / "files" / name).mkdir(parents=True)
        for row in range(count):
            image = Image.new("RGB", (9, 8), (40 * part + 10, 60 * row, 0))
            image.save(tmp_path / "files" / name / f"{row}.png")
    folder = str(tmp_path / "data")
    writer.convert(
        str(tmp_path / "files"), "cycle_gan/horse2zebra", folder, split="train", shards=None
    )
    found = data.tfds("cycle_gan/horse2zebra", data_dir=folder, size=8, keep="stream")
    assert found.shape == (8, 8, 3)
    assert found.num_classes == 0
    assert {key: len(x) for key, x in found.test.items()} == {"a": 1, "b": 2}
    batch = jax.tree.map(np.asarray, found.sample(found.train, RNG, 64))
    red = {key: np.unique(np.rint((x[..., 0] + 1) * 127.5)) for key, x in batch.items()}
    assert red == {"a": [10], "b": [50]}
    assert len(np.unique(batch["a"][:, 0, 0, 1])) == 3
    assert len(np.unique(batch["b"][:, 0, 0, 1])) == 4
    refused("unknown split 'val'", set="cycle_gan", data_dir=folder, split="val")
    one = data.tfds("cycle_gan/horse2zebra", data_dir=folder, split="trainB", size=8)
    assert len(one.source) == 4
    import tensorflow_datasets as tfds

    assert len(tfds.builder("cycle_gan/horse2zebra", data_dir=folder).as_data_source("testB")) == 2


def test_a_set_that_is_not_prepared(mnist):
    root = str(mnist.parent.parent)
    refused("'cifar10' is not prepared", root, "`ganjax prepare --set cifar10`", set="cifar10")
    message = refused("there are the versions 3.0.1", set="mnist:9.9.9")
    assert "TFRECORD" not in message
    refused("--data_dir nowhere", "looked in nowhere", data_dir="nowhere")


def test_an_unknown_set_lists_three(mnist):
    message = refused("unknown set 'mnits'", "Nearest: mnist, ", "--from PATH", set="mnits")
    assert len(message.partition("Nearest: ")[2].partition(".")[0].split(", ")) == 3
    refused("names none of the 30 configs", "Nearest: lsun/bedroom, ", set="lsun/bedrom")
    refused("is no name of a set", set="../mnist")


def test_an_unknown_split_lists_the_known_ones(mnist):
    refused("unknown split 'trian'", "Did you mean 'train'?", "Known: test, train.", split="trian")
    refused("unknown split 'val'", test_split="val")
    refused("no split 'train[:5'", split="train[:5")
    refused("has no examples", split="train[:0]")


def test_the_format_of_tensorflow_is_refused(mnist):
    info = json.loads((mnist / "dataset_info.json").read_text())
    (mnist / "dataset_info.json").write_text(json.dumps(info | {"fileFormat": "tfrecord"}))
    refused("is in the format tfrecord", "`ganjax prepare --set mnist`", "array_record")


def test_damaged_metadata(mnist):
    (mnist / "dataset_info.json").write_text('{"name": ')
    refused("the metadata of mnist", str(mnist), "cannot be read")


def shard(mnist, index=1):
    return mnist / f"mnist-train.array_record-0000{index}-of-00003"


DAMAGES = {
    "is missing": lambda path: path.unlink(),
    "is empty": lambda path: path.write_bytes(b""),
    "is cut short or damaged": lambda path: path.write_bytes(path.read_bytes()[:-1000]),
    "damaged, 5 bytes": lambda path: path.write_bytes(b"hello"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_shard_is_named(mnist, damage):
    DAMAGES[damage](shard(mnist))
    refused(f"shard {shard(mnist).name}", damage, "mnist/3.0.1 train", str(mnist))
    refused("shard", split="test", test_split="train")
    assert len(data.tfds("mnist", split="test").source) == 50


def test_a_shard_with_fewer_records_than_the_set_says(mnist):
    test = next(mnist.glob("mnist-test*"))
    shutil.copy(test, shard(mnist))
    refused("has 16 records; the set says 50")


def test_a_flipped_byte(mnist):
    """At the start by the shard and its record; during training by the row too."""
    found = data.tfds("mnist", keep="stream", cache=False)
    content = bytearray(shard(mnist).read_bytes())
    content[content.index(b"IHDR") + 8] ^= 1
    shard(mnist).write_bytes(content)
    with pytest.raises(DataError, match="Corrupted") as error:
        found.source.read(np.arange(150))
    (record,) = [n for n in range(50) if f"record {n} of shard {shard(mnist).name}" in str(error)]
    assert f"row {50 + record}," in str(error.value)
    found.source.read(np.arange(50))
    for cache in (True, False):
        refused(
            f"1 of 150 images in mnist/3.0.1 train cannot be read: record {record}", cache=cache
        )


def test_a_set_without_images(mnist):
    features = json.loads((mnist / "features.json").read_text())
    inside = features["featuresDict"]["features"]
    del inside["image"]
    (mnist / "features.json").write_text(json.dumps(features))
    refused("has no image; its features: label (ClassLabel)")


def test_an_unknown_feature(mnist):
    refused("has no image 'picture'; its images: image", image="picture")


def test_without_the_package(mnist, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    with pytest.raises(MachineError, match="pip install tensorflow-datasets array_record") as error:
        data.tfds("mnist")
    assert error.value.exit_code == 8


SECTION = {"game": {"name": "bilinear"}, "scheme": {"name": "simultaneous"}}
SECTION |= {player: {"name": "sgd", "learning_rate": 0.1} for player in ("gen_tx", "disc_tx")}


def test_short_spellings_are_read_and_told(caplog):
    with caplog.at_level("INFO"):
        resolved = config.validate(SECTION | {"data": {"name": "tfds:lsun/bedroom:3.0.1"}})
        assert config.validate(resolved) is resolved
    assert resolved["data"] == {"name": "tfds", "set": "lsun/bedroom:3.0.1"}
    (told,) = caplog.messages
    assert (
        told
        == "data 'tfds:lsun/bedroom:3.0.1' is read as data 'tfds' with set='lsun/bedroom:3.0.1'"
    )
    resolved = config.validate(SECTION | {"data": {"name": "images:a/b.zip", "size": 8}})
    assert resolved["data"] == {"name": "images", "path": "a/b.zip", "size": 8}
    own = {"name": "mine:images"}
    assert config.validate(SECTION | {"data": own})["data"] == own
    with pytest.raises(ConfigError, match="has set='cifar10' too; give one"):
        config.validate(SECTION | {"data": {"name": "tfds:mnist", "set": "cifar10"}})


@telling
def test_the_package_is_imported_for_its_sets_alone_and_tensorflow_never(mnist):
    """In a process of its own: configs without it start as quickly as before."""
    code = """
import sys
from ganjax import commands, data, experiment

def heavy():
    packages = "tensorflow_datasets", "array_record", "tensorflow"
    return [name for name in packages if name in sys.modules]

data.DATA["digits"]()
assert heavy() == [], heavy()
found = data.tfds("mnist", keep="device", cache=False)
assert heavy() == ["tensorflow_datasets", "array_record"], heavy()
"""
    root = Path(__file__).parent.parent.parent
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
