"""A signal ends a run soon, wherever it comes, and nothing is lost."""

import contextlib
import os
import re
import signal
import threading
import time

import examples
import jax
import numpy as np
import pytest
from forked import Commands, until
from marks import marked, telling

from ganjax import checkpoints, console, cuts, experiment, feed, run_folder, train
from ganjax.errors import Interrupted

pytestmark = pytest.mark.usefixtures("shared_chunks")
ADAM = {"name": "adam", "learning_rate": 1e-3, "b1": 0.5}
MLP = {"name": "mlp", "width": 8, "depth": 1}
RING = {
    "steps": 12,
    "log_every": 8,
    "batch_size": 8,
    "data": {"name": "ring"},
    "game": {"name": "gan", "z_dim": 4},
    "generator": MLP,
    "discriminator": MLP,
    "loss": {"name": "non_saturating"},
    "scheme": {"name": "alternating", "disc_updates": 2},
    "gen_tx": ADAM,
    "disc_tx": ADAM,
}
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def equal(a, b):
    jax.tree.map(np.testing.assert_array_equal, a, b)


@pytest.fixture(scope="module")
def ring():
    return experiment.build(RING)


@pytest.fixture(scope="module")
def whole(ring, shared_chunks, tmp_path_factory):
    """A run whose chunks are not cut, but after their first step."""
    workdir = tmp_path_factory.mktemp("whole")
    train.train(ring, workdir)
    return workdir


def stopped(monkeypatch, built, workdir, after, number):
    """Trains until a signal comes in the cut that is the `after`-th."""
    calls, advance = [], cuts.Cuts.__call__

    def signalled(self, *arguments):
        calls.append(arguments)
        result = advance(self, *arguments)
        if len(calls) == after:
            os.kill(os.getpid(), number)
        return result

    with monkeypatch.context() as patch:
        patch.setattr(cuts.Cuts, "__call__", signalled)
        train.train(built, workdir)


@pytest.mark.parametrize("after", marked(range(1, 12), default=(3, 8), telling=(11,)))
def test_stopped_within_a_chunk_and_resumed_is_bitwise_the_same(
    after, ring, whole, tmp_path, monkeypatch
):
    """State and rows, of cuts of one step each; a row's means are summed over both lives."""
    monkeypatch.setattr(cuts, "SECONDS", 0.0)
    workdir = tmp_path / whole.name
    with pytest.raises(Interrupted, match=f"saved at step {after} of 12"):
        stopped(monkeypatch, ring, workdir, after, SIGNALS[after % 3])
    assert run_folder.read_json(workdir / "status.json")["status"] == "interrupted"
    saved = run_folder.read_json(workdir / "checkpoints" / str(after) / "manifest.json")
    assert ("sums" in saved) == (after != 8)
    train.train(ring, workdir)
    equal(experiment.restore(ring, workdir).state, experiment.restore(ring, whole).state)
    assert examples.untimed(workdir) == examples.untimed(whole)


def test_a_long_chunk_is_cut_by_the_clock(ring, whole, tmp_path, monkeypatch):
    """The cuts change neither state nor rows."""
    lengths, advance = [], cuts.Cuts.__call__

    def counted(self, placed, sums, step):
        result = advance(self, placed, sums, step)
        lengths.append(result[-1] - step)
        return result

    monkeypatch.setattr(cuts.Cuts, "__call__", counted)
    monkeypatch.setattr(cuts, "SECONDS", 0.0)
    train.train(ring, tmp_path)
    assert lengths == [1] * 12
    equal(experiment.restore(ring, tmp_path).state, experiment.restore(ring, whole).state)
    assert examples.untimed(tmp_path) == examples.untimed(whole)


@telling
def test_streamed_data_are_cut_within_their_pieces(tmp_path, monkeypatch):
    """Pieces of 3, 3 and 2 steps; after a stop others are read, with the same draws."""
    images = {**examples.IMAGES, "steps": 12, "log_every": 8, "batch_size": 1024}
    data = {"name": "sources:pixels", "crop": 6}
    resident = experiment.build({**images, "data": {**data, "keep": "device"}})
    streamed = {**data, "keep": "stream", "buffer_bytes": 2**20}
    streamed = experiment.build({**images, "data": streamed})
    assert feed.pieces(streamed, 8) == [3, 3, 2]
    train.train(resident, tmp_path / "resident")
    expected = experiment.restore(resident, tmp_path / "resident").state
    monkeypatch.setattr(cuts, "SECONDS", 0.0)
    for after in (1, 5, 8, 10):
        workdir = tmp_path / str(after)
        with pytest.raises(Interrupted, match=f"saved at step {after} of 12"):
            stopped(monkeypatch, streamed, workdir, after, signal.SIGTERM)
        train.train(streamed, workdir)
        equal(experiment.restore(streamed, workdir).state, expected)
        assert examples.untimed(workdir) == examples.untimed(tmp_path / "resident")


def left(work):
    with console.interruptible() as stop, contextlib.suppress(Exception):
        stop.at_once = True
        console.aside(work)


