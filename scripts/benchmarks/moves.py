"""Counts the calls inside ganjax that pass a whole config, or a whole batch, as an argument.

    python scripts/benchmarks/moves.py [--config configs/digits_mlp.py] [--verbose]

The config goes from `cli.resolved` to the Experiment, the batch through one traced `scheme.step`.
"""

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import jax
import ml_collections
from absl import app, flags

from ganjax import cli, experiment

CONFIG = flags.DEFINE_string("config", "configs/digits_mlp.py", "The config file.")
VERBOSE = flags.DEFINE_bool("verbose", False, "List the calls.")
PACKAGE = Path(cli.__file__).parent


@contextlib.contextmanager
def counted(is_it: Callable[[object], bool]) -> Iterator[list[str]]:
    """The calls of functions of ganjax, within the block, that have such an argument."""
    calls = []

    def profile(frame, event, _):
        code = frame.f_code
        if event == "call" and PACKAGE in Path(code.co_filename).parents:
            arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
            if any(is_it(frame.f_locals.get(name)) for name in arguments):
                calls.append(f"{Path(code.co_filename).relative_to(PACKAGE)}:{code.co_qualname}")

    sys.setprofile(profile)
    try:
        yield calls
    finally:
        sys.setprofile(None)


def holds(*keys: str) -> Callable[[object], bool]:
    kinds = Mapping, ml_collections.ConfigDict
    return lambda value: isinstance(value, kinds) and all(key in value for key in keys)


def main(_) -> None:
    config = ml_collections.ConfigDict(cli.read_config(CONFIG.value))
    with counted(holds("game", "gen_tx")) as of_config:
        built = experiment.build(cli.resolved(config))
    state, rng = experiment.template(built), jax.random.key(0)
    batch = jax.eval_shape(built.batch, built.train, rng)
    with counted(holds(*batch)) as of_batch:
        jax.eval_shape(built.scheme.step, state, batch, rng)
    for name, calls in (("config", of_config), ("batch", of_batch)):
        print(f"{name}: {len(calls)} moves")
        print("".join(f"  {call}\n" for call in calls if VERBOSE.value), end="")


if __name__ == "__main__":
    app.run(main)
