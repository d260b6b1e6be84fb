"""Progress without a terminal."""

import logging

from ganjax.console import progress


def test_a_rate_that_rounds_to_nothing(caplog):
    with caplog.at_level(logging.INFO), progress(0, 4) as show:
        show({"step": 1, "loss/gen": 0.5, "time/steps_per_second": 0.0})
    assert "step 1/4  loss/gen 0.500  0 steps/s" in caplog.text
