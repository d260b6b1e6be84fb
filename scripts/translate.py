"""Translates examples from one domain to the other by the translator of a run folder.

python scripts/translate.py --workdir runs/photographs_cycle --direction ab --n 16 --npz b.npz
"""

import sys
import zipfile
from pathlib import Path
from typing import Any

from absl import flags

from ganjax import cli

WORKDIR = flags.DEFINE_string("workdir", None, "Run folder.", required=True)
DIRECTION = flags.DEFINE_enum("direction", "ab", ["ab", "ba"], "From which domain to which.")
N = flags.DEFINE_integer("n", 16, "Number of held-out examples; all of them at most.", 1)
INPUT = flags.DEFINE_string(
    "input", None, "npz file with an array x [n, ...] to translate instead."
)
OUT = flags.DEFINE_string("out", None, "PNG to write; by default in the run folder.")
NPZ = flags.DEFINE_string("npz", None, "Also write the arrays `source` and `x` to this npz file.")
LIVE = flags.DEFINE_bool("live", False, "Use the generator itself, not its moving average.")


def given(like: Any) -> Any:
    """The samples of the input file, of the shape and the type of those of the domain."""
    import numpy as np

    from ganjax.errors import DataError

    wanted = f"an npz file with an array x [n, ...] of finite samples of shape {like.shape[1:]}"
    try:
        x = np.load(INPUT.value)["x"]
    except (ValueError, KeyError, IndexError, EOFError, zipfile.BadZipFile):
        raise DataError(f"--input={INPUT.value} must be {wanted}; it has no such array") from None
    if x.dtype.kind not in "fiu" or not np.isfinite(x).all():
        raise DataError(f"--input={INPUT.value} must be {wanted}; x is {x.dtype}, or not finite")
    if x.shape[1:] != like.shape[1:] or not x.size:
        raise DataError(f"--input={INPUT.value} must be {wanted}; x has the shape {x.shape}")
    return x.astype(like.dtype)


def main() -> None:
    """Restores the newest checkpoint, translates, writes a picture and prints its path."""
    import jax
    import numpy as np

    from ganjax import experiment, pictures
    from ganjax.errors import ConfigError

    workdir, direction = Path(WORKDIR.value), DIRECTION.value
    run = experiment.load(workdir)
    state = experiment.live(run.state) if LIVE.value else run.state
    queries = {way: run.queries(state).get(f"translate_{way}") for way in ("ab", "ba")}
    if queries[direction] is None:
        known = [way for way, query in queries.items() if query is not None]
        raise ConfigError(
            f"{workdir} does not translate in the direction {direction!r}; it knows "
            f"{', '.join(known) or 'none'}"
        )
    shown = run.data.show(jax.random.key(0), N.value)
    source = np.asarray(shown[direction[0]])
    if INPUT.value:
        source = given(source)
    x = np.asarray(jax.jit(queries[direction])(source))
    if NPZ.value:
        with open(NPZ.value, "wb") as file:
            np.savez(file, source=source, x=x)
        print(NPZ.value)
    out = Path(OUT.value or workdir / "samples" / f"translated_{direction}_n_{len(x)}.png")
    if pictures.save_panels(out, {direction[0]: source, f"{direction[0]} to {direction[1]}": x}):
        print(out)


if __name__ == "__main__":
    sys.exit(cli.run(main))
