"""Draws walks, planes and arithmetic in the latent space of a run's generator.

ganjax walk --workdir runs/digits_mlp --picture walk.png --gif walk.gif
ganjax walk --workdir runs/digits_mlp --plane --picture plane.png
ganjax walk --workdir runs/digits_mlp --arithmetic 3bold-3thin+8thin --picture sum.png

Each row is a walk; of a conditional generator all rows are the same walk, each in another class. A
plane lies between four latents, its corners; of a conditional generator it is in one class. A
concept is a class of the data, with `bold` or `thin` for the quarter of it with the most or least
ink; it stands for the mean of a few latents whose samples show it.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ganjax import cli

POOL = 4096  # latents searched for a concept
CERTAIN = 0.9  # the classifier's probability for a sample that shows a class
SHOWN = 4  # trials in the picture of an arithmetic
NEARBY = 0.25  # reach of the noise around a result, for the samples beside it
CONCEPT = re.compile(r"(\d+)([a-z]*)")

FLAGS = cli.Flags()
WORKDIR = FLAGS.string("workdir", None, "Run folder.", required=True)
TRUST = FLAGS.trust()
KIND = FLAGS.enum("kind", "slerp", ("lerp", "slerp"), "Straight or along great circles.")
ROWS = FLAGS.integer(
    "rows", 10, "Walks, or classes of a conditional generator; rows and columns of a plane.", 1
)
ANCHORS = FLAGS.integer("anchors", 3, "Random latents that a walk goes through.", 2)
STEPS = FLAGS.integer("steps", 6, "Points from one anchor to the next.", 1)
PLANE = FLAGS.bool("plane", False, "Draw a plane between four random latents.")
LABEL = FLAGS.integer("label", None, "The class of a plane; by default the first.")
ARITHMETIC = FLAGS.string("arithmetic", None, "Concepts a-b+c, e.g. 3bold-3thin+8thin.")
MEAN_OF = FLAGS.integer("mean_of", 3, "Latents of each concept.", 1)
TRIALS = FLAGS.integer("trials", 200, "Times that the arithmetic is done.", 1)
SEED = FLAGS.integer("seed", 0, "Seed of the latents.", 0, 2**32 - 1)
LIVE = FLAGS.bool("live", False, "Use the last weights, not their moving average.")
PICTURE = FLAGS.output("picture", cli.IMAGES, "Picture to write; by default in the run folder.")
GIF = FLAGS.output("gif", (".gif",), "Also write the walks, there and back, as this GIF.")
JSON = FLAGS.output("json", (".json",), "Also write the arithmetic's numbers to this JSON file.")


class Concept(NamedTuple):
    """A class, drawn boldly, thinly, or either way (None)."""

    name: str
    label: int
    stroke: str | None


def parsed(text: str, run: object) -> list[Concept]:
    """The concepts of "a-b+c"."""
    from ganjax import metrics
    from ganjax.errors import ConfigError, unknown

    if not run.data or not run.data.num_classes:
        raise ConfigError(f"{WORKDIR.value} has data without labels; concepts are made of labels")
    names = re.fullmatch(r"\s*(\w+)\s*-\s*(\w+)\s*\+\s*(\w+)\s*", text)
    found = [CONCEPT.fullmatch(name) for name in names.groups()] if names else [None]
    if not all(found):
        raise ConfigError(
            f"--arithmetic={text} must be a-b+c, each a class, bold or thin if you like, e.g. "
            "3bold-3thin+8thin"
        )
    concepts = [Concept(match[0], int(match[1]), match[2] or None) for match in found]
    for concept in concepts:
        if concept.label not in run.classes:
            classes = ", ".join(map(str, run.classes))
            raise ConfigError(f"the data have no class {concept.label}, only {classes}")
        if concept.stroke not in (None, *metrics.STROKES):
            raise ConfigError(unknown("stroke", concept.stroke, metrics.STROKES))
    if run.labelled and result_label(concepts) is None:
        raise ConfigError(
            f"--arithmetic={text} leaves no single class for a conditional generator; let two "
            "cancel, as in 3bold-3thin+8thin"
        )
    return concepts


def result_label(concepts: list[Concept]) -> int | None:
    """The class of a - b + c where two of its classes cancel, else None."""
    a, b, c = (concept.label for concept in concepts)
    return c if a == b else a if b == c else None


def showing(
    generate: Callable, latent: Callable, judge: Callable, concept: Concept, rng: object
) -> object:
    """Latents whose samples show a concept [k, dim]."""
    import numpy as np

    from ganjax import metrics
    from ganjax.errors import ConfigError

    z = np.asarray(latent(rng, POOL))
    x = np.asarray(generate(z, concept.label))
    labels, certainty = judge(x)
    rows = np.flatnonzero((labels == concept.label) & (certainty >= CERTAIN))
    if len(rows):
        rows = rows[metrics.showing(concept.stroke, metrics.ink(x[rows]))]
    if len(rows) < MEAN_OF.value:
        raise ConfigError(
            f"only {len(rows)} of {POOL} samples show {concept.name!r}; take another concept, or "
            f"--mean_of={max(1, len(rows))}"
        )
    return z[rows]


def measured(x: object, judge: Callable) -> dict:
    """Mean ink of images, and the share of each class among them, by label."""
    import numpy as np

    from ganjax import metrics

    labels, _ = judge(np.asarray(x))
    shares = {str(k): float(np.mean(labels == k)) for k in np.unique(labels)}
    return {"ink": float(metrics.ink(x).mean()), "classes": shares}


def most(shares: dict[str, float]) -> str:
    """The three most common classes and their shares as text."""
    ranked = sorted(shares.items(), key=lambda item: -item[1])[:3]
    return ", ".join(f"{label}: {share:.3f}" for label, share in ranked)


def origin(run: object) -> object:
    """The disclosure of the run's pictures."""
    from ganjax import disclosure

    return disclosure.of_run(Path(WORKDIR.value), run.step)


