"""Many seeds of the small ring in one program, beside one seed and beside a run by PyTorch."""

from collections.abc import Iterator

import jax
from timing import in_turn, ratio

from accelerator_parts import Row, Settings, peer
from ganjax import cli, comparison, sweep

COUNTS, GOAL = (1, 64, 1_024), 100.0
SIZES = 32, 64, 2  # units, batch and latents of the cell
ALONE = "one run by eager PyTorch"


def rows(settings: Settings) -> Iterator[Row]:
    """Updates of the generator a second, and their ratio to those of one run."""
    compared = comparison.resolve(cli.read_config("compare_thousand"), cli.read_config)
    (program,) = sweep.programs({"ring": compared.cells["alternating"]})
    (steps, rounds), calls = ((3, 3) if settings.tiny else (1_000, 5)), {}
    counts = (1, 2) if settings.tiny else COUNTS
    updates = {f"{count:,} seed{'s'[: count - 1]}": count * steps for count in counts}
    for name, count in zip(updates, counts, strict=True):
        made = sweep.runner(program, tuple(range(count)), "vmap", jax.devices()[:1])
        calls[name] = lambda made=made: made.play(made.init(), 0, steps)
    if not peer.lacking():
        from works import rings

        forms = {ALONE: rings.alternating_forms()["eager"]}
        calls |= rings.peers(SIZES, forms, 2, steps, peer.device())
        updates[ALONE] = steps
    times = in_turn(calls, rounds)
    for name, taken in times.items():
        yield Row(name, updates[name] / sorted(taken)[len(taken) // 2], "updates/s")
    yield from ratios(times, updates)


def ratios(times: dict[str, list[float]], updates: dict[str, int]) -> Iterator[Row]:
    """The throughput of many seeds over that of one, and over `ALONE` where that is timed.

    The goal is one of the latter: a step of 64 seeds that takes no longer than one's is 64 times.
    """
    one, *many = (name for name in times if name != ALONE)
    for name in many:
        for alone in (one, ALONE) if ALONE in times else (one,):
            over = ratio(times[name], times[alone]) * updates[alone]
            more = updates[name] / over
            goal = f"{GOAL:g}" if name.startswith("64") and alone == ALONE else ""
            most = f"{updates[name] // updates[one]} at most, if every step takes as long"
            yield Row(
                f"{name}: throughput over {alone}",
                more,
                goal=goal,
                reached=more >= GOAL if goal else None,
                note=most if alone == one else "",
            )
