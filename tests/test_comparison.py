"""A comparison's config: what it stands for, and what it refuses."""

import pytest

from ganjax.comparison import resolve
from ganjax.errors import ConfigError

BASE = {
    "seed": 3,
    "steps": 7,
    "batch_size": 8,
    "game": {"name": "bilinear"},
    "scheme": {"name": "alternating", "disc_updates": 2},
    "gen_tx": {"name": "sgd", "learning_rate": 0.1},
    "disc_tx": {"name": "sgd", "learning_rate": 0.1},
}
ASKED = {
    "question": "Which?",
    "base": "base",
    "score": "distance",
    "cells": {"a": {}, "b": {"scheme": {"name": "simultaneous"}}},
}


def resolved(**changes):
    return resolve({**ASKED, **changes}, lambda name: {"base": BASE}[name])


def test_cells_are_whole_configs():
    """An override with a name replaces, one without is merged; steps and seed are not theirs."""
    found = resolved(
        shared={"batch_size": 16},
        cells={
            "a": {},
            "b": {"scheme": {"name": "simultaneous"}},
            "c": {"gen_tx": {"learning_rate": 0.3}},
        },
        seeds=3,
        seed=5,
    )
    assert list(found.cells) == ["a", "b", "c"]
    assert all(cell["batch_size"] == 16 for cell in found.cells.values())
    assert found.cells["a"]["scheme"] == BASE["scheme"]
    assert found.cells["b"]["scheme"] == {"name": "simultaneous"}
    assert found.cells["c"]["gen_tx"] == {"name": "sgd", "learning_rate": 0.3}
    assert found.cells["c"]["disc_tx"] == BASE["disc_tx"]
    assert found.seeds == (5, 6, 7)
    assert found.baseline == "a"
    assert found.budget == ("steps", 1000)


def test_a_product_is_every_combination():
    product = {
        "scheme": {"sim": {"scheme": {"name": "simultaneous"}}, "alt": {}},
        "rate": {"slow": {"gen_tx": {"learning_rate": 0.01}}, "fast": {}},
    }
    found = resolved(cells={}, product=product)
    assert list(found.cells) == ["sim-slow", "sim-fast", "alt-slow", "alt-fast"]
    assert found.cells["sim-slow"]["scheme"] == {"name": "simultaneous"}
    assert found.cells["sim-slow"]["gen_tx"]["learning_rate"] == 0.01


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sedes": 3}, "Did you mean 'seeds'"),
        ({"question": ""}, "has no 'question'"),
        ({"score": ""}, "has no 'score'"),
        ({"cells": {}}, "has no cells"),
        ({"product": {"x": {"y": {}}}}, "cells or a product, not both"),
        ({"cells": {}, "product": {"x": {}}}, r"product.x=\{\} must be"),
        ({"cells": {"a b": {}}}, "letters, digits"),
        ({"cells": {"a": {"steps": 3}}}, "sets 'steps', which the comparison decides"),
        ({"cells": {"a": {"shceme": {}}}}, "Did you mean 'scheme'"),
        ({"cells": {"a": {"batch_size": 0}}}, "in cell 'a': batch_size=0"),
        ({"shared": {"seed": 1}}, "shared sets 'seed'"),
        ({"baseline": "c"}, "unknown baseline 'c'"),
        ({"goal": "low"}, "goal='low' must be"),
        ({"bound": "low"}, "bound='low' must be"),
        ({"seeds": 0}, "seeds=0 must be"),
        ({"looks": 2.5}, "looks=2.5 must be"),
        ({"budget": {"steps": 3, "seconds": 1}}, "must have one of"),
        ({"budget": {"days": 3}}, "unknown unit of a budget 'days'"),
        ({"budget": {"steps": 2.5}}, "must be a whole number greater than 0"),
        ({"budget": {"seconds": -1.0}}, "greater than 0"),
        ({"search": {"gen_tx.learning_rate": (1, 2)}}, "must be .smallest, largest"),
        ({"search": {"gen_tx.learning_rate": (0.0, 1.0, "log")}}, "begins above 0"),
    ],
)
def test_mistakes_are_refused_with_what_to_do(changes, message):
    with pytest.raises(ConfigError, match=message):
        resolved(**changes)


def test_stages_are_refused():
    stages = {"one": {"until": 3}}
    with pytest.raises(ConfigError, match="has stages"):
        resolve(ASKED, lambda name: {**BASE, "stages": stages})
