"""The meaning of folders of images: parts, classes and domains."""

import logging
import os
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from ganjax.data.columns import listed
from ganjax.errors import DataError

log = logging.getLogger("ganjax")

TRAIN = "train"
TESTS = ("test", "val", "valid", "validation")  # the first that is there
DOMAINS = (("a", "b"), ("A", "B"), ("trainA", "trainB"))
TEST_DOMAINS = {"trainA": "testA", "trainB": "testB"}  # as CycleGAN's sets have them


class Layout(NamedTuple):
    """The rows of each part.

    Attributes:
      train: {key of a batch: int[n]}, x alone, or a and b; numbers of files.
      test: the same of the test part; {} if there is none.
      labels: class of every file, or None without classes; -1 in neither part.
      classes: names of the classes, in the order of their labels.
      stems: of files in domains, by number, the name within the domain, without its ending.
      pairs: whether row i of `a` belongs to row i of `b`.
    """

    train: dict[str, np.ndarray]
    test: dict[str, np.ndarray]
    labels: np.ndarray | None
    classes: tuple[str, ...] = ()
    stems: Mapping[int, str] = MappingProxyType({})
    pairs: bool = False


def layout(where: str, names: Sequence[str], part: str | None, labels: bool) -> Layout:
    """The meaning of the folders of files.

    Folders around all files mean nothing. Then `train` and `test` (or val, valid, validation) are
    parts; `a` and `b` (A and B, or trainA, trainB, testA, testB) are two domains; several others,
    with every file in one of them, are classes.

    Args:
      where: the folder or zip, for messages.
      names: paths of the files, sorted.
      part: the folder to train on, e.g. "test"; None for `train`, or all files if there is none.
      labels: whether folders are classes.

    Raises:
      DataError: there is no such part; one domain is there without the other; the test part has
        other classes than the training part.
    """
    paths = {row: name.split("/") for row, name in enumerate(names)}
    train, test = _parts(where, _stripped(paths), part)
    train, test = _stripped(train), _stripped(test)
    tops = {path[0] for path in train.values() if len(path) > 1}
    domains = next((pair for pair in DOMAINS if tops & set(pair)), None)
    if domains and tops <= {*domains, *TEST_DOMAINS.values()} and _all_in_folders(train):
        return _of_domains(where, train, test, domains)
    of_train, of_test = ({"x": np.array(list(rows), int)} if rows else {} for rows in (train, test))
    if not labels or len(tops) < 2 or not _all_in_folders(train):
        return Layout(of_train, of_test, None)
    classes = _in_order(tops)
    return Layout(of_train, of_test, _labels(where, len(names), train, test, classes), classes)


Paths = dict[int, list[str]]  # the parts of a file's path, by the file's number


def _stripped(paths: Paths) -> Paths:
    """Without the folders around all files, but for parts and domains."""
    keep = {TRAIN, *TESTS, *(name for pair in DOMAINS for name in pair)}
    while len({path[0] for path in paths.values()}) == 1 and _all_in_folders(paths):
        if next(iter(paths.values()))[0] in keep:
            break
        paths = {row: path[1:] for row, path in paths.items()}
    return paths


def _all_in_folders(paths: Paths) -> bool:
    return all(len(path) > 1 for path in paths.values())


def _parts(where: str, paths: Paths, part: str | None) -> tuple[Paths, Paths]:
    """Files for training and for tests, without the folders of the parts."""

    def below(top):
        return {row: path[1:] for row, path in paths.items() if path[0] == top and len(path) > 1}

    tops = {path[0] for path in paths.values() if len(path) > 1}
    if part is not None:
        if part not in tops:
            raise DataError(
                f"{where} has no folder {part!r}; it has {listed(sorted(tops)) or 'none'}"
            )
        return below(part), {}
    test = next((name for name in TESTS if name in tops), None)
    if TRAIN not in tops or not (test or tops == {TRAIN}):
        return paths, {}
    chosen = below(TRAIN), below(test)
    if others := len(paths) - sum(map(len, chosen)):
        log.warning("%s: %d images are neither in train nor in %s; left out", where, others, test)
    log.info("%s: %d images to train, %d held out", where, *map(len, chosen))
    return chosen


def _of_domains(where: str, train: Paths, test: Paths, domains: tuple[str, str]) -> Layout:
    def rows(paths, tops):
        return {
            key: np.array([row for row, path in paths.items() if path[0] == top], int)
            for key, top in zip("ab", tops, strict=True)
        }

    tops = domains if test else [TEST_DOMAINS.get(top) for top in domains]
    held_out = rows(test or train, tops)
    empty = [top for key, top in zip("ab", tops, strict=True) if not len(held_out[key])]
    if len(empty) == 1:
        raise DataError(f"{where} has images of one domain in its test part, none in {empty[0]}")
    stems = {row: os.path.splitext("/".join(path[1:]))[0] for row, path in (train | test).items()}
    return Layout(rows(train, domains), {} if empty else held_out, None, stems=stems)


def _in_order(tops: set[str]) -> tuple[str, ...]:
    """Class folders in the order of their names, or of their numbers if all are numbers."""
    numbers = all(name.isdecimal() for name in tops)
    order = sorted(tops, key=lambda name: (int(name), name) if numbers else name)
    log.info("classes from 0 on: %s", listed(order))
    return tuple(order)


def _labels(
    where: str, count: int, train: Paths, test: Paths, classes: tuple[str, ...]
) -> np.ndarray:
    labels = np.full(count, -1, np.int32)
    index = {name: label for label, name in enumerate(classes)}
    for row, path in (train | test).items():
        if len(path) < 2 or path[0] not in index:
            raise DataError(
                f"{where} has {'/'.join(path)} in its test part, of none of the classes "
                f"{listed(classes)}; remove it, or give part='train' or labels=False"
            )
        labels[row] = index[path[0]]
    return labels


def in_pairs(where: str, names: list[str], there: Layout) -> Layout:
    """The layout with row i of `a` beside row i of `b`, by their names without endings."""
    if "a" not in there.train:
        raise DataError(f"{where} has no two folders a and b, which paired=True needs")
    parts = []
    for part in (there.train, there.test):
        stems = [{there.stems[row]: row for row in rows} for rows in part.values()]
        if part and (alone := sorted(stems[0].keys() ^ stems[1].keys())):
            files = [names[stems[0].get(stem, stems[1].get(stem))] for stem in alone]
            raise DataError(
                f"{where} has {len(alone)} images without a partner of the same name in the other "
                f"domain: {listed(files)}; add them, or leave paired=True out"
            )
        parts.append(
            {
                key: np.array([rows[stem] for stem in sorted(rows)], int)
                for key, rows in zip(part, stems, strict=True)
            }
        )
    return there._replace(train=parts[0], test=parts[1], pairs=True)
