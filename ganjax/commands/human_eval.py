"""Writes a page on which people tell generated images from real ones, and scores their answers.

ganjax human_eval --workdir runs/digits_mlp
ganjax human_eval --workdir runs/digits_mlp runs/digits_dcgan --out page.html --language ko
ganjax human_eval --score answers-*.json --json people.json

The first commands write the page, and beside it its key, PAGE.key.json: which image is real. Send
the page, keep the key. Judges send back the files that they save.
"""

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ganjax import cli

FLAGS = cli.Flags()
FLAGS.values.set_gnu_getopt()  # flags may follow the further runs or answers
WORKDIR = FLAGS.string("workdir", None, "Run folder; further ones may follow, of the same data.")
TRUST = FLAGS.trust()
N = FLAGS.integer("n", 50, "Generated images of each run; as many real ones as of all.", 1)
SEED = FLAGS.integer(
    "seed",
    None,
    "Seed of the images and their places; drawn by default. The key has it.",
    0,
    2**32 - 1,
)
LANGUAGE = FLAGS.enum("language", "en", ("en", "ko"), "Language of the page.")
PRACTICE = FLAGS.integer("practice", 5, "Real and generated images each for practice.", 0)
TIMED = FLAGS.enum(
    "timed",
    "none",
    ("none", "hype", "weighted"),
    "Exposure times that adapt to the judge: hype: 500 ms, +10 after a wrong answer, -30 after 3 "
    "right ones (arXiv:1904.01121); weighted: +30 and -10 after 1, which settles at 75% right.",
)
OUT = FLAGS.output("out", (".html",), "Page to write; by default in the run folder.")
LIVE = FLAGS.bool("live", False, "Use the last weights, not their moving average.")
SCORE = FLAGS.string("score", None, "Answers to pool; further files may follow.")
KEY = FLAGS.string("key", None, "Key of the page; by default beside the answers or in --workdir.")
JSON = FLAGS.output("json", (".json",), "With --score: also write the scores to this JSON file.")


def real_images(run: Any, rng: Any, count: int) -> tuple[Any, str]:
    """Distinct real images [count, ...], held out if the data hold any out, and their split."""
    import numpy as np

    from ganjax.errors import ConfigError

    split = "test" if "x" in run.data.test else "train"
    x = (run.data.test if split == "test" else run.examples).get("x", ())
    if len(x) < count:
        raise ConfigError(
            f"the page needs {count} real images, and the {split} part of the data has {len(x)}; "
            "lower --n or --practice"
        )
    return np.asarray(x)[np.sort(rng.choice(len(x), count, replace=False))], split


def sampled(workdir: Path, rng: Any, count: int) -> tuple[Any, Any, dict[str, Any]]:
    """A run, its generated images [count, ...], and its entry in the key."""
    import numpy as np

    from ganjax import experiment, pictures, run_folder
    from ganjax.errors import ConfigError

    run = experiment.load(workdir, trust=TRUST.value)
    if run.sample is None or len(run.data.shape) != 3:
        raise ConfigError(f"{workdir} has no generator of images; people judge images")
    pictures.check_drawable(run.data.shape, "choose another run")
    state = experiment.live(run.state) if LIVE.value else run.state
    entry = {"name": workdir.resolve().name, "workdir": str(workdir), "step": run.step}
    entry["live"] = LIVE.value
    for last, evaluation in run_folder.read_evaluations(workdir).items():
        entry |= {"evaluated_at": last, "scores": evaluation["scores"]}
    return run, np.asarray(run.sample(state, rng, count)), entry


def write(workdirs: Sequence[Path]) -> None:
    """Draws the images and writes the page and its key."""
    import jax
    import numpy as np

    from ganjax import people, run_folder
    from ganjax.errors import ConfigError

    if TIMED.value != "none" and len(workdirs) > 1:
        raise ConfigError("--timed measures the threshold of one run; give one --workdir")
    seed = secrets.randbits(32) if SEED.value is None else SEED.value
    keys = jax.random.split(jax.random.key(seed), len(workdirs))
    practice, runs, generated, first = PRACTICE.value, [], {}, None
    for number, workdir in enumerate(workdirs):
        run, x, entry = sampled(workdir, keys[number], N.value + (0 if number else practice))
        first = first or run
        if run.config.data != first.config.data:
            raise ConfigError(f"{workdirs[0]} and {workdir} are of different data")
        name = entry["name"]
        entry["name"] = name if name not in (*generated, "real") else f"{name}_{number}"
        generated[entry["name"]] = x
        runs.append(entry)
    rng = np.random.default_rng(seed)
    real, split = real_images(first, rng, N.value * len(runs) + practice)
    try:
        made = people.study(
            real,
            generated,
            seed=seed,
            language=LANGUAGE.value,
            practice=practice,
            staircase=people.STAIRCASES.get(TIMED.value),
        )
    except ValueError as error:
        raise ConfigError(f"{error}; lower --n") from None
    out = Path(OUT.value or workdirs[0] / "human_eval.html")
    key = out.with_suffix(people.KEY)
    run_folder.write_text(out, made.page)
    run_folder.write_json(key, {**made.key, "timed": TIMED.value, "split": split, "runs": runs})
    print(f"page for the judges: {out}\nits key, not for them: {key}")


def score(paths: Sequence[str]) -> None:
    """Pools the answers, prints the scores and writes them."""
    from ganjax import people, run_folder

    answers = people.read_answers(paths)
    beside = [*dict.fromkeys(judge.path.parent for judge in answers)]
    places = [KEY.value] if KEY.value else [*beside, *[WORKDIR.value] * bool(WORKDIR.value)]
    result = people.pooled(people.find_key(answers, places), answers)
    print(people.text(result))
    if JSON.value:
        run_folder.write_json(Path(JSON.value), result)


def main(*more: str) -> None:
    """Writes a page or scores answers; `more` are the further runs or answers."""
    from ganjax.errors import ConfigError

    if SCORE.value:
        score([SCORE.value, *more])
    elif WORKDIR.value:
        if JSON.value or KEY.value:
            raise ConfigError("--json and --key are for scoring; add --score ANSWERS")
        write([Path(folder) for folder in (WORKDIR.value, *more)])
    else:
        raise ConfigError("give --workdir RUN to write a page, or --score ANSWERS to pool answers")
