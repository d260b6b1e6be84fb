"""Patches of photographs: colours in range, and no test pixel among the training ones."""

import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.datasets import load_sample_images

from ganjax import data


def test_patches_are_of_the_photographs():
    """With a stride of the size, patches tile the halved photographs' left and right parts."""
    source = data.photographs(size=8, stride=8)
    train, test = np.asarray(source.train["x"]), np.asarray(source.test["x"])
    # [213, 320] halved: 240 columns to the left, 80 to the right, 26 rows of patches.
    assert train.shape == (2 * 26 * 30, 8, 8, 3)
    assert test.shape == (2 * 26 * 10, 8, 8, 3)
    photograph = load_sample_images().images[1][:426].astype(float)
    halved = photograph.reshape(213, 2, 320, 2, 3).mean((1, 3)) / 127.5 - 1
    for patches, left in ((train, 16), (test, 240)):
        patch = halved[24:32, left : left + 8]
        distances = np.abs(patches - patch).max((1, 2, 3))
        assert (distances < 1e-6).sum() == 1
        assert not (
            np.abs((test if patches is train else train) - patch).max((1, 2, 3)) < 1e-6
        ).any()


def test_grey_is_the_luma_of_the_colour():
    source = data.photographs(size=8, stride=8, grey_to_colour=True)
    assert source.shape == (8, 8, 3)
    a, b = source.test["a"], source.test["b"]
    expected = 0.299 * b[..., 0] + 0.587 * b[..., 1] + 0.114 * b[..., 2]
    np.testing.assert_allclose(a[..., 0], expected, atol=1e-6)
    assert float(jnp.abs(b).max()) <= 1
    np.testing.assert_array_equal(b, data.photographs(size=8, stride=8).test["x"])


@pytest.mark.parametrize("options", [{"size": 3}, {"size": 65}, {"stride": 0}])
def test_refusals(options):
    with pytest.raises(ValueError, match="must be"):
        data.photographs(**options)
