"""Operations of a compiled program are told apart, and a work is profiled from end to end."""

import sys

import jax
import jax.numpy as jnp
import pytest
from marks import telling
from processes import ROOT, call


@pytest.fixture
def profiled(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "scripts" / "benchmarks")
    import profiled

    yield profiled
    sys.modules.pop("profiled", None)
    for flag in ("config", "work", "steps", "dearest"):
        delattr(profiled.flags.FLAGS, flag)


@telling
@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (lambda x: x @ x, "products"),
        (lambda x: jnp.sum(x, 0), "sums"),
        (lambda x: jnp.tanh(x) + 1, "arithmetic"),
        (lambda x: jnp.pad(x.T, 3), "moves"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_kinds_of_operations_that_ran(profiled, function, kind):
    """In a loop, whose time is that of what is inside."""
    x = jnp.ones((256, 256))

    def looped(x):
        return jax.lax.scan(lambda x, _: (x, function(x)), x, length=3)[1]

    run = jax.jit(looped).lower(x).compile()
    jax.block_until_ready(run(x))
    told, ran = profiled.kinds(run.as_text()), profiled.operations(lambda: run(x))
    assert kind in {told[name][0] for name in ran if name in told}
    assert kind == "products" or "products" not in {kind for kind, _ in told.values()}
    assert all(seconds > 0 for seconds in ran.values())


@telling
def test_a_work_is_profiled():
    done = call("benchmarks/profiled", "--work=ring_small", "--steps=2", "--dearest=1")
    assert done.returncode == 0, done.stderr
    rows = [line.split(" | ") for line in done.stdout.splitlines() if "%" in line]
    shares = {row[0].strip("| "): float(row[1].rstrip("%")) for row in rows[:-1]}
    assert set(shares) >= {"products", "arithmetic"}
    assert sum(shares.values()) == pytest.approx(100, abs=2)


def test_neither_config_nor_work_is_refused():
    done = call("benchmarks/profiled")
    assert done.returncode
    assert "either --config or --work" in done.stderr
