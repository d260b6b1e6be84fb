"""Laws fitted to points of which they are known, and a benchmark that goes all the way."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SCRIPT = ROOT / "scripts" / "benchmarks" / "laws.py"


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
    """From a results file to the table, the numbers and the picture; a missing one is told."""
    rows = [
        {"work": "w", "scaling": "weak", "form": "jit", "devices": n, "ms": 2.0 + n}
        for n in (2, 4, 8)
    ]
    (tmp_path / "devices.json").write_text(json.dumps({"rows": rows}))
    command = [sys.executable, SCRIPT, "--part=devices", f"--devices={tmp_path / 'devices.json'}"]
    out = [f"--json={tmp_path / 'laws.json'}", f"--picture={tmp_path / 'laws.png'}"]
    told = subprocess.run([*command, *out], check=True, capture_output=True, text=True).stdout
    assert "| devices | w, jit | ms | a + b n | 2 | 1 | 0% |" in told
    (one,) = json.loads((tmp_path / "laws.json").read_text())
    assert one["fit"]["b"] == pytest.approx(1)
    assert (tmp_path / "laws.png").read_bytes().startswith(b"\x89PNG")
    missing = subprocess.run(command[:3], check=False, capture_output=True, text=True)
    assert "devices.py --json" in missing.stderr
    assert missing.returncode
