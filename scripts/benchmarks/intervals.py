"""Draws the scores of a comparison's cells with their 95% intervals.

python scripts/benchmarks/intervals.py --table docs/results/comparing.json --picture comparing.png

The file is one of docs/results/, or the one that `compare.py --json` writes.
"""

import sys
from pathlib import Path
from typing import Any

from absl import flags

from ganjax import cli, run_folder
from ganjax.errors import ConfigError

TABLE = flags.DEFINE_string("table", None, "JSON file of the results.", required=True)
SCORE = flags.DEFINE_string("score", None, "Name of the score; the table's, else reverse KL.")
PICTURE = cli.define_output("picture", cli.FIGURES, "Picture to write.")


def rows_of(table: dict[str, Any]) -> list[tuple[str, float, float, float, float | None]]:
    """(cell, mean, low, high, adjusted p) of every cell with an interval."""
    if "rows" in table:  # by compare.py
        p_values = [(row["difference"] or {}).get("p_adjusted") for row in table["rows"]]
        found = [
            (row["cell"], row["mean"], row["low"], row["high"], p)
            for row, p in zip(table["rows"], p_values, strict=True)
        ]
        return [row for row in found if None not in row[1:4]]
    columns, rows = table["tables"][0]["columns"], table["tables"][0]["rows"]
    name, mean, interval, p = (columns.index(c) for c in ("cell", "mean", "95% interval", "p"))
    return [(row[name], row[mean], *row[interval], row[p]) for row in rows]


def main() -> None:
    """Reads the table and draws a line a cell, the best on top."""
    import drawing

    table = run_folder.read_json(Path(TABLE.value))
    rows = rows_of(table)
    if not rows or not PICTURE.value:
        raise ConfigError(f"{TABLE.value} needs a cell with an interval, and --picture a file")
    title = f"{SCORE.value or table.get('score', 'reverse KL')}, mean and 95% interval"
    best_first = sorted(rows, key=lambda row: row[1], reverse=table.get("goal") == "max")
    drawing.intervals(Path(PICTURE.value), best_first, title)
    print(PICTURE.value)


if __name__ == "__main__":
    sys.exit(cli.run(main))
