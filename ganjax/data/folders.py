"""Which files a folder holds, in a fixed order, and of which classes they are."""

import logging
import os
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np

from ganjax.errors import DataError

log = logging.getLogger("ganjax")

TOLD = 20  # names in a message


def found(root: Path, endings: Collection[str]) -> list[str]:
    """Names of the files of some endings, in any case, below a folder.

    Links are followed, but for those to files that are there already; names that begin with a dot
    are passed over.

    Args:
      root: the folder.
      endings: such as ".png".

    Returns:
      Paths relative to the folder, at least one, in their order.

    Raises:
      DataError: there is no such folder, or no such file in it.
    """
    if not root.is_dir():
        raise DataError(f"there is no folder {root} (looked for from {Path.cwd()})")
    there, links, others = {}, [], Counter()
    for path in _files(root):
        if path.name.startswith(".") or path.suffix.lower() not in endings:
            others[path.suffix.lower() or path.name] += 1
        elif path.is_symlink():
            links.append(path)
        else:
            there.setdefault(os.path.realpath(path), path)
    taken = [there.setdefault(os.path.realpath(path), path) for path in links]
    if twice := [str(path) for path, first in zip(links, taken, strict=True) if path != first]:
        log.warning("links to files that are there already, left out: %s", first(twice))
    passed = first([f"{count} {ending}" for ending, count in sorted(others.items())]) or "none"
    if not there:
        raise DataError(f"{root} holds no {', '.join(sorted(endings))}; other files: {passed}")
    log.info("%s: %d files; passed over: %s", root, len(there), passed)
    return sorted(path.relative_to(root).as_posix() for path in there.values())


def _files(root: Path) -> Iterator[Path]:
    """All files below a folder, those below links to other folders last."""
    tops, seen = [root], set()
    for top in tops:
        for folder, inside, files in os.walk(top, onerror=_refuse):
            inside.sort()
            if (real := os.path.realpath(folder)) in seen:
                inside.clear()
                continue
            seen.add(real)
            yield from (Path(folder, file) for file in sorted(files))
            tops += [Path(folder, name) for name in inside if Path(folder, name).is_symlink()]


def _refuse(error: OSError) -> None:
    raise DataError(f"{error.filename} cannot be read ({error.strerror}); remove it or open it")


def classes(names: Sequence[str]) -> tuple[np.ndarray | None, int]:
    """Labels by the folders that files lie in.

    Args:
      names: from `found`.

    Returns:
      Labels [n], in the order of the folders' names or, where all are numbers, of the numbers, and
      how many classes there are; (None, 0) if not all lie in one of several folders.
    """
    folders = [name.split("/")[0] if "/" in name else None for name in names]
    known = set(folders)
    if None in known or len(known) == 1:
        return None, 0
    numbers = all(name.isdecimal() for name in known)
    order = sorted(known, key=lambda name: (int(name), name) if numbers else name)
    log.info("classes from 0 on: %s", first(order))
    index = {name: index for index, name in enumerate(order)}
    return np.array([index[folder] for folder in folders], np.int32), len(order)


def first(told: Sequence[str]) -> str:
    """The first 20 names and how many more there are."""
    more = len(told) - TOLD
    return ", ".join(told[:TOLD]) + (f" and {more} more" if more > 0 else "")
