"""A comparison in its folder: killed anywhere it does what is missing, and says the same."""

import json

import examples
import numpy as np
import pytest
from marks import telling

from ganjax import comparison, standings, statistics, sweep
from ganjax.errors import ConfigError, RunFolderError

ASKED = {
    "question": "Which scheme comes to rest?",
    "base": "toy",
    "score": "distance",
    "cells": {
        "alternating": {},
        "faster": {"gen_tx": {"learning_rate": 0.2}},
        "extragradient": {"scheme": {"name": "extragradient"}},
        "wild": {"gen_tx": {"learning_rate": 1e30}, "scheme": {"name": "simultaneous"}},
    },
    "seeds": 2,
    "bound": 1.0,
    "budget": {"steps": 200},
    "looks": 5,
}

RING = {**examples.SCORED, "penalties": {"r1": {"name": "r1", "gamma": 100.0}}}


def resolved(**changes):
    return comparison.resolve({**ASKED, **changes}, lambda name: examples.BILINEAR)


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    folder = tmp_path_factory.mktemp("comparison")
    sweep.run(resolved(), folder, "map")
    return folder


def files(folder):
    return {
        path.name: path.read_bytes()
        for path in sorted((folder / "cells").iterdir())
        if path.suffix == ".json"
    }


def test_results_agree_with_theory(played):
    """Extragradient shrinks by sqrt(1 - h^2 + h^4) a step; alternating play goes round."""
    found = sweep.read(played)
    assert list(found) == list(ASKED["cells"])
    assert found["extragradient"]["step"] == [0, 40, 80, 120, 160, 200]
    assert found["extragradient"]["evaluations"] == {
        player: [0, 80, 160, 240, 320, 400] for player in ("gen", "disc")
    }
    distances = np.array(found["extragradient"]["scores"]["distance"])
    rate = (1 - 0.1**2 + 0.1**4) ** 0.5
    expected = 2**0.5 * rate ** np.array(found["extragradient"]["step"])[:, None]
    np.testing.assert_allclose(distances, np.broadcast_to(expected, distances.shape), rtol=1e-4)
    assert abs(found["alternating"]["scores"]["distance"][-1][0] - 2**0.5) < 0.15
    assert found["alternating"]["way"].shape == (6, 2, 2)
    np.testing.assert_allclose(np.abs(found["alternating"]["eigenvalues"]), 1, rtol=1e-5)
    x, y = np.meshgrid(found["alternating"]["field_x"], found["alternating"]["field_y"])
    np.testing.assert_allclose(found["alternating"]["field"], np.stack([-y, x], -1), rtol=1e-5)
    assert 2**0.5 < x.max() < 2  # as far as the orbit goes


def test_divergence_is_a_result(played):
    wild = sweep.read(played)["wild"]
    assert wild["status"] == ["diverged", "diverged"]
    assert all(0 < step < 10 for step in wild["stopped_at"])
    assert wild["scores"]["distance"][-1] == [None, None]


def test_the_standings_are_of_the_last_look(played):
    table = standings.table(played)
    rows = {row["cell"]: row for row in table["rows"]}
    assert table["missing"] == []
    assert rows["extragradient"]["mean"] == pytest.approx(2**0.5 * 0.995037**200, rel=1e-3)
    assert rows["extragradient"]["difference"]["mean"] < -0.5
    assert rows["extragradient"]["wins"]["share"] == 1
    assert rows["extragradient"]["evaluations"] == 800
    assert rows["extragradient"]["converged"] == {"seeds": 2, "step": 80, "evaluations": 320}
    assert rows["extragradient"]["rate"]["rate"] == pytest.approx(0.995037, abs=1e-4)
    assert rows["extragradient"]["rate"]["radius"] == pytest.approx(0.995037, abs=1e-5)
    assert rows["alternating"]["difference"] is None
    assert rows["alternating"]["converged"]["step"] is None
    assert rows["wild"]["mean"] is None
    assert list(rows["wild"]["diverged"]) == [0, 1]
    assert table["best"] is None  # two seeds prove nothing
    text = standings.text(table, sweep.read(played))
    assert "seed 1 diverged at step" in text


