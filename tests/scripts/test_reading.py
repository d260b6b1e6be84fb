"""The benchmark of reading, end to end."""

import json

import pytest
from processes import call


@pytest.mark.slow
def test_rates_of_reading(tmp_path):
    small = ("--images=256", "--files=256", "--batch=32", "--seconds=0.01")
    done = call("benchmarks/reading", *small, f"--json={tmp_path / 'rates.json'}")
    assert done.returncode == 0, done.stderr
    rates = json.loads((tmp_path / "rates.json").read_text())["images_per_second"]
    assert list(rates)[3:] == ["decode 32 png, zip", "cache 32", "cache 64", "feed 64"]
    assert rates["cache 32"] > 10 * rates["decode 32 png, zip"]
    assert all(f"{rate:,.0f}" in done.stdout for rate in rates.values())
