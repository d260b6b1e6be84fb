"""Growth of time and memory with looked-ahead steps, batch, seeds and devices.

python scripts/benchmarks/laws.py --json laws.json --picture docs/scaling.png

Every law is fitted to the measured points by least squares of relative errors; the largest relative
error of a point is printed beside it. Times are medians of alternating repetitions; memory is
planned by the compiler: arguments, results and temporaries. The law of devices is fitted to the
results of `devices.py --json`, read by `--devices`.
"""

import math
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from absl import flags

from ganjax import cli, run_folder
from ganjax.errors import ConfigError

PARTS = ("unrolled", "batch", "seeds", "devices")
PART = flags.DEFINE_multi_enum("part", [], PARTS, "Parts to measure; all possible ones by default.")
ROUNDS = flags.DEFINE_integer("rounds", 7, "Measurements of each, in turn.", lower_bound=3)
LARGEST = flags.DEFINE_float("largest", 1.0, "Share of each range of sizes to go up to.")
DEVICES = flags.DEFINE_string("devices", None, "Results file of devices.py, for its law.")
JSON = cli.define_output("json", (".json",), "Also write points and fits into this JSON file.")
PICTURE = cli.define_output("picture", cli.FIGURES, "Draw points and laws into this file.")

UNROLLED = (1, 2, 5, 10, 20, 40, 80)
SEEDS = (2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
BATCHES = {"MLP": (32, 64, 128, 256, 512, 1024, 2048, 4096, 8192), "DCGAN": (4, 8, 16, 32, 64, 128)}


class Law(NamedTuple):
    """y = a + b f(x).

    Attributes:
      text: the formula.
      f: of the size.
    """

    text: str
    f: Callable[[float], float]


class Fit(NamedTuple):
    """A law with its numbers.

    Attributes:
      a: the constant.
      b: the factor.
      error: the largest relative error of a point.
    """

    a: float
    b: float
    error: float


class Series(NamedTuple):
    """The measurements of one quantity.

    Attributes:
      part: of the measurements.
      name: of the program.
      over: meaning of the size.
      unit: of the values.
      x: sizes.
      y: values.
      law: the expected one.
    """

    part: str
    name: str
    over: str
    unit: str
    x: Sequence[float]
    y: Sequence[float]
    law: Law


LINEAR = Law("a + b n", float)
CONSTANT_PLUS_INVERSE = Law("a + b / n", lambda n: 1 / n)


def kept(steps: int) -> int:
    """The number of states that a look-ahead keeps: all up to 10 steps, then twice their root."""
    from ganjax.schemes.checkpointing import segment_length

    segment = segment_length(steps)
    return (steps - 1) // segment + segment


KEPT = Law("a + b s(n)", kept)


def fitted(x: Sequence[float], y: Sequence[float], law: Law) -> Fit:
    """The law with the least sum of squared relative errors.

    Args:
      x: sizes, at least 2 different ones.
      y: values, all positive.
      law: to be fitted.
    """
    import numpy as np

    values = np.asarray(y, float)
    terms = np.array([[1.0, law.f(n)] for n in x]) / values[:, None]
    (a, b), *_ = np.linalg.lstsq(terms, np.ones(len(values)))
    return Fit(float(a), float(b), float(np.abs(terms @ [a, b] - 1).max()))


def exponent(x: Sequence[float], y: Sequence[float]) -> float:
    """p of y ~ x^p over the upper half of the sizes, where constants matter least."""
    import numpy as np

    upper = len(x) // 2
    return float(np.polyfit(np.log(x[upper:]), np.log(y[upper:]), 1)[0])


def sizes(of: Sequence[int]) -> list[int]:
    """The sizes up to the requested share, at least three."""
    return [n for index, n in enumerate(of) if index < 3 or n <= LARGEST.value * of[-1]]


def planned(program: Any) -> float:
    """MiB of a compiled program: arguments, results and temporaries."""
    plan = program.memory_analysis()
    total = plan.argument_size_in_bytes + plan.output_size_in_bytes + plan.temp_size_in_bytes
    return (total - plan.alias_size_in_bytes) / 2**20


def networks(name: str) -> tuple:
    """(game, shape of an example) of the measured programs."""
    from ganjax import games, losses, nets

    if name == "MLP":
        pair = nets.MLPGenerator((2,), width=256), nets.MLPDiscriminator(width=256)
        return games.gan(*pair, loss=losses.minimax, z_dim=64), (2,)
    pair = nets.DCGANGenerator((16, 16, 1), width=16), nets.DCGANDiscriminator(width=16)
    return games.gan(*pair, loss=losses.minimax, z_dim=32), (16, 16, 1)


def compiled(name: str, batch_size: int, scheme: Callable) -> tuple[Callable[[], Any], float]:
    """(a call of one more step, MiB of its program) of `scheme(game, tx)`."""
    import jax
    import jax.numpy as jnp
    import optax

    from ganjax.types import Players

    game, shape = networks(name)
    made = scheme(game, Players(*(optax.adam(1e-4, b1=0.5) for _ in range(2))))
    batch, rng = {"x": jnp.zeros((batch_size, *shape))}, jax.random.key(0)
    held = jax.jit(made.init)(rng, batch)
    step = jax.jit(made.step, donate_argnums=0).lower(held, batch, rng).compile()

    def call():
        nonlocal held
        held, outcome = step(held, batch, rng)
        return outcome

    return call, planned(step)


def timed(calls: dict) -> dict:
    """Median milliseconds of every call, in turn."""
    from timing import in_turn

    times = in_turn(calls, ROUNDS.value)
    return {key: 1e3 * statistics.median(taken) for key, taken in times.items()}


def unrolled() -> Iterator[Series]:
    """Time and memory over looked-ahead steps, recomputed or stored."""
    from ganjax import schemes

    for name, batch_size in (("MLP", 256), ("DCGAN", 32)):
        steps, made = sizes(UNROLLED), {}
        for remat in (True, False):
            for k in steps:
                ahead = partial(schemes.unrolled, unroll_steps=k, order="gen_first", remat=remat)
                made[remat, k] = compiled(name, batch_size, ahead)
            print(f"unrolled, {name}, remat={remat}: compiled", file=sys.stderr, flush=True)
        times = timed({key: call for key, (call, _) in made.items()})
        for remat in (True, False):
            of = f"{name}, {'remat' if remat else 'stored'}"
            memory = [made[remat, k][1] for k in steps]
            law = KEPT if remat else LINEAR
            yield Series("unrolled", of, "looked-ahead steps", "MiB", steps, memory, law)
            taken = [times[remat, k] for k in steps]
            yield Series("unrolled", of, "looked-ahead steps", "ms", steps, taken, LINEAR)


def batch() -> Iterator[Series]:
    """Time and memory of a step of alternating play over the batch."""
    from ganjax import schemes

    for name, every in BATCHES.items():
        made = {n: compiled(name, n, schemes.alternating) for n in sizes(every)}
        times = timed({n: call for n, (call, _) in made.items()})
        over = "examples of a batch"
        yield Series("batch", name, over, "ms", list(made), list(times.values()), LINEAR)
        memory = [mib for _, mib in made.values()]
        yield Series("batch", name, over, "MiB", list(made), memory, LINEAR)


def seeds() -> Iterator[Series]:
    """Time of a step of one run, and memory of all, over the runs in one program."""
    from works.rings import ring_config

    from ganjax import sweep
    from ganjax.config import validate

    (program,) = sweep.programs({"ring": validate(ring_config(32, 128, 2))})
    over, length, counts = "seeds in one program", 50, sizes(SEEDS)
    for how in sweep.MAPPINGS:
        made = {n: sweep.runner(program, tuple(range(n)), how) for n in counts}

        def play(made):
            return made.play(made.init(), 0, length)

        times = timed({n: partial(play, of) for n, of in made.items()})
        each = [1e3 * times[n] / length / n for n in counts]
        yield Series("seeds", how, over, "us a step of a run", counts, each, CONSTANT_PLUS_INVERSE)
        memory = [made[n].bytes / 2**20 for n in counts]
        yield Series("seeds", how, over, "MiB a device", counts, memory, LINEAR)


def devices() -> Iterator[Series]:
    """Milliseconds of a step over host devices, each with its own share: weak scaling."""
    path = Path(DEVICES.value or "")
    if not path.is_file():
        raise ConfigError(
            "--devices names no file; write one first: "
            "python scripts/benchmarks/devices.py --json devices.json"
        )
    rows = [row for row in run_folder.read_json(path)["rows"] if row["scaling"] == "weak"]
    for work in dict.fromkeys(row["work"] for row in rows):
        for form in ("apart", "jit", "pmap"):
            of = [row for row in rows if (row["work"], row["form"]) == (work, form)]
            counts, taken = [row["devices"] for row in of], [row["ms"] for row in of]
            if len(of) > 1:
                yield Series("devices", f"{work}, {form}", "devices", "ms", counts, taken, LINEAR)


MEASURES = {"unrolled": unrolled, "batch": batch, "seeds": seeds, "devices": devices}


def show(found: Sequence[tuple[Series, Fit]]) -> None:
    """Prints the points and then the laws as Markdown."""
    for key in dict.fromkeys((of.part, of.over, tuple(of.x)) for of, _ in found):
        columns = [of for of, _ in found if (of.part, of.over, tuple(of.x)) == key]
        heads = [key[1], *(f"{of.name}, {of.unit}" for of in columns)]
        print("\n| " + " | ".join(heads) + " |\n" + "|---" * len(heads) + "|")
        for index, n in enumerate(key[2]):
            print(f"| {n} | " + " | ".join(f"{of.y[index]:.4g}" for of in columns) + " |")
    heads = ("over", "of", "unit", "law", "a", "b", "largest error", "exponent")
    print("\n| " + " | ".join(heads) + " |\n" + "|---" * len(heads) + "|")
    for of, fit in found:
        numbers = f"{fit.a:.4g} | {fit.b:.4g} | {fit.error:.0%} | {exponent(of.x, of.y):.2f}"
        print(f"| {of.over} | {of.name} | {of.unit} | {of.law.text} | {numbers} |")


TITLES = {
    ("unrolled", "MiB"): "Unrolling: memory",
    ("unrolled", "ms"): "Unrolling: time of a step",
    ("batch", "ms"): "Batch: time of a step",
    ("batch", "MiB"): "Batch: memory",
    ("seeds", "us a step of a run"): "Seeds in one program: time",
    ("seeds", "MiB a device"): "Seeds in one program: memory",
    ("devices", "ms"): "Host devices on 2 cores, weak scaling",
}


def draw(path: Path, found: Sequence[tuple[Series, Fit]]) -> None:
    """A panel for every part and unit: points, and the laws as lines."""
    import drawing

    panels = {}
    for of, fit in found:
        first, last = math.log(of.x[0]), math.log(of.x[-1])
        x = [math.exp(first + (last - first) * i / 99) for i in range(100)]
        if of.law is KEPT:
            x = range(of.x[0], of.x[-1] + 1)
        line = list(x), [fit.a + fit.b * of.law.f(n) for n in x]
        panel = panels.setdefault(TITLES[of.part, of.unit], (of.over, of.unit, {}))
        panel[2][of.name] = (list(of.x), list(of.y)), line
    drawing.laws(path, panels)


def main() -> None:
    """Measures, fits and prints the requested parts."""
    cli.use_all_cores()
    parts = PART.value or [part for part in PARTS if part != "devices" or DEVICES.value]
    found = []
    for part in parts:
        for of in MEASURES[part]():
            found.append((of, fitted(of.x, of.y, of.law)))
            print(f"{of.part}, {of.name}, {of.unit}: measured", file=sys.stderr, flush=True)
            if JSON.value:
                outcome = [
                    {**one._asdict(), "law": one.law.text, "fit": fit._asdict()}
                    for one, fit in found
                ]
                run_folder.write_json(Path(JSON.value), outcome)
    show(found)
    if PICTURE.value:
        draw(Path(PICTURE.value), found)


if __name__ == "__main__":
    sys.exit(cli.run(main))
