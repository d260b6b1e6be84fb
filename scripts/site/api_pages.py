"""Completes the API pages of the site; a hook of MkDocs, see mkdocs.yml.

A function with the name of its file, e.g. `ganjax.schemes.extragradient`, hides behind the module
of that name. The hook adds it after its package, so that a page names the package alone.
"""

import ast
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
OPTIONS = "    options: {heading_level: 3, show_root_full_path: false}"


def hidden(package: Path) -> list[str]:
    """The names of a package's `__all__` that are modules in it and defined there."""
    tree = ast.parse((package / "__init__.py").read_text(encoding="utf-8"))
    exported = [
        name
        for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__"
        for name in ast.literal_eval(node.value)
    ]
    return [name for name in exported if name in defined(package / f"{name}.py")]


def defined(path: Path) -> set[str]:
    """The functions and classes of a file."""
    if not path.exists():
        return set()
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return {node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Adds the hidden names to the packages of a page."""

    def completed(match):
        package = ROOT.joinpath(*match[1].split("."))
        if not package.is_dir():
            return match[0]
        blocks = (f"::: {match[1]}.{name}.{name}\n{OPTIONS}" for name in hidden(package))
        return "\n\n".join([match[0], *blocks])

    return re.sub(r"^::: ([\w.]+)$", completed, markdown, flags=re.MULTILINE)
