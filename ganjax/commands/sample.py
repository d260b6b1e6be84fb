"""Draws samples from a run; its data need not be at hand.

ganjax sample --workdir runs/digits_mlp --n 64 --seed 0 --npz samples.npz
ganjax sample --workdir runs/digits_conditional --n 100 --label 7
ganjax sample --workdir runs/digits_mlp --n 5000 --outdir samples
"""

import sys
from pathlib import Path
from typing import Any

from ganjax import cli

FLAGS = cli.Flags()
WORKDIR = FLAGS.string("workdir", None, "Run folder.", required=True)
N = FLAGS.integer("n", 64, "Number of samples.", lower_bound=1)
SEED = FLAGS.integer("seed", 0, "Seed of the latents.", 0, 2**32 - 1)
LABEL = FLAGS.integer(
    "label", None, "The class to sample, in games with labels; without it the classes in turn."
)
OUT = FLAGS.output("out", cli.IMAGES, "Picture to write; by default in the run folder.")
NPZ = FLAGS.output(
    "npz", (".npz",), "Also write the arrays x [n, ...], y and `disclosure` to this npz file."
)
OUTDIR = FLAGS.string("outdir", None, "Write each image, unscaled, into a PNG file in this folder.")
LIVE = FLAGS.bool("live", False, "Use the last weights, not their moving average.")
BEST = FLAGS.bool("best", False, "Use the best checkpoint, of a run whose config names one.")
TRUST = FLAGS.trust()


def sample_labels(run: Any) -> Any:
    """Labels of the samples, int [n]; None in a game without labels."""
    import numpy as np

    from ganjax.errors import ConfigError

    if LABEL.value is None:
        return run.default_labels(N.value)
    if not run.labelled:
        raise ConfigError(f"--label={LABEL.value}: this game has no class labels; leave it out")
    if LABEL.value not in run.classes:
        raise ConfigError(
            f"--label={LABEL.value} is none of the classes {', '.join(map(str, run.classes))}"
        )
    return np.full(N.value, LABEL.value, np.int32)


def image_paths(y: Any) -> list[Path]:
    """The files of --outdir, one a sample, the class in the name if there are classes.

    Raises:
      ConfigError: the folder has other pictures, which could be taken for these samples.
    """
    from ganjax.errors import ConfigError

    folder, width = Path(OUTDIR.value), max(5, len(str(N.value - 1)))
    classes = [""] * N.value if y is None else [f"_label_{label}" for label in y]
    paths = [folder / f"{index:0{width}}{label}.png" for index, label in enumerate(classes)]
    if others := sorted({*folder.glob("*.png")} - {*paths}):
        raise ConfigError(f"--outdir={folder} has other pictures, e.g. {others[0].name}; empty it")
    return paths


def points_of_data(workdir: Path, step: int, rng: Any) -> Any:
    """Data points to draw behind the samples; None if the data cannot be read any more."""
    import numpy as np

    from ganjax import experiment, run_folder
    from ganjax.errors import GanjaxError

    try:
        run = experiment.build(run_folder.read_config(workdir, TRUST.value)).stage(step)
    except GanjaxError as error:
        print(f"the picture has no data behind the samples: {error}", file=sys.stderr)
        return None
    return np.asarray(run.data.sample(run.train, rng, max(N.value, 1000))["x"])


def main() -> None:
    """Restores the newest checkpoint, samples, writes the files and prints their paths."""
    import jax
    import numpy as np

    from ganjax import disclosure, experiment, files, pictures
    from ganjax.errors import ConfigError

    workdir = Path(WORKDIR.value)
    run = experiment.load(workdir, data=False, best=BEST.value, trust=TRUST.value)
    if run.sample is None:
        raise ConfigError(f"{workdir} is a game without a generator; it has no samples")
    y, shape = sample_labels(run), run.data.shape
    origin = disclosure.of_run(workdir, run.step)
    if OUT.value or not (NPZ.value or OUTDIR.value):
        pictures.check_drawable(shape, "leave --out out and give --npz FILE to get the numbers")
    if OUTDIR.value:
        if len(shape) != 3:
            raise ConfigError(
                f"--outdir is for images, and samples have shape {shape}; leave it out"
            )
        pictures.check_drawable(shape, "leave --outdir out and give --npz FILE")
        paths = image_paths(y)
    state = experiment.live(run.state) if LIVE.value else run.state
    rng_fake, rng_real = jax.random.split(jax.random.key(SEED.value))
    x = np.asarray(run.sample(state, rng_fake, N.value, y))
    if NPZ.value:
        with files.replaced(Path(NPZ.value)) as file:
            np.savez(file, x=x, **({} if y is None else {"y": y}), **origin.arrays())
        print(NPZ.value)
    if OUTDIR.value:
        pictures.save_apart(paths, x, disclosure=origin)
        print(f"{len(x)} images: {OUTDIR.value}")
        if not OUT.value:
            return
    label = "" if LABEL.value is None else f"_label_{LABEL.value}"
    out = Path(OUT.value or workdir / "samples" / f"seed_{SEED.value}_n_{N.value}{label}.png")
    real = points_of_data(workdir, run.step, rng_real) if shape == (2,) else None
    rows = len(run.classes) if run.labelled and LABEL.value is None else None
    if pictures.save_samples(out, x, real, rows=rows, disclosure=origin):
        print(out)
