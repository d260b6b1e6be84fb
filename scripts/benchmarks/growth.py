"""Changes of the losses of staged runs where they grow, and all their other changes.

python scripts/benchmarks/growth.py --config configs/digits_progressive.py --seeds 3 --folder runs
python scripts/benchmarks/growth.py --workdir runs/seed_0 --picture samples.png

With --config it trains one seed after another, each in its own run folder, and resumes there. A
change is the difference of consecutive rows of metrics. The picture has the samples that the first
run drew at the end of each stage, from the same latents.
"""

import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from absl import flags

from ganjax import cli, run_folder
from ganjax.config import staged, validate
from ganjax.errors import ConfigError

CONFIG = cli.define_config(required=False)
SEEDS = flags.DEFINE_integer("seeds", 1, "Number of seeds, from the config's on.", lower_bound=1)
FOLDER = flags.DEFINE_string("folder", None, "Where --config trains, in FOLDER/seed_N.")
WORKDIR = flags.DEFINE_multi_string("workdir", [], "Run folder of a config with stages; repeatable")
# From a random start losses swing by whole units for a thousand steps: beside that nothing jumps.
SETTLED = flags.DEFINE_integer("settled", 1500, "First steps to ignore.", lower_bound=0)
PICTURE = cli.define_output(
    "picture", cli.FIGURES, "Also draw every stage's samples into this file."
)
JSON = cli.define_output("json", (".json",), "Also write the numbers to this JSON file.")
LOSSES = ("loss/gen", "loss/disc", "penalty/disc")
SHOWN = 5  # rows and columns of a picture that are shown


def ends(config: dict[str, Any], where: str) -> list[int]:
    """The steps at which the trained stages end, at least two."""
    steps = sorted({stage["steps"] for stage in staged(config).values()})
    if len(steps) < 2:
        raise ConfigError(f"{where} has fewer than two stages, so nothing grows")
    return steps


def trained() -> list[Path]:
    """The run folders of the seeds, trained to the end."""
    config = cli.resolved(CONFIG.value)
    ends(config, "the config")
    if FOLDER.value is None:
        raise ConfigError("--config trains in run folders; say where by --folder, e.g. runs/growth")

    from ganjax import experiment, train

    workdirs = []
    for seed in range(config["seed"], config["seed"] + SEEDS.value):
        workdirs.append(Path(FOLDER.value) / f"seed_{seed}")
        train.train(experiment.build({**config, "seed": seed}), workdirs[-1])
    return workdirs


def outcome(workdir: Path) -> dict[str, Any]:
    """Seed, scores if there are any, and the changes of every loss of a finished run."""
    config = validate(run_folder.read_config(workdir))
    steps, rows = ends(config, str(workdir)), run_folder.read_metrics(workdir)
    if not rows or rows[-1]["step"] < steps[-1]:
        raise ConfigError(
            f"{workdir} is no finished run: it has come to step {rows[-1]['step'] if rows else 0} "
            f"of {steps[-1]}; train it to the end"
        )
    report = workdir / "eval" / f"step_{steps[-1]}.json"
    keys = [key for key in LOSSES if all(key in row for row in rows)]
    return {
        "workdir": str(workdir),
        "seed": config["seed"],
        "scores": run_folder.read_json(report)["scores"] if report.exists() else {},
        "changes": {key: changes(workdir, rows, key, steps[:-1]) for key in keys},
    }


def changes(workdir: Path, rows: list[dict], key: str, growing: list[int]) -> dict[str, Any]:
    """Changes of a metric where the run grows, and statistics of those elsewhere."""
    moved = {a["step"]: b[key] - a[key] for a, b in pairwise(rows) if a["step"] >= SETTLED.value}
    inside = [abs(change) for step, change in moved.items() if step not in growing]
    missing = [step for step in growing if step not in moved]
    if missing or not inside:
        lacking = f"none at step {missing[0]}, where it grows" if missing else "none but at growth"
        raise ConfigError(
            f"{workdir} has too few rows of metrics: of changes from step {SETTLED.value} on there "
            f"is {lacking}; lower --settled, or train with a smaller log_every"
        )
    return {
        "growing": {str(step): moved[step] for step in growing},
        "inside_median": float(np.median(inside)),
        "inside_largest": float(max(inside)),
    }


def drawn(workdir: Path, steps: list[int]) -> dict[str, np.ndarray]:
    """The corner of each stage's grid of samples as one image in [-1, 1]."""
    from PIL import Image

    panels = {}
    for step in steps:
        path = workdir / "samples" / f"step_{step}.png"
        if not path.exists():
            raise ConfigError(
                f"there is no {path}; runs draw it where a stage ends, leave it there"
            )
        grid = corner(np.asarray(Image.open(path)))
        panels[f"end of stage {len(panels) + 1}, step {step:,}"] = (
            grid.reshape(1, *grid.shape[:2], -1) / 127.5 - 1
        )
    return panels


def corner(grid: np.ndarray) -> np.ndarray:
    """The first tiles of a grid of images [height, width, ...], found by the white gaps."""
    for axis in (0, 1):
        white = (grid == 255).all(axis=tuple(other for other in range(grid.ndim) if other != axis))
        gaps = np.flatnonzero(np.diff(white, prepend=False) & white)  # where each begins
        if len(gaps) > SHOWN:
            grid = grid.take(range(gaps[SHOWN] + gaps[0] + np.argmin(white[gaps[0] :])), axis)
    return grid


def main() -> None:
    """Prints a line a loss for each run, and its scores."""
    if bool(WORKDIR.value) == (CONFIG.value is not None):
        raise ConfigError("give either --config, to train, or --workdir, a run that is done")
    workdirs = list(map(Path, WORKDIR.value)) or trained()
    results = list(map(outcome, workdirs))
    print(f"{'seed':5} {'':13} {'median':>8} {'largest':>8}   where it grows")
    for result in results:
        for key, of in result["changes"].items():
            growing = ", ".join(
                f"{change:+.3f} at {step}" for step, change in of["growing"].items()
            )
            numbers = f"{of['inside_median']:8.3f} {of['inside_largest']:8.3f}"
            print(f"{result['seed']:<5} {key:13} {numbers}   {growing}")
    for name in results[0]["scores"]:
        scores = " ".join(f"{result['scores'].get(name, np.nan):9.4f}" for result in results)
        print(f"{name:22} {scores}")
    if JSON.value:
        run_folder.write_json(Path(JSON.value), results)
    if PICTURE.value:
        from ganjax import disclosure, pictures

        steps = ends(validate(run_folder.read_config(workdirs[0])), str(workdirs[0]))
        origin = disclosure.of_run(workdirs[0], steps[-1])
        pictures.save_panels(Path(PICTURE.value), drawn(workdirs[0], steps), disclosure=origin)


if __name__ == "__main__":
    sys.exit(cli.run(main))