def draw_sums(run: object, generate: Callable, latent: Callable, picture: Path) -> None:
    """Does the arithmetic, prints ink and classes before and after, draws some trials."""
    import jax
    import numpy as np

    from ganjax import latents, metrics, pictures, run_folder

    concepts = parsed(ARITHMETIC.value, run)
    label = result_label(concepts)
    # Of few labels, those are of `x_labelled`.
    examples = run.examples
    judge = metrics.class_judge(examples.get("x_labelled", examples["x"]), examples["y"])
    rng, *rngs = jax.random.split(jax.random.key(SEED.value), 4)
    draw, rows, sets = np.random.default_rng(SEED.value), {}, []
    for letter, concept, rng_concept in zip("abc", concepts, rngs, strict=True):
        z = showing(generate, latent, judge, concept, rng_concept)
        drawn = [draw.choice(len(z), MEAN_OF.value, replace=False) for _ in range(TRIALS.value)]
        sets.append(z[np.stack(drawn)])  # [trials, mean_of, dim]
        rows[f"{letter}: {concept.name}"] = measured(generate(z, concept.label), judge)
        rows[f"mean of {letter}"] = measured(generate(sets[-1].mean(1), concept.label), judge)
    z = np.asarray(jax.vmap(latents.arithmetic)(*sets))
    rows["a - b + c"] = measured(generate(z, label), judge)
    print(f"{'':12}    ink  most common classes")
    for name, row in rows.items():
        print(f"{name:12} {row['ink']:6.3f}  {most(row['classes'])}")
    if JSON.value:
        run_folder.write_json(Path(JSON.value), rows)

    shown = min(SHOWN, TRIALS.value)
    panels = {
        f"{letter} = {concept.name}: {MEAN_OF.value}, mean": generate(
            _with_mean(z_concept[:shown]), concept.label
        )
        for letter, concept, z_concept in zip("abc", concepts, sets, strict=True)
    }
    panels["a - b + c, and near it"] = generate(_with_neighbours(z[:shown], rng), label)
    pictures.save_panels(picture, panels, columns=MEAN_OF.value + 1, disclosure=origin(run))
    print(f"the latents of each concept, then their mean: {picture}")


def _with_mean(z: object) -> object:
    """Latents [sets, k, dim], each set followed by its mean, [sets * (k + 1), dim]."""
    import numpy as np

    return np.concatenate([z, z.mean(1, keepdims=True)], axis=1).reshape(-1, z.shape[-1])


def _with_neighbours(z: object, rng: object) -> object:
    """Latents [n, dim], each followed by some with uniform noise added, as in DCGAN's figure 7."""
    import numpy as np

    from ganjax import latents

    noise = NEARBY * np.asarray(latents.uniform(rng, (len(z), MEAN_OF.value, z.shape[1])))
    return np.concatenate([z[:, None], z[:, None] + noise], axis=1).reshape(-1, z.shape[1])


