"""Marks of tests: which run by default, and which in continuous integration too."""

from collections.abc import Collection, Iterable, Sequence

import pytest

TELLING = [pytest.mark.slow, pytest.mark.telling]  # of `make test-telling` and integration


def telling(test):
    """Marks one test as `TELLING`, which marks a module."""
    return pytest.mark.slow(pytest.mark.telling(test))


def marked(
    rows: Iterable, default: Collection, telling: Collection = (), ids: Sequence[str] | None = None
) -> list:
    """Rows as parameters: those in `default` plain, all others slow, those in `telling` telling.

    Args:
      rows: values, or tuples of values of several parameters.
      default: rows of `make test`.
      telling: slow rows of `make test-telling`.
      ids: of the rows, by default pytest's own.
    """
    result = []
    for index, row in enumerate(rows):
        slow = [pytest.mark.slow, *[pytest.mark.telling] * (row in telling)]
        marks = () if row in default else slow
        values = row if isinstance(row, tuple) else (row,)
        result.append(pytest.param(*values, marks=marks, id=ids[index] if ids else None))
    return result
