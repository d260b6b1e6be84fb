"""Settings of every test: eight host devices, no silent rank promotion, float64 on request."""

import os

# Most of the time of the tests is compilation, so LLVM optimises nothing: a third of it saved.
os.environ["XLA_FLAGS"] = (
    os.environ.get("XLA_FLAGS", "")
    + " --xla_force_host_platform_device_count=8 --xla_backend_optimization_level=0"
)
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import pytest

jax.config.update("jax_numpy_rank_promotion", "raise")


def pytest_addoption(parser):
    parser.addoption("--page", help="page of a comparison for tests/report/test_browser.py")


@pytest.fixture
def x64():
    """Float64 for the mathematics."""
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", False)
