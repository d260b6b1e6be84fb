"""Draws samples from a run folder alone.

python scripts/sample.py --workdir runs/digits_mlp --n 64 --seed 0 --npz samples.npz
python scripts/sample.py --workdir runs/digits_conditional --n 100 --label 7
"""

import sys
from pathlib import Path
from typing import Any

from absl import flags

from ganjax import cli

WORKDIR = flags.DEFINE_string("workdir", None, "Run folder.", required=True)
N = flags.DEFINE_integer("n", 64, "Number of samples.", lower_bound=1)
SEED = flags.DEFINE_integer("seed", 0, "Seed of the latents.", 0, 2**32 - 1)
LABEL = flags.DEFINE_integer(
    "label", None, "The class to sample, in games with labels; without it the classes in turn."
)
OUT = cli.define_output("out", cli.IMAGES, "Picture to write; by default in the run folder.")
NPZ = cli.define_output(
    "npz", (".npz",), "Also write the arrays x [n, ...] and y to this npz file."
)
LIVE = flags.DEFINE_bool("live", False, "Use the generator itself, not its moving average.")


def asked_labels(run: Any) -> Any:
    """The labels to sample, int [n]; None in a game without any."""
    import numpy as np

    from ganjax.errors import ConfigError

    if LABEL.value is None:
        return run.default_labels(N.value)
    if not run.labelled:
        raise ConfigError(f"--label={LABEL.value}: this game knows no labels; leave the flag out")
    if LABEL.value not in run.classes:
        raise ConfigError(
            f"--label={LABEL.value} is none of the classes {', '.join(map(str, run.classes))}"
        )
    return np.full(N.value, LABEL.value, np.int32)


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
    y = asked_labels(run)
    state = experiment.live(run.state) if LIVE.value else run.state
    rng_fake, rng_real = jax.random.split(jax.random.key(SEED.value))
    x = np.asarray(run.sample(state, rng_fake, N.value, y))
    if NPZ.value:
        with open(NPZ.value, "wb") as file:
            np.savez(file, x=x, **({} if y is None else {"y": y}))
        print(NPZ.value)
    label = "" if LABEL.value is None else f"_label_{LABEL.value}"
    out = Path(OUT.value or workdir / "samples" / f"seed_{SEED.value}_n_{N.value}{label}.png")
    real = np.asarray(run.data.sample(run.train, rng_real, max(N.value, 1000))["x"])
    in_turn = run.labelled and LABEL.value is None
    if pictures.save_samples(out, x, real, rows=len(run.classes) if in_turn else None):
        print(out)


if __name__ == "__main__":
    sys.exit(cli.run(main))
