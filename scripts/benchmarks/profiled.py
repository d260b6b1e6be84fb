"""The time of a step by kind of operation, on the device at hand.

python scripts/benchmarks/profiled.py --config configs/digits_dcgan.py
python scripts/benchmarks/profiled.py --work cycle_128     # a work of beside_torch.py

Some steps of training are profiled, and every operation of the compiled program is classified by
its contents: products, sums over axes, moves of unchanged numbers, other arithmetic. Times are
those of operations, waits for all their threads included; parallel operations count each, so
that shares are of the time of all operations, not of the clock.
"""

import collections
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from absl import flags
from products import compiled_product, scope

from ganjax import cli
from ganjax.errors import ConfigError, unknown

CONFIG = cli.define_config(required=False)
WORK = flags.DEFINE_string("work", None, "A work of beside_torch.py, in place of a config.")
STEPS = flags.DEFINE_integer("steps", 5, "Steps in one program.", lower_bound=1)
DEAREST = flags.DEFINE_integer("dearest", 10, "Operations to name.", lower_bound=0)

HOLD_OTHERS = {"while", "call", "conditional"}  # their time is that of their contents
_SUMS = "reduce reduce-window select-and-scatter all-reduce"
_MOVES = (
    "parameter constant tuple get-tuple-element bitcast bitcast-convert reshape transpose copy"
    " broadcast iota slice dynamic-slice dynamic-update-slice concatenate pad reverse gather"
)
KINDS = {"sums": set(_SUMS.split(" ")), "moves": set(_MOVES.split(" "))}
_COMPUTATION = re.compile(r"^(?:ENTRY )?%?([\w.-]+) \(.*\{$")
_INSTRUCTION = re.compile(r"^\s+(?:ROOT )?%?([\w.-]+) = .*? ([\w-]+)\(")
_CALLED = re.compile(r" (?:calls|to_apply)=%?([\w.-]+)")


def kinds(text: str) -> dict[str, tuple[str, str]]:
    """name -> (kind, scope) of the operations of a compiled program.

    A fusion has the first of these kinds that it contains: products, sums, arithmetic, moves.

    Args:
      text: optimised HLO, `jax.jit(f).lower(...).compile().as_text()`.
    """
    inside, found, at = collections.defaultdict(set), {}, ""
    for line in text.splitlines():
        if started := _COMPUTATION.match(line):
            at = started[1]
        elif known := _INSTRUCTION.match(line):
            name, operation = known.groups()
            if operation in HOLD_OTHERS:
                continue
            kind = next((kind for kind, of in KINDS.items() if operation in of), "arithmetic")
            if compiled_product(line):
                kind = "products"
            called = _CALLED.search(line) if kind == "arithmetic" else None
            found[name] = kind, called and called[1], scope(line)
            inside[at].add(name)

    def whole(name):
        kind, called, _ = found[name]
        if called is None:
            return kind
        parts = set(map(whole, inside[called]))
        return next((kind for kind in ("products", "sums", "arithmetic") if kind in parts), "moves")

    return {name: (whole(name), where) for name, (_, _, where) in found.items()}


def operations(call: Callable[[], Any]) -> dict[str, float]:
    """Seconds of the operations in a call's compiled programs, by name."""
    import jax

    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            jax.block_until_ready(call())
        (path,) = Path(folder).rglob("*.xplane.pb")
        planes = jax.profiler.ProfileData.from_file(str(path)).planes
        seconds = collections.Counter()
        for event in (event for plane in planes for line in plane.lines for event in line.events):
            name = dict(event.stats).get("hlo_op")
            if name == event.name:
                seconds[name] += event.duration_ns / 1e9
    return seconds


def main() -> None:
    """Profiles a config and prints two tables."""
    if (CONFIG.value is None) == (WORK.value is None):
        raise ConfigError("give either --config or --work")
    cli.use_all_cores()
    import jax
    from works import CONFIGS, images

    from ganjax import experiment, train

    if WORK.value is None:
        config = cli.resolved(CONFIG.value)
    elif WORK.value in CONFIGS:
        config = CONFIGS[WORK.value]()
    else:
        raise ConfigError(unknown("work", WORK.value, CONFIGS))
    built = experiment.build(config)
    built = built.stages[-1] if built.stages else built
    run = train.compiled_chunk(built, STEPS.value)
    call = images.continued(built, run)
    jax.block_until_ready(call())
    known, spent, dearest = kinds(run.as_text()), collections.Counter(), collections.Counter()
    for name, seconds in operations(call).items():
        if name in known:
            kind, where = known[name]
            spent[kind] += seconds
            dearest[name, kind, where] += seconds
    total = sum(spent.values())
    print(f"{jax.devices()[0].device_kind}, {STEPS.value} steps\n")
    print("| operations | share | ms a step |\n|---|---|---|")
    for kind, seconds in spent.most_common():
        print(f"| {kind} | {seconds / total:.0%} | {1e3 * seconds / STEPS.value:.3g} |")
    print("\n| dearest | kind | share | in |\n|---|---|---|---|")
    for (name, kind, where), seconds in dearest.most_common(DEAREST.value):
        print(f"| `{name}` | {kind} | {seconds / total:.1%} | {where} |")


if __name__ == "__main__":
    sys.exit(cli.run(main))
