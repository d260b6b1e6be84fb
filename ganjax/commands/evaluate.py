"""Scores samples of a run by its config's evaluation, beside real data, and draws both.

ganjax evaluate --workdir runs/digits_mlp --n 5000 --json scores.json
ganjax evaluate --config digits_mlp --samples theirs.npz

With --samples it scores samples that another program made, by the data and the evaluation of a run
or of a config; nothing need be trained.
"""

from pathlib import Path
from typing import Any

from ganjax import cli

FLAGS = cli.Flags()
CONFIG = FLAGS.config(required=False)
WORKDIR = FLAGS.string("workdir", None, "Run folder.")
SAMPLES = FLAGS.string(
    "samples",
    None,
    "Score the samples of this file: npz with an array x [n, ...] and, if the evaluation needs "
    "labels, y [n]; or npy.",
)
RANGE = FLAGS.string("range", None, "Black and white in --samples, e.g. 0,1.")
N = FLAGS.integer("n", 5000, "Number of samples; with --samples, all by default.", lower_bound=2)
SEED = FLAGS.integer("seed", 0, "Seed of the latents.", 0, 2**32 - 1)
LIVE = FLAGS.bool("live", False, "Use the last weights, not their moving averages.")
BEST = FLAGS.bool("best", False, "Use the best checkpoint, of a run whose config names one.")
TRUST = FLAGS.trust()
JSON = FLAGS.output("json", (".json",), "Also write the scores to this JSON file.")
SHOWN = 49  # samples in the picture
PICTURE = FLAGS.output(
    "picture", cli.FIGURES, "Picture of samples; of a run's images by default in its folder."
)


def experiment_of_flags() -> Any:
    """The run of --workdir, restored unless --samples is given; or the experiment of --config."""
    from ganjax import experiment, run_folder
    from ganjax.errors import ConfigError

    given = [name for name in ("config", "workdir") if FLAGS.values[name].value is not None]
    if len(given) != 1 or (given == ["config"] and not SAMPLES.value):
        raise ConfigError(
            "give --workdir RUN to score a run; or --samples FILE, and one of --workdir and "
            "--config, to score the samples of another program"
        )
    if not SAMPLES.value:
        return experiment.load(WORKDIR.value, best=BEST.value, trust=TRUST.value)
    if LIVE.value or BEST.value or FLAGS.values["seed"].present:
        raise ConfigError("--live, --best and --seed are for samples of a run; leave them out")
    if WORKDIR.value:
        return experiment.build(run_folder.read_config(Path(WORKDIR.value), TRUST.value))
    return experiment.build(cli.resolved(CONFIG.value))


def samples_of_file(run: Any) -> tuple[Any, Any]:
    """Samples [n, ...] of the file and their labels [n], or None if it has no labels."""

    from ganjax import data
    from ganjax.data.files.array_files import arrays_of
    from ganjax.errors import ConfigError, DataError

    x = data.samples_of_file(SAMPLES.value, run.data.shape, data.parsed_range(RANGE.value))
    y = arrays_of(SAMPLES.value, {"x": True, "y": False}).get("y")
    if y is not None and (y.shape != x.shape[:1] or y.dtype.kind not in "iu"):
        raise DataError(
            f"{SAMPLES.value} has labels y of shape {y.shape} and type {y.dtype}; expected whole "
            f"numbers [{len(x)}], one per sample"
        )
    n = N.value if FLAGS.values["n"].present else len(x)
    if n > len(x):
        raise ConfigError(f"--n={n}, but {SAMPLES.value} has {len(x)} samples; leave --n out")
    return x[:n], None if y is None else y[:n]


def draw(run: Any, x: Any, rng: Any) -> None:
    """Draws samples beside held-out data and the nearest training images, if there are any."""
    import numpy as np

    from ganjax import disclosure, pictures

    out = Path(PICTURE.value or Path(WORKDIR.value) / "eval" / "comparison.png")
    held_out = run.data.test.get("x")
    if held_out is None and not run.train and not run.streamed:  # a closed form gives fresh draws
        held_out = run.data.sample(run.train, rng, len(x))["x"]
    train = run.examples.get("x") if x.ndim == 4 else None
    held_out, train = (x if x is None else np.asarray(x) for x in (held_out, train))
    origin = disclosure.Disclosure()  # samples of another program
    if not SAMPLES.value:
        origin = disclosure.of_run(Path(WORKDIR.value), run.step)
    panels = pictures.save_comparison(out, x, held_out, train, disclosure=origin)
    print(f"{', '.join(panels)}: {out}")


def main() -> None:
    """Draws or reads samples, scores them, prints the table and shows some."""
    import jax
    import numpy as np

    from ganjax import devices, experiment, pictures, run_folder
    from ganjax.errors import ConfigError
    from ganjax.summary import report_table

    run, rng, mesh = experiment_of_flags(), jax.random.key(SEED.value), devices.local_mesh()
    if run.evaluate is None:
        raise ConfigError(
            f"the config of {WORKDIR.value or 'the flag'} names no evaluation; train with "
            "--config.evaluation.name"
        )
    drawable = run.data.shape if SAMPLES.value or run.sample is not None else ()
    if PICTURE.value:
        pictures.check_drawable(drawable, "leave --picture out")
    if SAMPLES.value:
        x, y = samples_of_file(run)
        scores = experiment.score(run, x, y, mesh)
        protocol = experiment.protocol_of_file(run, SAMPLES.value, len(x), scores)
    else:
        state = experiment.live(run.state) if LIVE.value else run.state
        scores = run.evaluate(state, rng, N.value, mesh)
        protocol = run.protocol(state, step=run.step, seed=SEED.value, scores=scores)
    print(report_table(scores))
    if JSON.value:
        run_folder.write_json(Path(JSON.value), {"protocol": protocol, **scores})
    by_default = not SAMPLES.value and len(drawable) == 3 and pictures.drawable(drawable)
    if PICTURE.value or by_default:
        if not SAMPLES.value:
            x = np.asarray(run.sample(state, rng, min(N.value, SHOWN)))
        draw(run, x[:SHOWN], rng)
