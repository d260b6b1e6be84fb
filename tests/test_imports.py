"""The import law: imports go down the levels only; neighbours on a level do not import each other.

Some rooms know even less than their level allows.
"""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "ganjax"
LEVELS = (
    ("types", "errors", "checks", "files", "swept", "draws", "memory", "cluster", "nonfinite"),
    (
        "disclosure",
        "disk",
        "spread",
        "nested",
        "trust",
        "divergences",
        "augmentations",
        "statistics",
    ),
    ("config", "console", "losses", "penalties", "latents", "nets", "data", "pictures", "html"),
    (
        "config_files",
        "sinks",
        "names",
        "comparison",
        "failures",
        "run_folder",
        "games",
        "checkpoints",
    ),
    (
        "cli",
        "averages",
        "consistency",
        "optimisers",
        "schemes",
        "dynamics",
        "metrics",
        "devices",
        "people",
        "partners",
    ),
    ("features",),
    ("experiment",),
    ("chunks", "export", "summary", "sweep"),
    ("records", "feed", "crashes", "origins"),
    ("cuts", "saver"),
    ("train",),
    ("standings",),
    ("report",),
    ("commands",),
    ("__main__",),
)
LEVEL = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}
# Rooms that may import these alone, of all that is below them.
ONLY = {
    "schemes": {"types", "checks", "spread"},
    "dynamics": {"types", "checks", "errors"},
    "metrics": {"checks"},
    "nets": {"checks", "spread"},
    "statistics": {"checks", "errors"},
}
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def room_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "ganjax":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ganjax."):
            yield node.module.split(".")[1]
        elif isinstance(node, ast.Import):
            yield from (a.name.split(".")[1] for a in node.names if a.name.startswith("ganjax."))


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_down(path):
    room = room_of(path)
    assert room in LEVEL, f"{room} has no level; add it to LEVELS"
    for other in imported_rooms(path):
        if other == room:  # a folder's files share that folder's own helpers
            continue
        assert LEVEL[other] < LEVEL[room], f"{room} imports {other}, which is not below it"
        assert room not in ONLY or other in ONLY[room], f"{room} must not know {other}"


@pytest.mark.parametrize(
    "path", [p for p in FILES if room_of(p) == "schemes"], ids=lambda p: p.name
)
def test_schemes_never_stop_gradients(path):
    for node in ast.walk(ast.parse(path.read_text())):
        names = {getattr(node, field, None) for field in ("attr", "id", "name", "value")}
        assert "stop_gradient" not in names
