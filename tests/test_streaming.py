"""Streamed training is resident training, bit for bit, on any devices, stopped and resumed."""

import json
import shutil
import threading

import examples
import jax
import numpy as np
import pytest
from marks import marked, telling
from sources import COUNT, Pixels

from ganjax import comparison, data, devices, experiment, feed, run_folder, sweep, train
from ganjax.errors import DataError, Interrupted

pytestmark = pytest.mark.usefixtures("shared_chunks")
SCHEMES = {
    "simultaneous": {"name": "simultaneous"},
    "alternating": {"name": "alternating", "disc_updates": 2, "fresh_batches": True},
    "extragradient": {"name": "extragradient"},
    "unrolled": {"name": "unrolled", "unroll_steps": 2, "fresh_batches": True},
}
CONFIG = {
    **examples.IMAGES,
    "steps": 6,
    "batch_size": 8,
    "log_every": 3,
    "penalties": {"r1": {"name": "r1", "gamma": 0.1}},
    "gen_tx": examples.ADAM,
    "disc_tx": examples.ADAM,
}


def config(keep, scheme="alternating", changes=None, **options):
    source = {"name": "sources:pixels", "keep": keep, "flip": True, "crop": 6, **options}
    return {**CONFIG, "data": source, "scheme": SCHEMES[scheme], **(changes or {})}


def trained(config, workdir, form=None):
    layout = None if form is None else devices.layout(form, among=jax.devices()[:4])
    built = experiment.build(config, axis_name=layout and layout.axis_name)
    train.train(built, workdir, layout)
    return built, experiment.restore(built, workdir).state


def equal(a, b):
    jax.tree.map(np.testing.assert_array_equal, jax.device_get(a), jax.device_get(b))


CASES = [
    (scheme, order, form)
    for scheme in SCHEMES
    for order in ("random", "epochs")
    for form in (None, "jit", "pmap")
]


@pytest.mark.parametrize(
    ("scheme", "order", "form"),
    marked(
        CASES,
        default=[("alternating", "random", "jit")],
        telling=[("unrolled", "epochs", form) for form in (None, "pmap")],
    ),
)
def test_streamed_is_resident(scheme, order, form, tmp_path):
    for keep in ("device", "stream"):
        built, state = trained(config(keep, scheme, order=order), tmp_path / keep, form)
        assert built.streamed == (keep == "stream")
        if keep == "device":
            resident = state
    equal(state, resident)
    assert examples.untimed(tmp_path / "stream") == examples.untimed(tmp_path / "device")


@telling
def test_streamed_pairs_are_resident_pairs_on_many_devices(tmp_path):
    """Losses between images, in which a compiler would fuse the decoding."""
    patch = {"name": "patch", "width": 4, "layers": 1, "norm": "none"}
    changes = {
        "game": {"name": "paired", "l1_weight": 10.0},
        "generator": {"name": "unet", "width": 4, "depth": 2, "dropped": 0},
        "discriminator": patch | {"idle_biases": False},
        "loss": {"name": "non_saturating"},
        "penalties": {},
    }
    states = []
    for keep in ("device", "stream"):
        asked = {**config(keep), **changes, "data": {"name": "sources:couples", "keep": keep}}
        states.append(trained(asked, tmp_path / keep, "pmap")[1])
    equal(*states)


@pytest.fixture(scope="module")
def one_go(tmp_path_factory):
    """A streamed run with a checkpoint at every step."""
    workdir = tmp_path_factory.mktemp("run") / "one_go"
    return workdir, *trained(config("stream", changes=EVERY, order="epochs"), workdir)


EVERY = {"steps": 5, "log_every": 1, "checkpoint_every": 1, "keep_checkpoints": 9}


@telling
def test_resumed_at_any_step_it_is_the_same(one_go, tmp_path):
    workdir, built, state = one_go
    for step in range(1, 5):
        shutil.copytree(workdir, tmp_path / str(step))
        for later in range(step + 1, 6):
            shutil.rmtree(tmp_path / str(step) / "checkpoints" / str(later))
        train.train(built, tmp_path / str(step))
        equal(experiment.restore(built, tmp_path / str(step)).state, state)


@telling
def test_an_epoch_visits_every_row_once(one_go):
    """Two batches of 8 a step, from the fixture's run and what resumed from it."""
    _, built, _ = one_go
    rng = experiment.streams(0).play
    rows = np.concatenate([feed._drawer(built, rng)(step, 1).ravel() for step in range(5)])
    np.testing.assert_array_equal(np.sort(rows[:COUNT]), np.arange(COUNT))
    assert len(np.unique(rows[COUNT : 2 * COUNT])) == len(rows[COUNT : 2 * COUNT])


