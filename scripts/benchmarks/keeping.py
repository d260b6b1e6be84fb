"""The cost of keeping a run's states, as ratios of the time without.

python scripts/benchmarks/keeping.py --config digits_mlp --config bilinear_alternating
python scripts/benchmarks/keeping.py --saves --config digits_mlp --config digits_dcgan

Compiled chunks of `log_every` steps, each with its row of metrics, in turn; median ratios. Either
with copies of the state and the bound on parameters, for the record of a divergence, in CPU
seconds. Or, with --saves, with a checkpoint every `checkpoint_every` steps, in seconds: written
beside training, and waited for; and the seconds that training waits in the first case.
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
    every, rows = built.config.checkpoint_every, consistency.Rows(folder, [])
    ends = {stage.config.steps: None for stage in built.stages or (built,)}
    saver = Saver(built, folder, ends, rows, records.Clock(folder), lambda: None)

    def begin(step, state):
        if step == 0:
            saver.begin(step, state)

    def beside(*at):
        began = time.perf_counter()
        begin(*at)
        waits.append(time.perf_counter() - began)

    def waited(*at):
        begin(*at)
        saver.wait()

    ways = {"beside": beside, "waited for": waited, "none": lambda *_: None}
    return {way: trained(name, every, begin, folder) for way, begin in ways.items()}


def main() -> None:
    """Prints the ratios of every config."""
    for name in CONFIGS.value:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "metrics.jsonl").touch()
            waits, at = [], (name, Path(folder))
            rounds = saved(*at, waits) if SAVES.value else watched(*at)
            times = with_cpu(rounds, ROUNDS.value)
        wall, cpu = ({way: [pair[i] for pair in of] for way, of in times.items()} for i in (0, 1))
        if SAVES.value:
            ratios = (f"{way} {ratio(wall[way], wall['none']):.4f}" for way in list(wall)[:2])
            told = f"{', '.join(ratios)} of {min(wall['none']):.3g} s"
            every = len(waits) // (ROUNDS.value + 1)
            print(f"{name}: {told}; waits {statistics.median(waits[::every]):.2g} s", flush=True)
        else:
            print(f"{name}: {ratio(cpu[True], cpu[False]):.4f} of {min(cpu[False]):.3g} s")


if __name__ == "__main__":
    sys.exit(cli.run(main))
