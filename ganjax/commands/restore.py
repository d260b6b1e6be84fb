"""Fills holes in held-out images by searching the latent space of a run's generator.

ganjax restore --workdir runs/digits_mlp --hole 4 --n 500 --picture restored.png

One compiled search fills holes of all kinds. The table compares the squared errors in the holes of
the mean training image, of the mean of the five training images nearest in the visible pixels, of
ridge regression from these pixels, and of the search: its best restart, the average of its
restarts, and the generator's image nearest to the average (central). A conditional generator gets
the true class of each image, which the others do not: no fair comparison.
"""

from collections.abc import Callable
from pathlib import Path

from ganjax import cli

SHOWN = 4  # images of each kind in the picture
PRIORS = ("gaussian", "discriminator", "none")

FLAGS = cli.Flags()
WORKDIR = FLAGS.string("workdir", None, "Run folder.", required=True)
TRUST = FLAGS.trust()
HOLE = FLAGS.integer("hole", 4, "Side of the hole in pixels.", lower_bound=1)
KINDS = FLAGS.list("kinds", ["centre", "square", "left", "pixels"], "Kinds of holes.")
N = FLAGS.integer("n", 64, "Held-out images, each with every kind.", lower_bound=1)
FIRST = FLAGS.integer("first", 0, "The first of them.", lower_bound=0)
SEED = FLAGS.integer("seed", 0, "Seed of the holes and of the starts.", 0, 2**32 - 1)
RESTARTS = FLAGS.integer("restarts", 8, "Starts of each search.", lower_bound=1)
STEPS = FLAGS.integer("steps", 200, "Steps of Adam.", lower_bound=1)
RATE = FLAGS.float("rate", 0.1, "Adam's learning rate, falling to 0 as a cosine.", 1e-9)
PRIOR = FLAGS.enum("prior", "gaussian", PRIORS, "Prior loss.")
WEIGHT = FLAGS.float("weight", 0.5, "Of the prior beside the context loss.", 1e-9)
POWER = FLAGS.integer("power", 2, "Of the context loss.", 1, 2)
WINDOW = FLAGS.integer("window", 0, "Side of the context weights' window; 0 for none.", 0)
LIVE = FLAGS.bool("live", False, "Use the last weights, not their moving average.")
PICTURE = FLAGS.output("picture", cli.FIGURES, "Draw some of the images into this file.")
JSON = FLAGS.output("json", (".json",), "Also write the errors to this JSON file.")


def held_out(run: object) -> tuple:
    """Held-out images [n, ...] and their labels: (y,), or () without class labels."""
    from ganjax.errors import ConfigError

    data = run.data
    if run.sample is None or data is None or len(data.shape) != 3 or "x" not in data.test:
        raise ConfigError(
            f"{WORKDIR.value} has no generator of images or no held-out images; restore those of "
            "a run on images, e.g. of digits_mlp"
        )
    available, wanted = len(data.test["x"]), slice(FIRST.value, FIRST.value + N.value)
    if wanted.stop > available:
        raise ConfigError(
            f"--first={FIRST.value} and --n={N.value} need {wanted.stop} held-out images; "
            f"there are {available}"
        )
    labels = (data.test["y"][wanted],) if run.labelled else ()
    return data.test["x"][wanted], labels


def masked(x: object, rng: object) -> object:
    """Masks of the kinds of --kinds in turn, each for all images [kinds * n, ...]."""
    import jax
    import jax.numpy as jnp

    from ganjax import data
    from ganjax.errors import ConfigError, unknown

    if not KINDS.value:
        raise ConfigError(f"--kinds is empty; name some of {', '.join(data.MASKS)}")
    for kind in KINDS.value:
        if kind not in data.MASKS:
            raise ConfigError(unknown("kind of hole", kind, data.MASKS))
    rngs = jax.random.split(rng, len(KINDS.value))
    try:
        masks = [
            data.MASKS[kind](rng, x.shape, HOLE.value)
            for kind, rng in zip(KINDS.value, rngs, strict=True)
        ]
    except ValueError as error:
        raise ConfigError(f"--hole={HOLE.value}: {error}") from None
    return jnp.concatenate(masks)


