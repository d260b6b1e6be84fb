"""Pictures: pixels where they belong."""

import tracemalloc

import numpy as np
import pytest
from PIL import Image

from ganjax import pictures
from ganjax.disclosure import Disclosure

ORIGIN = {"disclosure": Disclosure("run")}


def test_curves_of_stages_with_other_metrics(tmp_path):
    rows = [{"step": 1, "loss/gen": 1.0, "penalty/disc": 2.0}, {"step": 2, "loss/gen": 1.0}]
    for order in (rows, rows[::-1]):
        pictures.save_curves(tmp_path / "curves.png", order, "t", **ORIGIN)
    assert (tmp_path / "curves.png").stat().st_size > 1000


def test_image_grid_places_every_image():
    x = np.stack([np.full((8, 8, 1), value) for value in (-1.0, 0.0, 1.0)])
    grid = pictures.image_grid(x, columns=2)
    assert grid.shape == (2 * 48 + 3 * 3, 2 * 48 + 3 * 3, 1)
    assert grid.dtype == np.uint8
    assert grid[10, 10, 0] == 0
    assert grid[10, 70, 0] == 128
    assert grid[70, 10, 0] == 255
    assert grid[0, 0, 0] == 255  # the gap


def test_large_images_keep_their_size():
    assert pictures.image_grid(np.zeros((4, 64, 64, 3))).shape == (140, 140, 3)


def test_save_samples_by_shape(tmp_path):
    real = np.random.default_rng(0).normal(size=(20, 2))
    assert pictures.save_samples(
        tmp_path / "a" / "images.png", np.zeros((4, 8, 8, 3)), real, **ORIGIN
    )
    assert pictures.save_samples(tmp_path / "points.png", real, real, **ORIGIN)
    assert not pictures.save_samples(tmp_path / "none.png", np.zeros((4, 5)), real, **ORIGIN)
    with Image.open(tmp_path / "a" / "images.png") as images:
        assert images.mode == "RGB"
    with Image.open(tmp_path / "points.png") as points:
        assert points.size == (550, 550)
    assert not (tmp_path / "none.png").exists()


def test_classes_in_turn_are_rows(tmp_path):
    """Seven samples of three classes: two whole columns and one of a single image, then white."""
    y = np.arange(7) % 3
    x = (y / 2.0 - 1).reshape(-1, 1, 1, 1) * np.ones((7, 48, 48, 1))
    pictures.save_samples(tmp_path / "x.png", x, x, rows=3, **ORIGIN)
    with Image.open(tmp_path / "x.png") as image:
        pixels = np.asarray(image)[20::51, 20::51]
    np.testing.assert_array_equal(pixels, [[0, 0, 0], [64, 64, 255], [128, 128, 255]])


def test_comparison(tmp_path, monkeypatch):
    """The third panel holds the training image nearest to each generated one, in order."""
    train = np.stack([np.full((8, 8, 1), value) for value in (-1.0, 1.0)])
    drawn = []
    grid = pictures.image_grid
    monkeypatch.setattr(
        "ganjax.pictures.panels.image_grid",
        lambda x, **options: drawn.append(x) or grid(x, **options),
    )
    x = np.stack([np.full((8, 8, 1), value) for value in (0.9, -0.4, 0.2)])
    pictures.save_comparison(tmp_path / "c.png", x, np.zeros((5, 8, 8, 1)), train, **ORIGIN)
    assert [panel.shape[0] for panel in drawn] == [3, 3, 3]
    np.testing.assert_array_equal(drawn[2], train[[1, 0, 1]])
    assert (tmp_path / "c.png").stat().st_size > 0


def test_a_comparison_takes_memory_of_few_training_sets(tmp_path):
    """49 samples beside 60,000 images of 32 pixels took 12 GB as all pairs."""
    train = np.random.default_rng(0).uniform(-1, 1, (4000, 32, 32, 1)).astype(np.float32)
    tracemalloc.start()
    pictures.save_comparison(tmp_path / "c.png", train[:49] * 0.9, train[:49], train, **ORIGIN)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * train.nbytes


def test_animation(tmp_path):
    frames = [np.full((8, 6, 1), value, np.uint8) for value in (0, 100, 200)]
    pictures.save_animation(tmp_path / "a" / "walk.gif", frames, seconds=0.2, **ORIGIN)
    with Image.open(tmp_path / "a" / "walk.gif") as image:
        assert (image.n_frames, image.size) == (3, (6, 8))
        assert image.info["duration"] == 200
        assert image.info["loop"] == 0
        image.seek(2)
        assert np.asarray(image.convert("L"))[0, 0] == 200