@pytest.fixture(autouse=True)
def heard():
    """No signal is ignored, as SIGHUP is under nohup."""
    numbers = signal.SIGTERM, signal.SIGHUP
    before = {number: signal.signal(number, signal.SIG_DFL) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_compiler_does_not_keep_a_signal_waiting(number):
    """Where nothing can be lost, `aside` is left at once; else its work is finished."""
    free, began = threading.Event(), time.monotonic()

    def compiling():
        os.kill(os.getpid(), number)
        return free.wait(30)

    with pytest.raises(Interrupted, match="same command resumes"):
        left(compiling)
    assert time.monotonic() - began < 5
    free.set()
    with console.interruptible() as stop:
        assert console.aside(compiling)
        assert stop.is_set()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)


def test_an_ignored_signal_stays_ignored():
    """As under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with console.interruptible() as stop, console.endable():
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stop.is_set()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_errors_of_work_aside_are_its_own():
    with pytest.raises(ZeroDivisionError):
        console.aside(lambda: 1 / 0)


def test_a_signal_within_a_destructor_is_not_lost(capsys):
    """Its error is, silently, as in a callback of the collector; it is raised again soon."""

    class Ending:
        def __del__(self):
            signal.raise_signal(signal.SIGTERM)

    def traced(until):
        with console.interruptible() as stop:
            stop.at_once = True
            ending = Ending()
            del ending
            while time.monotonic() < until:  # in the main thread
                pass

    began = time.monotonic()
    with pytest.raises(Interrupted):
        traced(began + 30)
    assert time.monotonic() - began < 5
    assert capsys.readouterr().err == ""


LIVES = int(os.environ.get("GANJAX_LIVES", 6))  # signals of each kind of the slow tests
LONG = {**RING, "log_every": 1_000_000, "evaluation": {"name": "none"}}
LONG["steps"] = 33_000 * LIVES  # so that a few are left after the last signal


def written(folder, config):
    path = folder / "config.py"
    path.write_text(
        f"from ml_collections import ConfigDict\ndef get_config(): return ConfigDict({config!r})\n"
    )
    return path


def ended(commands, process, number):
    """The exit code after a signal, and the seconds until it came."""
    began = time.monotonic()
    os.kill(process, number)
    return commands.wait(process), time.monotonic() - began


@pytest.mark.slow
def test_a_long_chunk_is_stopped_soon_and_goes_on_bitwise(tmp_path, monkeypatch):
    """One long chunk over many lives, each ended by a signal within 5 seconds."""
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "cache"))
    config, err, seconds = written(tmp_path, LONG), tmp_path / "err", []
    (tmp_path / "one").mkdir()
    draw = np.random.default_rng(0)
    with Commands() as commands:
        workdir = tmp_path / "one" / "run"
        assert commands.run(err, "train", "--config", config, "--workdir", workdir) == 0
        cut = tmp_path / "cut" / "run"
        reached = [0]
        for number in [*SIGNALS] * LIVES:
            process = commands.start(err, "train", "--config", config, "--workdir", cut)
            until(lambda: re.search("compiled the training|done already", err.read_text()))
            time.sleep(draw.uniform(0, 1))
            code, taken = ended(commands, process, number)
            told = err.read_text()
            if code == 0:
                break
            assert code == 75, told
            seconds.append(taken)
            assert "Traceback" not in told
            reached.append(max(checkpoints.steps(cut / "checkpoints"), default=0))
            assert run_folder.read_json(cut / "status.json")["status"] == "interrupted"
        assert commands.run(err, "train", "--config", config, "--workdir", cut) == 0
    print(f"{len(seconds)} exits, {np.median(seconds):.2f} s, {max(seconds):.2f} s at most")
    print("steps reached:", reached)
    assert np.median(seconds) < 5  # all of them, on a machine with nothing else to do
    assert reached[-1] > reached[0]
    assert reached == sorted(reached)
    built = experiment.build(LONG)
    equal(*(experiment.restore(built, folder).state for folder in (workdir, cut)))
    assert examples.untimed(workdir) == examples.untimed(cut)


@pytest.mark.slow
@pytest.mark.parametrize("command", ["train", "compare"])
def test_while_it_compiles_a_process_ends_at_once(command, tmp_path, monkeypatch):
    """Signals at times from the first lines to the end of the compilation."""
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "")
    deep = {**MLP, "depth": 6}
    config = {**LONG, "generator": deep, "discriminator": deep}
    config["scheme"] = {"name": "unrolled", "unroll_steps": 4}
    path = written(tmp_path, config) if command == "train" else "compare_ring8"
    err, lock, seconds = tmp_path / "err", tmp_path / "run" / "lock", []
    lock.parent.mkdir()
    lock.touch()
    with Commands() as commands:
        for index, number in enumerate([*SIGNALS] * LIVES):
            flags = ("--config", path, "--workdir", tmp_path / "run")
            process = commands.start(err, command, *flags)
            until(lambda: f"process {process} " in lock.read_text())  # noqa: B023
            time.sleep(0.5 + 4 * index / LIVES)
            code, taken = ended(commands, process, number)
            assert code == 75, (number, index, err.read_text())
            assert "compiled" not in err.read_text()
            assert "Traceback" not in err.read_text()
            seconds.append(taken)
    print(f"{len(seconds)} exits, {np.median(seconds):.2f} s, {max(seconds):.2f} s at most")
    assert np.median(seconds) < 0.5  # a few come while XLA holds the interpreter's lock
    assert max(seconds) < 2  # on a machine with nothing else to do
