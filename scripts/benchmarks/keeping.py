"""The cost of finding and recording divergence, as a ratio.

python scripts/benchmarks/keeping.py --config digits_mlp --config bilinear_alternating

Compiled chunks of `log_every` steps, each with its row of metrics, with and without copies of the
state and the bound on parameters, in turn; the median ratio of CPU seconds.
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
    """A round of chunks of a config: {whether its state is kept and bounded: function}."""
    import jax.numpy as jnp

    from ganjax import crashes, experiment, records, run_folder, train

    config, streams = cli.read_config(name), experiment.streams(0)

    def of(watched):
        built = experiment.build(config if watched else {**config, "largest_parameter": 0})
        length, kept = built.config.log_every, crashes.Kept()
        program = train.compiled_chunk(built, length)
        states = [train.compiled_start(built)(streams.init, built.train)]

        def one_round():
            for first in range(0, STEPS.value, length):
                if watched:
                    kept.keep(first, states[0])
                states[0], outcome = program(states[0], built.train, streams.play, jnp.int32(first))
                run_folder.append_metrics(folder, records.row(outcome, first + length, [], 1.0))

        return one_round

    return {watched: of(watched) for watched in (False, True)}


def main() -> None:
    """Prints the ratio of every config."""
    for name in CONFIGS.value:
        with tempfile.TemporaryDirectory() as folder:
            times = with_cpu(rounds(name, Path(folder)), ROUNDS.value)
        cpu = {watched: [spent for _, spent in of] for watched, of in times.items()}
        print(f"{name}: {ratio(cpu[True], cpu[False]):.4f} of {min(cpu[False]):.3g} s", flush=True)


if __name__ == "__main__":
    sys.exit(cli.run(main))