def test_panels_in_columns(tmp_path, monkeypatch):
    drawn = []
    grid = pictures.image_grid
    monkeypatch.setattr(
        "ganjax.pictures.panels.image_grid",
        lambda x, **options: drawn.append(grid(x, **options)) or drawn[-1],
    )
    pictures.save_panels(tmp_path / "p.png", {"one": np.zeros((6, 8, 8, 1))}, columns=2, **ORIGIN)
    assert drawn[0].shape == (3 * 51 + 3, 2 * 51 + 3, 1)


def test_marks_set_the_limits_of_points(tmp_path):
    """A point far off is not drawn, and the panel is not stretched by it."""
    points, marks = np.zeros((1, 2)), np.array([[1.0, 0.0], [-1.0, 0.0]])
    drawn = []
    for name, x in (("near", points), ("far", np.concatenate([points, [[50.0, 50.0]]]))):
        pictures.save_panels(tmp_path / f"{name}.png", {"one": x}, marks=marks, **ORIGIN)
        with Image.open(tmp_path / f"{name}.png") as image:
            drawn.append(np.asarray(image))
    np.testing.assert_array_equal(*drawn)
    pictures.save_panels(tmp_path / "bare.png", {"one": np.concatenate([points, marks])}, **ORIGIN)
    with Image.open(tmp_path / "bare.png") as image:
        assert (np.asarray(image) != drawn[0]).any()


def test_curves(tmp_path):
    rows = [
        {"step": s, "loss/gen": 1.0, "loss/disc": 2.0, "grad_norm/gen": 0.0, "accuracy/disc": 0.5}
        for s in (1, 2)
    ]
    pictures.save_curves(tmp_path / "curves.png", rows, "title", **ORIGIN)
    pictures.save_curves(tmp_path / "empty.png", [], "title", **ORIGIN)
    assert (tmp_path / "curves.png").stat().st_size > (tmp_path / "empty.png").stat().st_size > 0


def test_portraits(tmp_path):
    """One panel a trajectory, also where a row is not full."""
    points = np.random.default_rng(0).standard_normal((50, 2))
    grid = np.linspace(-1, 1, 5)
    u, v = np.meshgrid(grid, grid)  # 0 in the middle: an arrow of no direction
    panels = {"one": points, "two": -points, "three": 2 * points}
    pictures.save_portraits(
        tmp_path / "portraits.png", (grid, grid, u, v), panels, columns=2, **ORIGIN
    )
    with Image.open(tmp_path / "portraits.png") as image:
        assert (np.asarray(image.convert("L"))[image.height // 2 :, : image.width // 2] < 200).any()
        assert np.asarray(image.convert("L"))[-80:-20, -80:-20].min() == 255


def test_titles_of_rows_and_columns(tmp_path, monkeypatch):
    """Each row's title is level with its images, left of the first panel alone."""
    drawn = []
    monkeypatch.setattr(
        "ganjax.pictures.panels.save_figure", lambda path, figure, **_: drawn.append(figure)
    )
    panels = {"one": np.zeros((6, 8, 8, 1)), "two": np.zeros((6, 8, 8, 1))}
    titles = dict(row_titles=["a", "b", "c"], column_titles=["x", "y"])
    assert pictures.save_panels(tmp_path / "p.png", panels, columns=2, **titles, **ORIGIN)
    first, second = drawn[0].axes
    texts = [[text.get_text() for text in axes.get_yticklabels()] for axes in (first, second)]
    assert texts == [["a", "b", "c"], []]
    np.testing.assert_allclose(first.get_yticks(), [26, 78, 130])  # 156 pixels in three rows
    assert [text.get_text() for text in second.get_xticklabels()] == ["x", "y"]
    monkeypatch.undo()
    pictures.save_panels(tmp_path / "p.png", panels, columns=2, **titles, **ORIGIN)
    assert (tmp_path / "p.png").stat().st_size > 1000
    with pytest.raises(ValueError, match="row_titles has 2 entries, and the grid needs 3"):
        pictures.save_panels(tmp_path / "p.png", panels, columns=2, row_titles=["a", "b"], **ORIGIN)
    with pytest.raises(ValueError, match="column_titles has 4 entries, and the grid needs 2"):
        pictures.save_panels(tmp_path / "p.png", panels, columns=2, column_titles="abcd", **ORIGIN)
    with pytest.raises(ValueError, match="panels of points have no rows"):
        pictures.save_panels(
            tmp_path / "p.png", {"p": np.zeros((4, 2))}, row_titles=["a"], **ORIGIN
        )
