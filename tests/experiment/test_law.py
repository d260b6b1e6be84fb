"""The experiment knows no game and no scheme by name."""

import ast
from pathlib import Path

import pytest

from ganjax import experiment, games, schemes

FILES = sorted(Path(experiment.__file__).parent.glob("*.py"))
SECTION = {"autoencoder"}  # of a network, too


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_game_or_scheme_is_named(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert not texts & (games.GAMES.keys() | schemes.SCHEMES.keys()) - SECTION
