"""Settings of every test: eight host devices, no silent rank promotion, float64 on request."""

import gc
import os
from importlib.metadata import version

# Most of the time of the tests is compilation: LLVM optimises nothing, and writes one module. The
# older emitters, which newer releases have no more, take a third of the newer's time.
os.environ["XLA_FLAGS"] = " ".join(
    [
        os.environ.get("XLA_FLAGS", ""),
        "--xla_force_host_platform_device_count=8",
        "--xla_backend_optimization_level=0",
        "--xla_cpu_parallel_codegen_split_count=1",
        *["--xla_cpu_use_fusion_emitters=false"][: version("jaxlib").startswith("0.10.")],
    ]
)
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import json
import signal

import jax
import pytest

from ganjax import cuts, names, run_folder, train
from ganjax.experiment import fit

jax.config.update("jax_numpy_rank_promotion", "raise")
# Instructions keep the names of their scopes, without the lines of Python that made them.
jax.config.update("jax_traceback_in_locations_limit", 0)


def pytest_collection_finish():
    """Collects garbage less often: tracing makes many small objects, few of them in cycles."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def pytest_addoption(parser):
    parser.addoption("--page", help="page of a comparison for tests/report/test_browser.py")


@pytest.fixture(scope="session", autouse=True)
def _checked_once():
    """A config that fits its data is not traced again when it is built again, as by `load`.

    Configs that do not fit, or that name a user's own functions, are checked each time.
    """
    check, known = fit.check_step, set()

    def once(experiment):
        text = json.dumps(experiment.config.to_dict(), sort_keys=True, default=repr)
        data = str(jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), experiment.train))
        key = text, data, experiment.begin, jax.config.jax_enable_x64
        if key not in known or names.own_files(experiment.config.to_dict()):
            check(experiment)
            known.add(key)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "check_step", once)
        yield


@pytest.fixture(scope="session")
def _chunks():
    return {}


@pytest.fixture(scope="module")
def shared_chunks(_chunks):
    """Experiments that differ in the length of a run alone share their compiled programs.

    For modules that train what `experiment.build` gives, its scheme unchanged.
    """

    def shared(compile_for):
        def compiled(experiment, *more):
            config = experiment.config.to_dict()
            mathematics = {key: config[key] for key in config.keys() - set(run_folder.RESUMABLE)}
            text = json.dumps(mathematics, sort_keys=True)
            place = experiment.begin, experiment.axis_name  # of a schedule, and of the devices
            key = compile_for, text, more, *place, jax.config.jax_enable_x64
            if key not in _chunks:
                _chunks[key] = compile_for(experiment, *more)
            return _chunks[key]

        return compiled

    with pytest.MonkeyPatch.context() as patch:
        for room, name in ((cuts, "compiled_steps"), (train, "compiled_start")):
            patch.setattr(room, name, shared(getattr(room, name)))
        yield


@pytest.fixture(autouse=True)
def _single_precision():
    """A command that a test calls in this process may have set float64."""
    yield
    jax.config.update("jax_enable_x64", False)


@pytest.fixture
def x64():
    """Float64 for the mathematics."""
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", False)


@pytest.fixture(autouse=True)
def _interruptible():
    """SIGINT is not ignored, as it is in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