def prior_of(run: object, queries: dict[str, Callable], labels: tuple) -> tuple:
    """The prior loss of --prior, and a projection onto the range of a uniform prior."""
    import jax.numpy as jnp

    from ganjax import latents
    from ganjax.errors import ConfigError

    drawn_from = dict(run.config.get("prior", {})).get("name", "normal")
    if PRIOR.value == "gaussian" and drawn_from == "uniform":
        raise ConfigError(
            "this generator's latents are uniform; take --prior=discriminator or --prior=none"
        )
    if PRIOR.value == "discriminator" and "logits" not in queries:
        raise ConfigError(
            f"game {run.config.game.name!r} has no discriminator; take --prior=gaussian"
        )
    keep = (lambda z: jnp.clip(z, -1, 1)) if drawn_from == "uniform" else (lambda z: z)
    prior = {
        "gaussian": latents.gaussian_prior,
        "discriminator": latents.discriminator_prior(lambda x: queries["logits"](x, *labels)),
        "none": None,
    }[PRIOR.value]
    return prior, keep


def filled(run: object, x: object, labels: tuple, mask: object, rng: object) -> object:
    """`latents.Restored`, by one compiled program for all images and all starts."""
    import jax
    import optax

    from ganjax import experiment, latents
    from ganjax.errors import ConfigError

    state = experiment.live(run.state) if LIVE.value else run.state
    queries = run.queries(state)
    prior, keep = prior_of(run, queries, labels)
    tx = optax.adam(optax.cosine_decay_schedule(RATE.value, STEPS.value))

    @jax.jit
    def fill(x, mask, rng):
        z0 = jax.vmap(lambda rng: queries["latents"](rng, len(x)))(
            jax.random.split(rng, RESTARTS.value)
        )
        return latents.restore(
            lambda z: queries["generate"](z, *labels),
            x,
            mask,
            z0,
            tx=tx,
            steps=STEPS.value,
            weight=WEIGHT.value,
            prior=prior,
            power=POWER.value,
            window=WINDOW.value,
            keep=keep,
        )

    try:
        return fill(x, mask, rng)
    except ValueError as error:
        raise ConfigError(str(error)) from None


def report(errors: dict[str, dict[str, float]]) -> None:
    """Prints the table: errors, and their ratios to that of the mean image."""
    ways = list(next(iter(errors.values())))
    print(f"{'squared error':14}" + "".join(f"{way:>12}" for way in ways) + "   over mean image:")
    for kind, row in errors.items():
        ratios = "".join(f"{row[way] / row['mean image']:12.3f}" for way in ways[1:])
        print(f"{kind:14}" + "".join(f"{row[way]:12.4f}" for way in ways) + ratios)


def main() -> None:
    """Restores, prints the table, writes the JSON, draws the picture."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    from ganjax import disclosure, experiment, metrics, pictures, run_folder

    run = experiment.load(WORKDIR.value, trust=TRUST.value)
    if PICTURE.value:
        pictures.check_drawable(run.data.shape if run.data else (), "leave --picture out")
    x, labels = held_out(run)
    rng_mask, rng_start = jax.random.split(jax.random.key(SEED.value))
    kinds = len(KINDS.value)
    mask = masked(x, rng_mask)
    x = jnp.tile(x, (kinds, 1, 1, 1))
    restored = filled(run, x, tuple(jnp.tile(y, kinds) for y in labels), mask, rng_start)
    x, mask, train = np.asarray(x), np.asarray(mask), np.asarray(run.examples["x"])
    fills = {
        "mean image": metrics.mean_fill(x, mask, train),
        "nearest": metrics.nearest_fill(x, mask, train),
        "regression": metrics.regression_fill(x, mask, train),
        "search": np.asarray(restored.x),
        "averaged": np.asarray(restored.average),
        "central": np.asarray(restored.central),
    }
    errors = {}
    for index, kind in enumerate(KINDS.value):
        rows = slice(index * N.value, (index + 1) * N.value)
        errors[kind] = {
            way: metrics.hole_error(fill[rows], x[rows], mask[rows]) for way, fill in fills.items()
        }
    report(errors)
    if run.labelled:
        print("the generator got the true class of every image; the other fills did not")
    if JSON.value:
        settings = {"step": run.step, "n": N.value, "true_class_told": run.labelled}
        run_folder.write_json(Path(JSON.value), {**settings, "errors": errors})
    if PICTURE.value:
        shown = min(SHOWN, N.value)
        rows = np.concatenate([np.arange(shown) + index * N.value for index in range(kinds)])
        panels = {"held out": x, "masked": np.where(mask > 0, x, 0), **fills}
        del panels["mean image"]
        panels = {title: images[rows] for title, images in panels.items()}
        options = {"columns": shown, "row_titles": KINDS.value}
        origin = disclosure.of_run(Path(WORKDIR.value), run.step)
        pictures.save_panels(Path(PICTURE.value), panels, disclosure=origin, **options)
        print(f"{', '.join(panels)}: {PICTURE.value}")