def test_missing_cells_are_run_and_results_are_bitwise_equal(played, tmp_path):
    """Whatever a kill left: no cells, some of a program, a torn draft."""
    before, table = files(played), standings.table(played)
    sweep.run(resolved(), tmp_path, "map")
    assert files(tmp_path) == before
    kept = (tmp_path / "cells" / "alternating.json").stat().st_mtime_ns
    for name in ("faster", "wild"):
        (tmp_path / "cells" / f"{name}.json").unlink()
    (tmp_path / "cells" / ".faster.json.draft").write_text('{"torn')
    sweep.run(resolved(), tmp_path)  # as planned at first, whatever is asked now
    assert files(tmp_path) == before
    assert (tmp_path / "cells" / "alternating.json").stat().st_mtime_ns == kept
    assert standings.table(tmp_path) == table
    first, again = (sweep.read(folder)["faster"]["way"] for folder in (played, tmp_path))
    np.testing.assert_array_equal(first, again)


def test_cells_may_be_added_and_nothing_else_changed(played):
    before = files(played)
    cells = {**ASKED["cells"], "more": {"gen_tx": {"learning_rate": 0.05}}}
    asked = resolved(cells=cells, question="And slower?", bound=0.5)
    sweep.run(asked, played, "map")
    after = files(played)
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {"more.json"}
    assert standings.table(played)["bound"] == 0.5
    for changes in ({"seeds": 3}, {"budget": {"steps": 10}}, {"shared": {"batch_size": 3}}):
        with pytest.raises(RunFolderError, match="holds another comparison"):
            sweep.run(resolved(cells=cells, **changes), played)


def test_a_budget_of_gradients_gives_each_scheme_its_steps(tmp_path):
    asked = resolved(
        cells={name: ASKED["cells"][name] for name in ("alternating", "extragradient")},
        budget={"evaluations": 80},
        looks=2,
    )
    sweep.run(asked, tmp_path, "vmap")
    steps = {name: result["step"] for name, result in sweep.read(tmp_path).items()}
    assert steps == {"alternating": [0, 20, 40], "extragradient": [0, 10, 20]}


def test_a_program_beyond_memory_is_a_result(tmp_path, monkeypatch):
    monkeypatch.setattr("ganjax.sweep.plan.free_bytes", lambda: 1.0)
    asked = resolved(cells={"alternating": {}})
    sweep.run(asked, tmp_path)
    assert sweep.read(tmp_path)["alternating"]["status"] == ["out of memory"] * 2
    table = standings.table(tmp_path)
    assert table["rows"][0]["memory"]
    assert "out of memory" in standings.text(table, sweep.read(tmp_path))


def test_mistakes_are_reported(tmp_path, played):
    with pytest.raises(ConfigError, match="unknown score 'loss'"):
        sweep.run(resolved(score="loss"), tmp_path)
    with pytest.raises(ConfigError, match="unknown mapping 'pmap'"):
        sweep.run(resolved(), tmp_path, "pmap")
    with pytest.raises(RunFolderError, match=r"no comparison\.json"):
        sweep.read(tmp_path / "nowhere")


@telling
def test_a_cell_without_a_part_of_the_base_differs_from_one_with_it(tmp_path):
    """Called again, and by a folder made before bases were kept, nothing is played anew."""
    asked = {
        "question": "Does R1 matter?",
        "base": "ring",
        "score": "reverse_kl",
        "cells": {"with": {}, "without": {"penalties": {}}},
        "seeds": 1,
        "budget": {"steps": 4},
        "looks": 1,
    }
    asked = comparison.resolve(asked, lambda name: RING)
    sweep.run(asked, tmp_path, "map")
    found = sweep.read(tmp_path)
    assert found["with"]["metrics"]["loss/disc"] != found["without"]["metrics"]["loss/disc"]
    rows = {row["cell"]: row["changes"] for row in standings.table(tmp_path)["rows"]}
    assert rows["with"] == {}
    assert rows["without"]["penalties.r1.gamma"] == (100.0, "(absent)")
    before, path = files(tmp_path), tmp_path / "comparison.json"
    old = json.loads(path.read_text())
    old["overrides"] = {"with": {}, "without": {"penalties": {}}}
    del old["base"], old["factors"]
    path.write_text(json.dumps(old))
    assert standings.table(tmp_path)["rows"][0]["changes"] == {}
    sweep.run(asked, tmp_path, "map")
    assert files(tmp_path) == before
    assert json.loads(path.read_text())["base"] == sweep.described(tmp_path)["base"]


