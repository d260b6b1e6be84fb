"""Readers of configs, images, arrays and rows under bytes of any kind: our errors, no others."""

import contextlib
import io
import json
import zipfile

import examples
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from ganjax import disclosure, experiment, run_folder
from ganjax.config import validate
from ganjax.data.files import image_files
from ganjax.data.files.array_files import arrays_of
from ganjax.nested import merged

from .conftest import only

SOME = settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
TEXTS = st.sampled_from(["x", "", "ring", "gan", "os:system", "a:b:c", "\0", "../x"]) | st.text(
    max_size=5
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
KEYS = st.sampled_from(["name", "steps", *examples.SCORED, "average", "stages", "best"]) | TEXTS
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


@SOME
@given(change=st.dictionaries(KEYS, TREES, min_size=1, max_size=2))
def test_configs(change):
    """Any tree in any place is checked, or refused by a message."""
    for config in (change, {**examples.SCORED, **change}):
        with only(2):
            checked = validate(config)
            assert validate(checked) is checked


@settings(SOME, max_examples=12)
@given(
    key=st.sampled_from(["game", "generator", "scheme", "gen_tx", "evaluation", "loss"]),
    name=TEXTS,
    value=TREES,
)
def test_sections(key, name, value):
    """Arguments of any kind, in a section of a config that else can be built."""
    section = {**examples.SCORED[key], name: value}
    with only(2, 6):
        experiment.build({**examples.SCORED, key: section})


@SOME
@given(old=TREES, new=TREES)
def test_overrides(old, new):
    with only(2):
        merged(old, new)


def of_array(pack):
    file = io.BytesIO()
    pack(file, x=np.arange(12.0).reshape(3, 4), disclosure=np.array('{"synthetic": "a"}'))
    return file.getvalue()


def of_image(kind):
    file = io.BytesIO()
    Image.fromarray(np.arange(192, dtype=np.uint8).reshape(8, 8, 3)).save(file, kind)
    return file.getvalue()


def npy():
    file = io.BytesIO()
    np.save(file, np.arange(12.0))
    return file.getvalue()


ARRAYS = {"npz": of_array(np.savez), "packed": of_array(np.savez_compressed), "npy": npy()}
IMAGES = {kind: of_image(kind) for kind in image_files.FORMATS}
EDITS = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=4), st.integers(0, 8)),
    min_size=1,
    max_size=4,
)


def edited(content, edits):
    """The bytes after a few replacements, each (place, new bytes, number of old ones)."""
    for place, new, old in edits:
        at = int(place * len(content))
        content = content[:at] + new + content[at + old :]
    return content


@SOME
@given(kind=st.sampled_from(sorted(ARRAYS)), edits=EDITS)
def test_arrays(kind, edits, tmp_path):
    for name, read in (
        ("x.npz", lambda path: arrays_of(path, {"x": True})["x"].sum()),
        ("y.npz", disclosure.read),
    ):
        (tmp_path / name).write_bytes(edited(ARRAYS[kind], edits))
        with only(6):
            read(tmp_path / name)


@SOME
@given(kind=st.sampled_from(sorted(IMAGES)), edits=EDITS)
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")
def test_images(kind, edits, tmp_path):
    content = edited(IMAGES[kind], edits)
    with contextlib.suppress(Exception):  # of which `cached` makes a DataError
        image_files.opened(content)
    path = tmp_path / f"x.{'jpg' if kind == 'JPEG' else kind.lower()}"
    path.write_bytes(content)
    with only(6):
        disclosure.read(path)


@SOME
@given(edits=EDITS)
def test_rows_of_metrics(edits, tmp_path):
    rows = "".join(json.dumps({"step": step, "loss/gen": 0.5}) + "\n" for step in range(1, 5))
    (tmp_path / "metrics.jsonl").write_bytes(edited(rows.encode(), edits))
    with only(4):
        for row in run_folder.read_metrics(tmp_path):
            assert row["step"] >= 0
            json.dumps(row)


@SOME
@given(content=st.binary(max_size=60) | TREES.map(lambda tree: json.dumps(tree).encode()))
def test_files_of_a_run(content, tmp_path):
    for name, read in (
        ("config.json", run_folder.read_config),
        ("manifest.json", run_folder.read_manifest),
        ("metrics.jsonl", run_folder.read_metrics),
    ):
        (tmp_path / name).write_bytes(content)
        with only(4):
            assert isinstance(read(tmp_path), dict | list)
    (tmp_path / "eval").mkdir(exist_ok=True)
    (tmp_path / "eval" / "step_3.json").write_bytes(content)
    for evaluation in run_folder.read_evaluations(tmp_path).values():
        assert isinstance(evaluation["scores"], dict)


@SOME
@given(content=st.binary(max_size=200), edits=EDITS)
def test_zips_of_images(content, edits, tmp_path):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.png", content)
    (tmp_path / "x.zip").write_bytes(edited(file.getvalue(), edits))
    with only(6):
        found = image_files.found(tmp_path / "x.zip")
        for name in found.names:
            with contextlib.suppress(Exception):  # of which `cached` makes a DataError
                found.read(name)
