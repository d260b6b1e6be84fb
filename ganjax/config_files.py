"""Config files: where they are found, and the dict that `get_config()` of one returns.

It imports neither JAX nor anything that does.
"""

import ast
import difflib
import linecache
import os
import re
import sys
import sysconfig
import traceback
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

from ganjax.config import SECTIONS
from ganjax.errors import ConfigError

PACKAGE = Path(__file__).parent
# The configs of the project: inside the package in a wheel, beside it in a checkout.
SHIPPED = PACKAGE / "configs" if (PACKAGE / "configs").is_dir() else PACKAGE.parent / "configs"
LIBRARIES = (
    *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")),
    str(PACKAGE),
)  # folders without a line of the user's


def shipped() -> dict[str, str]:
    """Name -> docstring of every config of the project."""
    trees = {path.stem: ast.parse(path.read_text("utf-8")) for path in SHIPPED.glob("*.py")}
    return {name: ast.get_docstring(tree) or "" for name, tree in sorted(trees.items())}


def find_config(name: str) -> Path:
    """The file of a config: `name` itself where it is a file's path, else the shipped config.

    Raises:
      ConfigError: a bare name that is neither; the message has the nearest shipped ones.
    """
    path = Path(name)
    if path.is_file() or path.name != name or path.suffix:
        return path
    if (SHIPPED / f"{name}.py").is_file():
        return SHIPPED / f"{name}.py"
    known = [path.stem for path in SHIPPED.glob("*.py")]
    near = ", ".join(difflib.get_close_matches(name, known, n=3, cutoff=0.5))
    raise ConfigError(
        f"unknown config {name!r}.{f' Nearest: {near}.' if near else ''} `ganjax list configs` "
        "lists them all; a config of your own is a path, e.g. ./mine.py"
    )


def read_config(name: str) -> dict[str, Any]:
    """The config that `get_config()` of a file returns, as a nested dict.

    Sections are copied one by one: a dict that a file uses twice is one object in a `ConfigDict`,
    and overriding one player's optimiser would change the other's.

    Args:
      name: a path, or the bare name of a shipped config; of `FILE:WORD` the word is passed to
        `get_config`.

    Raises:
      ConfigError: the file is missing, cannot be read or raises an error; the message has its line.
    """
    given, *word = name.split(":", 1)
    file = str(find_config(given))
    loader = SourceFileLoader(f"{Path(file).stem}_config", file)
    module = module_from_spec(spec_from_loader(loader.name, loader))
    sys.modules[loader.name] = module  # data classes look there
    try:
        loader.exec_module(module)
        config = module.get_config(*word)
        plain = config.to_dict() if hasattr(config, "to_dict") else None
    except (Exception, SystemExit) as error:
        raise ConfigError(f"the config file {name} fails: {_located(error)}") from None
    if plain is None:
        raise ConfigError(
            f"get_config() of {file} returned a {type(config).__name__}; expected a ConfigDict"
        )
    return _copied(plain)


def _copied(tree: Any) -> Any:
    return {key: _copied(value) for key, value in tree.items()} if isinstance(tree, dict) else tree


def _located(error: BaseException) -> str:
    """The error of a config file, with the innermost line outside the libraries."""
    reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
    if isinstance(error, SyntaxError) and os.path.isfile(error.filename or ""):
        return f"{error.filename}, line {error.lineno}: SyntaxError: {error.msg}"
    frames = traceback.extract_tb(error.__traceback__)
    frames = [frame for frame in frames if not frame.filename.startswith(("<", *LIBRARIES))]
    if not frames:
        return reason
    file, line, end = frames[-1].filename, frames[-1].lineno, frames[-1].end_lineno
    if dotted := re.search(r"dots in field names.* key (\S+) contains", reason):
        key = dotted[1]
        if key.partition(".")[0] in SECTIONS:  # the path of a search
            nested = key.replace(".", "=dict(") + "=..." + ")" * key.count(".")
            advice = f"write {nested}, or ConfigDict(..., allow_dotted_keys=True)"
            reason = f"{key!r} has a dot; {advice}"
        else:
            renamed = repr(key.replace(".", "_"))
            reason = (
                f"{key!r} has a dot, which no name in a config may have; call it e.g. {renamed}"
            )
        quoted = (f"'{key}'", f'"{key}"')  # the call may begin some lines before the key
        lines = range(line, (end or line) + 1)
        there = (n for n in lines if any(text in linecache.getline(file, n) for text in quoted))
        line = next(there, line)
    return f"{file}, line {line}: {reason}"
