"""Data sources: the contract of every row, and what each distribution is."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from ganjax import data
from ganjax.data import DATA, checked
from ganjax.data.sets import writer

RNG = jax.random.key(0)


@pytest.fixture
def options(tmp_path):
    """Arguments of the sources that read files or make many crops."""
    x = np.random.RandomState(0).randint(0, 256, (12, 8, 8, 3), np.uint8)
    for row, image in enumerate(x):
        (tmp_path / str(row % 3)).mkdir(exist_ok=True)
        Image.fromarray(image).save(tmp_path / str(row % 3) / f"{row}.png")
    np.savez(tmp_path / "x.npz", x=x, y=np.arange(12) % 3)
    packed, sets = str(tmp_path / "x.npz"), str(tmp_path / "sets")
    writer.convert(packed, "twelve", sets, split="train", shards=1)
    return {
        "arrays": {"path": packed, "held_out": 4},
        "few_labels": {"of": data.digits()},
        "images": {"path": str(tmp_path), "size": 8, "held_out": 4},
        "photograph_crops": {"size": 8, "pyramid": 16},
        "photograph_domains": {"size": 8},
        "photographs": {"size": 8, "stride": 8},
        "stacked": {"of": data.digits(), "count": 64, "held_out": 8},
        "stacked_digits": {"count": 64, "held_out": 8},
        "turned_domains": {"of": data.digits()},
        "tfds": {"set": "twelve", "data_dir": sets, "held_out": 4},
    }


@pytest.mark.parametrize("name", DATA)
def test_contract(name, options):
    source = DATA[name](**options.get(name, {}))
    assert checked(name, source).shape == source.shape
    sample = jax.jit(source.sample, static_argnums=2)
    batch = sample(source.train, RNG, 32)
    assert batch["b" if "a" in batch else "x"].shape == (32, *source.shape)
    for name in batch.keys() - {"y"}:
        assert batch[name].dtype == jnp.float32
        assert bool(jnp.isfinite(batch[name]).all())
    if source.test:
        # Which examples are labelled is a matter of training alone.
        assert source.test.keys() == batch.keys() - {"x_labelled"}
        assert all(part.shape[1:] == batch[key].shape[1:] for key, part in source.test.items())
    if source.num_classes:
        assert batch["y"].shape == (32,)
        assert batch["y"].dtype == jnp.int32
        assert 0 <= int(batch["y"].min()) <= int(batch["y"].max()) < source.num_classes
    again = source.sample(source.train, RNG, 32)
    np.testing.assert_array_equal(batch.get("y", 0), again.get("y", 0))
    other = sample(source.train, jax.random.key(1), 32)
    for name in batch.keys() - {"y"}:
        np.testing.assert_allclose(batch[name], again[name], rtol=1e-5, atol=1e-6)
        assert bool((batch[name] != other[name]).any())


def test_ring_has_eight_distinct_modes():
    centres = np.asarray(data.ring().centres)
    assert centres.shape == (8, 2)
    np.testing.assert_allclose(np.linalg.norm(centres, axis=1), 2, rtol=1e-6)
    distances = np.linalg.norm(centres[:, None] - centres, axis=-1) + 9 * np.eye(8)
    np.testing.assert_allclose(distances.min(1), 4 * np.sin(np.pi / 8), rtol=1e-5)


def test_grid_has_25_modes():
    centres = np.asarray(data.grid().centres)
    assert sorted(map(tuple, centres)) == [(x, y) for x in range(-4, 5, 2) for y in range(-4, 5, 2)]


@pytest.mark.parametrize("source", [data.ring(), data.grid()], ids=["ring", "grid"])
def test_mixtures_are_equal_and_isotropic(source):
    batch = source.sample({}, RNG, 50_000)
    modes = len(source.centres)
    share = np.bincount(batch["y"], minlength=modes) / 50_000
    np.testing.assert_allclose(share, 1 / modes, atol=5 * np.sqrt(1 / modes / 50_000))
    offsets = np.asarray(batch["x"] - source.centres[batch["y"]])
    expected = source.std**2 * np.eye(2)
    np.testing.assert_allclose(np.cov(offsets.T), expected, atol=0.05 * source.std**2)


def test_a_mixture_on_the_line_has_its_moments_and_density(x64):
    """Mean sum w m, variance sum w (s^2 + m^2) - mean^2, of samples and density."""
    weights, means, stds = (0.2, 0.3, 0.5), (-2.0, 0.5, 3.0), (0.4, 1.5, 0.7)
    source = data.gaussian_mixture(weights, means, stds)
    mean = np.dot(weights, means)
    variance = np.dot(weights, np.square(stds) + np.square(means)) - mean**2

    points = np.linspace(-15, 15, 6001)  # exact for a smooth function that vanishes at the ends
    mass = np.asarray(source.density(points)) * (points[1] - points[0])
    np.testing.assert_allclose(mass.sum(), 1, rtol=1e-10)
    np.testing.assert_allclose(mass @ points, mean, rtol=1e-10)
    np.testing.assert_allclose(mass @ (points - mean) ** 2, variance, rtol=1e-10)

    batch = source.sample({}, RNG, 200_000)
    x, y = np.asarray(batch["x"][:, 0]), np.asarray(batch["y"])
    n = len(x)
    fourth = mass @ (points - mean) ** 4
    np.testing.assert_allclose(x.mean(), mean, atol=4 * np.sqrt(variance / n))
    np.testing.assert_allclose(x.var(), variance, atol=4 * np.sqrt((fourth - variance**2) / n))
    np.testing.assert_allclose(np.bincount(y) / n, weights, atol=4 * np.sqrt(0.25 / n))
    for component, (centre, std) in enumerate(zip(means, stds, strict=True)):
        part = x[y == component]
        np.testing.assert_allclose(part.mean(), centre, atol=4 * std / np.sqrt(len(part)))
        np.testing.assert_allclose(part.std(), std, atol=4 * std / np.sqrt(2 * len(part)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": (1.0,), "means": (0.0,), "stds": (1.0,)}, "at least 2"),
        ({"means": (0.0, 1.0, 2.0)}, "of one length"),
        ({"weights": (0.5, 0.6)}, "the sum 1"),
        ({"weights": (1.5, -0.5)}, "weights=-0.5"),
        ({"means": (0.0, float("nan"))}, "finite"),
        ({"stds": (0.5, 0.0)}, "stds=0.0"),
    ],
)
def test_mixtures_on_the_line_that_are_none(changes, message):
    with pytest.raises(ValueError, match=message):
        data.gaussian_mixture(**changes)


def test_swiss_roll_without_noise_is_a_spiral(x64):
    x = np.asarray(data.swiss_roll(noise=0.0).sample({}, RNG, 1000)["x"]) * 7.5
    t = np.linalg.norm(x, axis=1)
    assert 1.5 * np.pi <= t.min()
    assert t.max() <= 4.5 * np.pi
    np.testing.assert_allclose(x, np.stack([t * np.cos(t), t * np.sin(t)], 1), atol=1e-9)


def test_digits_split_is_fixed_and_complete():
    """1,297 and 500 distinct examples which together are scikit-learn's, scaled to [-1, 1]."""
    source = data.digits()
    train, test = np.asarray(source.train["x"]), np.asarray(source.test["x"])
    assert (len(train), len(test)) == (1297, 500)
    assert (train.min(), train.max()) == (-1, 1)
    images, labels = load_digits(return_X_y=True)
    both = np.concatenate([train, test]).reshape(-1, 64)
    np.testing.assert_array_equal(np.unique(both, axis=0), np.unique(images / 8 - 1, axis=0))
    order = np.random.RandomState(0).permutation(1797)
    np.testing.assert_array_equal(source.test["y"], labels[order[1297:]])


