"""The tour: its claims hold, and its pages say the same in both languages, from one file."""

import json
import math
import os
import re
import string
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from marks import telling

from ganjax.cli import read_config

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
import tour  # noqa: E402 - beside its script
from tour import CLOSED_FORMS, TRAINED, figures  # noqa: E402
from tour.claim import AT_LEAST, AT_MOST  # noqa: E402
from tour.page import TEXTS  # noqa: E402

sys.path.remove(str(ROOT / "scripts"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the closed forms are kept."""
    folder = tmp_path_factory.mktemp("tour")
    list(tour.computed(CLOSED_FORMS, read_config, folder, "code"))
    return folder


@pytest.fixture(scope="module")
def claims(folder):
    def refused(name):
        raise AssertionError(f"{name} was asked for, but nothing is to be computed")

    return list(tour.computed(CLOSED_FORMS, refused, folder, "code"))


def made_up(names):
    """Claims of trained networks as they look, with numbers of no meaning."""
    centres = np.array([[1.0, 0.0], [-1.0, 0.0]])
    rng = np.random.default_rng(0)
    looks = np.arange(3)
    arrays = {"steps": looks, "centres": centres}
    for cell in ("plain", "unrolled", "packed", "penalised"):
        arrays |= {f"samples_{cell}": rng.normal(size=(9, 2)), f"kl_{cell}": rng.random((3, 2))}
    arrays |= {"x": looks, "data": looks}
    for name in ("kl", "pearson", "jensen_shannon", "reverse_kl"):
        arrays |= {f"best_{name}": looks, f"reached_{name}": looks}
    arrays |= {"walks": np.zeros((54, 8, 8, 1)), "sums": np.zeros((32, 8, 8, 1))}
    arrays |= {"jumps_generated": looks, "jumps_copied": looks}
    for name in ("real", "generated", "picked", "tuned", "collapsed"):
        arrays[name] = np.zeros((30, 8, 8, 1))
    result = []
    for name in names:
        text = TEXTS["en"]["claims"][name]
        checks = tuple(tour.Check(check, 0.0, 0.0) for check in text["checks"])
        facts = {fact: 3 for fact in placeholders(text)}
        result.append(tour.Claim(name, checks, facts, arrays))
    return result


def placeholders(text):
    pieces = (string.Formatter().parse(text[key]) for key in ("claim", "method"))
    return {field for found in pieces for _, field, _, _ in found if field}


def strings(tree):
    for value in tree.values():
        yield from strings(value) if isinstance(value, dict) else [value]


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_a_claim_in_closed_form_holds(name, claims):
    claim = next(claim for claim in claims if claim.name == name)
    assert [check for check in claim.checks if not check.holds] == []
    assert len(claim.checks) >= 4


def test_a_number_is_judged_by_its_relation():
    def holds(*numbers):
        return tour.Check("a", *numbers).holds

    assert holds(1.0, 1.1, 0.11)
    assert not holds(1.0, 1.1, 0.09)
    assert not holds(1.0, 0.9, 0.09)
    assert holds(1.0, 1.0, 0.0, AT_LEAST)
    assert not holds(1.0, 0.9, 0.5, AT_LEAST)
    assert holds(1.0, 1.0, 0.0, AT_MOST)
    assert not holds(1.0, 1.1, 0.5, AT_MOST)
    for relation in ("equal", AT_LEAST, AT_MOST):
        assert not holds(1.0, math.nan, 9.0, relation)
    good, bad = tour.Check("a", 0.0, 0.0), tour.Check("b", 0.0, 1.0)
    assert tour.Claim("c", (good, good), {}, {}).holds
    assert not tour.Claim("c", (good, bad), {}, {}).holds


def test_what_is_kept_comes_back_and_only_for_its_own_code(tmp_path):
    checks = (tour.Check("a", 0.1, 1 / 3, 1e-9), tour.Check("b", 2.0, math.nan, 0.0, AT_MOST))
    claim = tour.Claim("c", checks, {"steps": 3}, {"path": np.arange(4) / 3})
    assert tour.kept(tmp_path, "c", "code") is None
    tour.keep(tmp_path, claim, "code")
    assert tour.kept(tmp_path, "c", "other code") is None
    back = tour.kept(tmp_path, "c", "code")
    assert back.checks[0] == checks[0]
    assert back.checks[1]._replace(measured=0.0) == checks[1]._replace(measured=0.0)
    assert math.isnan(back.checks[1].measured)
    assert back.facts == claim.facts
    np.testing.assert_array_equal(back.arrays["path"], claim.arrays["path"])


def test_other_code_has_another_digest(tmp_path):
    (tmp_path / "one.py").write_text("1")
    before = tour.digest(tmp_path)
    assert tour.digest(tmp_path) == before
    (tmp_path / "one.py").write_text("2")
    assert tour.digest(tmp_path) != before


def test_both_languages_say_the_same():
    """The same claims, numbers, pictures and facts; every claim has its text."""

    def shape(tree):
        return {k: shape(v) if isinstance(v, dict) else None for k, v in tree.items()}

    english, korean = TEXTS["en"], TEXTS["ko"]
    assert shape(english) == shape(korean)
    assert set(english["claims"]) == set(tour.NAMES) == set(figures.PANELS)
    for name in tour.NAMES:
        own, twin = english["claims"][name], korean["claims"][name]
        assert placeholders(own) == placeholders(twin)
        # Papers, and names in code, are the same everywhere.
        for pattern in (r"arXiv:[\d.]+", r"<code>.*?</code>"):
            for key in ("source", "method"):
                assert re.findall(pattern, own[key]) == re.findall(pattern, twin[key])
    assert not any(re.search("[가-힣]", text) for text in strings(english))
    untranslated = [text for text in strings(korean["claims"]) if not re.search("[가-힣]", text)]
    assert all("arXiv" in text or text.startswith("V(D, G)") for text in untranslated)


def test_a_page_is_the_same_bytes_again(claims):
    first, again = (
        tour.render(claims[-1:], lang="ko", command="tour", code="c0de") for _ in range(2)
    )
    assert first == again


@pytest.mark.parametrize("lang", TEXTS)
def test_a_page_is_one_file(lang, claims):
    # Figures are alike in both languages, and take their time.
    shown = [*claims, *made_up(TRAINED)] if lang == "en" else claims[-1:]
    text = tour.render(shown, lang=lang, command="tour", code="c0de")
    assert len(text.encode()) <= 3e6
    assert f'<html lang="{lang}">' in text
    for claim in shown:
        assert f'<h2 id="{claim.name}">' in text
    targets = re.findall(r"(?:src|href)=\"([^\"]*)\"|url\(([^)]*)\)|@import", text)
    assert all((a or b).startswith(("data:", "#")) for a, b in targets)
    pictures = re.findall(r'<svg [^>]*aria-label="([^"]+)"|<img [^>]*alt="([^"]+)"', text)
    assert len(pictures) == sum(len(TEXTS[lang]["claims"][c.name]["panels"]) for c in shown)
    assert len(re.findall("<svg |<img ", text)) == len(pictures)  # each says what it shows
    ids = re.findall(r'(?<![\w-])id="([^"]*)"', text)
    assert len(ids) == len(set(ids))
    told = re.sub(r"<style.*?</style>|<svg.*?</svg>", "", text, flags=re.DOTALL)
    assert not re.search("[{}]", told)  # every fact is filled in


def test_a_claim_that_fails_is_told_so(claims):
    claim = claims[-1]
    wrong = claim.checks[0]._replace(measured=7.125)
    failed = claim._replace(checks=(wrong, *claim.checks[1:]))
    text = tour.render([failed], lang="en", command="tour", code="c0de")
    assert "0 of 1 claims hold." in text
    assert "7.125" in text
    assert text.count("does not hold") == 3  # in the contents, the claim and its number's row


@telling
def test_the_script_goes_on_from_what_is_kept(claims, tmp_path):
    """The numbers it shows are those in the folder: one of them is changed there first."""
    claim = claims[-1]
    mark = claim.checks[0]._replace(measured=7.125)
    kept = claim._replace(checks=(mark, *claim.checks[1:]))
    tour.keep(tmp_path / "parts", kept, tour.digest(ROOT / "configs"))
    command = [sys.executable, "scripts/tour.py", "--out", tmp_path, "--json", tmp_path / "a.json"]
    command += ["--lang=ko", f"--claims={claim.name}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "DOES NOT HOLD" in done.stdout
    assert "7.125" in (tmp_path / "tour_ko.html").read_text()
    numbers = json.loads((tmp_path / "a.json").read_text())
    assert numbers[claim.name]["holds"] is False
    assert numbers[claim.name]["checks"][0]["measured"] == 7.125


@pytest.mark.slow
def test_the_claims_about_trained_networks_hold(tmp_path):
    command = [sys.executable, "scripts/tour.py", "--out", tmp_path, "--json", tmp_path / "a.json"]
    environment = {**os.environ, "XLA_FLAGS": ""}  # compiled code as fast as a user's
    command += [f"--claims={','.join(TRAINED)}"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    numbers = json.loads((tmp_path / "a.json").read_text())
    failed = [
        check for claim in numbers.values() for check in claim["checks"] if not check["holds"]
    ]
    assert failed == []
    assert list(numbers) == list(TRAINED)
    assert (tmp_path / "tour.html").stat().st_size <= 3e6
