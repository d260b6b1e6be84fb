"""Stacks: their channels and labels, their classes, and the sets they cannot be made of."""

import jax
import numpy as np
import pytest

from ganjax import data
from ganjax.errors import ConfigError
from ganjax.experiment import sections


@pytest.fixture(scope="module")
def digits():
    return data.digits()


def test_channels_are_images_of_the_set_and_the_label_is_theirs(digits):
    stacks = data.stacked(digits, count=200, held_out=50)
    for part, of in ((data.examples(stacks), digits.train), (stacks.test, digits.test)):
        images = np.asarray(of["x"])[..., 0]
        for x, y in zip(np.asarray(part["x"]), np.asarray(part["y"]), strict=True):
            labels = []
            for channel in np.moveaxis(x, -1, 0):
                rows = np.flatnonzero((images == channel).all((1, 2)))
                labels.append(int(of["y"][rows[0]]))
            assert int(y) == 100 * labels[0] + 10 * labels[1] + labels[2]


def test_stacks_reach_all_classes_and_follow_the_seed(digits):
    first, again, other = (data.stacked(digits, count=20_000, seed=s) for s in (0, 0, 1))
    assert first.source.digest == again.source.digest != other.source.digest
    counts = np.bincount(data.labels(first), minlength=first.num_classes)
    assert first.num_classes == 1000
    assert counts.min() > 0
    np.testing.assert_allclose(counts.std(), np.sqrt(20), rtol=0.15)  # as drawn evenly


def test_a_batch_has_whole_rows(digits):
    stacks = data.stacked(digits, count=100, held_out=10)
    known = {x.tobytes(): int(y) for x, y in zip(*data.examples(stacks).values(), strict=True)}
    batch = stacks.sample(stacks.train, jax.random.key(0), 32)
    for x, y in zip(np.asarray(batch["x"]), batch["y"], strict=True):
        assert known[x.tobytes()] == int(y)


def test_stacks_of_a_set_of_the_config(tmp_path):
    x = np.random.RandomState(0).randint(0, 256, (30, 8, 8, 1), np.uint8)
    np.savez(tmp_path / "own.npz", x=x, y=np.arange(30) % 3)
    section = {"name": "arrays", "path": str(tmp_path / "own.npz"), "held_out": 5}
    found = sections.data_of({"name": "stacked", "of": section, "count": 20, "held_out": 7})
    assert (found.shape, found.num_classes) == ((8, 8, 3), 27)
    assert {key: len(rows) for key, rows in found.test.items()} == {"x": 7, "y": 7}
    assert found.source.read(np.arange(20))["x"].dtype == np.uint8
    own = {x.tobytes() for x in np.asarray(data.examples(sections.data_of(section))["x"])}
    channels = np.moveaxis(np.asarray(data.examples(found)["x"]), -1, 1).reshape(-1, 8, 8)
    assert float(np.abs(channels * 127.5 + 127.5).max()) <= 255
    assert len(channels) == 60
    assert {x.tobytes() for x in channels} <= own  # bit for bit


@pytest.mark.parametrize(
    ("of", "message"),
    [
        ({"name": "photographs", "size": 8}, "in data: stacked needs labelled images"),
        ({"name": "ring"}, "in data: stacked needs labelled images"),
        ({"name": "digits_few_labels"}, "with 10 classes, few of them labelled"),
        ({"name": "none"}, "of is none; name the data that these are made of"),
    ],
)
def test_sets_without_labels_or_of_several_channels_are_refused(of, message):
    with pytest.raises(ConfigError, match=message):
        sections.data_of({"name": "stacked", "of": of})
