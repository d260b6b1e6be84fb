"""Names out of a run folder: nothing runs that was not named on this command line."""

import shutil
import sys

import examples
import numpy as np
import pytest
from marks import telling
from ml_collections import ConfigDict

from ganjax import experiment, run_folder, train, trust
from ganjax.config import validate
from ganjax.errors import ConfigError
from ganjax.nested import merged

from .conftest import refused

SENTINEL = "GANJAX_SENTINEL"
MINE = """
import os
from os import system
from pathlib import Path
import jax.numpy as jnp
from ganjax import games
from ganjax.cli import leave
from ganjax.games import gan

Path(os.environ["GANJAX_SENTINEL"]).write_text("imported")
linear = jnp.negative


def ended():
    raise SystemExit(0)


def prior(rng, shape):
    return games and jnp.ones(shape)
"""
CONFIG = {
    **examples.SCORED,
    "steps": 2,
    "log_every": 2,
    "sample_count": 4,
    "evaluation_samples": 8,
    "prior": {"name": "normal"},
}
# A place of a name, and the change of the config that puts it there.
PLACES = {
    "data": lambda name: {"data": {"name": name}},
    "game": lambda name: {"game": {"name": name}},
    "generator": lambda name: {"generator": {"name": name}},
    "discriminator": lambda name: {"discriminator": {"name": name}},
    "activation": lambda name: {"generator": {"activation": name}},
    "initialiser": lambda name: {"discriminator": {"kernel_init": {"name": name}}},
    "weights": lambda name: {"discriminator": {"weights": {"name": name}}},
    "network": lambda name: {"networks": {"encoder": {"name": name}}},
    "loss": lambda name: {"loss": {"name": name}},
    "prior": lambda name: {"prior": {"name": name}},
    "penalty": lambda name: {"penalties": {"some": {"name": name}}},
    "augmentation": lambda name: {"game": {"augment": {"name": name}}},
    "scheme": lambda name: {"scheme": {"name": name}},
    "inner scheme": lambda name: {"scheme": {"name": "lookahead", "inner": name}},
    "optimiser": lambda name: {"gen_tx": {"name": name}},
    "other optimiser": lambda name: {"disc_tx": {"name": name}},
    "inner optimiser": lambda name: {"gen_tx": {"name": "clip_weights", "inner": {"name": name}}},
    "chain": lambda name: {"gen_tx": {"name": "chain", "transforms": [{"name": name}]}},
    "schedule": lambda name: {"gen_tx": {"name": "sgd", "learning_rate": {"name": name}}},
    "evaluation": lambda name: {"evaluation": {"name": name}},
    "features": lambda name: {"evaluation": {"name": "images", "features": {"name": name}}},
    "monitor": lambda name: {"monitor": {"name": name}},
    "stage": lambda name: {"stages": {"a": {"until": 2, "prior": {"name": name}}}},
}
STANDARD = (
    "os:system",
    "posix:system",
    "sys:exit",
    "subprocess:run",
    "builtins:eval",
    "builtins:exec",
    "shutil:rmtree",
    "importlib:import_module",
    "antigravity:webbrowser",
)
UNTRUSTED = {
    **dict.fromkeys(STANDARD, "--trust"),
    "mine:prior": "--trust mine",
    "mine:system": "--trust mine",
    "mine.sub:prior": "--trust mine",
    "numpy:load": "--trust numpy",
    "ganjax.cli:leave": "is no row of ganjax",
    "ganjax.__main__:main": "is no row of ganjax",
    "ganjax.run_folder:write_text": "is no row of ganjax",
}


@pytest.fixture(autouse=True)
def sentinel(tmp_path, monkeypatch):
    """A file that is there once the user's module has been imported."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "mine.py").write_text(MINE)
    monkeypatch.setenv(SENTINEL, str(tmp_path / "sentinel"))
    monkeypatch.syspath_prepend(tmp_path / "code")
    yield tmp_path / "sentinel"
    sys.modules.pop("mine", None)


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("runs") / "honest"
    train.train(experiment.build(CONFIG), workdir)
    return workdir


@pytest.fixture
def hostile(request, tmp_path):
    """Makes a run folder whose config has other values: of a trained run where a test is slow."""
    trained = request.node.get_closest_marker("slow")

    def made(change):
        workdir = tmp_path / "hostile"
        shutil.rmtree(workdir, ignore_errors=True)
        if trained:
            shutil.copytree(request.getfixturevalue("honest"), workdir)
        else:
            run_folder.write_json(workdir / "config.json", validate(CONFIG))
        examples.changed(workdir, change)
        return workdir

    return made


@pytest.mark.parametrize("place", PLACES)
def test_no_place_of_a_folders_config_runs_code(place, hostile, sentinel):
    for name, told in UNTRUSTED.items():
        workdir = hostile(PLACES[place](name))
        with pytest.raises(ConfigError) as caught:
            experiment.load(workdir)
        assert told in str(caught.value), name
        assert name in str(caught.value)
    assert not sentinel.exists()
    assert "antigravity" not in sys.modules


def test_another_module_is_not_trusted(hostile, sentinel):
    workdir = hostile({"prior": {"name": "mine:prior"}})
    for trusted in ("other", "min", "mine.prior", ("other", "yours"), "mine2"):
        with pytest.raises(ConfigError, match="give --trust mine "):
            experiment.load(workdir, trust=trusted)
    assert not sentinel.exists()


@telling
def test_a_module_that_is_named_is_trusted(hostile, sentinel):
    workdir = hostile({"prior": {"name": "mine:prior"}})
    for trusted in ("mine", ("mine",), "other,mine", ("other", "mine")):
        assert experiment.load(workdir, trust=trusted).step == 2
    assert sentinel.exists()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("mine:system", "is of Python's standard library"),
        ("mine:os", "is of Python's standard library"),
        ("mine:leave", "give --trust ganjax"),
        ("mine:Path", "is of Python's standard library"),
        ("mine:missing", "cannot be imported"),
    ],
)
def test_a_trusted_module_lends_no_function_of_others(name, told, hostile):
    with pytest.raises(ConfigError, match=told):
        experiment.load(hostile({"prior": {"name": name}}), trust="mine")


@telling
def test_a_trusted_module_passes_on_a_row_or_a_value(hostile):
    """A row of a shelf, and an object that is no function of Python's."""
    gan = {"name": "mine:gan", "z_dim": 2}
    assert experiment.load(hostile({"game": gan}), trust="mine").step == 2
    activation = {"generator": {"activation": "mine:linear"}}
    assert experiment.load(hostile(activation), trust="mine").step == 2
    shelved = {"name": "ganjax.games:gan", "z_dim": 2}
    assert experiment.load(hostile({"game": shelved})).step == 2


