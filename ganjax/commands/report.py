"""Writes one self-contained page, report.html, into the folder of a run or comparison.

ganjax report --workdir runs/compare_ring8
"""

from pathlib import Path

from ganjax import cli

FLAGS = cli.Flags()
WORKDIR = FLAGS.string("workdir", None, "Folder of a comparison or of a run.", required=True)


def main() -> None:
    """Writes the page and prints its path."""
    from ganjax import report

    print(report.write(Path(WORKDIR.value)))
