"""Predicts DCGAN-64, ProGAN-1024 and a sweep of 10,000 seeds on pods of 1 to 2,048 chips.

python scripts/benchmarks/pods.py --json pods.json --picture docs/pods.png

Nothing is measured: FLOPs, bytes and collectives are counted in traced steps (`counted.py`), chips
are their vendors' data (`chips.py`), and `scaling.py` combines both. `docs/pods.md` has the model,
its assumptions and the conclusions. It takes a minute.
"""

import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from absl import flags
from modelled.chips import CHIPS, MMA, MXU, gathering, spent

from ganjax import cli, run_folder

EFFICIENCY = flags.DEFINE_float(
    "efficiency", 0.4, "Of products in whole tiles, of a chip's peak; assumed.", 0.01, 1.0
)
JSON = cli.define_output("json", (".json",), "Also write tables and points to this JSON file.")
PICTURE = cli.define_output(
    "picture", cli.FIGURES, "Also draw rates and efficiencies into this file."
)

LOSSES = {
    "products": "unfilled tiles",
    "memory": "weights and moments",
    "elementwise": "elementwise work",
    "launches": "launches",
    "sending": "bytes sent",
    "waiting": "rounds",
}
SHOWN = 256  # chips of the table of a step's parts
SWEEP = "10,000 seeds of the ring"
FIXED, LARGE = "DCGAN-64", "ProGAN-1024"  # whose limit is moved; whose collectives are compared
# Title -> chip -> points.
Found = Mapping[str, Mapping[str, Sequence[Any]]]


