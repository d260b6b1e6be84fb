"""What pods of 1 to 2,048 chips would do for DCGAN-64, ProGAN-1024 and a sweep of 10,000 seeds.

python scripts/benchmarks/pods.py --json pods.json --picture docs/pods.png

Worked out, not measured: FLOPs, bytes and collectives are counted in traced steps (`counted.py`),
chips are their vendors' data (`chips.py`), and a step takes what these say (`scaling.py`).
`docs/pods.md` has the model, what it assumes, and what follows. It takes a minute.
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
JSON = cli.define_output("json", (".json",), "Also write every figure to this JSON file.")
PICTURE = cli.define_output(
    "picture", cli.FIGURES, "Also draw rates and efficiencies into this file."
)

LOSSES = {
    "products": "unfilled tiles",
    "memory": "weights and moments",
    "elementwise": "elementwise work",
    "launches": "launches",
    "telling": "bytes told",
    "waiting": "rounds",
}
SHOWN = 256  # chips of which the parts of a step are shown
SWEEP = "10,000 seeds of the ring"
# Title -> chip -> points.
Found = Mapping[str, Mapping[str, Sequence[Any]]]


class Table(NamedTuple):
    """Rows of cells under their heads."""

    title: str
    heads: Sequence[str]
    rows: list[Sequence[Any]]

    def text(self) -> str:
        """As Markdown, columns aligned."""
        cells = [[str(cell) for cell in row] for row in (self.heads, *self.rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [
            "| " + " | ".join(map(str.ljust, row, widths)) + " |"  # cells of a row are as many
            for row in cells
        ]
        rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
        return "\n".join([f"**{self.title}**", "", lines[0], rule, *lines[1:]])


def number(value: float) -> str:
    """Three digits."""
    if value >= 1e6:
        return f"{float(f'{value:.3g}') / 1e6:.3g} M"
    return f"{float(f'{value:.3g}'):,.0f}" if value >= 100 else f"{value:.3g}"


def percent(share: float) -> str:
    """Of a whole."""
    return f"{100 * share:.0f}%"


def span(values: Iterable[float], form: Callable) -> str:
    """From the one to the other, if they read differently."""
    return " to ".join(dict.fromkeys(map(form, values)))


def chips_table() -> Table:
    """The vendors' data, and what is assumed."""
    rows = []
    for name, chip in CHIPS.items():
        alone = math.isnan(chip.outside)
        row = [name, f"{chip.bfloat16 / 1e12:.0f}", f"{chip.float32 / 1e12:.0f}"]
        row += [f"{chip.vector / 1e12:.3g}", f"{chip.memory / 1e9:,.0f}"]
        row += [f"{chip.capacity / 1e9:.0f}", " x ".join(map(str, chip.tile))]
        row.append(f"torus of {chip.group:,}" if chip.axes else f"switch of {chip.group}")
        row.append(f"{chip.link / 1e9:.0f}, {'-' if alone else f'{chip.outside / 1e9:.3g}'}")
        row.append(f"{1e6 * chip.hop:.0f}, {'-' if alone else f'{1e6 * chip.far:.0f}'}")
        rows.append([*row, f"{1e6 * chip.launch:.0f}"])
    heads = ["chip", "bfloat16, TFLOP/s", "float32, TFLOP/s", "elementwise, T/s", "memory, GB/s"]
    heads += ["GB", "tile", "joined by", "GB/s out of a chip, in a group, out of it"]
    heads += ["us a hop, likewise", "us a launch"]
    return Table("Chips", heads, rows)


def counts_table() -> Table:
    """What a step computes, moves and tells."""
    from modelled import counted

    rows = []

    def count(label, step, batch, told):
        flops = (of / 1e9 for of in (step.flops, step.tiles[MXU], step.tiles[MMA]))
        rest = (of / 1e6 for of in (step.products, step.bytes, step.apart, step.operations))
        each = (number(of / batch) for of in (*flops, *rest))
        rows.append((label, *each, step.kernels, *told))

    for name, work in counted.WORKS.items():
        told = counted.told(name, work.each)
        for batch in (work.each, 1):
            label = f"{name}, batch {batch}"
            told_of = f"{told.averaged / 1e6:.1f}", told.rounds
            count(label, counted.step(name, batch), batch, told_of)
    count("ring, a seed", counted.seed()[0], 1, ("0", 0))
    heads = ["an image, or a seed, of", "GFLOP", "in TPUs' tiles", "in GPUs' tiles"]
    heads += ["MB, products alone", "MB, fused", "MB, all apart", "M elementwise"]
    heads += ["kernels of a step", "MB told a step", "rounds"]
    return Table("Counted in the traced steps", heads, rows)


