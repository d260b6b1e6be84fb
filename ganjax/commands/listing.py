"""Lists configs, schemes, losses and other parts that a config can name.

ganjax list configs
ganjax list schemes
"""

import functools
import inspect
import re
from collections.abc import Mapping
from typing import Any

from ganjax import cli
from ganjax.config_files import shipped
from ganjax.errors import ConfigError, unknown

FLAGS = cli.Flags()


def main(kind: str = "") -> None:
    """Prints the rows of one kind; without a kind, the kinds."""
    if kind == "configs":
        rows = shipped()
    elif kind in (kinds := shelves()):
        rows = {name: documented(row) for name, row in kinds[kind].items()}
    elif kind:
        raise ConfigError(unknown("kind", kind, ("configs", *kinds)))
    else:
        print("ganjax list KIND, one of: " + ", ".join(("configs", *kinds)))
        return
    width = max(map(len, rows)) + 2
    for name, text in sorted(rows.items()):
        print(f"{name:{width}}{first_sentence(text)}".rstrip())


def shelves() -> dict[str, Mapping[str, Any]]:
    """Kind -> name in a config -> function or value."""
    from ganjax import (
        augmentations,
        data,
        features,
        games,
        latents,
        losses,
        nets,
        optimisers,
        penalties,
        schemes,
    )

    networks = {
        "generator": {**nets.GENERATORS, **nets.TRANSLATORS},
        "discriminator": {**nets.DISCRIMINATORS, **nets.PATCH_DISCRIMINATORS},
        "autoencoder": nets.AUTOENCODERS,
    }
    return {
        "schemes": schemes.SCHEMES,
        "games": games.GAMES,
        "losses": losses.LOSSES,
        "penalties": penalties.PENALTIES,
        "networks": {
            f"{name} ({section})": network
            for section, shelf in networks.items()
            for name, network in shelf.items()
        },
        "priors": latents.PRIORS,
        "data": data.DATA,
        "augmentations": augmentations.AUGMENTATIONS,
        "optimisers": optimisers.OPTIMISERS,
        "metrics": features.EVALUATIONS,
        "features": features.FEATURES,
    }


def documented(row: Any) -> str:
    """The docstring of a shelf's row: of a function or class, or of a loss's functions."""
    from ganjax.losses import AdversarialLoss

    if isinstance(row, AdversarialLoss):
        row = getattr(row, "variant", row.gen)
    while isinstance(row, functools.partial):
        row = row.func
    return inspect.getdoc(row) or ""


def first_sentence(text: str) -> str:
    """The first sentence of a docstring, on one line."""
    paragraph = " ".join(text.partition("\n\n")[0].split())
    return re.split(r"\.\s+(?=[A-Z])", paragraph)[0].rstrip(".")
