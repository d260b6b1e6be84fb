"""The cost of keeping a run's states, as ratios of the time without.

python scripts/benchmarks/keeping.py --config digits_mlp --config bilinear_alternating
python scripts/benchmarks/keeping.py --saves --config digits_mlp --config digits_dcgan

Compiled chunks of `log_every` steps, each with its row of metrics, in turn. Either with copies of
the state and the bound on parameters, for the record of a divergence: the median ratio of CPU
seconds. Or, with --saves, a chunk with a checkpoint, written beside training or waited for: the
median of the seconds it adds, as a ratio to those of `checkpoint_every` steps; the same of CPU
seconds; and the seconds that training waits in the first case.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from absl import flags
from timing import ratio, with_cpu

from ganjax import cli

CONFIGS = flags.DEFINE_multi_string(
    "config", ["bilinear_alternating", "ring8_r1", "digits_mlp"], "Names of shipped configs."
)
ROUNDS = flags.DEFINE_integer("rounds", 11, "Rounds that are counted.", lower_bound=1)
STEPS = flags.DEFINE_integer("steps", 500, "Steps of a round without --saves.", lower_bound=1)
SAVES = flags.DEFINE_bool("saves", False, "The cost of checkpoints.")


def trained(name: str, steps: int, begin: Callable, folder: Path, **changes) -> Callable:
    """A round of chunks of a config, `begin(step, state)` before each; rows go to the folder."""
    import jax.numpy as jnp

    from ganjax import experiment, records, run_folder, train

    built, streams = experiment.build({**cli.read_config(name), **changes}), experiment.streams(0)
    length = built.config.log_every
    program = train.compiled_chunk(built, length)
    states = [train.compiled_start(built)(streams.init, built.train)]

    def one_round():
        for first in range(0, steps, length):
            begin(first, states[0])
            states[0], outcome = program(states[0], built.train, streams.play, jnp.int32(first))
            run_folder.append_metrics(folder, records.row(outcome, first + length, [], 1.0))

    return one_round


def watched(name: str, folder: Path) -> dict:
    """{whether the state is kept and bounded: a round}."""
    from ganjax import crashes

    plain = trained(name, STEPS.value, lambda *_: None, folder, largest_parameter=0)
    return {True: trained(name, STEPS.value, crashes.Kept().keep, folder), False: plain}


def saved(name: str, folder: Path, waits: list[float]) -> dict:
    """{"beside", "waited for" or "none": a round with one save}; adds to the waits of the first."""
    from ganjax import consistency, experiment, records
    from ganjax.saver import Saver

    built = experiment.build(cli.read_config(name))
    length, rows = built.config.log_every, consistency.Rows(folder, [])
    ends = {stage.config.steps: None for stage in built.stages or (built,)}
    saver = Saver(built, folder, ends, rows, records.Clock(folder), lambda: None)

    def beside(*at):
        saver.wait()
        began = time.perf_counter()
        saver.begin(*at)
        waits.append(time.perf_counter() - began)

    def waited(*at):
        saver.begin(*at)
        saver.wait()

    ways = {"beside": beside, "waited for": waited, "none": lambda *_: saver.wait()}
    return {way: trained(name, length, begin, folder) for way, begin in ways.items()}


def ratios_of(name: str, times: dict, waits: list[float]) -> str:
    """The line of a config with --saves."""
    config = cli.read_config(name)
    chunks = config["checkpoint_every"] / config["log_every"]

    def added(way, kind):
        pairs = zip(times[way], times["none"], strict=True)
        more = statistics.median(with_one[kind] - without[kind] for with_one, without in pairs)
        return more / (chunks * statistics.median(pair[kind] for pair in times["none"]))

    ways = ", ".join(
        f"{way} {1 + added(way, 0):.4f} (CPU {1 + added(way, 1):.4f})"
        for way in ("beside", "waited for")
    )
    seconds = chunks * statistics.median(wall for wall, _ in times["none"])
    return f"{name}: {ways} of {seconds:.3g} s; waits {statistics.median(waits):.2g} s"


def main() -> None:
    """Prints the ratios of every config."""
    for name in CONFIGS.value:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "metrics.jsonl").touch()
            waits, at = [], (name, Path(folder))
            rounds = saved(*at, waits) if SAVES.value else watched(*at)
            times = with_cpu(rounds, ROUNDS.value)
        if SAVES.value:
            print(ratios_of(name, times, waits), flush=True)
            continue
        cpu = {watched: [spent for _, spent in of] for watched, of in times.items()}
        print(f"{name}: {ratio(cpu[True], cpu[False]):.4f} of {min(cpu[False]):.3g} s", flush=True)


if __name__ == "__main__":
    sys.exit(cli.run(main))
