"""Waiting times: until the first line of training, and until a mistake is rejected.

python scripts/benchmarks/startup.py

Each command is a fresh process and trains a second time with the programs of the first; the
slowest of some repetitions is printed beside its bound. A process is stopped after `--timeout`
seconds. With `--accelerator` also configs for accelerators, whose docstrings say so: these do not
train here, and the training chunk is compiled, with stages the slowest one.
"""

import math
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from absl import flags

from ganjax import cli
from ganjax.config_files import shipped
from ganjax.errors import ConfigError

ROOT = Path(__file__).parent.parent.parent
TRAIN = [sys.executable, "scripts/train.py", "--config"]
STAGES = 9  # at most of a config
MISTAKES = ("bach_size=3", "loss.name=wgn", "gen_tx.b3=1", "gen_tx.learning_rate=-1")

REPETITIONS = flags.DEFINE_integer("repetitions", 3, "Of every row.", lower_bound=1)
TIMEOUT = flags.DEFINE_float("timeout", 60.0, "Seconds after which a process is stopped.", 0.1)
LARGE = flags.DEFINE_bool("accelerator", False, "Compile the configs for accelerators too.")
COMPILE = flags.DEFINE_string("compile", None, "Of the processes that compile: the config.")
ONLY = flags.DEFINE_string("only", "", "Only the rows with this text in their names.")


def first_line(command: Sequence[str], timeout: float, cache: str = "") -> float:
    """Seconds until a process prints its first line of training; inf if it is stopped earlier.

    Args:
      command: of the process.
      timeout: seconds after which it is stopped.
      cache: folder of compiled programs; "" for none.
    """
    began = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | {"JAX_COMPILATION_CACHE_DIR": cache},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    timer = threading.Timer(timeout, process.kill)
    timer.start()
    try:
        for line in process.stderr:
            if line.startswith("step "):
                return time.perf_counter() - began
    finally:
        timer.cancel()
        process.kill()
        process.communicate()
    if time.perf_counter() - began >= timeout:
        return math.inf
    raise RuntimeError(f"{' '.join(command)} printed no line of training")


def training(config: str) -> tuple[float, float]:
    """`first_line` of a config, first and again."""
    with tempfile.TemporaryDirectory() as folder:
        command = [*TRAIN, config, "--workdir"]
        first, second = (
            first_line([*command, f"{folder}/{run}"], TIMEOUT.value, f"{folder}/cache")
            for run in ("first", "second")
        )
        return first, second


def compiling(config: str) -> tuple[float, float]:
    """Seconds to trace and compile the slowest stage of a config, first and again."""
    with tempfile.TemporaryDirectory() as cache:
        command = [sys.executable, __file__, f"--compile={config}"]
        environment = os.environ | {"JAX_COMPILATION_CACHE_DIR": cache}
        try:
            seconds_text = [
                subprocess.run(
                    command,
                    cwd=ROOT,
                    env=environment,
                    check=True,
                    stdout=subprocess.PIPE,
                    text=True,
                    encoding="utf-8",
                    timeout=TIMEOUT.value * STAGES,
                ).stdout
                for _ in range(2)
            ]
        except subprocess.TimeoutExpired:
            return math.inf, math.inf
        return tuple(map(float, seconds_text))


def compile_alone(path: str) -> None:
    """In its own process: prints the seconds of the slowest stage."""
    from ganjax import experiment, train
    from ganjax.config import validate

    config = validate(cli.read_config(path))
    built = experiment.build(config)
    seconds = []
    for stage in built.stages or (built,):
        began = time.perf_counter()
        train.compiled_chunk(stage, config["log_every"])
        seconds.append(time.perf_counter() - began)
    print(max(seconds))


def refusal(override: str) -> tuple[float]:
    """Seconds until a wrong override is rejected with exit code 2."""
    began = time.perf_counter()
    done = subprocess.run(
        [*TRAIN, "configs/digits_mlp.py", "--workdir", "unused", override],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    if done.returncode != 2 or "Traceback" in done.stderr:
        raise RuntimeError(f"{override} left with {done.returncode}:\n{done.stderr}")
    return (time.perf_counter() - began,)


def slowest(measure: Callable[[], tuple[float, ...]]) -> tuple[float, ...]:
    """The slowest repetition of each number; one that was stopped is not tried again."""
    worst = measure()
    for _ in range(REPETITIONS.value - 1):
        if math.inf in worst:
            break
        worst = tuple(map(max, worst, measure()))
    return worst


def rows() -> list[tuple[str, float | None, Callable[[], tuple[float, ...]]]]:
    """(name, bound in seconds or None if it is not chosen for, measurement) of every row."""
    made = []
    for name, text in shipped().items():
        if name.startswith("compare_") or "\nPrepare: " in text:  # data that are not here
            continue
        config, bound = f"configs/{name}.py", 15.0 if name == "digits_mlp" else 60.0
        if "for an accelerator." not in text:
            made.append((f"first line, {config}", bound, lambda c=config: training(c)))
        else:
            chosen = bound if LARGE.value else None
            made.append((f"compiled, {config}", chosen, lambda c=config: compiling(c)))
    for mistake in MISTAKES:
        override = f"--config.{mistake}"
        made.append((f"refuse {override}", 3.0, lambda o=override: refusal(o)))
    return made


def main() -> None:
    """Prints the table; exits with 1 if a bound is broken."""
    if COMPILE.value:
        return compile_alone(COMPILE.value)
    chosen = [row for row in rows() if ONLY.value in row[0]]
    if not chosen:
        raise ConfigError(f"--only={ONLY.value} is in no row's name; try the name of a config")
    broken = False
    for name, bound, measure in chosen:
        if bound is None:
            print(f"{name:65} not run: for an accelerator", flush=True)
            continue
        seconds = slowest(measure)
        broken |= seconds[0] > bound
        seconds_text = ", again ".join(
            f"{value:6.2f} s" if value < math.inf else f"over {TIMEOUT.value:g} s"
            for value in seconds
        )
        print(f"{name:65} {seconds_text}  (at most {bound:.0f} s)", flush=True)
    if broken:
        sys.exit(1)


if __name__ == "__main__":
    sys.exit(cli.run(main))
