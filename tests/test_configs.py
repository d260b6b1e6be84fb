"""Every shipped config: its docstring says what to expect, and it plays two steps, or stages."""

import importlib.util
from pathlib import Path

import jax
import ml_collections
import pytest

from ganjax import experiment, train

FOLDER = Path(__file__).parent.parent / "configs"
FILES = sorted(FOLDER.glob("*.py"))
CONFIGS = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def module(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def kind(path):
    """What a config plays and with what: its game, networks, data and evaluation by name."""
    config = module(path).get_config()
    sections = ("game", "generator", "discriminator", "autoencoder", "data", "evaluation")
    return tuple(config.get(section, {}).get("name") for section in sections)


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


SHORT = {"log_every": 1, "sample_every": 0, "checkpoint_every": 0, "batch_size": 4}
SHORT |= {"steps": 2, "evaluation_samples": 50, "sample_count": 4}
# For accelerators: a step is traced, never run here.
LARGE = ("digits_began_32", "photographs_cycle_256")
SMALL = [path for path in FILES if path.stem not in LARGE]
# One config of each kind plays by default; the others of a kind differ in numbers, loss or penalty.
FIRST = {kind(path): path for path in reversed(SMALL)}.values()


def short(path):
    with module(path).get_config().unlocked() as config:
        config.update(SHORT)
        if "stages" in config:  # each is played for a step, and networks grow between them
            config.steps = len(config.stages)
            ends = sorted(stage.until for stage in config.stages.values())
            for stage in config.stages.values():
                stage.until = 1 + ends.index(stage.until)
                stage.batch_size = SHORT["batch_size"]
                if "fade_steps" in stage.get("game", {}):
                    stage.game.fade_steps = 1
    return config


@CONFIGS
def test_a_step_fits(path):
    """Traced, not compiled: shapes and types of everything, the evaluation's needs too."""
    experiment.build(short(path))


@pytest.mark.parametrize(
    "path",
    [
        # A minute of compiling where there are stages; `test_stages.py` plays small ones.
        pytest.param(path, marks=() if quick else pytest.mark.slow, id=path.stem)
        for path in SMALL
        for quick in [path in FIRST and "stages" not in module(path).get_config()]
    ],
)
def test_two_steps(path, tmp_path):
    built = experiment.build(short(path))
    result = train.train(built, tmp_path)
    assert result.step == built.config.steps
    assert (built.evaluate is None) == (result.report == {})
    assert experiment.load(tmp_path).step == result.step
    template = experiment.template(built)
    assert all(isinstance(leaf, jax.ShapeDtypeStruct) for leaf in jax.tree.leaves(template))
