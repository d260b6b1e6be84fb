"""Crops of photographs: colours in range, and no test pixel among the training ones."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.datasets import load_sample_images

from ganjax import data


def test_crops_are_of_the_photographs():
    """With a stride of the size, crops tile the halved photographs but for what is held out."""
    source = data.photographs(size=8, stride=8)
    train, test = np.asarray(source.train["x"]), np.asarray(source.test["x"])
    # [213, 320] halved: 160 columns, 80 held out, 80 to the right; 26 rows of crops.
    assert train.shape == (2 * 26 * 30, 8, 8, 3)
    assert test.shape == (2 * 26 * 10, 8, 8, 3)
    photograph = load_sample_images().images[1][:426].astype(float)
    halved = photograph.reshape(213, 2, 320, 2, 3).mean((1, 3)) / 127.5 - 1
    for left in (16, 160, 240):
        crop = halved[24:32, left : left + 8]
        found = [(np.abs(x - crop).max((1, 2, 3)) < 1e-6).sum() for x in (train, test)]
        assert found == ([0, 1] if left == 160 else [1, 0])


SOURCES = {
    "photographs": lambda: data.photographs(32, 16, shrink=1),
    "photograph_domains": lambda: data.photograph_domains(32, shrink=1),
    "paired_images": lambda: data.paired_images("photographs", "inpainting", 32, shrink=1),
}


@pytest.mark.parametrize("name", SOURCES)
def test_all_hold_out_the_same_pixels(name, monkeypatch):
    """Photographs whose colours are their own columns."""
    column = np.broadcast_to(np.arange(640), (427, 640))
    photo = np.stack([column // 256, column % 256, 0 * column], -1).astype(np.uint8)
    monkeypatch.setattr(
        "sklearn.datasets.load_sample_images", lambda: SimpleNamespace(images=[photo, photo])
    )
    source = SOURCES[name]()

    def columns(batch):
        colours = np.rint(127.5 * (np.asarray(batch.get("x", batch.get("b"))) + 1))
        return set(np.unique(256 * colours[..., 0] + colours[..., 1]))

    assert columns(source.test) == set(range(320, 480))
    sample = jax.jit(source.sample, static_argnums=2)
    seen = columns(sample(source.train, jax.random.key(0), 500))
    assert seen <= set(range(320)) | set(range(480, 640))
    assert len(seen) > 400


def test_a_crop_as_wide_as_a_quarter_moves_the_held_out_part():
    """256 pixels of 640: none fits to the right of what is held out."""
    source = data.photographs(256, 64, shrink=1)
    assert source.train["x"].shape == (2 * 3 * 2, 256, 256, 3)
    assert source.test["x"].shape == (2 * 3 * 1, 256, 256, 3)


def test_grey_is_the_luma_of_the_colour():
    source = data.photographs(size=8, stride=8, grey_to_colour=True)
    assert source.shape == (8, 8, 3)
    a, b = source.test["a"], source.test["b"]
    expected = 0.299 * b[..., 0] + 0.587 * b[..., 1] + 0.114 * b[..., 2]
    np.testing.assert_allclose(a[..., 0], expected, atol=1e-6)
    assert float(jnp.abs(b).max()) <= 1
    np.testing.assert_array_equal(b, data.photographs(size=8, stride=8).test["x"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 3}, "size=3 must be a whole number, from 4 to 160"),
        ({"size": 161}, "size=161 must be a whole number, from 4 to 160"),
        ({"stride": 0}, "stride=0"),
        ({"shrink": 0}, "shrink=0"),
        # 2 photographs of 150 rows, 97 + 17 columns for training and 17 held out, of 48 KiB each.
        ({"size": 64, "stride": 1}, "1.8 GiB, and at most 1 GiB is kept; take stride=2 or more"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(ValueError, match=message):
        data.photographs(**options)
