"""Killed at any moment, a comparison does what is missing, and its table is the same bits."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BASE = """
import ml_collections

def get_config():
    sgd = dict(name="sgd", learning_rate=0.1)
    return ml_collections.ConfigDict(dict(game=dict(name="bilinear", dim=3),
        scheme=dict(name="alternating"), gen_tx=dict(**sgd), disc_tx=dict(**sgd)))
"""
COMPARISON = """
import ml_collections

def get_config():
    schemes = ("simultaneous", "extragradient", "optimistic", "consensus")
    return ml_collections.ConfigDict(dict(question="Which?", base="base", score="distance",
        cells={"alternating": {}, "slower": dict(gen_tx=dict(learning_rate=0.05)),
               **{name: dict(scheme=dict(name=name)) for name in schemes}},
        seeds=3, bound=1.0, budget=dict(steps=300), looks=5))
"""
KILLS = 20


@pytest.mark.slow
def test_killed_twenty_times_the_table_is_bitwise_the_same(tmp_path):
    (tmp_path / "base.py").write_text(BASE)
    (tmp_path / "compare.py").write_text(COMPARISON)
    command = [sys.executable, "scripts/compare.py", "--config", str(tmp_path / "compare.py")]

    def start(folder):
        # The mapping is timed in use, and kept; here two folders are to agree.
        flags = ["--workdir", str(tmp_path / folder), "--mapped=vmap"]
        return subprocess.Popen([*command, *flags], cwd=ROOT, stderr=subprocess.DEVNULL)

    began = time.monotonic()
    assert start("whole").wait() == 0
    seconds = time.monotonic() - began
    rng, done = random.Random(0), {}
    cells = tmp_path / "killed" / "cells"
    for _ in range(KILLS):
        process = start("killed")
        time.sleep(rng.uniform(0, seconds))
        process.send_signal(signal.SIGKILL)
        process.wait()
        found = {path.name: path.stat().st_mtime_ns for path in cells.glob("[!.]*.json")}
        assert done.items() <= found.items()  # what was done is not done again
        done = found
        if len(done) == 6:  # from the start, so that later kills hit something too
            for path in (tmp_path / "killed").rglob("*"):
                if path.is_file():
                    path.unlink()
            done = {}
    assert start("killed").wait() == 0
    for name in ("table.json", *(f"cells/{path.name}" for path in cells.glob("[!.]*.json"))):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
