"""Translates examples from one domain to the other with a run's translator.

ganjax translate --workdir runs/photographs_cycle --direction ab --n 16 --npz b.npz
"""

from pathlib import Path

from ganjax import cli

FLAGS = cli.Flags()
WORKDIR = FLAGS.string("workdir", None, "Run folder.", required=True)
TRUST = FLAGS.trust()
DIRECTION = FLAGS.enum("direction", "ab", ["ab", "ba"], "From a to b (ab), or from b to a (ba).")
N = FLAGS.integer("n", 16, "Number of held-out examples.", 1)
INPUT = FLAGS.string(
    "input", None, "npz file with an array x [n, ...], or npy file, to translate instead."
)
RANGE = FLAGS.string("range", None, "Black and white in --input, e.g. 0,1.")
OUT = FLAGS.output("out", cli.FIGURES, "Picture to write; by default in the run folder.")
NPZ = FLAGS.output("npz", (".npz",), "Also write the arrays `source`, `x` and `disclosure` to it.")
LIVE = FLAGS.bool("live", False, "Use the last weights, not their moving average.")


def main() -> None:
    """Restores the newest checkpoint, translates, writes a picture and prints its path."""
    import flax
    import jax
    import numpy as np

    from ganjax import data, disclosure, experiment, files, pictures
    from ganjax.errors import ConfigError, DataError

    workdir, direction = Path(WORKDIR.value), DIRECTION.value
    value_range = data.parsed_range(RANGE.value)
    run = experiment.load(workdir, data=not INPUT.value, trust=TRUST.value)
    state = experiment.live(run.state) if LIVE.value else run.state
    queries = {way: run.queries(state).get(f"translate_{way}") for way in ("ab", "ba")}
    if queries[direction] is None:
        known = [way for way, query in queries.items() if query is not None]
        raise ConfigError(
            f"{workdir} does not translate in the direction {direction!r}; it translates "
            f"{', '.join(known) or 'none'}"
        )
    shown = run.data.show(jax.random.key(0), N.value)
    source = np.asarray(shown[direction[0]])
    if INPUT.value:
        shape = source.shape[1:]
        source = data.samples_of_file(INPUT.value, shape, value_range, any_size=True)
        try:
            jax.eval_shape(queries[direction], source)
        except (ValueError, TypeError, flax.errors.FlaxError) as error:  # another size
            raise DataError(
                f"{INPUT.value}: {str(error).splitlines()[0]} (the run's images have shape {shape})"
            ) from None
    x = np.asarray(jax.jit(queries[direction])(source))
    origin = disclosure.of_run(workdir, run.step)._replace(source=disclosure.MIXED)
    if NPZ.value:
        with files.replaced(Path(NPZ.value)) as file:
            np.savez(file, source=source, x=x, **origin.arrays())
        print(NPZ.value)
    out = Path(OUT.value or workdir / "samples" / f"translated_{direction}_n_{len(x)}.png")
    panels = {direction[0]: source, f"{direction[0]} to {direction[1]}": x}
    if run.data.paired and not INPUT.value:
        panels[direction[1]] = np.asarray(shown[direction[1]])  # the targets
    if pictures.save_panels(out, panels, disclosure=origin):
        print(out)
    elif OUT.value or not NPZ.value:
        raise ConfigError(
            f"there is no picture of samples of shape {x.shape[1:]}; leave --out out and give "
            "--npz FILE to get the numbers"
        )
