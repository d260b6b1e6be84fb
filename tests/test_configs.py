"""Every shipped config: its docstring says what to expect, and it plays two steps."""

import importlib.util
import math
from pathlib import Path

import jax
import ml_collections
import pytest

from ganjax import experiment, train

FOLDER = Path(__file__).parent.parent / "configs"
FILES = sorted(FOLDER.glob("*.py"))
CONFIGS = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
LARGE = ("photographs_cycle_256",)  # for accelerators: a step is traced, not run


def module(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def test_there_are_configs():
    assert {"digits_mlp", "digits_dcgan", "ring8_nonsaturating"} <= {path.stem for path in FILES}


@CONFIGS
def test_the_docstring_says_what_to_expect(path):
    text = module(path).__doc__
    command = f"python scripts/train.py --config configs/{path.name} --workdir runs/"
    assert command in text
    for part in ("Time:", "Result:"):
        assert part in text
    assert "TODO" not in text


@CONFIGS
def test_configs_are_locked(path):
    config = module(path).get_config()
    assert isinstance(config, ml_collections.ConfigDict)
    assert config.is_locked


@CONFIGS
def test_no_two_sections_are_one_object(path):
    """An override of one player's optimiser must not reach the other's."""
    config = module(path).get_config()
    assert config.gen_tx is not config.disc_tx


@pytest.mark.parametrize("name", LARGE)
def test_a_step_of_a_large_config_is_traced(name):
    """`build` traces the start and a step, and refuses what does not fit."""
    built = experiment.build(module(FOLDER / f"{name}.py").get_config())
    state = experiment.template(built)
    assert sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(state.params)) > 10_000_000


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.stem not in LARGE], ids=lambda path: path.stem
)
def test_two_steps(path, tmp_path):
    with module(path).get_config().unlocked() as config:
        config.update(
            steps=2,
            log_every=1,
            sample_every=0,
            checkpoint_every=0,
            batch_size=4,
            evaluation_samples=50,
            sample_count=4,
        )
    built = experiment.build(config)
    result = train.train(built, tmp_path)
    assert result.step == 2
    assert (built.evaluate is None) == (result.report == {})
    assert experiment.load(tmp_path).step == 2
    template = experiment.template(built)
    assert all(isinstance(leaf, jax.ShapeDtypeStruct) for leaf in jax.tree.leaves(template))
