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
      RunFolderError: the folder holds neither, or a file that is damaged.
    """
    kinds = {"comparison.json": comparison, "config.json": run}
    kind = next((kind for name, kind in kinds.items() if (workdir / name).exists()), None)
    if kind is None:
        raise RunFolderError(
            f"{workdir} holds neither a comparison (comparison.json) nor a run (config.json)"
        )
    try:
        page = kind.page(workdir)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise RunFolderError(
            f"a file of {workdir} is not as a run writes it ({type(error).__name__}: {error}); "
            "restore the folder"
        ) from error
    path = workdir / "report.html"
    run_folder.write_text(path, page)
    return path
