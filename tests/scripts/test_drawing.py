"""The pictures of benchmarks show their rows."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
BENCHMARKS = ROOT / "scripts" / "benchmarks"


@pytest.fixture(scope="module")
def drawing():
    spec = importlib.util.spec_from_file_location("drawing", BENCHMARKS / "drawing.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def drawn(drawing, monkeypatch):
    """Figures instead of files."""
    figures = []
    monkeypatch.setattr(drawing, "save", lambda figure, path, *_: figures.append(figure))
    return figures


def test_point_panels(drawing, tmp_path):
    points = np.random.default_rng(0).standard_normal((50, 2))
    drawing.point_panels(
        tmp_path / "panels.png",
        {"a": [points, points], "b": [points, 2 * points]},
        ["first", "last"],
        marks=np.array([[1.0, 0.0], [0.0, 1.0]]),
        curves={label: (np.arange(3), np.ones((3, 4))) for label in "ab"},
        curve_title="curves",
    )
    assert (tmp_path / "panels.png").stat().st_size > 10_000


def test_scaling_has_one_line_a_label_and_a_colour_a_chip(drawing, drawn):
    curve = {"chips": [1, 8], "rate": [2.0, 8.0], "efficiency": [1.0, 0.5]}
    panels = {"one": ("a second", {"A, all": curve, "B, all": curve, "A, each": curve})}
    drawing.scaling(None, panels | {"two": ("b", {"B, each": curve})})
    (figure,) = drawn
    above, below = figure.axes[0], figure.axes[2]
    styles = [(line.get_color(), line.get_linestyle()) for line in above.lines if line.zorder]
    assert styles == [("C0", "-"), ("C1", "-"), ("C0", "--")]
    assert [line.get_color() for line in figure.axes[3].lines[:1]] == ["C1"]
    np.testing.assert_array_equal(below.lines[0].get_ydata(), curve["efficiency"])
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["A, all", "in proportion", "B, all", "A, each", "a half", "B, each"]


def test_laws_have_titles(drawing, drawn):
    series = {"MLP": (([1, 2], [3.0, 4.0]), ([1, 2], [3.0, 4.0]))}
    drawing.laws(None, {"Batch: time": ("examples", "ms", series)})
    (axes,) = drawn[0].axes
    assert axes.get_title() == "Batch: time"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("examples", "ms")


def test_intervals_are_those_of_the_results(drawing, drawn):
    """One line a row between its ends, from the left edge where an interval begins at 0."""
    found = json.loads((ROOT / "docs" / "results" / "comparing.json").read_text(encoding="utf-8"))
    rows = [("R1", 0.0017, 0.001, 0.0031, 0.0078), ("unrolled", 0.1192, 0.0, 0.855, None)]
    assert [0.001, 0.0031] in [row[2] for row in found["tables"][0]["rows"]]
    drawing.intervals(None, rows, "reverse KL")
    (axes,) = drawn[0].axes
    lines = [line.get_xdata() for line in axes.lines if len(line.get_xdata()) == 2]
    np.testing.assert_allclose(lines, [[0.001, 0.0031], [0.0005, 0.855]])
    assert [text.get_text() for text in axes.texts] == ["p = 0.0078", "baseline"]