class Table(NamedTuple):
    """Rows of cells under their columns."""

    title: str
    columns: Sequence[str]
    rows: list[Sequence[Any]]

    def text(self) -> str:
        """As Markdown, columns aligned."""
        cells = [[str(cell) for cell in row] for row in (self.columns, *self.rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in cells]
        rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
        return "\n".join([f"**{self.title}**", "", lines[0], rule, *lines[1:]])


def number(value: float) -> str:
    """Three digits."""
    if value >= 1e6:
        return f"{float(f'{value:.3g}') / 1e6:.3g} M"
    return f"{float(f'{value:.3g}'):,.0f}" if value >= 100 else f"{value:.3g}"


def percent(share: float) -> str:
    """A share as percentage."""
    return f"{100 * share:.0f}%"


def span(values: Iterable[float], form: Callable) -> str:
    """`a to b`, or one of them if they read alike."""
    return " to ".join(dict.fromkeys(map(form, values)))


def chips_table() -> Table:
    """The vendors' data and the assumptions."""
    rows = []
    for name, c in CHIPS.items():
        alone = math.isnan(c.outside)
        outside, far = ("-", "-") if alone else (f"{c.outside / 1e9:.3g}", f"{1e6 * c.far:.0f}")
        joined = f"torus of {c.group:,}" if c.axes else f"switch of {c.group}"
        row = [name, f"{c.bfloat16 / 1e12:.0f}", f"{c.float32 / 1e12:.0f}"]
        row += [f"{c.vector / 1e12:.3g}", f"{c.memory / 1e9:,.0f}", f"{c.capacity / 1e9:.0f}"]
        row += [" x ".join(map(str, c.tile)), joined, f"{c.link / 1e9:.0f}, {outside}"]
        rows.append([*row, f"{1e6 * c.hop:.0f}, {far}", f"{1e6 * c.launch:.0f}"])
    columns = ["chip", "bfloat16, TFLOP/s", "float32, TFLOP/s", "elementwise, T/s", "memory, GB/s"]
    columns += ["GB", "tile", "joined by", "GB/s out of a chip, in a group, out of it"]
    return Table("Chips", [*columns, "us a hop, likewise", "us a launch"], rows)


def counts_table() -> Table:
    """Work, traffic and communication of a step."""
    from modelled import counted

    rows = []

    def count(label, step, batch, sent):
        values = [value / 1e9 for value in (step.flops, step.tiles[MXU], step.tiles[MMA])]
        values += [v / 1e6 for v in (step.products, step.bytes, step.apart, step.operations)]
        rows.append((label, *(number(value / batch) for value in values), step.kernels, *sent))

    for name, work in counted.WORKS.items():
        sent = counted.sent(name, work.each)
        for batch in (work.each, 1):
            step = counted.step(name, batch)
            count(
                f"{name}, batch {batch}", step, batch, (f"{sent.averaged / 1e6:.1f}", sent.rounds)
            )
    count("ring, a seed", counted.seed()[0], 1, ("0", 0))
    columns = ["an image, or a seed, of", "GFLOP", "in TPUs' tiles", "in GPUs' tiles"]
    columns += ["MB, products alone", "MB, fused", "MB, all apart", "M elementwise"]
    columns += ["kernels of a step", "MB sent a step", "rounds"]
    return Table("Counted in the traced steps", columns, rows)


def memory_table() -> Table:
    """Contents of a chip's memory, and the largest batch."""
    from modelled import counted
    from modelled.scaling import largest

    rows = []
    for name in counted.WORKS:
        players, memory = counted.parameters(name), counted.memory(name)
        held = (memory.params, memory.moments, memory.gradients)
        row = [name, f"{players.gen:,}, {players.disc:,}", *(f"{1e-9 * b:.3f}" for b in held)]
        batches = [f"{largest(name, c):,}, {largest(name, c, 256):,}" for c in CHIPS.values()]
        rows.append([*row, f"{1e-6 * memory.kept:,.1f}", *batches])
    columns = ["work", "parameters, gen and disc", "GB of them", "GB of moments", "GB of gradients"]
    columns += ["MB kept an image", *(f"batch on {name}, moments sharded" for name in CHIPS)]
    return Table("Memory of a chip", columns, rows)


def scaling_table(title: str, found: Mapping[str, Sequence[Any]]) -> Table:
    """Rates and efficiencies of every chip."""
    rows = []
    for line in zip(*found.values(), strict=True):
        row = [f"{line[0].chips:,}", f"{line[0].batch:,}"]
        for point in line:
            mark = "" if point.fits else " *"
            row += [span(point.rate, number) + mark, span(point.efficiency, percent)]
        rows.append(row)
    columns = ["chips", f"{'seeds' if title == SWEEP else 'images'} a chip"]
    for name in found:
        columns += [f"{name}, a second", f"efficiency, {name}"]
    return Table(title, columns, rows)


def parts_table(found: Found) -> Table:
    """Milliseconds of the parts of a step."""
    rows = []
    for title, chips in found.items():
        for name, points in chips.items():
            point = next((point for point in points if point.chips == SHOWN), points[-1])
            parts = [f"{1e3 * part:.3g}" for part in (*point.spent, point.spent.most)]
            rows.append((title, name, f"{point.chips:,}", *parts))
    columns = ["work", "chip", "chips", "products", "memory", "elementwise", "launches"]
    return Table("Milliseconds of a step", [*columns, "bytes sent", "rounds", "step"], rows)


def stopped(points: Sequence[Any]) -> str:
    """Where the efficiency falls below a half, without overlap and with full overlap."""
    from modelled.scaling import crossing

    never = f"not by {points[-1].chips:,}"
    return span(
        (crossing(points, which) for which in (0, 1)), lambda n: f"{n:,.0f}" if n else never
    )


def stops_table(found: Found) -> Table:
    """Where an efficiency falls below a half, and the reasons."""
    from modelled.scaling import stop

    rows = []
    for title, chips in found.items():
        for name, points in chips.items():
            point = stop(points)
            shares = {part: lost / point.spent.most for part, lost in point.losses.items()}
            most = sorted(shares.items(), key=lambda item: -item[1])[:3]
            lost = [f"{LOSSES[part]} {percent(share)}" for part, share in most if share >= 0.005]
            rows.append((title, name, stopped(points), f"{point.chips:,}", ", ".join(lost)))
    columns = ["work", "chip", "below a half from", "at", "of its step lost to"]
    return Table("Where scaling stops", columns, rows)


def moves_table(efficiency: float) -> tuple[Table, Found]:
    """What moves the limit of a work whose batch is fixed."""
    from modelled import counted
    from modelled.scaling import Setting, points

    strong = Setting(FIXED, "strong", counted.WORKS[FIXED].whole)
    local = {"form": "pmap", "statistics": "device"}
    more, most = 4 * strong.batch, 16 * strong.batch
    changes = {
        "as it is": {},
        "`--form=pmap --statistics=device`": local,
        "`--shard_optimiser`": {"shard_optimiser": True},
        "8 seeds, each on an eighth of the chips": {"seeds": 8},
        f"batch {more:,}": {"batch": more},
        f"batch {most:,}": {"batch": most},
        f"batch {most:,}, statistics of devices": {"batch": most, **local},
    }
    rows, found = [], {}
    for label, change in changes.items():
        found[label], row = {}, [label]
        for chip_name, chip in CHIPS.items():
            line = list(points(strong._replace(**change), chip, efficiency))
            found[label][chip_name] = line
            shown = next(point for point in line if point.chips == SHOWN)
            row += [stopped(line), span(shown.efficiency, percent)]
        rows.append(row)
    columns = [f"{FIXED}, {strong.batch:,} images in all"]
    for chip_name in CHIPS:
        columns += [f"{chip_name}, a half at", f"{chip_name}, on {SHOWN}"]
    return Table(f"What moves the limit of {FIXED}", columns, rows), found


def assumed_table(efficiency: float) -> Table:
    """How much the limit depends on the assumptions."""
    from modelled import counted
    from modelled.scaling import Setting, points, seed_points

    strong = Setting(FIXED, "strong", counted.WORKS[FIXED].whole)
    cases = {
        "as assumed": (1, 1, 1),
        f"products at {percent(2 * efficiency)} of the peak": (2, 1, 1),
        f"products at {percent(efficiency / 2)}": (0.5, 1, 1),
        "hops of three times the time": (1, 3, 1),
        "launches of three times the time": (1, 1, 3),
        "launches of a third": (1, 1, 1 / 3),
    }
    rows = []
    for label, (rate, hops, launches) in cases.items():
        row = [label]
        for c in CHIPS.values():
            slower = c._replace(hop=hops * c.hop, far=hops * c.far, launch=launches * c.launch)
            row.append(stopped(list(points(strong, slower, rate * efficiency))))
            row.append(stopped(list(seed_points(slower, rate * efficiency))))
        rows.append(row)
    columns = ["below a half from"]
    for chip_name in CHIPS:
        columns += [f"{chip_name}, {FIXED}", f"{chip_name}, sweep"]
    return Table("The effect of the assumptions", columns, rows)


def forms_table(efficiency: float) -> Table:
    """Bytes that a mesh, replicas, and replicas with statistics of their own send."""
    from modelled import counted
    from modelled.scaling import COUNTS, Setting, load

    batch = counted.WORKS[LARGE].each
    weak = Setting(LARGE, "weak", batch)
    forms = {
        "`--form=jit`": weak,
        "`--form=pmap`": weak._replace(form="pmap"),
        "`--statistics=device`": weak._replace(form="pmap", statistics="device"),
    }
    rows = []
    for count in COUNTS[1::2]:
        row, chips = [f"{count:,}"], {chip: [] for chip in CHIPS}
        for setting in forms.values():
            for chip_name, chip in CHIPS.items():
                given = load(setting, chip, count, batch)
                sending = spent(given, chip, count, efficiency).sending
                chips[chip_name].append(f"{1e3 * sending:.2f}")
            row.append(f"{1e-6 * (given.averaged + (count - 1) * given.gathered):,.0f}")
        rows.append(row + [", ".join(each) for each in chips.values()])
    columns = ["chips", *(f"MB, {form}" for form in forms)]
    columns += [f"{chip}, ms of each" for chip in CHIPS]
    return Table(f"Bytes sent by {LARGE}, {batch} images a chip", columns, rows)


def seeds_table(efficiency: float) -> Table:
    """A step of the sweep on every chip."""
    from modelled import counted
    from modelled.scaling import COUNTS, SEEDS, seed_points, seeds_load

    _, state = counted.seed()
    rows = []
    for name, chip in CHIPS.items():
        one = spent(seeds_load(chip, 1), chip, 1, efficiency)
        parts = (one.products, one.memory, one.elementwise)
        half = one.launches / max(parts)
        steps = {point.chips: point.spent.most for point in seed_points(chip, efficiency)}
        gathered = gathering(chip, COUNTS[-1], -(-SEEDS // COUNTS[-1]) * state)
        row = [name, *(f"{1e6 * part:.2f}" for part in parts), f"{1e6 * one.launches:.0f}"]
        row += [f"{half:.0f}", f"{SEEDS / half:,.0f}"]
        row.append(", ".join(f"{4_000 * steps[count]:.2g}" for count in (1, 256, 2048)))
        rows.append([*row, f"{1e3 * gathered:.1f}"])
    columns = ["chip", "us of a seed's products", "memory", "elementwise", "us of launches a step"]
    columns += ["seeds for a half", "chips for a half", "s of 4,000 steps on 1, 256, 2,048"]
    columns += [f"ms to gather all states, {1e-6 * SEEDS * state:.0f} MB"]
    return Table("A step of the sweep", columns, rows)


def find(efficiency: float) -> Found:
    """Every work on every chip."""
    from modelled import counted
    from modelled.scaling import Setting, points, seed_points

    found = {}
    for name, work in counted.WORKS.items():
        for scaling, batch, kind in (
            ("strong", work.whole, "in all"),
            ("weak", work.each, "a chip"),
        ):
            setting = Setting(name, scaling, batch)
            found[f"{name}, {batch:,} images {kind}"] = {
                chip: list(points(setting, c, efficiency)) for chip, c in CHIPS.items()
            }
    found[SWEEP] = {chip: list(seed_points(c, efficiency)) for chip, c in CHIPS.items()}
    return found


def draw(path: Path, found: Found) -> None:
    """Rates and efficiencies without overlap, a panel for each work."""
    import drawing

    panels = {}
    for title, chips in found.items():
        name = title.split(", ")[0] if title != SWEEP else SWEEP
        unit = "steps of seeds a second" if title == SWEEP else "images a second"
        lines = panels.setdefault(name, (unit, {}))[1]
        kind = "fixed a chip" if title.endswith("a chip") else "fixed in all"
        for chip, points in chips.items():
            lines[f"{chip}, {kind}"] = {
                "chips": [point.chips for point in points],
                "rate": [point.rate[0] for point in points],
                "efficiency": [point.efficiency[0] for point in points],
            }
    drawing.scaling(path, panels)


def main() -> None:
    """Prints the tables, writes the figures and draws the picture."""
    efficiency = EFFICIENCY.value
    found = find(efficiency)
    moves, moved = moves_table(efficiency)
    tables = [
        chips_table(),
        counts_table(),
        memory_table(),
        *(scaling_table(title, chips) for title, chips in found.items()),
        parts_table(found),
        stops_table(found),
        moves,
        forms_table(efficiency),
        seeds_table(efficiency),
        assumed_table(efficiency),
    ]
    print("\n\n".join(table.text() for table in tables))
    if JSON.value:
        points = {
            title: {
                chip: [{**point._asdict(), "spent": point.spent._asdict()} for point in line]
                for chip, line in chips.items()
            }
            for title, chips in {**found, **moved}.items()
        }
        tables = [table._asdict() for table in tables]
        written = {"efficiency": efficiency, "tables": tables, "points": points}
        run_folder.write_json(Path(JSON.value), written)
    if PICTURE.value:
        draw(Path(PICTURE.value), found)


if __name__ == "__main__":
    sys.exit(cli.run(main))
