"""Of several processes one is lost: the others end soon, on one line, and the run resumes."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import examples
import jax
import numpy as np
import pytest
from forked import Commands, until

from ganjax import experiment, partners, run_folder

ROOT = Path(__file__).parent.parent.parent
SCRIPT = """
import os, pathlib, signal, sys, time
from ganjax import cli, console, partners
from ganjax.errors import *
{before}
def main():
    with partners.watched(("localhost:1", 2, {place}, 7), pathlib.Path({workdir!r})):
        {body}
cli.run(main, cli.Flags().values, ["it"])
"""
LOGGED = "os.write(2, b'XLA\\nE0 coordination_service_agent.cc] error\\n1\\n'); "
FATAL = LOGGED + "os.write(2, b'F0 the JAX distributed service\\n  @ 0x1\\n'); os.abort()"
RUNNING = {"status": "running", "step": 7, "checkpoint": 5}


def begun(workdir, body, place=0, before=""):
    """A process that watches a child, which runs a line of Python."""
    script = SCRIPT.format(workdir=str(workdir), body=body, place=place, before=before)
    pipe = subprocess.PIPE
    options = {"stdout": pipe, "stderr": pipe, "text": True, "start_new_session": True}
    return subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, **options)


def ended(*arguments):
    with begun(*arguments) as process:
        out, err = process.communicate()
        return process.returncode, out, err


def status(workdir):
    return run_folder.read_json(workdir / "status.json")


def test_the_abort_of_a_child_without_its_partner_is_one_line(tmp_path):
    """The last line of others is passed on; of the runtime's log nothing is."""
    run_folder.write_json(tmp_path / "status.json", RUNNING)
    code, _, err = ended(tmp_path, FATAL, 1)
    assert code == 75
    assert re.fullmatch("XLA\nstopped: another process of the run is lost.*\n", err)
    assert status(tmp_path)["status"] == "interrupted"
    assert status(tmp_path)["step"] == 5


@pytest.mark.parametrize("place", [0, 1])
def test_processes_that_do_not_meet(place, tmp_path):
    """The first one leaves a status in a new folder."""
    code, _, err = ended(tmp_path, FATAL.replace("0x1", "RegisterTask"), place)
    assert code == 75
    assert "did not find each other within 7 s" in err
    assert (tmp_path / "status.json").exists() == (place == 0)


@pytest.mark.parametrize(
    ("body", "code", "told"),
    [
        ("print('yes')", 0, ""),
        ("raise ConfigError('no')", 2, "error: no"),
        ("raise Interrupted('later')", 75, "stopped: later"),
        (f"{LOGGED} 1 / 0", 1, "ZeroDivisionError"),
        ("os.kill(os.getpid(), signal.SIGKILL)", 137, ""),
        (f"{LOGGED} os.abort()", 134, "coordination"),
    ],
)
def test_any_other_end_is_that_of_the_child(body, code, told, tmp_path):
    run_folder.write_json(tmp_path / "status.json", RUNNING)
    found, out, err = ended(tmp_path, body)
    assert found == code, err
    assert (out == "yes\n") == (code == 0)
    assert told in err
    assert err.count("Traceback") == (code == 1)
    assert status(tmp_path) == RUNNING


WAITING = "print(os.getpid(), flush=True); time.sleep(60)"


LATE = """forward = partners._forward
def late(*arguments): time.sleep(.5); forward(*arguments)
partners._forward = late"""


