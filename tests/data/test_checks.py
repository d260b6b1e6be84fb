"""Data that are not as declared, of whatever function, are refused before training."""

import sys
import textwrap

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganjax import experiment
from ganjax.data import Data, checked, digits
from ganjax.data.resident import sample_rows
from ganjax.errors import ConfigError, DataError

MLP = {"name": "mlp", "width": 4}
SGD = {"name": "sgd", "learning_rate": 0.1}
CONFIG = {
    "batch_size": 4,
    "game": {"name": "gan", "z_dim": 2},
    "generator": {**MLP, "output_activation": "tanh"},
    "discriminator": MLP,
    "loss": {"name": "least_squares"},
    "scheme": {"name": "simultaneous"},
    "gen_tx": SGD,
    "disc_tx": SGD,
}
OWN = """
import jax.numpy as jnp, numpy as np
from ganjax.data import Data
from ganjax.data.resident import sample_rows

X = np.random.RandomState(0).randint(0, 256, (40, 8, 8, 1))
Y = np.arange(40) % 10

def source(x=X / 127.5 - 1, y=None, as_text=False):
    x = np.asarray(x, None if x.dtype == np.uint8 else np.float32)
    train = {"x": jnp.asarray(x)}
    if y is not None:
        train["y"] = y if as_text else jnp.asarray(y)
    return Data(x.shape[1:], train, {}, sample_rows, num_classes=0 if y is None else 10)

def bytes_(): return source(np.uint8(X))
def floats_of_bytes(): return source(X)
def zero_to_one(): return source(X / 255)
def told(): return zero_to_one()._replace(value_range=(0, 1))
def few(n: int = 3): return source(X[:n] / 127.5 - 1)
def one_hot(): return source(y=np.eye(10, dtype=np.float32)[Y])
def float_labels(): return source(y=np.float32(Y))
def one_based(): return source(y=Y + 1)
def text(): return source(y=np.array(list("abcdefghij"))[Y])
def numpy_text(): return source(y=np.array(list("abcdefghij"))[Y], as_text=True)
def column(): return source(y=Y[:, None])
def short(): return source(y=Y[:5])
def five_channels(): return source(np.repeat(X, 5, -1) / 127.5 - 1)
def from_file(path: str = "gone.npz"): return source(np.load(path)["x"])
def nothing(): return source(X[:0] / 127.5 - 1)
def mask(): return source(np.uint8(X > 127))
def wrong_argument(n: int = 0): raise ValueError(f"n={n} must be at least 1")
NUMBER = 3
"""
# A source of one's own -> the message of its refusal, or the range of pixels it trains on.
TABLE = {
    "bytes_": (-1.0, 1.0),
    "floats_of_bytes": "pixels from 0 to 255; expected -1 to 1, which x / 127.5 - 1 makes of 0 to "
    "255; scale them or give value_range=(0, 255)",
    "zero_to_one": "pixels from 0 to 1, none below 0, where -1 is black; give value_range=(0, 1)",
    "told": (-1.0, 1.0),
    "few": (-1.0, 1.0),
    "one_hot": "of type float32 and shape [40, 10]; expected whole numbers [n] from 0 to "
    "num_classes - 1, e.g. y.argmax(1)",
    "float_labels": "of type float32 and shape [40]; expected whole numbers [n] from 0 to "
    "num_classes - 1, e.g. y.astype(int)",
    "one_based": "is of 10 classes, but has labels from 1 to 10; number the classes from 0, y - 1",
    "text": "TypeError: ",
    "numpy_text": "of type <U1 and shape [40]; expected whole numbers [n] from 0 to num_classes - "
    "1, e.g. numpy.unique(y, return_inverse=True)[1]",
    "column": "shape [40, 1]; expected whole numbers [n] from 0 to num_classes - 1, e.g. y[:, 0]",
    "short": "has 40 of 'x' and 5 of 'y'; row i of one belongs to row i of the other",
    "five_channels": (-1.0, 1.0),
    "from_file": "own_data.py, line 29: FileNotFoundError: [Errno 2] No such file",
    "nothing": "has no examples, shape [0, 8, 8, 1]; expected [n, ...] with n at least 1",
    "mask": "pixels from 0 to 1, of type uint8, which ends at 255; give the range, e.g. value_rang",
    "wrong_argument": "ValueError: n=0 must be at least 1; correct the function or its arguments",
}


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "own_data.py").write_text(textwrap.dedent(OWN))
    monkeypatch.syspath_prepend(tmp_path)
    yield lambda name, **change: experiment.build(
        {**CONFIG, "data": {"name": f"own_data:{name}", **change}}
    )
    sys.modules.pop("own_data", None)


