"""Pages of a comparison and of a run: whole, without requests, the same bytes again."""

import json
import re
import shutil

import pytest
from marks import TELLING

from ganjax import comparison, experiment, report, standings, sweep, train
from ganjax.errors import RunFolderError

pytestmark = TELLING


@pytest.fixture(scope="module")
def folder(ring, tmp_path_factory):
    asked = {
        "question": "Is <fast> better?",
        "base": "ring",
        "score": "reverse_kl",
        "bound": 1.0,
        "cells": {
            "slow": {},
            "fast": {"gen_tx": {"learning_rate": 1e-2}},
            "wild": {"gen_tx": {"learning_rate": 1e30}},
        },
        "seeds": 2,
        "budget": {"steps": 4},
        "looks": 2,
    }
    folder = tmp_path_factory.mktemp("ring")
    sweep.run(comparison.resolve(asked, lambda name: ring), folder, "map")
    return folder


@pytest.fixture(scope="module")
def run(ring, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    config = {**ring, "steps": 4, "log_every": 2, "sample_every": 2}
    train.train(experiment.build(config), folder)
    return folder


@pytest.fixture(scope="module")
def pages(folder, run):
    """The page of each, drawn once."""
    return {where: report.write(where).read_text() for where in (folder, run)}


def test_a_page_asks_for_nothing_and_is_the_same_again(pages):
    for where, page in pages.items():
        assert not re.findall(r'(?:src|href)="(?!data:|#)', page)
        assert not re.findall(r"url\((?!#|&quot;#)", page)
        assert "default-src 'none'" in page
        assert report.write(where).read_text() == page
        ids = re.findall(r'(?<![\w-])id="([^"]*)"', page)
        assert len(ids) == len(set(ids))


def test_a_comparison_is_complete(folder, pages):
    page = pages[folder]
    assert "<h1>Is &lt;fast&gt; better?</h1>" in page
    assert "No cell is significantly better than every other" in page
    assert "Cannot conclude: 2 comparisons against slow with 2 seeds" in page
    assert "at least 7 seeds are needed for 0.05" in page
    assert "<tr><td>fast</td><td>0.01</td></tr>" in page  # beside the base's value
    assert "<tr><td>(the base)</td><td>0.001</td></tr>" in page
    for cell in ("slow", "fast", "wild"):
        assert f"<td>{cell}</td>" in page
    assert "seed 1 diverged at step" in page
    assert "gen_tx.learning_rate" in page
    for part in (
        "Standings",
        "Training curves",
        "Samples",
        "Modes",
        "Cells",
        "Failures",
        "Provenance",
    ):
        assert f"<h2>{part}</h2>" in page
    for axis in ("steps", "gradient evaluations", "seconds"):
        assert f'data-choice="reverse_kl|{axis}"' in page
    assert page.count('data-at="2"') == 3  # a picture of every cell at the last evaluation


def test_a_run_is_complete(run, pages):
    page = pages[run]
    assert "done at step 4" in page
    for part in ("Scores", "Training curves", "Samples", "Provenance"):
        assert f"<h2>{part}</h2>" in page
    assert page.count("data:image/png;base64,") == 2
    assert "<dt>Modes</dt>" in page
    assert "real data 8, higher is better" in page
    assert "64 samples, seed 0, last weights" in page
    assert "8 gradient evaluations" in page


MARK = "better than real data&#x27;s own score: saturated or fooled"


def edited(path, **changes):
    content = {**json.loads(path.read_text()), **changes}
    content.pop("content_sha256", None)  # as of older folders
    path.write_text(json.dumps(content))


def test_scores_stand_beside_real_data_and_those_beyond_it_are_marked(run, pages, tmp_path):
    again = shutil.copytree(run, tmp_path / "run")
    assert MARK not in pages[run]
    (path,) = (again / "eval").iterdir()
    scores = {"inception_score": 8.4, "inception_score_real": 8.2, "samples": 9}
    scores |= {"kernel_distance": 0.5, "kernel_distance_spread": 0.125}
    protocol = json.loads(path.read_text())["protocol"]
    protocol |= {"features": "pixels", "features_sha256": "ab" * 32, "neighbours": 5}
    protocol |= {"real": 1297, "held_out": 500}
    edited(path, scores=scores, protocol=protocol)
    page = report.write(again).read_text()
    assert MARK in page
    assert (
        '<td>Inception score</td><td class="number" data-key="8.4">8.4</td>'
        '<td class="number" data-key="8.2">8.2</td><td>higher (above real data&#x27;s *)</td>'
    ) in page
    assert ">0.5 &plusmn; 0.12</td>" in page
    assert "9 samples, seed 0" in page
    assert "ring: 1,297 of training, 500 held out" in page
    assert "pixels, digest abababababab" in page
    assert "neighbours 5" in page


def test_curves_are_losses_then_scores_then_the_rest_folded(run, tmp_path):
    again = shutil.copytree(run, tmp_path / "run")
    path = again / "metrics.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[-1] |= {"score/samples": 64, "score/modes": 3, "score/modes_real": 8, "score/recall": 0.1}
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    page = report.write(again).read_text()
    found = re.findall('aria-label="([^"]*) against steps: ([^"]*)"', page)
    assert found[:3] == [
        ("Loss", "discriminator, generator"),
        ("Modes", "generated, real data"),
        ("Recall", "generated"),
    ]
    assert len(found) > 3
    legend = re.findall('data-line="([^"]*)".*?</svg>([^<]*)<', page)
    drawn = re.search('aria-label="Modes against.*?</svg>', page, re.DOTALL)[0]
    numbers = set(re.findall('id="[^"]*-line([0-9]+)"', drawn))
    assert {name for at, name in legend if at in numbers} == {"generated", "real data"}
    assert page.index("Recall against steps") < page.index(f"{len(found) - 3} more metrics")
    assert page.index(f"{len(found) - 3} more metrics") < page.index(f"{found[3][0]} against steps")


def test_real_images_are_beside_samples(run, pages, tmp_path):
    again = shutil.copytree(run, tmp_path / "run")
    shutil.copy(again / "samples" / "step_4.png", again / "samples" / "real.png")
    page = report.write(again).read_text()
    assert "<figcaption>real</figcaption>" in page
    assert page.count("data:image/png;base64,") == 3
    assert "<figcaption>real</figcaption>" not in pages[run]


def test_a_product_has_its_figures_and_a_column_a_factor(product):
    page = report.write(product).read_text()
    assert "<h2>Factors</h2>" in page
    assert 'aria-label="Reverse KL by Scheme and Gen rate; ' in page
    assert '<td data-head="Gen rate">fast</td><td data-head="Scheme">optimistic</td>' in page
    assert page.count('aria-pressed="true" data-line') == 10
    assert page.count('data-choice="reverse_kl|') == 3


def test_a_mean_beyond_real_data_is_marked_in_a_comparison(folder, pages, tmp_path):
    """Of the mean over finished seeds; the diverged cell has none."""
    again = shutil.copytree(folder, tmp_path / "ring")
    edited(again / "comparison.json", score="inception_score", goal="max")
    for cell, values in {"slow": [8.0, 8.1], "fast": [8.1, 8.5], "wild": [None, None]}.items():
        scores = {"inception_score": [values] * 3, "inception_score_real": [[8.2, 8.2]] * 3}
        edited(again / "cells" / f"{cell}.json", scores=scores)
    table = standings.table(again)
    assert [row["beyond_real"] for row in table["rows"]] == [None, "above", None]
    text = standings.text(table, sweep.read(again))
    assert "inception_score of fast: better than real data's own score" in text
    page = report.write(again).read_text()
    assert f"inception_score of fast: {MARK}" in page
    assert MARK not in pages[folder]


def test_a_bounded_score_has_its_interval_in_its_range(folder, tmp_path):
    """A reverse KL is at least 0, whatever Student's t says of two seeds."""
    again = shutil.copytree(folder, tmp_path / "ring")
    for cell in ("slow", "fast", "wild"):
        edited(again / "cells" / f"{cell}.json", scores={"reverse_kl": [[0.01, 0.2]] * 3})
    for row in standings.table(again)["rows"]:
        assert row["low"] == 0 < row["mean"] < row["high"]


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(RunFolderError, match="holds neither a comparison"):
        report.write(tmp_path)
