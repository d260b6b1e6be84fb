"""Claims about trained networks: cells of a comparison over seeds, by the library's own sweep."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from ganjax import cli, comparison, sweep


def scores(
    base: str, cells: Mapping[str, Mapping[str, Any]], names: Sequence[str], **settings: Any
) -> dict[str, dict[str, np.ndarray]]:
    """Cell -> score -> its value at the end for every seed, in float32.

    Args:
      base: name of a config.
      cells: their differences from it; the first is the baseline.
      names: of scores.
      settings: `seeds`, `budget` and other entries of a comparison.
    """
    baseline, question = next(iter(cells)), "Does the claim hold?"
    given = {"base": base, "cells": cells, "baseline": baseline, "score": names[0], "goal": "max"}
    resolved = comparison.resolve({"question": question, **given, **settings}, cli.read_config)
    with tempfile.TemporaryDirectory() as folder, jax.enable_x64(False):
        # Runs one after another: side by side they round otherwise, and end elsewhere.
        sweep.run(resolved, Path(folder), "map")
        results = sweep.read(Path(folder))
    return {
        cell: {name: sweep.last_scores(results[cell], name) for name in names} for cell in cells
    }
