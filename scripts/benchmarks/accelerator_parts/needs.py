"""The packages that `accelerator.py` imports and a machine lacks; the standard library alone.

Such a machine has JAX, Flax, optax and orbax, and what these depend on.
"""

import importlib.util
import re
import sys
import tomllib
from pathlib import Path
from typing import NoReturn

# {module: distribution} beyond those of JAX, Flax, optax and orbax.
NEEDED = {
    "PIL": "pillow",
    "absl": "absl-py",
    "chex": "chex",
    "contourpy": "contourpy",
    "cycler": "cycler",
    "dateutil": "python-dateutil",
    "fontTools": "fonttools",
    "kiwisolver": "kiwisolver",
    "matplotlib": "matplotlib",
    "ml_collections": "ml_collections",
    "packaging": "packaging",
    "pyparsing": "pyparsing",
    "safetensors": "safetensors",
    "scipy": "scipy",
    "six": "six",
    "sklearn": "scikit-learn",
    "tensorflow_datasets": "tensorflow-datasets",
    "toolz": "toolz",
    "torch": "torch",
    "tqdm": "tqdm",
    "yaml": "PyYAML",
}
CONDITIONAL = {
    "sklearn": "scores that fit a classifier",
    "tensorflow_datasets": "the part `scored`, of a config that names a set",
    "torch": "the comparison, which is left out without it",
}


def lacking() -> list[str]:
    """A line for every package that cannot be imported, as pip takes them."""
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text("utf-8"))
    wanted = project["project"]["dependencies"]
    wanted = wanted + project["project"]["optional-dependencies"]["benchmarks"]
    of = {re.split(r"[<>=\s]", line)[0].lower(): line for line in wanted}
    return [
        of.get(name.lower(), name)
        + (f"  # only for {why}" if (why := CONDITIONAL.get(module)) else "")
        for module, name in NEEDED.items()
        if importlib.util.find_spec(module) is None
    ]


def leave() -> NoReturn:
    """Prints them and ends the process."""
    lines = lacking()
    print("\n".join(lines) if lines else "# nothing is missing")
    sys.exit(0)
