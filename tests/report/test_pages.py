"""Pages of a comparison and of a run: whole, without requests, the same bytes again."""

import re

import pytest

from ganjax import comparison, experiment, report, sweep, train
from ganjax.errors import RunFolderError


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


def test_a_page_asks_for_nothing_and_is_the_same_again(folder, run):
    for where in (folder, run):
        page = report.write(where).read_text()
        assert not re.findall(r'(?:src|href)="(?!data:|#)', page)
        assert not re.findall(r"url\((?!#|&quot;#)", page)
        assert "default-src 'none'" in page
        assert report.write(where).read_text() == page
        ids = re.findall(r'(?<![\w-])id="([^"]*)"', page)
        assert len(ids) == len(set(ids))


def test_a_comparison_is_told_whole(folder):
    page = report.write(folder).read_text()
    assert "<h1>Is &lt;fast&gt; better?</h1>" in page
    assert "No cell is better than every other" in page
    assert "Cannot conclude: 2 comparisons against slow with 2 seeds" in page
    assert "at least 7 seeds are needed for 0.05" in page
    assert "<tr><td>fast</td><td>0.01</td></tr>" in page  # beside the base's own
    assert "<tr><td>(the base)</td><td>0.001</td></tr>" in page
    for cell in ("slow", "fast", "wild"):
        assert f"<td>{cell}</td>" in page
    assert "seed 1 diverged at step" in page
    assert "gen_tx.learning_rate" in page
    for part in ("Standings", "On the way", "Samples", "Modes", "Cells", "Failures", "Provenance"):
        assert f"<h2>{part}</h2>" in page
    for axis in ("steps", "gradient evaluations", "seconds"):
        assert f'data-choice="reverse_kl|{axis}"' in page
    assert page.count('data-at="2"') == 3  # a picture of every cell at the last look


def test_a_run_is_told_whole(run):
    page = report.write(run).read_text()
    assert "done at step 4" in page
    for part in ("Scores", "On the way", "Samples", "Provenance"):
        assert f"<h2>{part}</h2>" in page
    assert page.count("data:image/png;base64,") == 2


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(RunFolderError, match="holds neither a comparison"):
        report.write(tmp_path)
