"""The scores of a config over seeds: mean and spread of every number its evaluation reports.

python scripts/benchmarks/seeds.py --config configs/digits_mlp.py --seeds 5 --json scores.json

With --workdir the runs stay, in folders of its own, and go on from their last checkpoint; times are
then those of the last part.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

from absl import flags

from ganjax import cli, run_folder

CONFIG = cli.define_config()
SEEDS = flags.DEFINE_integer("seeds", 5, "Number of seeds, from the config's on.", lower_bound=1)
JSON = cli.define_output("json", (".json",), "Also write every seed's scores to this JSON file.")
WORKDIR = flags.DEFINE_string("workdir", None, "Keep the runs here, in seed_0, seed_1, ...")


def main() -> None:
    """Trains seed after seed, by default in temporary folders, and prints the table."""
    config = cli.resolved(CONFIG.value)

    import numpy as np

    from ganjax import experiment, train

    reports = []
    for seed in range(config["seed"], config["seed"] + SEEDS.value):
        with tempfile.TemporaryDirectory() as temporary:
            workdir = Path(WORKDIR.value) / f"seed_{seed}" if WORKDIR.value else Path(temporary)
            began, worked = time.perf_counter(), time.process_time()
            built = experiment.build({**config, "seed": seed})
            report = dict(train.train(built, workdir).report)
            report["seconds"] = time.perf_counter() - began
            report["processor_seconds"] = time.process_time() - worked
            reports.append({"seed": seed, **report})
        print(json.dumps(reports[-1]), file=sys.stderr, flush=True)
    if JSON.value:
        run_folder.write_json(Path(JSON.value), reports)
    print(f"{'':22} {'mean':>8} {'sd':>8} {'min':>8} {'max':>8}   over {len(reports)} seeds")
    for name in reports[0]:
        values = np.array([report[name] for report in reports], float)
        if name != "seed":
            spread = values.std(ddof=1) if len(values) > 1 else float("nan")
            print(
                f"{name:22} {values.mean():8.3f} {spread:8.3f} {values.min():8.3f} "
                f"{values.max():8.3f}"
            )


if __name__ == "__main__":
    sys.exit(cli.run(main))
