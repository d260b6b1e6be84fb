"""Laws fitted to points of known laws, and a benchmark from end to end."""

import json
import sys

import pytest
from processes import ROOT, call


@pytest.fixture
def laws(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "scripts" / "benchmarks")
    import laws

    yield laws
    sys.modules.pop("laws", None)
    for flag in ("part", "rounds", "largest", "devices", "json", "picture"):
        delattr(laws.flags.FLAGS, flag)


def test_laws_are_found_again(laws):
    sizes = [1, 2, 5, 10, 20, 40, 80]
    for law in (laws.LINEAR, laws.CONSTANT_PLUS_INVERSE, laws.KEPT):
        fit = laws.fitted(sizes, [3 + 0.5 * law.f(n) for n in sizes], law)
        assert fit == pytest.approx((3, 0.5, 0), abs=1e-9)
    assert [laws.kept(n) for n in (1, 10, 40)] == [1, 10, 12]
    # Of 1, 1, 2 the best constant by relative errors is (1 + 1 + 1/2) / (1 + 1 + 1/4).
    fit = laws.fitted([1, 2, 3], [1, 1, 2], laws.Law("a", lambda n: 0.0))
    assert fit.a == pytest.approx(2.5 / 2.25)
    assert fit.error == pytest.approx(1 - 2.5 / 2.25 / 2)
    assert laws.exponent(sizes, [7 * n**1.5 for n in sizes]) == pytest.approx(1.5)


def test_law_of_devices(tmp_path):
    """From a results file to the table, the numbers and the picture; a missing file is reported."""
    rows = [
        {"work": "w", "scaling": "weak", "form": "jit", "devices": n, "ms": 2.0 + n}
        for n in (2, 4, 8)
    ]
    (tmp_path / "devices.json").write_text(json.dumps({"rows": rows}))
    out = [f"--json={tmp_path / 'laws.json'}", f"--picture={tmp_path / 'laws.png'}"]
    devices = f"--devices={tmp_path / 'devices.json'}"
    done = call("benchmarks/laws", "--part=devices", devices, *out)
    assert done.returncode == 0, done.stderr
    assert "| devices | w, jit | ms | a + b n | 2 | 1 | 0% |" in done.stdout
    (one,) = json.loads((tmp_path / "laws.json").read_text())
    assert one["fit"]["b"] == pytest.approx(1)
    assert (tmp_path / "laws.png").read_bytes().startswith(b"\x89PNG")
    missing = call("benchmarks/laws", "--part=devices")
    assert "devices.py --json" in missing.stderr
    assert missing.returncode
