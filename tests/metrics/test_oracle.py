"""Scores against those of torch-fidelity, torchmetrics, prdc and pytorch-msssim."""

import json

import numpy as np
import oracle
import pytest
from marks import marked, telling

LARGE = "torch_fidelity frechet 2048"
NAMES = marked(oracle.SCORES, default=set(oracle.SCORES) - {LARGE}, telling=(LARGE,))


@pytest.fixture(scope="module")
def stored():
    return json.loads(oracle.STORED.read_text(encoding="utf-8"))["scores"]


def agree(ours, theirs, name):
    rtol = 1e-3 if name == LARGE else 1e-4  # theirs takes roots of rounded eigenvalues
    for key, value in theirs.items():
        np.testing.assert_allclose(ours[key], value, rtol=rtol, atol=1e-12, err_msg=f"{name} {key}")


@pytest.mark.parametrize("name", NAMES)
def test_scores_are_those_stored_of_other_packages(name, stored):
    agree(oracle.SCORES[name][1](), stored[name], name)


@telling
@pytest.mark.filterwarnings("ignore")  # of the packages
@pytest.mark.parametrize("name", NAMES)
def test_scores_are_those_of_other_packages(name):
    for package in ("torch_fidelity", "torchmetrics", "prdc", "pytorch_msssim"):
        if name.startswith(package):
            pytest.importorskip(package, exc_type=ImportError)
    theirs, ours = oracle.SCORES[name]
    agree(ours(), theirs(), name)
