"""The tutorial notebook runs from top to bottom, and its numbers are as its text says."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from marks import telling

NOTEBOOK = Path(__file__).parent.parent / "docs" / "tutorial.ipynb"
CELLS = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
CODE = ["".join(cell["source"]) for cell in CELLS if cell["cell_type"] == "code"]
RESULTS = """
import json, sys
results = {"radii": radii, "theory": theory, "kl": kl, "difference": difference._asdict()}
open(sys.argv[1], "w", encoding="utf-8").write(json.dumps(results, default=lambda x: x.tolist()))
"""


def test_outputs_are_stripped():
    assert not any(cell.get("outputs") for cell in CELLS)
    assert max(len(line) for cell in CODE for line in cell.splitlines()) <= 100


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """All cells, one after another in one process, as a notebook runs them."""
    out = tmp_path_factory.mktemp("tutorial") / "results.json"
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:__main__", "-", str(out)],
        input="\n\n".join([*CODE, RESULTS]),
        env={**os.environ, "XLA_FLAGS": "", "MPLBACKEND": "Agg"},
        cwd=out.parent,
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    return json.loads(out.read_text(encoding="utf-8"))


@telling
def test_the_cells_run_and_say_what_the_text_says(results):
    for name, radius in results["theory"].items():
        np.testing.assert_allclose(results["radii"][name], radius, rtol=1e-5)  # float32
    for values in results["kl"].values():
        assert len(values) == 8
        assert np.mean(values) < np.log(8)  # not all samples at one mode
    assert results["difference"]["low"] < results["difference"]["high"]
