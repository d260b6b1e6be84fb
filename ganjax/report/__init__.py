"""Run folders as one self-contained page: of a comparison, or of one run."""

from pathlib import Path

from ganjax import run_folder
from ganjax.errors import RunFolderError
from ganjax.report import comparison, run

__all__ = ["write"]


def write(workdir: Path) -> Path:
    """Writes `report.html` into a folder; the same folder gives the same bytes.

    Args:
      workdir: of a comparison (`sweep.run`) or of one run (`train.train`), finished or not.

    Returns:
      Path of the page.

    Raises:
      RunFolderError: the folder holds neither.
    """
    if (workdir / "comparison.json").exists():
        page = comparison.page(workdir)
    elif (workdir / "config.json").exists():
        page = run.page(workdir)
    else:
        raise RunFolderError(
            f"{workdir} holds neither a comparison (comparison.json) nor a run (config.json)"
        )
    path = workdir / "report.html"
    run_folder.write_text(path, page)
    return path