@pytest.mark.parametrize("name", TABLE)
def test_sources_of_ones_own(name, own):
    """Exit code 6 and one line, or pixels from -1 to 1."""
    if isinstance(TABLE[name], str):
        with pytest.raises(DataError) as caught:
            own(name)
        assert TABLE[name] in str(caught.value)
        assert f"own_data:{name}" in str(caught.value)
        assert "\n" not in str(caught.value)
        return
    x = own(name).train["x"]
    assert x.dtype == jnp.float32
    assert (float(x.min()), float(x.max())) == pytest.approx(TABLE[name], abs=0.05)


def test_a_name_of_no_function_is_a_wrong_name(own):
    with pytest.raises(ConfigError, match="'own_data:NUMBER' is not a function"):
        own("NUMBER")
    with pytest.raises(ConfigError, match="unknown argument 'm'"):
        own("few", m=3)


X = np.random.RandomState(0).uniform(-1, 1, (6, 4, 4, 3)).astype(np.float32)
POINTS = np.arange(12.0).reshape(6, 2)
Y = np.arange(6) % 3
GOOD = Data((4, 4, 3), {"x": X}, {}, sample_rows)
PAIRS = Data((4, 4, 3), {"a": X, "b": X}, {"a": X, "b": X}, sample_rows, paired=True)
LABELLED = GOOD._replace(train={"x": X, "y": Y}, num_classes=3)


def alone(train, rng, n):
    """Domains of any lengths, each drawn by itself."""
    return {key: sample_rows({key: array}, rng, n)[key] for key, array in train.items()}


def drawing(change, key="x"):
    """A sample that draws rows and makes x of them."""
    return lambda train, rng, n: {"x": change(sample_rows(train, rng, n)[key])}


def own_labels(train, rng, n):
    """Labels under a name of their own, whose length sets no bound to the rows."""
    rows = jax.random.randint(rng, (n,), 0, len(train["x"]))
    return {"x": train["x"][rows], "y": train["labels"][rows]}


def closed_form(low, high):
    return GOOD._replace(
        train={}, sample=lambda train, rng, n: {
            "x": jax.random.uniform(rng, (n, 4, 4, 3), minval=low, maxval=high)}
    )  # fmt: skip


halved = drawing(lambda x: x / 127.5 - 1)
BYTES = np.uint8(127.5 * (X + 1))
GREY = GOOD._replace(shape=(4, 4, 1))
SCALED_AGAIN = r"sample of data 'own' scales 'x', {}: given black and white .* e\.g\. 'raw'"


