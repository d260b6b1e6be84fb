"""The tour: classical claims, each with a number predicted and one measured here, as one page."""

import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import jax

import ganjax
from tour import closed_forms, function_space, judged, trained
from tour.claim import Check, Claim, as_json, keep, kept
from tour.page import TEXTS, render
from tour.trained import Configs

log = logging.getLogger("ganjax.tour")

# Name -> function that computes it, in the order of the page.
CLOSED_FORMS: dict[str, Callable[[], Claim]] = {
    "play": closed_forms.play,
    "nash": closed_forms.nash,
    "optimum": closed_forms.optimum,
    "convergence": function_space.convergence,
    "saturation": closed_forms.saturation,
    "lines": closed_forms.lines,
    "over_generalisation": closed_forms.over_generalisation,
}
TRAINED: dict[str, Callable[[Configs], Claim]] = {
    "fits": trained.fits,
    "unrolling": trained.unrolling,
    "packing": trained.packing,
    "latent_space": trained.latent_space,
    "inception_score": judged.inception_score,
    "people": judged.people,
}
NAMES = (*CLOSED_FORMS, *TRAINED)
# Files that the numbers come from.
COMPUTING = ("claim.py", "closed_forms.py", "function_space.py", "judged.py", "trained.py")


def computed(names: Sequence[str], configs: Configs, folder: Path, code: str) -> Iterator[Claim]:
    """The claims in turn, computed unless the folder holds them.

    Args:
      names: of claims, from `NAMES`.
      configs: name of a shipped config -> the config as nested dicts.
      folder: each claim is kept here as soon as it is computed.
      code: `digest` of the code that computes them; claims kept by other code are recomputed.
    """
    for name in names:
        claim = kept(folder, name, code)
        if claim is None:
            began = time.perf_counter()
            if name in CLOSED_FORMS:
                with jax.enable_x64(True):
                    claim = CLOSED_FORMS[name]()
            else:
                claim = TRAINED[name](configs)
            keep(folder, claim, code)
            log.info("computed %s in %.0f s", name, time.perf_counter() - began)
        yield claim


def digest(configs: Path) -> str:
    """SHA-256 of the code that the numbers come from: the library, a folder of configs, the tour.

    Code that only draws is left out: a change of it makes no number old.
    """
    package = Path(ganjax.__file__).parent
    library = [path for path in package.rglob("*.py") if path.name != "html.py"]
    own = [Path(__file__).with_name(name) for name in COMPUTING]
    hashed = hashlib.sha256()
    for path in (*sorted(library), *own, *sorted(configs.glob("*.py"))):
        hashed.update(path.name.encode() + b"\0" + path.read_bytes())
    return hashed.hexdigest()


__all__ = [
    "NAMES",
    "TEXTS",
    "Check",
    "Claim",
    "as_json",
    "computed",
    "digest",
    "keep",
    "kept",
    "render",
]
