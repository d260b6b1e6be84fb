"""Replays claims that a folder does not hold yet."""

import hashlib
import inspect
import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

import jax

import claims
import ganjax
from claims import (  # noqa: F401 - attributes of the package
    alex_gda,
    anchoring,
    dirac,
    double_steps,
    finite_tau,
    packing,
    relativistic,
    reshuffling,
    ridge,
    same_sample,
    simplex,
    tiada,
    time_averages,
    weak_minty,
)
from claims.result import Result, as_json, kept
from ganjax import config_files, run_folder

log = logging.getLogger("ganjax.claims")

# Files that no number comes from.
DRAWING = ("page.py", "html.py")


def module(name: str) -> ModuleType:
    """The file of a claim, a name of `NAMES`."""
    return getattr(claims, name)


def replayed(names: Sequence[str], folder: Path, trials: int) -> Iterator[tuple[str, Result]]:
    """The claims' results in turn, played in float64 unless the folder holds them.

    Args:
      names: of claims, from `NAMES`.
      folder: each result is kept here as soon as it is there; made if missing.
      trials: random settings of each scheme under equal tuning.
    """
    library = digest()
    for name in names:
        replay = module(name).replay
        tuned = {"trials": trials} if inspect.signature(replay).parameters else {}
        path, key = folder / f"{name}.json", f"{digest(name, library)} {tuned}"
        result = kept(path, key)
        if result is None:
            began = time.perf_counter()
            with jax.enable_x64(True):
                result = replay(**tuned)
            run_folder.write_json(path, {"key": key, **as_json(result)})
            log.info("replayed %s in %.0f s", name, time.perf_counter() - began)
        yield name, result


def digest(name: str | None = None, start: str = "") -> str:
    """SHA-256 of a claim's file and its config, or without a name of all that claims share."""
    here, hashed = Path(__file__).parent, hashlib.sha256(start.encode())
    if name is None:
        shared = [path for path in here.glob("*.py") if path.stem not in claims.NAMES]
        paths = [*Path(ganjax.__file__).parent.rglob("*.py"), *shared]
    else:
        base = getattr(module(name), "BASE", None)  # the config of a claim about networks
        paths = [here / f"{name}.py", *([config_files.find_config(base)] if base else [])]
    for path in sorted(path for path in paths if path.name not in DRAWING):
        hashed.update(path.name.encode() + b"\0" + path.read_bytes())
    return hashed.hexdigest()