@pytest.mark.parametrize("watcher", ["", LATE], ids=["", "slow-watcher"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_to_all_processes_counts_once(number, watcher, tmp_path):
    """As terminals and launchers send it; a second one would leave unsaved.

    Nor is one lost that comes before the watching process has its handlers.
    """
    saving = """with console.interruptible() as stop:
            print(os.getpid(), flush=True)
            while not stop.wait(.01): pass
            time.sleep(.3); print("saved", flush=True); raise Interrupted("saved")"""
    before = signal.signal(number, signal.SIG_DFL)
    with begun(tmp_path, saving, before=watcher) as process:
        signal.signal(number, before)
        process.stdout.readline()
        os.killpg(process.pid, number)
        out, err = process.communicate()
    assert process.returncode == 75
    assert out == "saved\n"
    assert err.endswith("stopped: saved\n")


def test_a_child_ends_with_its_watching_process(tmp_path):
    with begun(tmp_path, WAITING) as process:
        process.stdout.readline()
        process.kill()
        process.communicate(timeout=30)  # until the child has closed its streams, too


@pytest.mark.parametrize("text", ["Gloo AllReduce failed: closed by peer", "no such file"])
def test_an_error_of_a_collective_is_that_of_a_lost_process(text, monkeypatch):
    error = ValueError("under --form=pmap")
    error.__context__ = RuntimeError(text)
    for several in (True, False):
        monkeypatch.setattr(jax.distributed, "is_initialized", lambda: several)  # noqa: B023
        assert partners.lost(error) == (several and "Gloo" in text)


ADAM = {"name": "adam", "learning_rate": 1e-3, "b1": 0.5}
MLP = {"name": "mlp", "width": 8, "depth": 1}
RING = {
    "steps": 200,
    "log_every": 5,
    "checkpoint_every": 10,
    "sample_every": 100,
    "evaluate_every": 20,
    "evaluation": {"name": "modes"},
    "evaluation_samples": 100_000,
    "batch_size": 8,
    "data": {"name": "ring"},
    "game": {"name": "gan", "z_dim": 4},
    "generator": MLP,
    "discriminator": MLP,
    "loss": {"name": "non_saturating"},
    "scheme": {"name": "alternating"},
    "gen_tx": ADAM,
    "disc_tx": ADAM,
}
LIVES = int(os.environ.get("GANJAX_LIVES", 10))  # kills, half of them in each form
SECONDS = 20  # for the processes to find each other


class Pair:
    """Two processes of one run, of one device each."""

    def __init__(self, commands, folder, workdir, form):
        self.commands, self.workdir = commands, workdir
        self.errors = [folder / f"err_{place}" for place in range(2)]
        path = folder / "config.py"
        path.write_text(
            "from ml_collections import ConfigDict\n"
            f"def get_config(): return ConfigDict({RING!r})\n"
        )
        self._flags = ("--config", path, "--workdir", workdir, form, f"--partner_seconds={SECONDS}")

    def start(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        flags = (*self._flags, f"--coordinator=127.0.0.1:{port}", "--num_processes=2")
        return [
            self.commands.start(error, "train", *flags, f"--process_id={place}")
            for place, error in enumerate(self.errors)
        ]

    def rows(self):
        path = self.workdir / "metrics.jsonl"
        return path.read_bytes().count(b"\n") if path.exists() else 0

    def found(self, name, content=""):
        """Whether a file of the folder is there with a content."""
        with contextlib.suppress(OSError):
            return content in (self.workdir / name).read_text()

    def reach(self, moment):
        """Waits for a moment of the run."""
        if moment == "unmet":
            return
        until(lambda: self.found("status.json", "running") or self.found("status.json", "scoring"))
        before = self.rows()
        if moment == "row":
            until(lambda: self.rows() >= before + 9)
        elif moment == "scoring":
            until(lambda: self.found("status.json", "scoring"))
        elif moment == "saving":
            drafts = (self.workdir / "checkpoints").glob
            until(lambda: self.rows() > before and any(drafts(".*.draft")))


@pytest.mark.slow
@pytest.mark.parametrize("form", ["--form=pmap", "--shard_optimiser"])
def test_one_of_two_is_killed_and_the_run_resumes_bitwise(form, tmp_path, monkeypatch):
    """Kills at every moment of a run, in turn of the first process and of the second."""
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "cache"))
    whole, cut = tmp_path / "whole" / "run", tmp_path / "cut" / "run"
    for folder in (whole, cut):
        folder.parent.mkdir()
    moments, seconds, reached = ("row", "unmet", "saving", "compiling", "scoring"), [], [0]
    odd = form == "--form=pmap"
    with Commands() as commands:
        pair = Pair(commands, whole.parent, whole, form)
        assert [commands.wait(process) for process in pair.start()] == [0, 0]
        pair = Pair(commands, cut.parent, cut, form)
        for life in range(LIVES // 2):
            moment, victim = moments[life % len(moments)], (life + odd) % 2
            processes = pair.start()
            pair.reach(moment)
            began = time.monotonic()
            os.kill(processes[victim], signal.SIGKILL)
            code, told = (commands.wait(processes[1 - victim]), pair.errors[1 - victim].read_text())
            seconds.append(time.monotonic() - began)
            print(form, moment, "of process", victim, f"{seconds[-1]:.1f} s", told.splitlines()[-1])
            assert commands.wait(processes[victim]) == 137
            assert code == 75, told
            assert told.splitlines()[-1].startswith("stopped: ")
            assert not re.search("Traceback|stack trace|UNAVAILABLE|Gloo|error", told)
            assert status(cut)["status"] == "interrupted"
            reached.append(status(cut)["step"])
        assert [commands.wait(process) for process in pair.start()] == [0, 0]
    print("steps reached:", json.dumps(reached))
    assert max(seconds) < 60
    assert reached[-1] > 0
    assert reached == sorted(reached)
    built = experiment.build(RING)
    states = [experiment.restore(built, folder).state for folder in (whole, cut)]
    jax.tree.map(np.testing.assert_array_equal, *states)
    assert examples.untimed(whole) == examples.untimed(cut)
    assert status(cut)["status"] == "done"
