"""Range checks: the ends of intervals, NaN, whole numbers, and swept numbers."""

import math

import pytest

from ganjax import checks
from ganjax.swept import Swept


@pytest.mark.parametrize(
    ("interval", "inside", "outside"),
    [
        ("[0, 1)", (0, 0.5), (-1e-9, 1, math.nan)),
        ("(0, 1]", (1e-9, 1), (0, 1.1)),
        ("[0, inf)", (0, 1e300), (-1, math.inf, math.nan)),
        ("(-1, 1)", (-0.5,), (-1, 1)),
    ],
)
def test_within_an_interval(interval, inside, outside):
    for value in inside:
        checks.within(interval, value=value)
    for value in outside:
        with pytest.raises(ValueError, match=r"value=.* must be in .*; take 0.5"):
            checks.within(interval, value=value, hint="take 0.5")


def test_every_value_is_checked():
    with pytest.raises(ValueError, match=r"^b=2 must be in \[0, 1\]$"):
        checks.within("[0, 1]", a=1, b=2)


def test_a_swept_number_is_checked_in_all_its_values():
    checks.within("[0, 1)", decay=Swept(0.5, (0.5, 0.9)))
    with pytest.raises(ValueError, match="decay"):
        checks.within("[0, 1)", decay=Swept(2.0, (2.0, 3.0)))


@pytest.mark.parametrize("value", [0, 4, 1.0, True, "1", None])
def test_whole_numbers(value):
    checks.whole(1, 3, steps=2)
    with pytest.raises(ValueError, match=r"steps=.* must be a whole number, from 1 to 3"):
        checks.whole(1, 3, steps=value)


def test_whole_numbers_without_an_end():
    checks.whole(0, steps=10**9)
    with pytest.raises(ValueError, match="steps=-1 must be a whole number, at least 0"):
        checks.whole(0, steps=-1)


def test_one_of():
    checks.one_of(("gen", "disc"), first="gen")
    with pytest.raises(ValueError, match="first='both' must be one of 'gen', 'disc'"):
        checks.one_of(("gen", "disc"), first="both")