def draw_walks(run: object, generate: Callable, latent: Callable, picture: Path) -> None:
    """Draws the walks, one a row."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    from ganjax import latents, pictures

    rows, rng = ROWS.value, jax.random.key(SEED.value)
    classes = run.classes[:rows]
    count = len(classes) if run.labelled else rows
    walks = 1 if run.labelled else rows
    anchors = latent(rng, walks * ANCHORS.value).reshape(walks, ANCHORS.value, -1)
    path = latents.PATHS[KIND.value]
    z = jax.vmap(lambda a: latents.walk(a, steps=STEPS.value, path=path))(anchors)
    columns = z.shape[1]
    z = jnp.broadcast_to(z, (count, *z.shape[1:])).reshape(count * columns, -1)
    x = np.asarray(generate(z, np.repeat(classes, columns) if run.labelled else None))
    pictures.save_image(picture, pictures.image_grid(x, columns=columns), disclosure=origin(run))
    shown = f", of the classes {', '.join(map(str, classes))}" if run.labelled else ""
    print(f"{count} walks of {columns} points{shown}: {picture}")
    if GIF.value:
        frames = x.reshape(count, columns, *x.shape[1:]).swapaxes(0, 1)
        there_and_back = [pictures.image_grid(frame) for frame in (*frames, *frames[-2:0:-1])]
        pictures.save_animation(Path(GIF.value), there_and_back, disclosure=origin(run))
        print(GIF.value)


def draw_plane(run: object, generate: Callable, latent: Callable, picture: Path) -> None:
    """Draws a plane, its corners four random latents."""
    import jax
    import numpy as np

    from ganjax import latents, pictures
    from ganjax.errors import ConfigError

    side = ROWS.value
    if side < 2:
        raise ConfigError(f"--rows={side}: a plane has at least 2 rows and columns")
    label = run.classes[0] if run.labelled and LABEL.value is None else LABEL.value
    corners = latent(jax.random.key(SEED.value), 4)
    z = latents.plane(corners, rows=side, columns=side, path=latents.PATHS[KIND.value])
    x = np.asarray(generate(z.reshape(side * side, -1), label))
    pictures.save_image(picture, pictures.image_grid(x, columns=side), disclosure=origin(run))
    shown = f" of the class {label}" if run.labelled else ""
    print(f"a plane of {side} x {side} points{shown}: {picture}")


def check_flags(run: object) -> None:
    """Refuses flags that do not go together."""
    from ganjax.errors import ConfigError

    if PLANE.value and ARITHMETIC.value:
        raise ConfigError("--plane and --arithmetic are two pictures; give one at a time")
    if GIF.value and (PLANE.value or ARITHMETIC.value):
        raise ConfigError("--gif is for walks; leave it out with --plane and --arithmetic")
    if JSON.value and not ARITHMETIC.value:
        raise ConfigError("--json has the numbers of --arithmetic; give both or neither")
    if LABEL.value is None:
        return
    if not (PLANE.value and run.labelled):
        raise ConfigError(
            f"--label={LABEL.value} is for a --plane of a conditional generator; leave it out"
        )
    if LABEL.value not in run.classes:
        raise ConfigError(
            f"--label={LABEL.value} is none of the classes {', '.join(map(str, run.classes))}"
        )


def main() -> None:
    """Restores the newest checkpoint and walks, spreads a plane, or does the arithmetic."""
    import jax
    import numpy as np

    from ganjax import experiment, pictures
    from ganjax.errors import ConfigError

    workdir = Path(WORKDIR.value)
    run = experiment.load(workdir, data=ARITHMETIC.value is not None, trust=TRUST.value)
    if run.sample is None or len(run.data.shape) != 3:
        raise ConfigError(f"{workdir} has no generator of images to walk through")
    pictures.check_drawable(run.data.shape, "`ganjax sample --npz FILE` has the numbers")
    check_flags(run)
    state = experiment.live(run.state) if LIVE.value else run.state
    queries = run.queries(state)
    compiled = jax.jit(queries["generate"])

    def latent(rng, n):
        z = queries["latents"](rng, n)
        if z.ndim != 2:
            raise ConfigError(f"the latents of {workdir} have shape {z.shape[1:]}, not [dim]")
        return z

    def generate(z, y):
        if not run.labelled:
            return compiled(z)
        return compiled(z, np.broadcast_to(np.asarray(y, np.int32), len(z)))

    name = "arithmetic" if ARITHMETIC.value else "plane" if PLANE.value else "walk"
    draw = {"arithmetic": draw_sums, "plane": draw_plane, "walk": draw_walks}[name]
    draw(run, generate, latent, Path(PICTURE.value or workdir / "samples" / f"{name}.png"))
