"""Writes one self-contained page, report.html, into the folder of a comparison or of a run.

python scripts/report.py --workdir runs/compare_ring8
"""

import sys
from pathlib import Path

from absl import flags

from ganjax import cli

WORKDIR = flags.DEFINE_string("workdir", None, "Folder of a comparison or of a run.", required=True)


def main() -> None:
    """Writes the page and prints its path."""
    from ganjax import report

    print(report.write(Path(WORKDIR.value)))


if __name__ == "__main__":
    sys.exit(cli.run(main))
