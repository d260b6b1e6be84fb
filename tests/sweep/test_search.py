"""Draws from ranges, alike for every cell; halving keeps the best and ends with the budget."""

import itertools

import examples
import numpy as np
import pytest
from marks import telling

from ganjax import comparison, sweep
from ganjax.errors import ConfigError

TOY = {**examples.BILINEAR, "scheme": {"name": "extragradient"}}
ASKED = {
    "question": "Which rate?",
    "base": "toy",
    "score": "distance",
    "cells": {"extragradient": {}, "simultaneous": {"scheme": {"name": "simultaneous"}}},
    "seeds": 1,
    "budget": {"steps": 90},
    "looks": 1,
    "search": {
        "gen_tx.learning_rate": (1e-3, 1.0, "log"),
        "disc_tx.learning_rate": (0.1, 0.2, "linear"),
    },
    "trials": 9,
}


def resolved(**changes):
    return comparison.resolve({**ASKED, **changes}, lambda name: TOY)


def test_draws_are_alike_for_every_cell_and_one_program_each():
    found = sweep.drawn(resolved())
    assert list(found.cells)[:2] == ["extragradient.0", "extragradient.1"]
    assert found.baseline == "extragradient.0"
    rates = {
        cell: [found.cells[f"{cell}.{i}"]["gen_tx"]["learning_rate"] for i in range(9)]
        for cell in ASKED["cells"]
    }
    assert rates["extragradient"] == rates["simultaneous"]
    assert len(set(rates["extragradient"])) == 9
    assert all(1e-3 <= rate <= 1 for rate in rates["extragradient"])
    assert sweep.drawn(resolved()) == found
    assert [len(program.cells) for program in sweep.programs(found.cells)] == [9, 9]


def test_draws_of_a_log_range_are_uniform_in_the_logarithm():
    found = sweep.drawn(resolved(cells={"only": {}}, trials=400))
    rates = [cell["gen_tx"]["learning_rate"] for cell in found.cells.values()]
    shares = np.histogram(np.log10(rates), bins=3, range=(-3, 0))[0] / 400
    assert (np.abs(shares - 1 / 3) < 0.1).all()


@telling
def test_halving_keeps_the_best_third_of_every_cell(tmp_path):
    folders = sweep.halve(resolved(), tmp_path, "vmap")
    results = [sweep.read(folder) for folder in folders]
    assert [len(found) for found in results] == [18, 6, 2]
    assert [next(iter(found.values()))["step"][-1] for found in results] == [10, 30, 90]
    for before, after in itertools.pairwise(results):
        last = {name: found["scores"]["distance"][-1][0] for name, found in before.items()}
        for cell in ASKED["cells"]:
            kept = [last[name] for name in after if name.startswith(cell)]
            gone = [last[n] for n in last if n.startswith(cell) and n not in after]
            assert max(kept) <= min(gone)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"search": {}}, "has no ranges to search"),
        (
            {"cells": {"slow": {}, "fast": {"gen_tx": {"learning_rate": 0.5}}}},
            "cells 'slow.0' and 'fast.0' are the same experiment",
        ),
        ({"search": {"penalties.r1.gamma": (0.1, 1.0, "log")}}, "leads nowhere in cell"),
        ({"budget": {"steps": 8}}, "3 rungs of 9 trials"),
    ],
)
def test_mistakes_are_refused(changes, message, tmp_path):
    with pytest.raises(ConfigError, match=message):
        sweep.halve(resolved(**changes), tmp_path)
