"""Figures of a product, from numbers written by hand."""

import re

import numpy as np
import pytest

from ganjax.html import COLOURS
from ganjax.report import factors, figures

CELLS = {
    f"{rate}-{scheme}": {"gen_rate": rate, "scheme": scheme}
    for rate in ("slow", "fast")
    for scheme in ("sim", "alt", "extra")
}
SCORES = {cell: np.array([1.0, 2.0, 3.0]) + 10 * at for at, cell in enumerate(CELLS)}
SCORES["fast-sim"] = np.array([np.nan] * 3)  # all of its runs diverged
SCORES["fast-extra"] = np.array([50.0, np.nan, 54.0])


def test_main_effects_are_means_over_the_cells_of_a_level():
    found = factors.main_effects(SCORES, CELLS, "gen_rate", "distance")
    assert found["slow"][:2] == (3, 12.0)  # of seeds: 11, 12, 13
    assert found["fast"].n == 3
    assert found["fast"].mean == pytest.approx(np.mean([(41 + 50) / 2, 42, (43 + 54) / 2]))
    assert found["fast"].low < found["fast"].mean < found["fast"].high
    alone = {"fast-sim": CELLS["fast-sim"]}
    assert np.isnan(factors.main_effects(SCORES, alone, "scheme", "distance")["sim"].mean)


def test_a_heat_map_has_the_means_of_its_cells():
    """In text and for those who do not see it; rows are the factor with more levels."""
    comparison = {"factors": CELLS}
    results = {
        cell: {"scores": {"distance": [list(map(float, row))]}, "seeds": [0, 1, 2]}
        for cell, row in SCORES.items()
    }
    page = factors.section(comparison, results, {"score": "distance", "goal": "min"})
    told = "Distance by Scheme and Gen rate; sim, slow: 2; sim, fast: diverged; alt, slow: 12"
    assert f"{told}; alt, fast: 42; extra, slow: 22; extra, fast: 52" in page
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", page)
    for text in ("2", "diverged", "12", "42", "22", "52"):
        assert text in texts
    assert "Gen rate slow: 12 (" in page
    assert factors.section({"factors": {}}, results, {}) == ""


@pytest.mark.parametrize(("goal", "bright"), [("min", 0), ("max", 1)])
def test_the_best_cell_of_a_heat_map_is_bright(goal, bright):
    means = np.array([[1.0, 2.0]])
    levels = {"rows": ("a", ["x"]), "columns": ("b", ["y", "z"])}
    figure = figures.heat_map(means, means.astype(str), **levels, title="", goal=goal)
    (mesh,) = figure.axes[0].collections
    assert mesh.to_rgba(mesh.get_array())[..., :3].sum(-1).argmax() == bright


def test_looks_of_a_product_are_a_colour_and_a_style_for_its_levels():
    looks = figures.looks(list(CELLS), CELLS)
    assert looks["slow-alt"] == (COLOURS[1], "-")
    assert looks["fast-alt"] == (COLOURS[1], "--")
    names = [f"cell {at}" for at in range(15)]
    looks = figures.looks(names, {})
    assert len(set(looks.values())) == 15
