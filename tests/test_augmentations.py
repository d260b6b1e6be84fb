"""Augmentations: what they change, that they differentiate, that each sample has its own draw."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganjax import augmentations
from ganjax.augmentations import AUGMENTATIONS

RNG = jax.random.key(0)
ROWS = pytest.mark.parametrize("name", AUGMENTATIONS)


def images(rows=64):
    return jax.random.uniform(jax.random.key(1), (rows, 8, 8, 3), minval=-1)


@ROWS
def test_contract(name):
    """Shape and dtype stay, images change, another key changes them otherwise."""
    augment, x = AUGMENTATIONS[name](), images()
    y = augment(x, RNG, 0)
    chex.assert_equal_shape((x, y))
    assert y.dtype == x.dtype
    assert augment(x.astype("bfloat16"), RNG, jnp.int32(3)).dtype == jnp.bfloat16
    changed = np.any(np.asarray(x != y).reshape(64, -1), axis=1)
    assert changed.mean() > 0.3
    assert (y != augment(x, jax.random.key(7), 0)).any()
    np.testing.assert_array_equal(y, augment(x, RNG, 0))


@ROWS
def test_each_image_has_its_own_draw(name):
    x = jnp.tile(images(1), (64, 1, 1, 1))
    y = np.asarray(AUGMENTATIONS[name]()(x, RNG, 0)).reshape(64, -1)
    assert len(np.unique(y, axis=0)) > 1


@ROWS
def test_gradient_against_central_differences(name, x64):
    """Generators learn through them."""
    x = images(4).astype(float)
    along = jax.random.normal(jax.random.key(2), x.shape)
    weights = jax.random.normal(jax.random.key(3), x.shape)

    def value(x):
        return jnp.sum(weights * AUGMENTATIONS[name]()(x, RNG, 0))

    slope = jnp.vdot(jax.grad(value)(x), along)
    h = 1e-5
    expected = (value(x + h * along) - value(x - h * along)) / (2 * h)
    np.testing.assert_allclose(slope, expected, rtol=1e-7)
    assert abs(slope) > 1e-3


def test_instance_noise_has_its_deviation_and_fades(x64):
    augment = augmentations.instance_noise(std=0.5, steps=100)
    x = jnp.zeros((100_000, 1))
    for updates, std in ((0, 0.5), (50, 0.25), (99, 0.005), (100, 0.0), (1000, 0.0)):
        np.testing.assert_allclose(augment(x, RNG, updates).std(), std, rtol=1e-2)
    forever = augmentations.instance_noise(std=0.5)
    np.testing.assert_allclose(forever(x, RNG, 10**6).std(), 0.5, rtol=1e-2)


def test_flip_mirrors_half_of_the_images():
    x = images(1000)
    y = augmentations.flip()(x, RNG)
    mirrored = np.all(np.asarray(y == x[:, :, ::-1]).reshape(1000, -1), axis=1)
    same = np.all(np.asarray(y == x).reshape(1000, -1), axis=1)
    assert (mirrored | same).all()
    assert 0.44 < mirrored.mean() < 0.56


def test_translate_shifts_whole_pixels_and_fills_with_0():
    """Every image is one of the 25 shifts by up to 2 of 8 pixels, and all of them come up."""
    x = jnp.tile(1 + images(1), (1000, 1, 1, 1))
    y = np.asarray(augmentations.translate(0.25)(x, RNG))
    padded = np.pad(np.asarray(x[0]), ((2, 2), (2, 2), (0, 0)))
    shifts = {padded[i : i + 8, j : j + 8].tobytes() for i in range(5) for j in range(5)}
    seen = {image.tobytes() for image in y}
    assert seen == shifts


def test_cutout_sets_a_square_to_0():
    y = np.asarray(augmentations.cutout(0.5)(jnp.ones((500, 8, 8, 2)), RNG))
    holes = (y == 0).all(axis=3)
    assert ((y == 0) | (y == 1)).all()
    assert holes.sum(axis=(1, 2)).max() == 16
    rows, columns = holes.any(axis=2).sum(axis=1), holes.any(axis=1).sum(axis=1)
    assert rows.max() == columns.max() == 4
    # A square: as many pixels as rows times columns; its centre is everywhere.
    np.testing.assert_array_equal(holes.sum(axis=(1, 2)), rows * columns)
    assert holes.any(axis=0).all()


@pytest.mark.parametrize("share", [0.25, 0.375, 0.5])
def test_cutout_cuts_both_edges_as_often(share):
    holes = np.asarray(augmentations.cutout(share)(jnp.ones((20_000, 8, 8, 1)), RNG) == 0)
    cut = holes[..., 0].mean(axis=0)
    np.testing.assert_allclose(cut, cut[::-1, ::-1], atol=0.02)  # 5 standard errors


def test_colour_moves_what_it_says(x64):
    x = images(2000).astype(float)
    pixels, colours = x.mean(axis=(1, 2, 3)), x.mean(axis=3)
    bright = augmentations.brightness(0.5)(x, RNG)
    shift = (bright - x).reshape(2000, -1)
    np.testing.assert_allclose(np.ptp(shift, axis=1), 0, atol=1e-12)
    assert -0.5 <= shift.min() < -0.48
    assert 0.48 < shift.max() <= 0.5
    stretched = augmentations.contrast(0.5)(x, RNG)
    np.testing.assert_allclose(stretched.mean(axis=(1, 2, 3)), pixels, atol=1e-12)
    factor = stretched.std(axis=(1, 2, 3)) / x.std(axis=(1, 2, 3))
    assert 0.5 <= factor.min() < 0.52
    assert 1.48 < factor.max() <= 1.5
    saturated = augmentations.saturation(1.0)(x, RNG)
    np.testing.assert_allclose(saturated.mean(axis=3), colours, atol=1e-12)
    grey = x[..., :1]
    np.testing.assert_allclose(augmentations.saturation(1.0)(grey, RNG), grey, atol=1e-12)


def test_diff_augment_is_its_parts_in_order():
    policy = ("flip", "colour")
    x, rngs = images(), jax.random.split(RNG, 4)
    expected = x
    for name, rng in zip(("flip", "brightness", "saturation", "contrast"), rngs, strict=True):
        expected = AUGMENTATIONS[name]()(expected, rng)
    np.testing.assert_array_equal(augmentations.diff_augment(policy)(x, RNG), expected)


@pytest.mark.parametrize("name", sorted(set(AUGMENTATIONS) - {"instance_noise"}))
def test_points_are_refused(name):
    with pytest.raises(ValueError, match=r"needs images .* shape \(4, 2\)"):
        AUGMENTATIONS[name]()(jnp.ones((4, 2)), RNG, 0)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("instance_noise", {"std": -1.0}, "std=-1.0"),
        ("instance_noise", {"steps": -1}, "steps=-1"),
        ("brightness", {"strength": 1.5}, "strength=1.5"),
        ("contrast", {"strength": -0.5}, "strength=-0.5"),
        ("saturation", {"strength": 2.0}, "strength=2.0"),
        ("translate", {"share": 1.5}, "share=1.5"),
        ("cutout", {"share": -0.1}, "share=-0.1"),
        ("diff_augment", {"policy": ("color",)}, "Did you mean 'colour'"),
    ],
)
def test_options_out_of_range_are_refused(name, options, message):
    with pytest.raises(ValueError, match=message):
        AUGMENTATIONS[name](**options)
