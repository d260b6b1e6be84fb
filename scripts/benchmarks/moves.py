"""Counts the calls inside ganjax that pass a whole config, or a whole batch, as an argument.

python scripts/benchmarks/moves.py --config configs/digits_mlp.py

The config goes from `cli.resolved` to the Experiment, the batch through one traced `scheme.step`.
"""

import contextlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from ml_collections import ConfigDict

from ganjax import cli

CONFIG = cli.define_config()
PACKAGE = Path(cli.__file__).parent


@contextlib.contextmanager
def counted(*keys: str) -> Iterator[list[str]]:
    """The calls in the block with an argument, a dict, that has these keys."""
    calls = []

    def profile(frame, event, _):
        code = frame.f_code
        if event == "call" and PACKAGE in Path(code.co_filename).parents:
            arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
            if any(is_whole(frame.f_locals.get(name)) for name in arguments):
                calls.append(f"{Path(code.co_filename).relative_to(PACKAGE)}:{code.co_name}")

    def is_whole(value):
        return isinstance(value, Mapping | ConfigDict) and all(key in value for key in keys)

    sys.setprofile(profile)
    try:
        yield calls
    finally:
        sys.setprofile(None)


def main() -> None:
    """Counts the moves of the config and of a batch."""
    import jax

    from ganjax import experiment

    with counted("game", "gen_tx") as of_config:
        built = experiment.build(cli.resolved(CONFIG.value))
    state, rng = experiment.template(built), jax.random.key(0)
    batch = jax.eval_shape(built.batch, built.train, rng)
    with counted(*batch) as of_batch:
        jax.eval_shape(built.scheme.step, state, batch, rng)
    for name, calls in (("config", of_config), ("batch", of_batch)):
        print(f"{name}: {len(calls)} moves", *calls, sep="\n  ")


if __name__ == "__main__":
    sys.exit(cli.run(main))
