"""Published claims replayed: verdicts, what is kept, the page, and the claims themselves."""

import itertools
import json
import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from marks import marked, telling

from ganjax import config_files

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
import claims  # noqa: E402 - beside its script
from claims import page, quadratics, running, tuning  # noqa: E402
from claims.result import (  # noqa: E402
    DIFFERS,
    FAILS,
    HOLDS,
    Number,
    Panel,
    Result,
    as_json,
    kept,
    of_one_study,
)

sys.path.remove(str(ROOT / "scripts"))

PANEL = Panel({"a": ([1, 2], [0.5, 0.25])}, "step", "score", "y")


def result(*numbers, conclusion=True):
    return Result(numbers, conclusion, PANEL)


# The others take a minute or more each.
TELLING = ("dirac", "finite_tau", "ridge", "simplex", "time_averages", "weak_minty")


@pytest.mark.parametrize(
    "name", marked(claims.NAMES, default=["anchoring", "tiada"], telling=TELLING)
)
def test_a_claim_is_replayed(name):
    """Alex-GDA's in test_the_first_row_of_alex_gda: its table takes ten minutes."""
    if name == "alex_gda":
        pytest.skip("make claims plays the whole table")
    with jax.enable_x64(True):
        outcome = running.module(name).replay()
    assert outcome.conclusion == (name != "relativistic")  # R1 alone does as well there
    differing = {number.name for number in outcome.numbers if not number.holds}
    if name == "relativistic":
        assert "relativistic r1 r2: modes" in differing
    elif name == "packing":  # shortened: its sharpness is far from the paper's
        assert {"packs of 1: high quality, %"} <= differing <= {n.name for n in outcome.numbers}
    else:
        assert differing == ({"optimistic / alternating"} if name == "time_averages" else set())
    assert outcome.numbers


@pytest.mark.parametrize(
    "scheme", marked(["Sim", "Alt", "EG", "OGD", "AltOGD", "Alex"], ["Alt", "EG"])
)
def test_the_first_row_of_alex_gda(scheme):
    setting, printed = next(iter(running.module("alex_gda").TABLE.items()))
    grids = quadratics.grids(*setting[:4])
    mean, std = np.reshape(printed.split(), (-1, 2)).astype(float)[list(grids).index(scheme)]
    with jax.enable_x64(True):
        games = quadratics.instances(*setting[:4])
        counts = quadratics.fewest(grids[scheme], games, setting[-1])
    assert abs(counts.mean() - mean) <= 0.05
    assert abs(counts.std(ddof=1) - std) <= 0.05


def test_the_grids_are_as_large_as_published():
    sizes = {
        name: grid.settings.size // grid.settings.shape[-1]
        for name, grid in quadratics.grids(0.1, 0.1, 1, 1).items()
    }
    assert sizes == {"Sim": 15, "Alt": 15, "EG": 225, "OGD": 210, "AltOGD": 210, "Alex": 10_125}


def test_a_verdict_is_that_of_the_numbers_and_the_conclusion():
    good, bad = Number("a", 1.0, 1.004, None, 0.005), Number("b", 1.0, 1.006, None, 0.005)
    within, beside = (Number("c", 1.0, 1.1, ends, None) for ends in ((0.9, 1.3), (1.05, 1.15)))
    unprinted = Number("d", math.nan, 2.0)
    assert [n.holds for n in (good, bad, within, beside, unprinted)] == [
        True,
        False,
        True,
        False,
        True,
    ]
    assert result(good, within).verdict == HOLDS
    assert result(good, bad).verdict == DIFFERS
    assert result(good, conclusion=False).verdict == FAILS


def test_the_interval_of_another_study_holds_it():
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(2000):
        *studies, other = rng.normal(size=9)
        held += of_one_study("mean", other, studies, "").holds
    assert 0.93 < held / 2000 < 0.97


@pytest.mark.parametrize("trials", [1, 3, 5])
def test_the_best_of_a_few_is_the_mean_over_all_draws(trials):
    scores = np.random.default_rng(0).normal(size=(2, 5))
    expected = [
        np.mean([min(draw) for draw in itertools.combinations(row, trials)]) for row in scores
    ]
    np.testing.assert_allclose(tuning.best_of(scores, trials), expected)


def test_what_is_kept_comes_back_for_its_key_alone(tmp_path):
    path = tmp_path / "a.json"
    assert kept(path, "key") is None
    whole = Result(
        (Number("a", 1.0, 2.0, (1.5, 2.5), None, "source"), Number("b", math.nan, 2.0)),
        True,
        PANEL,
        "Alt in 1",
        PANEL,
    )
    path.write_text(json.dumps({"key": "key", **as_json(whole)}))
    back = kept(path, "key")
    assert as_json(back) == as_json(whole)
    assert back.verdict == whole.verdict
    assert kept(path, "another") is None
    for damage in ("{", "[]", '{"key": "key"}'):
        path.write_text(damage)
        assert kept(path, "key") is None


def test_a_change_of_shared_code_or_of_a_config_is_another_key(tmp_path, monkeypatch):
    here, configs = tmp_path / "claims", tmp_path / "configs"
    shutil.copytree(ROOT / "scripts" / "claims", here)
    shutil.copytree(ROOT / "configs", configs)
    monkeypatch.setattr(running, "__file__", str(here / "running.py"))
    monkeypatch.setattr(config_files, "SHIPPED", configs)

    def changed(path, name=None):
        before = running.digest(name)
        path.write_text(path.read_text() + "# changed\n")
        return running.digest(name) != before

    for shared in ("quadratics", "training", "tuning", "playing"):
        assert changed(here / f"{shared}.py")
    assert not changed(here / "page.py")
    assert not changed(here / "anchoring.py", "ridge")
    assert changed(here / "anchoring.py", "anchoring")
    assert changed(configs / "ring8_packed.py", "packing")


def reproduce(*arguments):
    return subprocess.run(
        [sys.executable, ROOT / "scripts" / "reproduce.py", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "XLA_FLAGS": ""},
        capture_output=True,
        encoding="utf-8",
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give --all, or --claim"),
        (("--claim=alex",), "alex_gda"),
        (("--all", "--tuning=0"), "tuning"),
    ],
)
def test_a_wrong_call_is_one_line(arguments, message):
    done = reproduce(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


@telling
def test_the_script_resumes_and_its_page_is_one_file(tmp_path):
    arguments = ("--claim=anchoring", "--out", tmp_path / "out", "--json", tmp_path / "a.json")
    first, again = reproduce(*arguments), reproduce(*arguments, "--lang=ko")
    assert (first.returncode, again.returncode) == (0, 0), first.stderr + again.stderr
    assert "replayed anchoring" in first.stderr
    assert "replayed" not in again.stderr
    found = json.loads((tmp_path / "a.json").read_text())["claims"]["anchoring"]
    assert found["verdict"] == HOLDS
    assert {"published", "ours", "interval", "source"} <= found["numbers"][0].keys()
    for name in ("claims.html", "claims_ko.html"):
        text = (tmp_path / "out" / name).read_text()
        assert not re.search(r'(src|href)="(?!#|data:)', text)
        assert "<svg" in text
    assert running.module("anchoring").TITLE["ko"] in text


@pytest.mark.parametrize("name", claims.NAMES)
def test_a_claim_is_short_and_says_its_source(name):
    module = running.module(name)
    assert set(module.TITLE) == set(page.WORDS)
    assert module.SOURCE
    assert len(Path(module.__file__).read_text().splitlines()) <= 60
