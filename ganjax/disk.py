"""Full disks."""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from ganjax.errors import GanjaxError, MachineError

FULL = (errno.ENOSPC, errno.EDQUOT)


def full(error: BaseException, folder: Path, needed: int | None = None) -> MachineError | None:
    """The error of a full disk or quota, if that is what failed; None for any other.

    Libraries wrap the system's error in their own, so its text counts as well.

    Args:
      error: any.
      folder: on that disk.
      needed: bytes that were to be written; None if unknown.
    """
    texts, cause = {os.strerror(number) for number in FULL}, error
    while cause is not None and not isinstance(cause, GanjaxError):
        if getattr(cause, "errno", None) in FULL or any(text in str(cause) for text in texts):
            free = shutil.disk_usage(next(p for p in (folder, *folder.parents) if p.exists())).free
            need = "" if needed is None else f"at least {needed:,} bytes are needed, "
            return MachineError(
                f"the disk of {folder} is full: {need}{free:,} bytes are free; make room, then "
                "call it again"
            )
        cause = cause.__cause__ or cause.__context__
    return None


@contextlib.contextmanager
def writing(folder: Path, needed: int | None = None) -> Iterator[None]:
    """Turns errors of a full disk into a MachineError, see `full`."""
    try:
        yield
    except Exception as error:
        failure = full(error, folder, needed)
        if failure is None:
            raise
        raise failure from error