def test_digits_of_a_pyramid_are_halves_of_one_another():
    """Those of 8 pixels are means over 2x2 of those of 16, and these of the enlarged ones."""
    small, middle, large = (
        np.asarray(data.digits(size=size, pyramid=32).test["x"]) for size in (8, 16, 32)
    )
    np.testing.assert_array_equal(large, data.digits(size=32).test["x"])
    for half, whole in ((small, middle), (middle, large)):
        n, side = half.shape[:2]
        means = whole.reshape(n, side, 2, side, 2, 1).mean((2, 4))
        np.testing.assert_allclose(half, means, atol=1e-6)  # float32


def test_digits_of_some_classes():
    source = data.digits(classes=(1, 7))
    assert set(np.asarray(source.train["y"]).tolist()) == {1, 7}
    assert set(np.asarray(source.test["y"]).tolist()) == {1, 7}
    assert len(source.train["x"]) == len(source.train["y"])


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("ring", {"modes": 0}),
        ("ring", {"radius": 0.0}),
        ("ring", {"std": -1.0}),
        ("ring", {"std": float("nan")}),
        ("ring", {"std": float("inf")}),
        ("photograph_crops", {"size": 0}),
        ("photograph_crops", {"size": 24, "pyramid": 64}),
        ("photograph_crops", {"size": 161}),
        ("paired_images", {"shrink": 1}),
        ("grid", {"side": 0}),
        ("grid", {"spacing": -1.0}),
        ("swiss_roll", {"noise": -0.1}),
        ("swiss_roll", {"scale": 0.0}),
        ("affine_domains", {"slope": 0}),
        ("affine_domains", {"offset": float("inf"), "slope": 1.0}),
        ("affine_domains", {"concentration": 0.0}),
        ("affine_domains", {"dim": 0}),
        ("photograph_domains", {"size": 3}),
        ("photograph_domains", {"size": 161}),
        ("photograph_domains", {"shrink": 0}),
        ("paired_images", {"images": "digit"}),
        ("paired_images", {"task": "paint"}),
        ("paired_images", {"task": "colourisation"}),
        ("paired_images", {"size": 12}),
        ("paired_images", {"shrink": 2}),
        ("digits", {"classes": ()}),
        ("digits", {"size": 16, "pyramid": 8}),
        ("digits", {"size": 8, "pyramid": 64}),
        ("digits", {"classes": (3, 3)}),
        ("digits", {"classes": (10,)}),
        ("digits_few_labels", {"labels_per_class": 0}),
        ("digits_few_labels", {"labels_per_class": 1000}),
        ("digits_few_labels", {"seed": -1}),
        ("stacked_digits", {"count": 0}),
        ("stacked_digits", {"held_out": 0}),
        ("stacked_digits", {"seed": 2**32 - 1}),
        ("scans", {"size": 12}),
        ("scans", {"count": 0}),
        ("scans", {"held_out": 0}),
        ("scans", {"noise": -0.1}),
        ("scans", {"seed": -1}),
    ],
)
def test_out_of_range_is_refused(name, options):
    with pytest.raises(ValueError, match=next(iter(options))):
        DATA[name](**options)


def test_rows_are_drawn_uniformly_and_together():
    train = {"x": jnp.arange(10.0), "y": jnp.arange(10)}
    batch = data.digits().sample(train, RNG, 20_000)
    np.testing.assert_array_equal(batch["x"], batch["y"])
    share = np.bincount(batch["y"], minlength=10) / 20_000
    np.testing.assert_allclose(share, 0.1, atol=0.012)  # over 5 standard errors


def test_digits_held_out_may_be_of_more_classes():
    source = data.digits(classes=(3,), test_classes=(3, 7))
    assert set(np.unique(source.train["y"])) == {3}
    assert set(np.unique(source.test["y"])) == {3, 7}
    everything = data.digits()
    for part in ("train", "test"):
        kept_part, whole = getattr(source, part), getattr(everything, part)
        kept = np.isin(whole["y"], np.unique(kept_part["y"]))
        np.testing.assert_array_equal(kept_part["x"], whole["x"][kept])
    with pytest.raises(ValueError, match=r"test_classes=\(3, 3\)"):
        data.digits(test_classes=(3, 3))
