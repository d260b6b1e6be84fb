"""Few labels: their number, their truth, their batches, and sets of which there are none."""

import jax
import numpy as np
import pytest

from ganjax import data
from ganjax.errors import ConfigError
from ganjax.experiment import sections


def test_few_labels_are_as_many_of_each_class_and_true():
    """They are training digits with their labels, and differ for another seed."""
    whole, source = data.digits(), data.digits_few_labels(labels_per_class=3, seed=1)
    np.testing.assert_array_equal(source.train["x"], whole.train["x"])
    np.testing.assert_array_equal(source.test["y"], whole.test["y"])
    labelled, y = np.asarray(source.train["x_labelled"]), np.asarray(source.train["y"])
    np.testing.assert_array_equal(np.bincount(y), np.full(10, 3))
    same = (labelled[:, None] == np.asarray(whole.train["x"])).all((2, 3, 4))  # [30, 1297]
    rows = same.argmax(1)
    assert same.any(1).all()
    assert len(set(rows.tolist())) == 30
    np.testing.assert_array_equal(y, np.asarray(whole.train["y"])[rows])

    again, other = (data.digits_few_labels(3, seed).train["x_labelled"] for seed in (1, 2))
    np.testing.assert_array_equal(labelled, again)
    assert (labelled != np.asarray(other)).any()


def test_few_labels_are_drawn_with_their_images():
    source = data.digits_few_labels(labels_per_class=2)
    batch = jax.jit(source.sample, static_argnums=2)(source.train, jax.random.key(0), 400)
    assert batch["x"].shape == batch["x_labelled"].shape == (400, 8, 8, 1)
    same = (batch["x_labelled"][:, None] == source.train["x_labelled"][None]).all((2, 3, 4))
    np.testing.assert_array_equal(batch["y"], source.train["y"][same.argmax(1)])
    assert bool(same.any(0).all())  # each of the 20 in 400 draws, but with probability 3e-8
    seen = {row.tobytes() for row in np.asarray(batch["x"])}
    assert len(seen) > 300


@pytest.mark.parametrize("keep", ["device", "stream"])
def test_few_labels_of_a_set_of_the_config(tmp_path, keep):
    """Images are those of the set itself, scaled once."""
    x = np.random.RandomState(0).randint(0, 256, (30, 8, 8, 3), np.uint8)
    np.savez(tmp_path / "own.npz", x=x, y=np.arange(30) % 3)
    of = {"name": "arrays", "path": str(tmp_path / "own.npz"), "held_out": 6, "keep": keep}
    whole = sections.data_of(of)
    found = sections.data_of({"name": "few_labels", "of": of, "labels_per_class": 2})
    assert (found.shape, found.num_classes) == (whole.shape, 3)
    expected = data.examples(whole)
    np.testing.assert_array_equal(found.train["x"], expected["x"])
    np.testing.assert_array_equal(found.test["x"], whole.test["x"])
    truth = {np.asarray(x).tobytes(): int(y) for x, y in zip(*expected.values(), strict=True)}
    np.testing.assert_array_equal(found.train["y"], [0, 0, 1, 1, 2, 2])
    assert [truth[np.asarray(x).tobytes()] for x in found.train["x_labelled"]] == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize(
    ("of", "message"),
    [
        ({"name": "photographs", "size": 8}, "few_labels needs examples x with labels y, got x"),
        ({"name": "ring"}, "few_labels needs examples x with labels y, got none"),
        ({"name": "digits_few_labels"}, "got x, x_labelled, y"),
        ({"name": "none"}, "of is none; name the data that these are made of"),
    ],
)
def test_sets_without_labels_are_refused(of, message):
    with pytest.raises(ConfigError, match=message):
        sections.data_of({"name": "few_labels", "of": of})
