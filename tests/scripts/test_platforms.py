"""A missing platform in JAX_PLATFORMS: one line that names it, exit code 8."""

import os
import subprocess
import sys

import jax
import pytest
from marks import marked

from ganjax import failures
from ganjax.errors import ConfigError

from .conftest import ROOT

DATA = "the data of a run"
# Where JAX is first called.
FIRST = {
    "a script": ("dynamics", "--steps=0.1"),
    "a config file": ("train", "--config={early}", "--workdir={folder}/run"),
    DATA: ("train", "--config=configs/digits_mlp.py", "--workdir={folder}/run"),
    "tracing": ("train", "--config=configs/bilinear_alternating.py", "--workdir={folder}/run"),
    "a base of a comparison": ("compare", "--config={compared}", "--workdir={folder}/run"),
    "a benchmark without flags": ("benchmarks/penalties",),
    "a process of a benchmark": ("benchmarks/startup", "--only=ring8_r1"),
}
EARLY = (
    "import jax.numpy as jnp\nSIZE = int(jnp.ones(3).sum())\ndef get_config():\n    return SIZE\n"
)
COMPARED = """
from ml_collections import ConfigDict
def get_config():
    asked = dict(question="?", base="early", seeds=2, score="distance", bound=0.01)
    cells = dict(a={"steps": 2}, b={"steps": 3})
    return ConfigDict(dict(asked, cells=cells))
"""


@pytest.mark.parametrize(
    ("platform", "first"),
    [
        ("nonsense", "a script"),
        *marked([("cuda", first) for first in FIRST], (), telling=[("cuda", DATA)]),
    ],
)
def test_a_missing_platform_is_named(platform, first, tmp_path):
    (tmp_path / "early.py").write_text(EARLY, encoding="utf-8")
    (tmp_path / "compared.py").write_text(COMPARED, encoding="utf-8")
    paths = {"early": tmp_path / "early.py", "compared": tmp_path / "compared.py"}
    script, *arguments = (part.format(folder=tmp_path, **paths) for part in FIRST[first])
    done = subprocess.run(
        [sys.executable, f"scripts/{script}.py", *arguments],
        cwd=ROOT,
        env={**os.environ, "XLA_FLAGS": "", "JAX_PLATFORMS": platform},
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 8, done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"error: JAX_PLATFORMS={platform}: this machine has no such device")
    assert "Traceback" not in done.stderr


def test_other_failures_stay_what_they_are():
    """JAX is asked again after a failure of its kind, and works."""
    assert jax.devices()
    assert failures.no_platform(AssertionError("a bug")) is None
    error = ConfigError("a mistake")
    error.__cause__ = RuntimeError("another")
    assert failures.no_platform(error) is None
    assert failures.failure(error) is error
    assert failures.failure(ValueError("a bug")) is None
    for code, error in (
        (8, OSError()),
        (7, MemoryError()),
        (7, RuntimeError("RESOURCE_EXHAUSTED")),
    ):
        assert failures.failure(error).exit_code == code
