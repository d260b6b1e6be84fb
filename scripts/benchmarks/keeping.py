"""The cost of keeping a copy of the state for the record of a divergence, as a ratio.

python scripts/benchmarks/keeping.py --config digits_mlp --config bilinear_alternating

Compiled chunks of `log_every` steps, each with its row of metrics, with and without the copies, in
turn; the median ratio of CPU seconds.
"""

import sys
import tempfile
from pathlib import Path

from absl import flags
from timing import ratio, with_cpu

from ganjax import cli

CONFIGS = flags.DEFINE_multi_string(
    "config", ["bilinear_alternating", "ring8_r1", "digits_mlp"], "Names of shipped configs."
)
ROUNDS = flags.DEFINE_integer("rounds", 11, "Rounds that are counted.", lower_bound=1)
STEPS = flags.DEFINE_integer("steps", 500, "Steps of a round.", lower_bound=1)


def rounds(name: str, folder: Path) -> dict:
    """A round of chunks of a config: {whether states are kept: function}."""
    import jax.numpy as jnp

    from ganjax import crashes, experiment, records, run_folder, train

    built = experiment.build(cli.read_config(name))
    length = built.config.log_every
    program, streams = train.compiled_chunk(built, length), experiment.streams(0)
    states = {
        keep: train.compiled_start(built)(streams.init, built.train) for keep in (False, True)
    }
    kept = crashes.Kept()

    def round_of(keep):
        for first in range(0, STEPS.value, length):
            if keep:
                kept.keep(first, states[keep])
            states[keep], outcome = program(
                states[keep], built.train, streams.play, jnp.int32(first)
            )
            run_folder.append_metrics(folder, records.row(outcome, first + length, [], 1.0))

    return {keep: lambda keep=keep: round_of(keep) for keep in states}


def main() -> None:
    """Prints the ratio of every config."""
    for name in CONFIGS.value:
        with tempfile.TemporaryDirectory() as folder:
            times = with_cpu(rounds(name, Path(folder)), ROUNDS.value)
        cpu = {keep: [spent for _, spent in of] for keep, of in times.items()}
        print(f"{name}: {ratio(cpu[True], cpu[False]):.4f} of {min(cpu[False]):.3g} s", flush=True)


if __name__ == "__main__":
    sys.exit(cli.run(main))
