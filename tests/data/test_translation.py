"""Data of two domains: what is known of the points, which pixels a crop may have, the tasks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from ganjax import data
from ganjax.data import paired
from ganjax.data.photographs import parts, raster, sample_crops

RNG = jax.random.key(0)


def test_affine_domains_have_their_moments():
    """Mean 0, variance 1, skewness 2 / sqrt(k); b is the same under the map, drawn by itself."""
    source = data.affine_domains(slope=-2.0, offset=3.0, concentration=4.0)
    batch = source.sample({}, RNG, 100_000)
    a, b = (np.asarray(batch[key], float)[:, 0] for key in "ab")
    for x in (a, (b - 3) / -2):
        np.testing.assert_allclose([x.mean(), x.var(), stats.skew(x)], [0, 1, 1], atol=0.04)
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.02
    held_out = source.test
    np.testing.assert_allclose(held_out["b"], -2 * held_out["a"] + 3, rtol=1e-5, atol=1e-5)
    assert held_out["a"].shape == (1000, 1)


def test_crops_come_from_one_side_of_the_held_out_part():
    """Photographs whose pixels are their own coordinates: every place, and no seam."""

    def part(first, width):
        rows, columns = np.mgrid[:6, first : first + width]
        pixels = np.stack([rows, columns], -1).astype("f")
        return np.stack([pixels, pixels + np.array([100, 0])]).astype("f")

    left, right = jnp.asarray(part(0, 7)), jnp.asarray(part(20, 5))
    made = np.asarray(sample_crops(left, right, RNG, 2000, 4))
    assert made.shape == (2000, 4, 4, 2)
    assert (np.diff(made[..., 1], axis=2) == 1).all()
    assert (np.diff(made[..., 0], axis=1) == 1).all()
    places, counts = np.unique(made[:, 0, 0], axis=0, return_counts=True)
    starts = {0, 1, 2, 3, 20, 21}
    expected = {
        (top + 100 * photo, start) for photo in (0, 1) for top in range(3) for start in starts
    }
    assert set(map(tuple, places.astype(int))) == expected
    assert counts.min() > 2000 / len(expected) / 2
    narrow = np.asarray(sample_crops(left, right[:, :, :2], RNG, 200, 4))
    assert narrow[..., 1].max() == 6


def test_parts_of_the_photographs_do_not_overlap():
    left, right, held_out = parts(32, shrink=2)
    assert [part.shape for part in (left, right, held_out)] == [
        (2, 213, 160, 3),
        (2, 213, 80, 3),
        (2, 213, 80, 3),
    ]
    whole = np.concatenate([left, held_out, right], axis=2)
    assert whole.min() >= -1
    assert whole.max() <= 1
    from sklearn.datasets import load_sample_images

    photo = load_sample_images().images[1][:426].astype(float)
    np.testing.assert_allclose(
        whole[1, 5, 7], photo[10:12, 14:16].mean((0, 1)) / 127.5 - 1, atol=1e-6
    )
    assert parts(256, shrink=1)[2].shape == (2, 427, 256, 3)
    assert raster([held_out], 32, stride=16).shape == (96, 32, 32, 3)


def test_inpainting_takes_a_square_out_of_every_image():
    x = jnp.full((100, 8, 6, 1), 0.5)
    a, b = paired.inpainting(x, RNG)
    np.testing.assert_array_equal(b, x)
    hole = np.asarray(a)[..., 0] == 0
    assert (hole.sum((1, 2)) == 4 * 3).all()
    assert (hole.any(2).sum(1) == 4).all()
    assert (np.asarray(a)[..., 0][~hole] == 0.5).all()
    assert hole.any(0).all()  # anywhere


def test_colourisation_sketch_and_segmentation():
    x = jnp.zeros((1, 4, 4, 3)).at[:, :, 2:].set(jnp.array([1.0, -1.0, 0.5]))
    luma = 0.299 - 0.587 + 0.057
    a, b = paired.colourisation(x, RNG)
    assert a.shape == (1, 4, 4, 1)
    np.testing.assert_array_equal(b, x)
    np.testing.assert_allclose(a[0, 0, :, 0], [0, 0, luma, luma], rtol=1e-5)
    edges, _ = paired.sketch(x, RNG)
    np.testing.assert_allclose(edges[0, 1, :, 0], [-1, -1 + 4 * abs(luma), -1, -1], rtol=1e-5)
    noisy, mask = paired.segmentation(-x, RNG)
    np.testing.assert_array_equal(mask[0, :, :, 0], [[-1, -1, 1, 1]] * 4)
    assert float(jnp.abs(noisy).max()) <= 1
    assert float(jnp.abs(noisy + x).mean()) > 0.3
    with pytest.raises(ValueError, match="needs colour images"):
        paired.colourisation(x[..., :1], RNG)


def test_held_out_pairs_are_of_held_out_digits():
    source = data.paired_images("digits", "segmentation", 8)
    np.testing.assert_array_equal(source.test["b"] > 0, data.digits().test["x"] > 0)
    assert source.shape == (8, 8, 1)


def test_scans_have_lesions_that_brightness_does_not_tell():
    source = data.scans(noise=0.0)
    lesions = np.asarray(source.test["b"])[..., 0] > 0
    bright = np.asarray(source.test["a"])[..., 0]
    assert 0.1 < (~lesions.any((1, 2))).mean() < 0.4  # none in a quarter of the scans
    assert 0.02 < lesions.mean() < 0.08
    rows = np.flatnonzero(lesions.any((1, 2)))
    inside = np.array([bright[row][lesions[row]].mean() for row in rows])
    outside = np.array([bright[row][~lesions[row] & (bright[row] > -0.5)].mean() for row in rows])
    assert (inside > outside + 0.1).mean() > 0.95
    levels = np.linspace(-1, 1, 81)[:, None, None, None]
    found = bright > levels
    overlap = (found & lesions).sum((1, 2, 3)) / (found | lesions).sum((1, 2, 3))
    assert overlap.max() < 0.5  # of the best threshold, without noise


def test_scans_are_the_same_for_a_seed_and_turned_in_batches():
    source, small = data.scans(count=1, held_out=3), data.scans(count=1, held_out=2)
    np.testing.assert_allclose(source.train["a"], small.train["a"], atol=1e-6)
    assert (source.train["a"] != data.scans(count=1, seed=1).train["a"]).any()
    batch = {key: np.asarray(x) for key, x in source.sample(source.train, RNG, 64).items()}
    a, b = (np.asarray(source.train[key])[0] for key in "ab")
    turned = {
        np.rot90(flip, k).tobytes(): np.rot90(b if flip is a else b[::-1], k)
        for flip in (a, a[::-1])
        for k in range(4)
    }
    assert {row.tobytes() for row in batch["a"]} == turned.keys()
    for scan, mask in zip(batch["a"], batch["b"], strict=True):
        np.testing.assert_array_equal(turned[scan.tobytes()], mask)


def test_crops_of_a_pyramid_are_halves_of_one_another():
    """One key draws the same crops at every size, means over blocks of those of the pyramid."""
    sources = [data.photograph_crops(size, pyramid=32) for size in (4, 8, 32)]
    batches = [source.sample(source.train, RNG, 64)["x"] for source in sources]
    for small, middle, large in (batches, [source.test["x"] for source in sources]):
        n = len(large)
        means = np.asarray(large).reshape(n, 8, 4, 8, 4, 3).mean((2, 4))
        np.testing.assert_allclose(middle, means, atol=1e-6)  # float32
        means = means.reshape(n, 4, 2, 4, 2, 3).mean((2, 4))
        np.testing.assert_allclose(small, means, atol=1e-6)


def test_crops_are_of_either_photograph():
    """Those of the domains, drawn with the first of two keys; held-out ones in turn."""
    source, domains = data.photograph_crops(16), data.photograph_domains(16)
    drawn = np.asarray(source.sample(source.train, RNG, 400)["x"])
    crops_of = domains.sample(domains.train, jax.random.split(RNG)[0], 400)
    is_a, is_b = ((drawn == np.asarray(crops_of[key])).all((1, 2, 3)) for key in "ab")
    assert (is_a ^ is_b).all()
    assert 150 < is_a.sum() < 250  # over 5 standard deviations
    for first, key in enumerate("ab"):
        np.testing.assert_array_equal(source.test["x"][first::2], domains.test[key])


def test_turned_domains_are_turned_coloured_and_of_other_images():
    """A quarter turn is exact; -1, 0 and 1 have their colours; no image is in both."""
    images = jnp.asarray(np.random.RandomState(0).choice([-1.0, 0.0, 1.0], (10, 6, 6, 1)), "f")
    own = data.Data((6, 6, 1), {"x": images}, {"x": images[:3]}, data.sample_rows)
    source = data.turned_domains(own, degrees=90, ink=(0.0, 0.5, 1.0), paper=(1.0, 0.5, 0.0))
    np.testing.assert_array_equal(source.train["a"], np.repeat(images[::2], 3, -1))
    expected = np.rot90(images[1::2], axes=(1, 2)) * np.array([-1.0, 0.0, 1.0], "f")
    np.testing.assert_allclose(source.train["b"], expected, atol=1e-5)
    np.testing.assert_allclose(source.test["b"][..., 2], np.rot90(images[:3], axes=(1, 2))[..., 0])
    assert source.pairs_held_out
    assert not source.paired
    batch = source.sample(source.train, RNG, 200)
    rows = {
        key: np.square(batch[key][:, None] - source.train[key][None]).sum((2, 3, 4)).argmin(1)
        for key in "ab"
    }
    assert set(rows["a"]) == set(rows["b"]) == set(range(5))
    assert abs(np.corrcoef(rows["a"], rows["b"])[0, 1]) < 0.3  # over 4 standard errors


@pytest.mark.parametrize("degrees", [-30.0, 20.0])
def test_turned_domains_turn_by_the_angle(degrees):
    """The angle of the longest axis of a bar, turned counter-clockwise as seen."""
    bar = np.full((2, 33, 33, 1), -1.0, "f")
    bar[:, 15:18, 6:27] = 1.0
    own = data.Data((33, 33, 1), {"x": bar}, {"x": bar[:1]}, data.sample_rows)
    turned = np.asarray(
        data.turned_domains(own, degrees=degrees, ink=(1, 1, 1), paper=(0, 0, 0)).test["b"]
    )
    down, right = np.mgrid[-16:17, -16:17]
    mass = (turned[0, ..., 0] + 1) / 2
    mixed, wide = (mass * -down * right).sum(), (mass * (right**2 - down**2)).sum()
    np.testing.assert_allclose(np.degrees(np.arctan2(2 * mixed, wide) / 2), degrees, atol=0.5)


def test_turned_domains_refuse_other_images():
    for own in (data.ring(), data.photographs(8, stride=8), data.digits()._replace(test={})):
        with pytest.raises(ValueError, match="turned_domains needs images"):
            data.turned_domains(own)
    for name, wrong in {"degrees": 181, "ink": (0, 0), "paper": (2, 0, 0)}.items():
        with pytest.raises(ValueError, match=name):
            data.turned_domains(data.digits(), **{name: wrong})
    with pytest.raises(ValueError, match="two colours"):
        data.turned_domains(data.digits(), ink=(0, 0, 0), paper=(0, 0, 0))
