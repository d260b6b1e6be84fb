"""Files that are written in one step, without following links, and the user's folder for caches."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def replaced(path: Path) -> Iterator[BinaryIO]:
    """A new file to write, which takes the place of `path` once the block has ended without error.

    Links are not followed, neither that of a draft of this name nor `path`: both are replaced.

    The folder is made if missing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)
    try:
        with open(draft, "x+b") as file:
            yield file
        os.replace(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def not_followed(path: str, flags: int) -> int:
    """An opener for `open` that raises OSError where the path is a link, symbolic or hard."""
    opened = os.open(path, flags & ~os.O_TRUNC | os.O_NOFOLLOW, 0o666)
    if os.fstat(opened).st_nlink > 1:
        os.close(opened)
        raise OSError(errno.EMLINK, "it has other names (hard links); put a copy here", str(path))
    if flags & os.O_TRUNC:
        os.ftruncate(opened, 0)
    return opened


def cache_folder() -> Path | None:
    """`$XDG_CACHE_HOME/ganjax` or `~/.cache/ganjax`; None for a user without a home."""
    with contextlib.suppress(RuntimeError):  # no $HOME, and no entry among the users
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ganjax"
    return None