@telling
def test_pieces_fit_into_the_buffer(tmp_path):
    """A chunk in pieces moves the players as a whole one does, and has the same means."""
    whole = config("stream", changes={"steps": 7, "log_every": 7, "batch_size": 2048})
    resident, expected = trained(whole, tmp_path / "whole")
    small = {**whole, "data": {**whole["data"], "buffer_bytes": 2**20}}
    built, state = trained(small, tmp_path / "pieces")
    assert feed.pieces(resident, 7) == [7]
    assert feed.pieces(built, 7) == [1] * 7
    equal(state, expected)
    assert examples.untimed(tmp_path / "pieces") == examples.untimed(tmp_path / "whole")


def test_pieces_differ_in_length_by_one_at_most():
    built = experiment.build(config("stream", changes={"batch_size": 512}, buffer_bytes=2**20))
    assert feed.pieces(built, 7) == [3, 2, 2]


@telling
def test_an_error_of_the_thread_ends_the_run(tmp_path):
    built = experiment.build(config("stream", changes={"steps": 60, "checkpoint_every": 3}))
    source = Pixels(fails_after=4)
    built = built._replace(data=built.data._replace(source=source))
    with pytest.raises(DataError, match="shard 3, row 7"):
        train.train(built, tmp_path)
    assert run_folder.read_json(tmp_path / "status.json")["status"] == "failed"
    assert experiment.restore(built, tmp_path).step > 0
    assert "feed" not in [thread.name for thread in threading.enumerate()]


def test_an_error_of_the_users_own_is_one_about_data(tmp_path):
    built = experiment.build(config("stream"))
    source = Pixels()
    source.read = lambda rows: {"x": source.x[rows + COUNT]}
    built = built._replace(data=built.data._replace(source=source))
    with pytest.raises(DataError, match=r"pixels cannot be read \(IndexError.*rows \d+ to \d+"):
        train.train(built, tmp_path)


def test_a_stopped_run_leaves_no_thread(tmp_path, monkeypatch):
    append = run_folder.append_metrics

    def stopping(workdir, row):
        append(workdir, row)
        raise Interrupted("stopped")

    monkeypatch.setattr(run_folder, "append_metrics", stopping)
    with pytest.raises(Interrupted):
        trained(config("stream", changes={"steps": 600}), tmp_path)
    assert "feed" not in [thread.name for thread in threading.enumerate()]


@telling
def test_data_that_changed_are_refused(tmp_path):
    trained(config("stream"), tmp_path)
    path = tmp_path / "config.json"
    path.write_text(path.read_text().replace('"content": 0', '"content": 1'))
    changed = config("stream", changes={"steps": 9})
    built = experiment.build(changed)
    built = built._replace(data=built.data._replace(source=Pixels(1)))
    with pytest.raises(DataError, match=r"changed since step 6 .* was content 0 and is content 1"):
        train.train(built, tmp_path)
    manifest = run_folder.read_manifest(tmp_path)
    assert manifest["data"][0]["source"] == {
        "where": "pixels",
        "rows": COUNT,
        "digest": "content 0",
    }


@telling
def test_a_comparison_of_streamed_data_is_one_of_resident(tmp_path):
    asked = {
        "question": "Which?",
        "base": "gan",
        "score": "distance",
        "cells": {"alternating": {}, "faster": {"gen_tx": {"learning_rate": 0.01}}},
        "seeds": 2,
        "budget": {"steps": 4},
        "looks": 2,
    }
    found = []
    for keep in ("device", "stream"):
        base = config(keep, changes={"game": {"name": "gan", "z_dim": 3}})
        resolved = comparison.resolve(asked, lambda name, base=base: base)
        sweep.run(resolved, tmp_path / keep, "vmap")
        cells = sorted((tmp_path / keep / "cells").glob("*.json"))
        found.append([json.loads(cell.read_text()) for cell in cells])
    assert [cell["scores"] for cell in found[0]] == [cell["scores"] for cell in found[1]]
    assert len(found[0]) == 2


def test_examples_are_without_random_changes():
    source = Pixels()
    built = data.of_rows(source, num_classes=3, keep="stream", flip=True, crop=6)
    middle = (source.x[:, 1:7, 1:7].astype(np.float32) - 127.5) / np.float32(127.5)
    found = data.examples(built)
    np.testing.assert_allclose(found["x"], middle, atol=1e-6)
    np.testing.assert_array_equal(found["y"], source.y)
    batch = built.sample({}, jax.random.key(0), 64)
    assert batch["x"].shape == (64, 6, 6, 1)
    assert not np.isin(np.asarray(batch["x"])[:, 0, 0, 0], middle[:, 0, 0, 0]).all()


def test_a_read_that_hangs_does_not_hang_the_feed(monkeypatch):
    built, release = experiment.build(config("stream")), threading.Event()
    read = built.data.source.read

    def hanging(rows):
        if len(rows) > 1:
            release.wait(60)
        return read(rows)

    built.data.source.read = hanging
    monkeypatch.setattr(feed, "GRACE", 0.1)
    fed = feed.Feed(built, None, experiment.streams(0).play, iter([(0, 3)]))
    fed.close()
    assert fed._thread.is_alive()
    release.set()
    fed._thread.join(60)
    assert not fed._thread.is_alive()