def memory_table() -> Table:
    """What a chip holds, and which batch fits."""
    from modelled import counted
    from modelled.scaling import largest

    rows = []
    for name in counted.WORKS:
        players, memory = counted.parameters(name), counted.memory(name)
        held = (memory.params, memory.moments, memory.gradients)
        row = [name, f"{players.gen:,}, {players.disc:,}", *(f"{1e-9 * of:.3f}" for of in held)]
        row.append(f"{1e-6 * memory.kept:,.1f}")
        for chip in CHIPS.values():
            row.append(f"{largest(name, chip):,}, {largest(name, chip, 256):,}")
        rows.append(row)
    heads = ["work", "parameters, gen and disc", "GB of them", "GB of moments", "GB of gradients"]
    heads += ["MB kept an image", *(f"batch on {name}, moments sharded" for name in CHIPS)]
    return Table("Memory of a chip", heads, rows)


def scaling_table(title: str, found: Mapping[str, Sequence[Any]]) -> Table:
    """Rates and efficiencies of every chip."""
    rows = []
    for line in zip(*found.values(), strict=True):
        row = [f"{line[0].chips:,}", f"{line[0].batch:,}"]
        for point in line:
            mark = "" if point.fits else " *"
            row += [span(point.rate, number) + mark, span(point.efficiency, percent)]
        rows.append(row)
    what = "seeds" if title == SWEEP else "images"
    heads = ["chips", f"{what} a chip"]
    for name in found:
        heads += [f"{name}, a second", "efficiency"]
    return Table(title, heads, rows)


def parts_table(found: Found) -> Table:
    """Milliseconds of the parts of a step."""
    rows = []
    for title, chips in found.items():
        for name, of in chips.items():
            point = next((point for point in of if point.chips == SHOWN), of[-1])
            parts = [f"{1e3 * part:.3g}" for part in (*point.spent, point.spent.most)]
            rows.append((title, name, f"{point.chips:,}", *parts))
    heads = ["work", "chip", "chips", "products", "memory", "elementwise", "launches"]
    heads += ["bytes told", "rounds", "step, no overlap"]
    return Table("Milliseconds of a step", heads, rows)


def stopped(of: Sequence[Any]) -> str:
    """Where the efficiency falls below a half: if nothing overlaps, if all does."""
    from modelled.scaling import crossing

    never = f"not by {of[-1].chips:,}"
    return span((crossing(of, which) for which in (0, 1)), lambda n: f"{n:,.0f}" if n else never)


def stops_table(found: Found) -> Table:
    """Where an efficiency falls below a half, and by what."""
    from modelled.scaling import stop

    rows = []
    for title, chips in found.items():
        for name, of in chips.items():
            point = stop(of)
            shares = {part: lost / point.spent.most for part, lost in point.losses.items()}
            most = sorted(shares.items(), key=lambda item: -item[1])[:3]
            told = [f"{LOSSES[part]} {percent(share)}" for part, share in most if share >= 0.005]
            rows.append((title, name, stopped(of), f"{point.chips:,}", ", ".join(told)))
    heads = ["work", "chip", "below a half from", "looked at on", "of its step lost with"]
    return Table("Where it stops scaling", heads, rows)


def moves_table(name: str, efficiency: float) -> tuple[Table, Found]:
    """What would move the wall of a work whose batch is fixed."""
    from modelled import counted
    from modelled.scaling import Setting, points

    strong = Setting(name, "strong", counted.WORKS[name].whole)
    local = {"form": "pmap", "statistics": "device"}
    changes = {
        "as it is": {},
        "`--form=pmap --statistics=device`": local,
        "`--shard_optimiser`": {"shard_optimiser": True},
        "8 seeds, each on an eighth of the chips": {"seeds": 8},
        f"batch {4 * strong.batch:,}": {"batch": 4 * strong.batch},
        f"batch {16 * strong.batch:,}": {"batch": 16 * strong.batch},
        f"batch {16 * strong.batch:,}, statistics of devices": {
            "batch": 16 * strong.batch,
            **local,
        },
    }
    rows, found = [], {}
    for label, change in changes.items():
        found[label], row = {}, [label]
        for chip_name, chip in CHIPS.items():
            of = list(points(strong._replace(**change), chip, efficiency))
            found[label][chip_name] = of
            shown = next(point for point in of if point.chips == SHOWN)
            row += [stopped(of), span(shown.efficiency, percent)]
        rows.append(row)
    heads = [f"{name}, {strong.batch:,} images in all"]
    for chip_name in CHIPS:
        heads += [f"{chip_name}, a half at", f"on {SHOWN}"]
    return Table(f"What moves the wall of {name}", heads, rows), found


