"""How much the losses of a staged run change where it grows, beside all other changes.

python scripts/benchmarks/growth.py --workdir runs/digits_progressive --picture samples.png

A change is that from one row of metrics to the next. The picture has the samples that the run drew
at the end of each stage, from the same latents.
"""

import sys
from itertools import pairwise
from pathlib import Path

from absl import flags

from ganjax import cli

WORKDIR = flags.DEFINE_string("workdir", None, "Run folder of a config with stages.", required=True)
SETTLED = flags.DEFINE_integer("settled", 500, "Steps of the first stage left out.", lower_bound=0)
PICTURE = flags.DEFINE_string("picture", None, "Also draw every stage's samples into this PNG.")
JSON = flags.DEFINE_string("json", None, "Also write the numbers to this JSON file.")
LOSSES = ("loss/gen", "loss/disc", "penalty/disc")
SHOWN = 5  # rows and columns of a picture that are shown


def changes(rows: list[dict], key: str, ends: list[int]) -> dict:
    """Changes of a metric where the run grows, and statistics of those elsewhere."""
    import numpy as np

    pairs = [(a, b) for a, b in pairwise(rows) if a["step"] >= SETTLED.value]
    moved = {a["step"]: b[key] - a[key] for a, b in pairs}
    inside = [abs(change) for step, change in moved.items() if step not in ends]
    return {
        "growing": {str(step): moved[step] for step in ends if step in moved},
        "inside_median": float(np.median(inside)),
        "inside_largest": float(max(inside)),
    }


def drawn(workdir: Path, ends: list[int]) -> dict:
    """The corner of each stage's grid of samples as one image in [-1, 1]."""
    import numpy as np
    from PIL import Image

    panels = {}
    for step in ends:
        path = workdir / "samples" / f"step_{step}.png"
        grid = np.asarray(Image.open(path).convert("L"), float) / 127.5 - 1
        side = len(grid) * SHOWN // 8 + 2
        panels[f"step {step}"] = grid[None, :side, :side, None]
    return panels


def main() -> None:
    """Prints a line a loss."""
    from ganjax import pictures, run_folder
    from ganjax.config import staged, validate
    from ganjax.errors import ConfigError

    workdir = Path(WORKDIR.value)
    stages = staged(validate(run_folder.read_config(workdir)))
    ends = [stage["steps"] for stage in stages.values()]
    rows = run_folder.read_metrics(workdir)
    if len(stages) < 2 or len(rows) < 3 or rows[-1]["step"] < ends[-1]:
        raise ConfigError(f"{workdir} is no finished run of two stages or more")
    result = {key: changes(rows, key, ends[:-1]) for key in LOSSES if key in rows[0]}
    print(f"{'':14} {'median':>8} {'largest':>8}   where it grows")
    for key, told in result.items():
        growing = ", ".join(f"{change:+.3f} at {step}" for step, change in told["growing"].items())
        print(f"{key:14} {told['inside_median']:8.3f} {told['inside_largest']:8.3f}   {growing}")
    if JSON.value:
        run_folder.write_json(Path(JSON.value), result)
    if PICTURE.value:
        pictures.save_panels(Path(PICTURE.value), drawn(workdir, ends))


if __name__ == "__main__":
    sys.exit(cli.run(main))
