"""Draws held-out examples of two domains, their translations, the way back, and known truths.

python scripts/benchmarks/translated.py --workdir runs/photographs_cycle --picture translation.png
"""

import sys
from pathlib import Path

from absl import flags

from ganjax import cli

WORKDIR = flags.DEFINE_string("workdir", None, "Run folder of a cycle game.", required=True)
PICTURE = cli.define_output("picture", cli.FIGURES, "Picture to write.")
COLUMNS = flags.DEFINE_integer("columns", 5, "Examples of each domain.", lower_bound=1)
ROWS = ("held out", "translated", "and back", "the truth")


def main() -> None:
    """Restores the newest checkpoint and draws one panel a direction."""
    import jax
    import numpy as np

    from ganjax import disclosure, experiment, pictures
    from ganjax.errors import ConfigError

    run = experiment.load(WORKDIR.value)
    queries = {way: run.queries(run.state).get(f"translate_{way}") for way in ("ab", "ba")}
    if None in queries.values() or not PICTURE.value:
        raise ConfigError(f"{WORKDIR.value} needs both translators, and --picture a file")
    shown, panels = run.data.show(jax.random.key(0), COLUMNS.value), {}
    for way, back in (("ab", "ba"), ("ba", "ab")):
        source = np.asarray(shown[way[0]])
        there = np.asarray(jax.jit(queries[way])(source))
        rows = [source, there, np.asarray(jax.jit(queries[back])(there))]
        if run.data.pairs_held_out:
            rows.append(np.asarray(shown[way[1]]))
        panels[f"{way[0]} to {way[1]}"] = np.concatenate(rows)
    options = {"columns": len(shown["a"]), "row_titles": ROWS[: len(rows)]}
    origin = disclosure.of_run(Path(WORKDIR.value), run.step)
    pictures.save_panels(Path(PICTURE.value), panels, disclosure=origin, **options)
    print(PICTURE.value)


if __name__ == "__main__":
    sys.exit(cli.run(main))
