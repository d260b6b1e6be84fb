"""Many seeds of the small ring in one program, beside one seed."""

from collections.abc import Iterator

import jax
from timing import in_turn, ratio

from accelerator_parts import Row, Settings
from ganjax import cli, comparison, sweep

COUNTS = (1, 64, 1_024)
GOALS = {64: 100.0}


def rows(settings: Settings) -> Iterator[Row]:
    """Updates of the generator a second, and their ratio to those of one seed."""
    compared = comparison.resolve(cli.read_config("compare_thousand"), cli.read_config)
    (program,) = sweep.programs({"ring": compared.cells["alternating"]})
    steps, calls = (3 if settings.tiny else 1_000), {}
    for count in (1, 2) if settings.tiny else COUNTS:
        made = sweep.runner(program, tuple(range(count)), "vmap", jax.devices()[:1])
        calls[count] = lambda made=made: made.play(made.init(), 0, steps)
    times = in_turn(calls, 3 if settings.tiny else 7)
    for count, taken in times.items():
        yield Row(f"{count:,} seeds", count * steps / sorted(taken)[len(taken) // 2], "updates/s")
    for count in list(calls)[1:]:
        more, goal = count / ratio(times[count], times[1]), GOALS.get(count)
        yield Row(
            f"{count:,} seeds: throughput over that of one",
            more,
            goal="" if goal is None else f"{goal:g}",
            reached=None if goal is None else more >= goal,
        )
