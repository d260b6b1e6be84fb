"""Checkpoints are written while training goes on; no error of a save is lost, no exit cuts one."""

import _thread
import contextlib
import errno
import os
import signal
import threading
import time

import examples
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from forked import until

from ganjax import checkpoints, console, devices, experiment, run_folder, saver, train
from ganjax.errors import Interrupted, MachineError

pytestmark = pytest.mark.usefixtures("shared_chunks")
TOY = {**examples.BILINEAR, "steps": 20, "log_every": 5, "checkpoint_every": 5}
TOY |= {"scheme": {"name": "simultaneous"}, "keep_checkpoints": 9}
SECONDS = 20  # until a test gives up


@pytest.fixture
def built():
    return experiment.build(TOY)


@pytest.fixture
def on_row(monkeypatch):
    """`on_row(_10=act)`: acts when the loop shows the row of that step."""

    def patched(**acts):
        @contextlib.contextmanager
        def progress(*_):
            yield lambda row: acts.get(f"_{row['step']}", lambda: None)()

        monkeypatch.setattr(train, "progress", progress)

    return patched


def before_saving(monkeypatch, act, at=5):
    """Acts before a state of that step is written; returns the steps as their saves begin."""
    begun, save = [], checkpoints.save

    def patched(folder, step, *arguments, **options):
        begun.append(step)
        if step == at:
            act()
        return save(folder, step, *arguments, **options)

    monkeypatch.setattr(checkpoints, "save", patched)
    return begun


def saved(workdir, step):
    manifest = checkpoints.verified(workdir / "checkpoints" / str(step))
    template = experiment.template(experiment.build(TOY))
    return manifest, checkpoints.read(workdir / "checkpoints", manifest, template)


def test_training_goes_on_to_the_next_save(built, tmp_path, monkeypatch, on_row):
    """State and rows are those of the step, though the buffers are donated meanwhile."""
    free, seen = threading.Event(), []

    def look():
        seen.extend(begun)
        free.set()

    begun = before_saving(monkeypatch, lambda: seen.append(free.wait(SECONDS)))
    on_row(_10=look)
    train.train(built, tmp_path / "run")
    assert seen == [5, True]
    assert begun == checkpoints.steps(tmp_path / "run" / "checkpoints") == [5, 10, 15, 20]
    train.train(experiment.build({**TOY, "steps": 5}), tmp_path / "short")
    (manifest, state), (expected, same) = (saved(tmp_path / name, 5) for name in ("run", "short"))
    jax.tree.map(np.testing.assert_array_equal, state, same)
    assert manifest["rows"]["count"] == expected["rows"]["count"] == 1
    assert manifest["updates"] == 5


def test_the_status_tells_of_a_save_that_has_ended(tmp_path, monkeypatch, on_row):
    """Not before its rename, and in the next step."""
    free, seen = threading.Event(), []

    def look():
        seen.append(run_folder.read_json(tmp_path / "status.json")["checkpoint"])

    def end():
        look()
        free.set()
        until(lambda: all(thread.name != console.ASIDE for thread in threading.enumerate()))

    before_saving(monkeypatch, lambda: free.wait(SECONDS), at=10)
    on_row(_15=end, _20=look)
    train.train(experiment.build({**TOY, "steps": 25, "checkpoint_every": 10}), tmp_path)
    assert seen == [None, 10]


@pytest.mark.parametrize("error", [KeyboardInterrupt, Interrupted, ZeroDivisionError])
def test_every_exit_waits_for_the_save(error, built, tmp_path, monkeypatch, on_row):
    leaving = threading.Event()

    def leave():
        leaving.set()
        raise error("from the loop")

    def late():
        assert leaving.wait(SECONDS)
        time.sleep(0.1)

    before_saving(monkeypatch, late)
    on_row(_10=leave)
    with pytest.raises(error, match="from the loop"):
        train.train(built, tmp_path)
    assert checkpoints.steps(tmp_path / "checkpoints") == [5]
    assert run_folder.read_json(tmp_path / "status.json")["checkpoint"] == 5


def test_all_processes_wait_for_the_save_of_a_stop(built, tmp_path, monkeypatch, on_row):
    """JAX would end the first one while it saves, once the others have left."""
    seen = []
    before_saving(monkeypatch, lambda: time.sleep(0.1), at=10)
    monkeypatch.setattr(
        devices, "wait", lambda: seen.append(checkpoints.steps(tmp_path / "checkpoints"))
    )
    on_row(_10=lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(Interrupted, match="saved at step 10"):
        train.train(built, tmp_path)
    assert seen == [[5, 10]]


@pytest.mark.parametrize("passed_on", [False, True])
def test_a_second_signal_leaves_a_save_behind(passed_on, built, tmp_path, monkeypatch, on_row):
    """The process leaves at once, as a disk may hang; `partners` sends no signal of the system."""
    free, ended = threading.Event(), threading.Event()

    def hang():
        time.sleep(0.1)
        if passed_on:
            _thread.interrupt_main(signal.SIGINT)
        else:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        if free.wait(SECONDS):
            ended.set()
        raise ZeroDivisionError

    before_saving(monkeypatch, hang, at=10)
    on_row(_10=lambda: os.kill(os.getpid(), signal.SIGINT))
    began = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            train.train(built, tmp_path)
        assert time.monotonic() - began < SECONDS
    finally:
        free.set()
    assert ended.wait(SECONDS)
    assert run_folder.read_json(tmp_path / "status.json")["checkpoint"] == 5


@pytest.mark.parametrize("at", [5, 20])
def test_an_error_of_a_save_ends_the_run(at, built, tmp_path, monkeypatch, on_row):
    """At the next step, or at the end; what else ends the run meanwhile does not hide it."""

    def full():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before_saving(monkeypatch, full, at)
    with pytest.raises(MachineError, match=r"the disk of .* is full"):
        train.train(built, tmp_path)
    told = run_folder.read_json(tmp_path / "status.json")
    assert (told["status"], told["checkpoint"]) == ("failed", at - 5 or None)
    on_row(**{f"_{at}": lambda: os.kill(os.getpid(), signal.SIGINT)})
    with pytest.raises(MachineError, match=r"the disk of .* is full"):
        train.train(built, tmp_path)


def test_drafts_of_a_killed_process_are_removed(built, tmp_path):
    train.train(experiment.build({**TOY, "steps": 5}), tmp_path)
    drafts = [tmp_path / "checkpoints" / ".7.draft", tmp_path / "best" / ".5.draft"]
    for draft in drafts:
        (draft / "state").mkdir(parents=True)
    train.train(built, tmp_path)
    assert not any(draft.exists() for draft in drafts)


def test_a_copy_shares_no_memory_and_keeps_keys():
    state = {"x": jnp.arange(4.0), "key": jax.random.key(3), "step": jnp.int32(7)}
    copy = saver._on_host(state)
    assert isinstance(copy["x"], np.ndarray)
    assert not np.shares_memory(copy["x"], np.asarray(state["x"]))
    jax.jit(lambda tree: tree, donate_argnums=0)(state)
    np.testing.assert_array_equal(copy["x"], np.arange(4.0))
    assert copy["key"] == jax.random.key(3)


def test_a_folder_that_another_process_does_not_see(tmp_path, monkeypatch):
    """Of the first process's file."""
    assert saver._shared(tmp_path)
    assert [*tmp_path.iterdir()] == []
    monkeypatch.setattr(devices, "leads", lambda: False)
    assert not saver._shared(tmp_path)
