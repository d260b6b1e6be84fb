"""Draws samples from a run folder alone.

python scripts/sample.py --workdir runs/digits_mlp --n 64 --seed 0 --npz samples.npz
"""

import sys
from pathlib import Path

from absl import flags

from ganjax import cli

WORKDIR = flags.DEFINE_string("workdir", None, "Run folder.", required=True)
N = flags.DEFINE_integer("n", 64, "Number of samples.", lower_bound=1)
SEED = flags.DEFINE_integer("seed", 0, "Seed of the latents.", 0, 2**32 - 1)
OUT = flags.DEFINE_string("out", None, "PNG to write; by default in the run folder.")
NPZ = flags.DEFINE_string("npz", None, "Also write the array x [n, ...] to this npz file.")
LIVE = flags.DEFINE_bool("live", False, "Use the generator itself, not its moving average.")


def main() -> None:
    """Restores the newest checkpoint, samples, writes a picture and prints its path."""
    import jax
    import numpy as np

    from ganjax import experiment, pictures
    from ganjax.errors import ConfigError

    workdir = Path(WORKDIR.value)
    run = experiment.load(workdir)
    if run.sample is None:
        raise ConfigError(f"{workdir} is a game without a generator; it has no samples")
    state = run.state._replace(average=()) if LIVE.value else run.state
    rng_fake, rng_real = jax.random.split(jax.random.key(SEED.value))
    x = np.asarray(run.sample(state, rng_fake, N.value))
    if NPZ.value:
        with open(NPZ.value, "wb") as file:
            np.savez(file, x=x)
        print(NPZ.value)
    out = Path(OUT.value or workdir / "samples" / f"seed_{SEED.value}_n_{N.value}.png")
    real = np.asarray(run.data.sample(run.train, rng_real, max(N.value, 1000))["x"])
    if pictures.save_samples(out, x, real):
        print(out)


if __name__ == "__main__":
    sys.exit(cli.run(main))
