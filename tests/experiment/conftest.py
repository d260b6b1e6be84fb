"""Modules of a user, importable during one test."""

import sys

import pytest


@pytest.fixture
def user_module(tmp_path, monkeypatch):
    """`(name, text)`: writes a module into `tmp_path`, from which the test can import it."""
    written = []

    def write(name, text):
        (tmp_path / f"{name}.py").write_text(text)
        written.append(name)

    monkeypatch.syspath_prepend(tmp_path)
    yield write
    for name in written:
        sys.modules.pop(name, None)