@telling
def test_power_is_reported_before_and_during_the_study(tmp_path, caplog):
    """Nine comparisons by four seeds cannot have p below 1, and say so; two by seven can."""
    rates = {f"rate_{i}": {"gen_tx": {"learning_rate": 0.1 + 0.01 * i}} for i in range(1, 10)}
    asked = resolved(cells={**rates, "base": {}}, baseline="base", seeds=4, looks=1)
    with caplog.at_level("INFO", "ganjax"):
        sweep.run(asked._replace(budget=("steps", 1)), tmp_path / "few", "map")
    limits = (
        "cannot conclude: 9 comparisons against base with 4 seeds: the smallest adjusted p (sign "
        "flips, Holm) is 1.0000; at least 9 seeds are needed for 0.05"
    )
    assert caplog.messages[0] == limits
    table = standings.table(tmp_path / "few")
    assert table["power"]["fewest_seeds"] == 9
    assert f"C{limits[1:]}." in standings.text(table, sweep.read(tmp_path / "few"))
    # The baseline is played first, wherever it stands; then the first cell's spread is told.
    noisy = {"x": {"batch_size": 16}, "y": {"batch_size": 4}, "base": {}}
    asked = comparison.resolve(
        {
            "question": "Does the batch matter?",
            "base": "ring",
            "score": "reverse_kl",
            "cells": noisy,
            "baseline": "base",
            "seeds": 7,
            "budget": {"steps": 2},
            "looks": 1,
        },
        lambda name: RING,
    )
    caplog.clear()
    with caplog.at_level("INFO", "ganjax"):
        sweep.run(asked, tmp_path / "seven", "map")
    told = [message for message in caplog.messages if "seeds" in message]
    assert told[0].startswith("2 comparisons against base with 7 seeds: the smallest adjusted p")
    assert told[1:3] == ["base: 7 seeds", "x: 7 seeds"]
    found = sweep.read(tmp_path / "seven")
    last = {name: np.array(result["scores"]["reverse_kl"][-1]) for name, result in found.items()}
    expected = {
        name: statistics.detectable_difference((last[name] - last["base"]).std(ddof=1), 7, 2)
        for name in ("x", "y")
    }
    assert told[3] == (
        f"a difference in reverse_kl of {expected['x']:.3g} is detected with power 80%, from the "
        "spread of x over 7 seeds"
    )
    kept = json.loads((tmp_path / "seven" / "power.json").read_text())
    assert kept["detectable"] == pytest.approx({"x": expected["x"]})
    table = standings.table(tmp_path / "seven")
    assert table["power"]["detectable"] == pytest.approx(expected)
    text = standings.text(table, found)
    assert table["best"] is None
    low, high = sorted(expected.values())
    assert (
        "Cannot conclude whether x, y differ from base: a difference in reverse_kl of "
        f"{low:.3g} to {high:.3g} is detected with power 80%, from the spread of x, y"
    ) in text


def test_cells_with_equal_results_are_reported(tmp_path):
    """Configs that differ in an argument given its default alone."""
    default = {"scheme": {"disc_updates": 1}}
    wild = {"gen_tx": {"learning_rate": 1e30}, "scheme": {"name": "simultaneous"}}
    cells = {"a": {}, "b": default, "c": {"gen_tx": {"learning_rate": 0.2}}}
    cells |= {"d": wild, "e": {**wild, "gen_tx": {"learning_rate": 2e30}}}
    sweep.run(resolved(cells=cells, looks=1), tmp_path, "map")
    table = standings.table(tmp_path)
    assert table["same"] == [("a", "b")]
    same = "a and b have the same scores in every seed at every evaluation"
    assert same in standings.conclusion(table)
