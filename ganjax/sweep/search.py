"""Hyper-parameter search: cells with numbers drawn from ranges, by random search or halving."""

import json
import logging
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ganjax import devices, statistics
from ganjax.comparison import Comparison, at_path, check_distinct
from ganjax.config import validate
from ganjax.errors import ConfigError
from ganjax.nested import merged
from ganjax.sweep.folder import read
from ganjax.sweep.study import run

log = logging.getLogger(__name__)

ETA = 3  # one in three cells of a rung advances to the next, with three times the budget


def drawn(comparison: Comparison) -> Comparison:
    """A comparison with each cell repeated for every draw of the numbers of its `search`.

    The draws are the same for every cell, so that schemes are tuned alike; draw i of cell `name` is
    the cell `name.i`, and the baseline is the first draw of the old one.

    Raises:
      ConfigError: no range is given, or two cells differ only in the numbers that are searched.
    """
    if not comparison.search:
        raise ConfigError(
            "the comparison has no ranges to search; add e.g. "
            "search=dict(gen_tx=dict(learning_rate=(1e-4, 1e-2, 'log')))"
        )
    rng = np.random.default_rng(comparison.seeds[0])
    draws = []
    for _ in range(comparison.trials):
        override: dict[str, Any] = {}
        for path, (low, high, scale) in comparison.search.items():
            share = rng.uniform()
            value = low * (high / low) ** share if scale == "log" else low + (high - low) * share
            override = merged(override, at_path(path, float(f"{value:.4g}")))
        draws.append(override)
    cells = {}
    width = len(str(comparison.trials - 1))
    first = "0" * width
    for cell, config in comparison.cells.items():
        for index, override in enumerate(draws):
            name = f"{cell}.{index:0{width}d}"
            cells[name] = validate(merged(config, override))
    # A cell may draw the same numbers twice, two cells may not share them.
    check_distinct({name: config for name, config in cells.items() if name.endswith(f".{first}")})
    baseline = f"{comparison.baseline}.{first}"
    return comparison._replace(cells=cells, baseline=baseline, factors={})


def halve(comparison: Comparison, workdir: Path, how: str = "auto") -> list[Path]:
    """Successive halving over the draws (Jamieson and Talwalkar 2016, arXiv:1502.07943).

    All draws are trained with a small budget; of each cell the best third is trained again with
    three times as much, until the whole budget is reached. Every rung is a comparison in its own
    folder, and is resumed after a kill.

    Args:
      comparison: with ranges to search; its budget is that of the last rung.
      workdir: the rungs go to `rung_0`, `rung_1`, ... in it.
      how: as in `run`.

    Returns:
      The folders; the last has the draws that were trained with the whole budget.

    Raises:
      ConfigError: as `drawn`, or the budget is too small for the rungs.
    """
    rest, (unit, amount) = drawn(comparison), comparison.budget
    rungs = 1 + int(math.log(comparison.trials, ETA) + 1e-9)
    if unit != "seconds" and amount < ETA ** (rungs - 1):
        raise ConfigError(
            f"budget.{unit}={amount} is less than {ETA ** (rungs - 1)}, the least for {rungs} "
            f"rungs of {comparison.trials} trials; raise it"
        )
    folders = []
    for rung in range(rungs):
        share = amount / ETA ** (rungs - 1 - rung)
        budget = (unit, share if unit == "seconds" else int(share))
        folders.append(workdir / f"rung_{rung}")
        log.info("rung %d: %d cells, %s %g", rung, len(rest.cells), unit, budget[1])
        run(rest._replace(budget=budget), folders[-1], how)
        if rung < rungs - 1:
            best = _best(rest, read(folders[-1])) if devices.leads() else []
            best = json.loads(devices.text_from_first(json.dumps(best)))
            cells = {name: rest.cells[name] for name in best}
            rest = rest._replace(cells=cells, baseline=best[0])
    return folders


def _best(comparison: Comparison, results: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The best third of every cell's draws, by the mean score; diverged draws come last."""
    draws: dict[str, list[str]] = {}
    for name in comparison.cells:
        draws.setdefault(name.rpartition(".")[0], []).append(name)
    kept = []
    for names in draws.values():
        worth = {}
        for name in names:
            scores = results[name]["scores"].get(comparison.score)
            last = np.array(scores[-1] if scores else [math.nan], float)
            worth[name] = statistics.worth(last, comparison.goal).mean()
        best = sorted(names, key=worth.get, reverse=True)[: math.ceil(len(names) / ETA)]
        kept += [name for name in names if name in best]
    return kept
