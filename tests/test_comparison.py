"""A comparison's config: what it stands for, and what it refuses."""

import examples
import ml_collections
import pytest

from ganjax.comparison import resolve
from ganjax.errors import ConfigError
from ganjax.nested import changes

BASE = {**examples.BILINEAR, "seed": 3, "steps": 7, "batch_size": 8}
BASE["scheme"] = {"name": "alternating", "disc_updates": 2}
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
    assert found.factors["alt-slow"] == {"scheme": "alt", "rate": "slow"}
    assert list(found.factors) == list(found.cells)
    assert resolved().factors == {}


WITH_R1 = {
    **BASE,
    "average": {"name": "ema", "decay": 0.9},
    "penalties": {"r1": {"name": "r1", "gamma": 1.0}},
}
R1 = {"penalties.r1.gamma": (1.0, "(absent)"), "penalties.r1.name": ("r1", "(absent)")}


def cells_of(**asked):
    found = resolve({**ASKED, "cells": {}, **asked}, lambda name: WITH_R1)
    return {name: changes(found.base, cell) for name, cell in found.cells.items()}


@pytest.mark.parametrize("kind", [dict, ml_collections.ConfigDict, ml_collections.FrozenConfigDict])
@pytest.mark.parametrize("nothing", [None, {}, {"r1": None}])
def test_a_cell_takes_a_part_of_the_base_away(nothing, kind):
    cells = {"with": {}, "without": {"penalties": nothing}}
    found = resolve(kind({**ASKED, "cells": cells}), lambda name: kind(WITH_R1))
    assert found.cells["with"]["penalties"] == WITH_R1["penalties"]
    assert "penalties" not in found.cells["without"]
    assert {name: changes(found.base, cell) for name, cell in found.cells.items()} == {
        "with": {},
        "without": R1,
    }


def test_shared_and_the_levels_of_a_product_take_away():
    reference = {"with": {}, "without": {"penalties": {"r1": None}}}
    assert cells_of(cells=reference, shared={"average": None}) == {"with": {}, "without": R1}
    average = {"averaged": {}, "live": {"average": None}}
    found = cells_of(product={"penalty": reference, "average": average})
    assert list(found) == ["with-averaged", "with-live", "without-averaged", "without-live"]
    assert found["without-live"] == {**found["with-live"], **R1}
    # A later level puts something in the place of what an earlier one took away.
    found = cells_of(
        product={
            "a": {"none": {"penalties": {}}},
            "b": {"r2": {"penalties": {"r2": {"name": "r2"}}}},
        }
    )
    assert found == {"none-r2": {**R1, "penalties.r2.name": ("(absent)", "r2")}}


def test_a_difference_is_from_the_resolved_base():
    """A setting that a cell gives its default is none."""
    found = cells_of(cells={"a": {}, "b": {"accumulate": 1, "average": {"decay": 0.5}}})
    assert found == {"a": {}, "b": {"average.decay": (0.9, 0.5)}}


@pytest.mark.parametrize(
    ("one", "other", "but"),
    [
        ({}, {}, ""),
        ({"average": None}, {"average": {}}, ""),
        ({}, {"accumulate": 1}, ""),
        ({}, {"gen_tx": {"learning_rate": 0.1}}, ""),
        ({"gen_tx": {"learning_rate": 1}}, {"gen_tx": {"learning_rate": 1.0}}, ""),
        ({}, {"sample_count": 9}, " but for sample_count, which changes no score"),
        (
            {},
            {"penalties": {"r1": None, "other": WITH_R1["penalties"]["r1"]}},
            " but for penalties",
        ),
        ({"average": None}, {"average": {"name": "none"}}, " but for average.name"),
        ({}, {"monitor": {"name": "nash"}}, " but for monitor.name"),
    ],
)
def test_two_cells_that_are_the_same_experiment_are_refused(one, other, but):
    message = f"cells 'a' and 'c' are the same experiment: their resolved configs are equal{but}"
    with pytest.raises(ConfigError, match=message):
        cells_of(cells={"a": one, "b": {"batch_size": 4}, "c": other})


def test_a_base_with_stages_may_lose_them():
    asked = {**ASKED, "shared": {"stages": None}}
    found = resolve(asked, lambda name: {**BASE, "stages": {"one": {"until": 3}}})
    assert found.cells == resolved().cells


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cells": {"a": {"game": None}}}, "in cell 'a': config has no section 'game'"),
        ({"cells": {"a": {"scheme": {}}}}, "in cell 'a': config has no section 'scheme'"),
        ({"shared": {"penalties": {"r1": None}}}, "in shared: penalties.r1=None removes"),
        ({"cells": {"a": {"gen_tx": {"b1": None}}}}, "in cell 'a': gen_tx.b1=None removes"),
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
        ({"search": {"gen_tx.learning_rate": ("a", "b", "log")}}, "two rising numbers"),
        ({"search": {"gen_tx.learning_rate": (1.0, "2", "log")}}, "two rising numbers"),
        ({"search": {"gen_tx.learning_rate": (1.0, float("inf"), "log")}}, "two rising numbers"),
        ({"search": {"gen_tx": {"learning_rate": 0.1}}}, "search.gen_tx.learning_rate=0.1 must be"),
        ({"search": {"gen_tx": {}}}, r"search.gen_tx=\{\} must be"),
        ({"search": {"penalties.r1.gamma": (0.1, 1.0, "log")}}, "nowhere in cell 'a': it has no"),
        (
            {"search": {"gen_tx.learning_rate.value": (0.1, 1.0, "log")}},
            "leads nowhere in cell 'a'",
        ),
        ({"search": {"gentx": (0.1, 1.0, "log")}}, "search.gentx leads to no number .* 'gen_tx'"),
        ({"search": {"gen_tx": (0.1, 1.0, "log")}}, "search.gen_tx leads to no number in cell 'a'"),
        ({"search": {"batch_size": (8, 64, "log")}}, "to no number in cell 'a': batch_size=8.0"),
    ],
)
def test_mistakes_are_refused_with_what_to_do(changes, message):
    with pytest.raises(ConfigError, match=message):
        resolved(**changes)


def test_a_search_is_of_sections_or_of_paths():
    path, range_of = "gen_tx.learning_rate", (1e-4, 1e-2, "log")
    nested = {"gen_tx": {"learning_rate": list(range_of)}}
    assert resolved(search=nested).search == resolved(search={path: range_of}).search
    assert resolved(search=nested).search == {path: range_of}


def test_stages_are_refused():
    stages = {"one": {"until": 3}}
    with pytest.raises(ConfigError, match="has stages"):
        resolve(ASKED, lambda name: {**BASE, "stages": stages})
