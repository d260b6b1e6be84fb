"""Scores samples of a run with the evaluation its config names, beside real data, and draws both.

python scripts/evaluate.py --workdir runs/digits_mlp --n 5000 --json scores.json
"""

import sys
from pathlib import Path

from absl import flags

from ganjax import cli

WORKDIR = flags.DEFINE_string("workdir", None, "Run folder.", required=True)
N = flags.DEFINE_integer("n", 5000, "Number of samples.", lower_bound=2)
SEED = flags.DEFINE_integer("seed", 0, "Seed of the latents.", 0, 2**32 - 1)
LIVE = flags.DEFINE_bool("live", False, "Use the players themselves, not their averages.")
JSON = cli.define_output("json", (".json",), "Also write the scores to this JSON file.")
SHOWN = 49  # samples in the picture
PICTURE = cli.define_output("picture", cli.FIGURES, "Picture; by default in the run folder.")


def main() -> None:
    """Restores the newest checkpoint, samples, scores and prints the table."""
    import jax
    import numpy as np

    from ganjax import experiment, pictures, run_folder
    from ganjax.errors import ConfigError
    from ganjax.summary import report_table

    workdir = Path(WORKDIR.value)
    run = experiment.load(workdir)
    if run.evaluate is None:
        raise ConfigError(
            f"the config of {workdir} names no evaluation; train one with --config.evaluation.name"
        )
    state = experiment.live(run.state) if LIVE.value else run.state
    rng = jax.random.key(SEED.value)
    scores = run.evaluate(state, rng, N.value)
    print(report_table(scores))
    if JSON.value:
        protocol = run.protocol(state, step=run.step, seed=SEED.value)
        run_folder.write_json(Path(JSON.value), {"protocol": protocol, **scores})
    if run.sample is not None and "x" in run.train and len(run.data.shape) == 3:
        x = np.asarray(run.sample(state, rng, min(N.value, SHOWN)))
        out = Path(PICTURE.value or workdir / "eval" / "comparison.png")
        pictures.save_comparison(out, x, np.asarray(run.data.test["x"]), np.asarray(run.train["x"]))
        print(f"real, generated and nearest training images: {out}")


if __name__ == "__main__":
    sys.exit(cli.run(main))