def test_a_folders_strings_are_marked_all_through():
    marked = trust.foreign({"a": [{"name": "x"}, 1, None], "b": "y"}, "m, n,")
    assert marked == {"a": [{"name": "x"}, 1, None], "b": "y"}
    for text in (marked["a"][0]["name"], marked["b"]):
        assert isinstance(text, trust.Foreign)
        assert text.trust == ("m", "n")


def test_a_config_that_was_read_is_not_believed_when_built(hostile, sentinel):
    """Nor after a change, nor as a config of ml_collections."""
    workdir = hostile({"prior": {"name": "mine:prior"}})
    config = run_folder.read_config(workdir)
    for given in (config, merged(config, {"steps": 4}), ConfigDict(config)):
        with pytest.raises(ConfigError, match="--trust mine"):
            experiment.build(given)


@pytest.mark.parametrize("place", PLACES)
def test_a_users_own_name_finds_no_function_of_the_standard_library(place):
    """`sys:exit` as the data ended the training with exit code 0."""
    for name in ("sys:exit", "mine:system"):
        with pytest.raises(ConfigError, match="is of Python's standard library"):
            experiment.build(merged(CONFIG, PLACES[place](name)))


def test_a_function_that_ends_the_process_is_a_mistake(called, tmp_path):
    (tmp_path / "mine_config.py").write_text(
        f"import ml_collections\ndef get_config(): return ml_collections.ConfigDict({CONFIG})\n"
    )
    flags = (f"--config={tmp_path}/mine_config.py", f"--workdir={tmp_path}/run")
    done = called("train", *flags, "--config.data.name=mine:ended", "--dry_run")
    assert refused(done, 2, "ended the process", "SystemExit(0)")


COMMANDS = {
    "sample": (),
    "evaluate": (),
    "export": ("--out={folder}/out.safetensors",),
    "human_eval": ("--out={folder}/page.html",),
    "restore": (),
    "translate": (),
    "walk": (),
}


@telling
@pytest.mark.parametrize("command", COMMANDS)
def test_commands_refuse_it_and_take_the_flag(command, hostile, sentinel, called, tmp_path):
    workdir = hostile({"prior": {"name": "mine:prior"}})
    flags = [flag.format(folder=tmp_path) for flag in COMMANDS[command]]
    assert refused(called(command, f"--workdir={workdir}", *flags), 2, "give --trust mine")
    assert not sentinel.exists()
    done = called(command, f"--workdir={workdir}", *flags, "--trust=yours,mine")
    assert "--trust" not in done.err
    assert sentinel.exists()


@telling
def test_training_believes_its_own_config_and_no_folder(hostile, sentinel, called, tmp_path):
    """Names of the command line run, also on resuming; those of `--init_from` are a folder's."""
    text = "import ml_collections\ndef get_config(): return ml_collections.ConfigDict({})\n"
    (tmp_path / "config.py").write_text(text.format({**CONFIG, "prior": {"name": "mine:prior"}}))
    flags = (f"--config={tmp_path}/config.py", f"--workdir={tmp_path}/run")
    assert called("train", *flags).code == 0
    done = called("train", *flags, "--config.steps=4")
    assert done.code == 0
    assert "resuming" in done.err
    (tmp_path / "other.py").write_text(text.format(CONFIG))
    flags = (f"--config={tmp_path}/other.py", f"--init_from={tmp_path}/run")
    for module in ("mine", "sentinel"):
        sys.modules.pop(module, None)
    sentinel.unlink()
    assert refused(called("train", *flags, f"--workdir={tmp_path}/a"), 2, "give --trust mine")
    assert not sentinel.exists()
    assert called("train", *flags, f"--workdir={tmp_path}/b", "--trust=mine").code == 0
    sentinel.unlink()
    run = hostile({"data": {"name": "os:system", "command": f"touch {sentinel}"}})
    np.savez(tmp_path / "x.npz", x=np.zeros((9, 2), np.float32))
    assert refused(called("evaluate", f"--workdir={run}", f"--samples={tmp_path}/x.npz"), 2)
    assert refused(called("sample", f"--workdir={run}"), 2, "give --trust os")
    assert called("report", f"--workdir={run}").code == 0
    assert called("train", *flags[:1], f"--workdir={run}").code == 4
    assert not sentinel.exists()