@pytest.mark.parametrize(
    "data",
    [
        PAIRS._replace(train={"a": X, "b": X[:2]}, paired=False, sample=alone),
        PAIRS._replace(test={"a": X, "b": X[:2]}, paired=False),
        LABELLED._replace(test={"x": X[:2], "y": Y[:2]}),
        LABELLED._replace(
            train={"x": X, "x_labelled": X[:2], "y": Y[:2]}, test={"x": X, "y": Y},
            sample=lambda train, rng, n: {
                **sample_rows({"x": train["x"]}, rng, n),
                **sample_rows({key: train[key] for key in ("x_labelled", "y")}, rng, n),
            },
        ),
        GOOD._replace(train={"raw": np.uint8(X)}, sample=lambda train, rng, n: {
            "x": sample_rows(train, rng, n)["raw"] / 127.5 - 1}),
        Data((2,), {"x": POINTS}, {}, sample_rows),
        Data((2,), {"x": POINTS.astype(int)}, {}, sample_rows),
        LABELLED._replace(train={"x": X, "y": Y.astype(np.uint8)}),
        GREY._replace(train={"x": BYTES[..., 0]}, sample=drawing(lambda x: x[..., None])),
        GOOD._replace(train={"x": BYTES.reshape(6, -1)},
            sample=drawing(lambda x: x.reshape(-1, 4, 4, 3).astype(jnp.float32))),
        GOOD._replace(train={"x": (X + 1) / 2}, value_range=(0, 1),
            sample=lambda train, rng, n: dict.fromkeys("ab", sample_rows(train, rng, n)["x"])),
        GOOD._replace(sample=drawing(lambda x: jnp.clip(x + 0.5, -1, 1))),
        GOOD._replace(shape=(2, 4, 3), sample=drawing(lambda x: x[:, :2])),
        GOOD._replace(train={"raw": (X + 1) / 2}, value_range=(-1, 1),
            sample=drawing(lambda x: x, "raw")),
        LABELLED._replace(train={"x": X, "labels": Y}, sample=own_labels),
    ],
    ids=["unpaired", "unpaired_test", "fewer_held_out", "few_labels", "own_scaling", "points",
         "whole_points", "small_labels", "adds_the_channel", "reshapes", "domains_of_one_array",
         "augments", "crops", "told_to_be_right", "own_labels"],
)  # fmt: skip
def test_data_that_are_right_are_taken(data):
    """Unpaired domains, held-out and labelled examples may be of other lengths than the rest."""
    found = checked("own", data)
    batch = found.sample(found.train, jax.random.key(0), 3)
    for key, array in batch.items():
        assert array.dtype == (jnp.int32 if key == "y" else jnp.float32)
        assert array.ndim < 4 or abs(array).max() <= 1 + 1e-6
    assert (
        checked("own", found).train["x" if "x" in found.train else next(iter(found.train))]
        is (found.train["x" if "x" in found.train else next(iter(found.train))])
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (GOOD._replace(shape=4), "has shape=4; expected a tuple of whole numbers"),
        (GOOD._replace(shape=(4, 4, 0)), r"has shape=\(4, 4, 0\); expected"),
        (GOOD._replace(train=X), "expected a dict of arrays"),
        (GOOD._replace(train={"x": X.tolist()}), "'x' in train of data 'own' is a list; expected"),
        (GOOD._replace(sample=None), "has sample=None; expected a function"),
        (GOOD._replace(num_classes=2.5), "num_classes=2.5; expected a whole number"),
        (GOOD._replace(centres=(0.0, 1.0)), r"centres=\(0.0, 1.0\); expected an array \[modes"),
        (GOOD._replace(std=-1.0), "std=-1.0; expected a number, at least 0"),
        (GOOD._replace(density=1.0), "density=1.0; expected a function"),
        (GOOD._replace(paired="yes"), "paired='yes'; expected True or False"),
        (GOOD._replace(value_range=(1, 0)), r"value_range=\(1, 0\); expected two numbers"),
        (GOOD._replace(train={"x": X.astype(str)}), "holds values of type <U32; expected numbers"),
        (GOOD._replace(test={"x": X[:0]}), r"'x' in test of .* has no examples, shape \[0, 4"),
        (GOOD._replace(test={"x": X * np.nan}), "'x' in test of data 'own' has values that are no"),
        (Data((2,), {"x": POINTS * np.nan}, {}, sample_rows), "'x' in train .* are not finite"),
        (GOOD._replace(test={"z": X}), "has no x in test; expected x, or test={} without"),
        (GOOD._replace(test={"x": X[:, :2]}), r"shape \(2, 4, 3\); expected \(4, 4, 3\), that"),
        (GOOD._replace(test={"x": 3 * X}), "'x' in test of data 'own' has pixels from -"),
        (PAIRS._replace(train={"a": X, "b": X[:2]}), "train of .* has 6 of 'a' and 2 of 'b'"),
        (PAIRS._replace(test={"a": X[:1], "b": X}), "test of .* has 1 of 'a' and 6 of 'b'"),
        (
            PAIRS._replace(train={"a": X, "b": X[:2]}, test={}, paired=False),
            "data 'own': sample_rows has 6 of 'a' and 2 of 'b'",
        ),
        (PAIRS._replace(test={"b": X}), "has no a in test; expected a and b"),
        (LABELLED._replace(test={"x": X}), "has no y in test; expected x and y"),
        (LABELLED._replace(test={"x": X, "y": Y[:2]}), "test of .* has 6 of 'x' and 2 of 'y'"),
        (LABELLED._replace(test={"x": X, "y": Y + 1}), "y in test of .* labels from 1 to 3"),
        (LABELLED._replace(train={"x": X, "y": 4 * Y}), "declare num_classes=9 or more"),
        (LABELLED._replace(train={"x": X, "y": Y - 1}), r"from -1 to 1; .* y \+ 1"),
        (LABELLED._replace(num_classes=0), "is of 0 classes, but has labels from 0 to 2; declare"),
        (GOOD._replace(num_classes=3), "declares num_classes=3, and its batches have x;"),
        (LABELLED._replace(train={"x": X, "x_labelled": X[:2], "y": Y}), "has 2 of 'x_labelled'"),
        (GOOD._replace(shape=(4, 4)), r"shape \(4, 4\), but a batch .* declare shape=\(4, 4, 3\)"),
        (Data((4, 4), {"x": X[..., 0]}, {}, sample_rows), r"shape \(4, 4\); expected points"),
        (Data((), {"x": POINTS[:, 0]}, {}, sample_rows), r"shape \(\); expected points"),
        (GOOD._replace(sample=lambda train, rng, n: train["x"]), "expected a dict of arrays"),
        (GOOD._replace(sample=lambda train, rng, n: {"z": train["x"]}), "draws z; expected x, or"),
        (GOOD._replace(sample=lambda train, rng, n: train["z"]), "KeyError: 'z'; correct its sam"),
        (GOOD._replace(sample=lambda train, rng, n: {**train, "x": train["x"][:2], "z": X}), "'z'"),
        (
            GOOD._replace(train={"x": np.uint8(X)}, sample=halved),
            SCALED_AGAIN.format("uint8"),
        ),
        (
            GOOD._replace(train={"x": 127.5 * (X + 1)}, sample=halved),
            SCALED_AGAIN.format("float32"),
        ),
        (
            GOOD._replace(train={"x": 127.5 * (X + 1)}, sample=halved, value_range=(0, 255)),
            SCALED_AGAIN.format("float32"),
        ),
        (GOOD._replace(sample=drawing(lambda x: (x + 1) * 127.5)), SCALED_AGAIN.format("float32")),
        (GOOD._replace(sample=drawing(lambda x: (x + 1) / 2)), SCALED_AGAIN.format("float32")),
        (
            GOOD._replace(train={"x": BYTES}, sample=drawing(lambda x: x / 255)),
            SCALED_AGAIN.format("uint8"),
        ),
        (
            GOOD._replace(train={"x": BYTES}, sample=drawing(lambda x: jnp.asarray(X)[x, 0, 0, 0])),
            SCALED_AGAIN.format("uint8"),
        ),
        (
            GREY._replace(train={"x": 255.0 * (X[..., 0] + 1)},
                sample=drawing(lambda x: x[..., None])),
            r"'x' in train of data 'own' has pixels from .* to 5\d\d.*; expected -1 to 1",
        ),
        (
            GREY._replace(train={"x": (X[..., 0] + 1) / 2}, sample=drawing(lambda x: x[..., None])),
            "'x' in train of data 'own' has pixels from 0.* none below 0, where -1 is black",
        ),
        (
            Data((2,), {"x": POINTS}, {}, sample_rows, value_range=(0, 1)),
            r"value_range=\(0, 1\) does not scale; .* leave the range out for points",
        ),
        (closed_form(0, 1), r"draws 'x' .* none below 0, .*; .* or declare value_range=\(-1, 1\)"),
        (closed_form(0, 255), "draws 'x' with pixels from .* to 254.*; return images in"),
        (closed_form(0, np.nan), "draws 'x' with values that are not finite"),
        (
            GOOD._replace(train={"raw": (X + 1) / 2}, sample=drawing(lambda x: x, "raw")),
            r"draws 'x' .* none below 0, .*; .* or declare value_range=\(-1, 1\)",
        ),
        (
            LABELLED._replace(train={"x": X, "labels": Y[:4]}, sample=own_labels),
            "train of data 'own', .* has 6 of 'x' and 4 of 'labels'",
        ),
        (
            LABELLED._replace(train={"x": X, "labels": Y}, sample=own_labels, num_classes=2),
            "y drawn by data 'own' is of 2 classes, but has labels from 0 to 2; declare",
        ),
        (
            LABELLED._replace(sample=lambda train, rng, n: {
                **sample_rows(train, rng, n), "y": 1 + sample_rows(train, rng, n)["y"]}),
            "y drawn by data 'own' is of 3 classes, but has labels from 1 to 3",
        ),
        (
            Data((2,), {"x": 1e300 * POINTS}, {}, sample_rows),
            r"'x' in train of data 'own' has values from 0 to 1\.1e\+301, beyond float32",
        ),
        (
            Data((2,), {"x": POINTS}, {"x": -1e300 * POINTS}, sample_rows),
            r"'x' in test of data 'own' has values from -1\.1e\+301 to -?0, beyond float32",
        ),
        (
            Data((2,), {"x": POINTS}, {}, drawing(lambda x: x / 0.0)),
            "draws 'x' with values that are not finite",
        ),
        (
            Data((2,), {"x": POINTS + 1j}, {}, sample_rows),
            "'x' in train of data 'own' holds values of type complex128; expected numbers, not com",
        ),
        (
            Data((2,), {"x": POINTS}, {}, drawing(lambda x: x + 1j)),
            "draws 'x' of type complex64; return floats",
        ),
        (
            GOOD._replace(train={"raw": np.uint8(X)}, sample=lambda train, rng, n: {
                "x": sample_rows(train, rng, n)["raw"]}),
            "draws 'x' of type uint8; return floats, images in",
        ),
        (
            GOOD._replace(train={"raw": 99 * X}, sample=lambda train, rng, n: {
                "x": sample_rows(train, rng, n)["raw"]}),
            r"draws 'x' with pixels from -9\d.* to 9\d.*; return images in",
        ),
        (
            GOOD._replace(train={}, sample=lambda train, rng, n: {"x": jnp.zeros((n, 4, 4, 3))},
                value_range=(0, 1)),
            r"from other arrays, which value_range=\(0, 1\) does not scale",
        ),
    ],
)  # fmt: skip
def test_data_that_are_wrong_are_refused(data, message):
    with pytest.raises(DataError, match=message) as caught:
        checked("own", data)
    assert "\n" not in str(caught.value)


def test_shipped_data_are_left_as_they_are():
    """Not one bit of theirs changes."""
    source = digits()
    found = checked("digits", source)
    for part in ("train", "test"):
        for key, array in getattr(source, part).items():
            np.testing.assert_array_equal(array, getattr(found, part)[key])
            assert array.dtype == getattr(found, part)[key].dtype
