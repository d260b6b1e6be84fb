"""Masks: where the holes are and how large."""

import jax
import numpy as np
import pytest

from ganjax.data import MASKS

SHAPE = (50, 8, 10, 3)


@pytest.mark.parametrize("name", sorted(MASKS))
def test_masks_hide_what_they_say(name):
    mask = np.asarray(MASKS[name](jax.random.key(0), SHAPE, 4))
    assert mask.shape == (50, 8, 10, 1)
    assert set(np.unique(mask)) == {0.0, 1.0}
    hidden = {"left": 8 * 5}.get(name, 16)
    np.testing.assert_array_equal((1 - mask).sum((1, 2, 3)), hidden)
    same = (mask == mask[:1]).all()
    assert same == (name in ("centre", "left"))
    for size in (0, 9):
        with pytest.raises(ValueError, match=f"a hole of {size} pixels"):
            MASKS[name](jax.random.key(0), SHAPE, size)


def test_squares_are_squares_and_reach_every_place():
    mask = np.asarray(MASKS["square"](jax.random.key(1), (500, 8, 8, 1), 4))[..., 0]
    tops, starts = (np.argmin(mask.min(axis), axis=1) for axis in (2, 1))
    for hole, top, start in zip(mask, tops, starts, strict=True):
        assert not hole[top : top + 4, start : start + 4].any()
    assert set(tops) == set(starts) == set(range(5))
    centre = np.asarray(MASKS["centre"](jax.random.key(1), (1, 8, 8, 1), 4))[0, ..., 0]
    assert not centre[2:6, 2:6].any()
    assert np.asarray(MASKS["left"](jax.random.key(1), (1, 8, 8, 1), 1))[0, :, 4:].all()
