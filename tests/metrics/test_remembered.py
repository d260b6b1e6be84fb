"""Results are computed once for arrays of the same content."""

import numpy as np
import pytest

from ganjax.metrics.remembered import remembered


@pytest.fixture
def counted():
    calls = []

    @remembered
    def summed(x, power):
        """The sum of powers."""
        calls.append(power)
        return np.asarray((x**power).sum())

    return summed, calls


def test_the_same_content_is_computed_once(counted):
    summed, calls = counted
    x = np.arange(6.0)
    assert summed(x, 2) == summed(x.copy(), 2) == summed(np.arange(12.0)[:6], 2) == 55
    assert len(calls) == 1
    assert summed.__doc__ == "The sum of powers."


@pytest.mark.parametrize(
    "other",
    [
        (np.arange(6.0) + 1e-12, 2),
        (np.arange(6.0), 3),
        (np.arange(6.0).reshape(2, 3), 2),
        (np.arange(6), 2),
    ],
)
def test_other_content_is_another_result(other, counted):
    summed, calls = counted
    summed(np.arange(6.0), 2)
    assert summed(*other) == (other[0] ** other[1]).sum()
    assert len(calls) == 2


def test_a_changed_array_or_result_changes_nothing_kept(counted):
    summed, _ = counted
    x = np.arange(6.0)
    found = summed(x, 2)
    found += 1
    x += 1
    assert (summed(x, 2), summed(np.arange(6.0), 2)) == (91, 55)


def test_the_set_that_stays_is_kept(counted):
    summed, calls = counted
    for seed in range(4):
        summed(np.arange(6.0), 2)
        summed(np.full(3, float(seed)), 2)
    assert len(calls) == 1 + 4
