"""Links in a folder, which may come from anybody, lead no byte out of it."""

import contextlib
import os

import jax.numpy as jnp
import numpy as np
import pytest
from matplotlib.figure import Figure

from ganjax import checkpoints, pictures, run_folder, standings
from ganjax.data import cache
from ganjax.disclosure import Disclosure
from ganjax.errors import RunFolderError
from ganjax.sweep import folder as comparison

ORIGIN = Disclosure("run", step=1)
PIXELS = np.zeros((8, 8, 3), np.uint8)


def comparison_of(workdir):
    run_folder.write_json(
        workdir / "comparison.json", {"cells": {"a": {}}, "baseline": "a", "seeds": [0]}
    )
    comparison.write(workdir, "a", {"samples": np.zeros(3), "seeds": [0]}, {})


# Functions that write, and the names in the folder that they may write to.
WRITERS = {
    "a JSON file": (
        lambda d: run_folder.write_json(d / "a.json", {}),
        "a.json",
    ),
    "the status": (
        lambda d: run_folder.write_status(d, "done", 3),
        "status.json",
    ),
    "the manifest": (
        lambda d: run_folder.write_manifest(d, [], 0),
        "manifest.json",
    ),
    "the config": (
        lambda d: run_folder.claim(d, {"a": 1}),
        "config.json",
    ),
    "rows written again": (
        lambda d: run_folder.rewind_metrics(d, 3),
        "metrics.jsonl",
    ),
    "standings": (
        lambda d: standings.write(d / "table.json", {}),
        "table.json",
    ),
    "a picture": (
        lambda d: pictures.save_image(d / "a.png", PIXELS, disclosure=ORIGIN),
        "a.png",
    ),
    "an animation": (
        lambda d: pictures.save_animation(d / "a.gif", [PIXELS] * 2, disclosure=ORIGIN),
        "a.gif",
    ),
    "a figure": (
        lambda d: pictures.save_figure(d / "a.svg", Figure(), disclosure=ORIGIN),
        "a.svg",
    ),
    "a cell of a comparison": (comparison_of, "cells/a.npz", "cells/a.json", "costs/a.json"),
}
READ_FIRST = ("config.json", "metrics.jsonl")


def planted(path):
    """The places of links beside a file and, where it is not read first, in its place."""
    drafts = (f".{path.name}.draft", f".{path.stem}.draft{path.suffix}")
    return {path.with_name(name) for name in (*drafts, path.name) if name not in READ_FIRST}


@pytest.mark.parametrize("kind", [os.symlink, os.link], ids=["symbolic", "hard"])
@pytest.mark.parametrize("writer", WRITERS)
def test_no_draft_and_no_file_that_is_a_link_is_followed(writer, kind, tmp_path):
    write, *names = WRITERS[writer]
    outside, workdir = tmp_path / "outside", tmp_path / "run"
    outside.write_text("safe")
    for name in names:
        for link in planted(workdir / name):
            link.parent.mkdir(parents=True, exist_ok=True)
            kind(outside, link)
    write(workdir)
    assert outside.read_text() == "safe"
    for name in names:
        path = workdir / name
        assert path.is_file()
        assert not path.is_symlink()
        assert not path.with_name(f".{path.name}.draft").exists()


def lock(workdir):
    with run_folder.locked(workdir):
        pass


@pytest.mark.parametrize("kind", [os.symlink, os.link], ids=["symbolic", "hard"])
@pytest.mark.parametrize(
    ("name", "write"),
    [("metrics.jsonl", lambda d: run_folder.append_metrics(d, {"step": 1})), ("lock", lock)],
)
def test_a_file_that_is_written_in_place_is_not_followed(name, write, kind, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "outside").write_text("safe")
    kind(tmp_path / "outside", tmp_path / "run" / name)
    with pytest.raises(OSError, match=name):
        write(tmp_path / "run")
    assert (tmp_path / "outside").read_text() == "safe"


@pytest.mark.parametrize("kind", [os.symlink, os.link], ids=["symbolic", "hard"])
def test_a_lock_that_becomes_a_link_is_not_followed(kind, tmp_path):
    """Nor emptied at the end."""
    outside, path = tmp_path / "outside", tmp_path / "run" / "lock"
    with run_folder.locked(tmp_path / "run") as check:
        outside.write_text("" if kind is os.link else path.read_text())
        before = outside.read_text()
        path.unlink()
        kind(outside, path)
        with contextlib.suppress(OSError):
            check()
    assert outside.read_text() == before


def test_a_draft_of_a_checkpoint_is_not_followed(tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "kept").write_text("safe")
    for name in (".4.draft", ".4.replaced"):
        (tmp_path / "run").mkdir(exist_ok=True)
        (tmp_path / "run" / name).symlink_to(tmp_path / "outside")
    for _ in range(2):
        checkpoints.save(tmp_path / "run", 4, {"x": jnp.ones(2)}, keep=1)
    assert [path.name for path in (tmp_path / "outside").iterdir()] == ["kept"]
    assert checkpoints.steps(tmp_path / "run") == [4]


@pytest.mark.parametrize("name", ["samples", "eval", "checkpoints", "crash", "cells/a"])
def test_a_folder_that_is_a_link_is_refused(name, tmp_path):
    workdir = tmp_path / "run"
    run_folder.write_json(workdir / "config.json", {})
    run_folder.write_json(workdir / "comparison.json", {})
    (tmp_path / "outside").mkdir()
    (workdir / name).parent.mkdir(exist_ok=True)
    (workdir / name).symlink_to(tmp_path / "outside")
    with pytest.raises(RunFolderError, match=f"run/{name} is a link to a folder"):
        run_folder.read_config(workdir)
    with pytest.raises(RunFolderError):
        lock(workdir)
    with pytest.raises(RunFolderError):
        comparison.described(workdir)


def test_the_folder_itself_may_be_a_link(tmp_path):
    run_folder.write_json(tmp_path / "run" / "config.json", {"a": 1})
    (tmp_path / "link").symlink_to(tmp_path / "run")
    assert run_folder.read_config(tmp_path / "link") == {"a": 1}


def test_a_cache_that_is_a_link_is_left_alone(tmp_path, monkeypatch):
    """The images lie in a folder from anybody."""
    monkeypatch.delenv("GANJAX_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    (tmp_path / "outside").mkdir()
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / ".ganjax-cache").symlink_to(tmp_path / "outside")
    rows = cache.cached("key", "here", 1, lambda row: {"x": np.ones(2)}, beside=tmp_path / "images")
    assert rows.folder.is_relative_to(tmp_path / "home")
    assert not [*(tmp_path / "outside").iterdir()]
    (tmp_path / "outside" / "notes").write_text("safe")
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / ".gitignore").symlink_to(tmp_path / "outside" / "notes")
    monkeypatch.setenv("GANJAX_CACHE", str(tmp_path / "cache"))
    assert cache.writable_root() == tmp_path / "cache"
    assert (tmp_path / "outside" / "notes").read_text() == "safe"