def assumed_table(name: str, efficiency: float) -> Table:
    """How far the wall depends on what is assumed."""
    from modelled import counted
    from modelled.scaling import Setting, points, seed_points

    strong = Setting(name, "strong", counted.WORKS[name].whole)
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
        for chip in CHIPS.values():
            slower = chip._replace(
                hop=hops * chip.hop, far=hops * chip.far, launch=launches * chip.launch
            )
            for of in (
                points(strong, slower, rate * efficiency),
                seed_points(slower, rate * efficiency),
            ):
                row.append(stopped(list(of)))
        rows.append(row)
    heads = ["below a half from"]
    for chip_name in CHIPS:
        heads += [f"{chip_name}, {name}", "sweep"]
    return Table("What the assumptions do", heads, rows)


def forms_table(name: str, efficiency: float) -> Table:
    """What a mesh, replicas, and replicas with statistics of their own tell each other."""
    from modelled import counted
    from modelled.scaling import COUNTS, Setting, load

    batch = counted.WORKS[name].each
    weak = Setting(name, "weak", batch)
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
                telling = spent(given, chip, count, efficiency).telling
                chips[chip_name].append(f"{1e3 * telling:.2f}")
            row.append(f"{1e-6 * (given.averaged + (count - 1) * given.gathered):,.0f}")
        rows.append(row + [", ".join(each) for each in chips.values()])
    heads = [
        "chips",
        *(f"MB, {form}" for form in forms),
        *(f"{chip}, ms of each" for chip in CHIPS),
    ]
    return Table(f"What {name} tells, {batch} images a chip", heads, rows)


def seeds_table(efficiency: float) -> Table:
    """A step of the sweep, on every chip."""
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
    heads = ["chip", "us of a seed's products", "memory", "elementwise", "us of launches a step"]
    heads += ["seeds for a half", "chips for a half", "s of 4,000 steps on 1, 256, 2,048"]
    heads += [f"ms to gather all states, {1e-6 * SEEDS * state:.0f} MB"]
    return Table("A step of the sweep", heads, rows)


def find(efficiency: float) -> Found:
    """Every work on every chip."""
    from modelled import counted
    from modelled.scaling import Setting, points, seed_points

    found = {}
    for name, work in counted.WORKS.items():
        for scaling, batch in (("strong", work.whole), ("weak", work.each)):
            title = f"{name}, {batch:,} images " + ("in all" if scaling == "strong" else "a chip")
            setting = Setting(name, scaling, batch)
            found[title] = {
                chip: list(points(setting, of, efficiency)) for chip, of in CHIPS.items()
            }
    found[SWEEP] = {chip: list(seed_points(of, efficiency)) for chip, of in CHIPS.items()}
    return found


def draw(path: Path, found: Found) -> None:
    """Rates and efficiencies if nothing overlaps, a panel for each work."""
    import drawing

    panels = {}
    for title, chips in found.items():
        name = title.split(", ")[0] if title != SWEEP else SWEEP
        unit = "steps of seeds a second" if title == SWEEP else "images a second"
        lines = panels.setdefault(name, (unit, {}))[1]
        kind = "fixed a chip" if title.endswith("a chip") else "fixed in all"
        for chip, of in chips.items():
            lines[f"{chip}, {kind}"] = {
                "chips": [point.chips for point in of],
                "rate": [point.rate[0] for point in of],
                "efficiency": [point.efficiency[0] for point in of],
            }
    drawing.scaling(path, panels)


def main() -> None:
    """Prints the tables, writes the figures and draws the picture."""
    efficiency = EFFICIENCY.value
    found = find(efficiency)
    moves, moved = moves_table("DCGAN-64", efficiency)
    tables = [
        chips_table(),
        counts_table(),
        memory_table(),
        *(scaling_table(title, chips) for title, chips in found.items()),
        parts_table(found),
        stops_table(found),
        moves,
        forms_table("ProGAN-1024", efficiency),
        seeds_table(efficiency),
        assumed_table("DCGAN-64", efficiency),
    ]
    print("\n\n".join(table.text() for table in tables))
    if JSON.value:
        told = {
            title: {chip: [plain(point) for point in of] for chip, of in chips.items()}
            for title, chips in {**found, **moved}.items()
        }
        told = {"efficiency": efficiency, "points": told}
        run_folder.write_json(Path(JSON.value), told)
    if PICTURE.value:
        draw(Path(PICTURE.value), found)


def plain(point: Any) -> dict:
    """A point as JSON has it."""
    return {**point._asdict(), "spent": point.spent._asdict()}


if __name__ == "__main__":
    sys.exit(cli.run(main))
