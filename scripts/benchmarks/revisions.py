"""The time of a step in two revisions of the library, in turn in one run.

python scripts/benchmarks/revisions.py --before HEAD~1 --work ring_small --work dcgan_32

The revision before is checked out into a temporary folder. Each revision has a process of its own
that holds the compiled program; rounds alternate between the two, and the ratio is the median of
the ratios of rounds. With --devices the step runs under pmap on so many devices of the host.
"""

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from absl import flags

from ganjax import cli
from ganjax.errors import ConfigError, unknown

# Steps of a call of each work, and seeds in one program.
STEPS = {"ring_small": 1_000, "dcgan_32": 5, "ring_64_seeds": 100, "ring": 50}
SEEDS = {"ring_64_seeds": 64}
BEFORE = flags.DEFINE_string("before", "HEAD~1", "Revision to compare the working tree with.")
WORK = flags.DEFINE_multi_string("work", [], f"Works to time: {', '.join(STEPS)}; all if none.")
ROUNDS = flags.DEFINE_integer("rounds", 9, "Measurements of each revision, in turn.", lower_bound=3)
DEVICES = flags.DEFINE_integer("devices", 1, "Devices of the host; pmap if more than 1.")
# A process that times an older revision has its `cli`.
define_output = getattr(
    cli, "define_output", lambda name, _, text: flags.DEFINE_string(name, None, text)
)
JSON = define_output("json", (".json",), "Also write the figures into this JSON file.")
SERVE = flags.DEFINE_string(
    "serve", None, "Used by the script itself: answer with times of a work."
)
ROOT = Path(__file__).parents[2]


def calls(name: str) -> Callable[[], None]:
    """Runs the steps of a work once and waits; the first call compiles."""
    import jax
    from works import CONFIGS

    from ganjax import devices, experiment, sweep, train
    from ganjax.config import validate

    steps, seeds = STEPS[name], SEEDS.get(name, 1)
    config = {**CONFIGS["ring_small" if seeds > 1 else name](), "steps": steps, "log_every": steps}
    if seeds > 1:
        (program,) = sweep.programs({"run": validate(config)})
        made = sweep.runner(program, tuple(range(seeds)), "vmap")
        return lambda: jax.block_until_ready(made.play(made.init(), 0, steps))
    layout = devices.layout("pmap") if DEVICES.value > 1 else None
    built = experiment.build(config, layout.axis_name if layout else None)
    run = train.compiled_chunk(built, steps, layout)
    state = jax.device_get(experiment.initial_state(built, jax.random.key(0)))
    given = (built.train, jax.random.key(1), jax.numpy.int32(0))
    put = partial(devices.put, layout) if layout else jax.device_put
    return lambda: jax.block_until_ready(run(put(state), *given))


def serve(name: str) -> None:
    """Answers every line of stdin with the seconds of a call."""
    cli.use_all_cores()
    call = calls(name)
    call()
    print("ready", flush=True)
    for _ in sys.stdin:
        began = time.perf_counter()
        call()
        print(time.perf_counter() - began, flush=True)


@contextlib.contextmanager
def serving(name: str, library: Path) -> Iterator[Callable[[], float]]:
    """Times a work with the library of a folder, in a process of its own."""
    flags = f"{os.environ.get('XLA_FLAGS', '')} "
    flags += f"--xla_force_host_platform_device_count={DEVICES.value}"
    process = subprocess.Popen(
        [sys.executable, __file__, f"--serve={name}", f"--devices={DEVICES.value}"],
        env={**os.environ, "PYTHONPATH": str(library), "XLA_FLAGS": flags},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )

    def seconds() -> float:
        process.stdin.write("\n")
        process.stdin.flush()
        return float(process.stdout.readline())

    try:
        if process.stdout.readline().strip() != "ready":
            process.stdin.close()
            cause = subprocess.CalledProcessError(process.wait(), process.args)
            raise ConfigError(
                f"work {name!r} does not run with the library in {library}"
            ) from cause
        yield seconds
    finally:
        process.stdin.close()
        process.wait()


@contextlib.contextmanager
def checked_out(revision: str) -> Iterator[Path]:
    """A temporary folder with the files of a revision."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["git", "-C", str(ROOT), "archive", revision, "ganjax"]
        archive = subprocess.run(command, capture_output=True)
        if archive.returncode:
            raise ConfigError(f"--before={revision!r}: {archive.stderr.decode().strip()}")
        subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
        yield Path(folder)


def main() -> None:
    """Times the works and prints one row each."""
    if SERVE.value:
        return serve(SERVE.value)
    for name in WORK.value:
        if name not in STEPS:
            raise ConfigError(unknown("work", name, STEPS))
    results = {}
    form = f"pmap on {DEVICES.value} devices" if DEVICES.value > 1 else "one device"
    print(f"{form}; ms a step, median of {ROUNDS.value} rounds\n")
    print(f"| work | {BEFORE.value} | now | now / before |\n|---|---|---|---|")
    with checked_out(BEFORE.value) as folder:
        for name in WORK.value or STEPS:
            with serving(name, folder) as before, serving(name, ROOT) as now:
                rounds = [(before(), now()) for _ in range(ROUNDS.value)]
            ms = [1e3 * statistics.median(of) / STEPS[name] for of in zip(*rounds, strict=True)]
            ratio = statistics.median(b / a for a, b in rounds)
            results[name] = {"before_ms": ms[0], "now_ms": ms[1], "ratio": ratio, "rounds": rounds}
            print(f"| `{name}` | {ms[0]:.4g} | {ms[1]:.4g} | {ratio:.3f} |", flush=True)
    if JSON.value:
        Path(JSON.value).write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    return None


if __name__ == "__main__":
    sys.exit(cli.run(main))
