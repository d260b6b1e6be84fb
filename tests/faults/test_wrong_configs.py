"""Wrong configs: each is refused in one message, by the right exit code and before any training."""

import examples
import pytest
from marks import marked

from ganjax import experiment
from ganjax.config import LARGEST, SETTINGS, validate
from ganjax.errors import ConfigError, GanjaxError

from .conftest import soon

NAN, INFINITE = float("nan"), float("inf")
CONFIG = examples.SCORED
NO_NUMBER = ("x", [1, 2], NAN, -1, 10**30, {"name": "x"}, 0.5)  # none that a setting may have
# A section, and a name of a row that it may have.
NAMES = {
    "data": "ring",
    "game": "gan",
    "generator": "mlp",
    "discriminator": "mlp",
    "loss": "least_squares",
    "prior": "normal",
    "scheme": "alternating",
    "gen_tx": "adam",
    "disc_tx": "adam",
    "evaluation": "modes",
    "monitor": "nash",
    "average": "ema",
    "best": "modes",
}
NO_SECTION = ("x", 3, [1])
NO_NAME = (None, "", ":", "nonsense", "nowhere:f", "os:system", "sys:exit", "builtins:eval")
# Arguments of the sections that the config has, and values that none may have.
ARGUMENTS = {
    "data": {"std": ("x", -1.0, NAN), "modes": (0, -1, 0.5, "x")},
    "game": {"z_dim": ("x", 0, -1, 0.5, True, {"name": "x"}, None)},
    "generator": {
        "width": ("x", 0, -1, 0.5, True, {"name": "x"}, 10**30, None),
        "depth": ("x", -1, 0.5),
        "activation": ("nonsense", 3, {"name": "nonsense"}, {"nme": "x"}),
        "output_activation": ("nonsense",),
        "norm": ("nonsense", 3),
        "kernel_init": ("nonsense", 0.5),
    },
    "discriminator": {
        "width": (0, -3, "x"),
        "weights": ("nonsense", 3, {"name": "spectral", "x": 2}),
        "minibatch": ("nonsense",),
        "head": ("nonsense",),
        "labels": ("nonsense",),
    },
    "scheme": {"disc_updates": ("x", 0, -1, 0.5, True, None)},
    "gen_tx": {
        "learning_rate": (
            *("x", -1.0, NAN, INFINITE, True, None),
            *({"name": "nonsense"}, {"x": 1}, {"name": "cosine_decay_schedule"}),
        ),
        "b1": (1.5, 1.0, -1.0, "x", NAN),
        "b2": (1.0, -0.1, 2.0),
        "eps": (-1.0, NAN, "x"),
        "mask": (3,),
    },
    "disc_tx": {"learning_rate": ("x", -1.0), "b1": (2.0,), "eps": (-1e-8,)},
}
SGD = examples.SGD
CHANGES = (
    *({"nonsense": 1}, {"bach_size": 3}, {"accumulate": 3}, {"accumulate": 1000}),
    *({"compute": value} for value in ("float16", 3, {"name": "x"}, None)),
    *({"penalties": value} for value in (3, "r1", {"name": "r1"}, {"r1": 3})),
    {"penalties": {"r1": {"name": "nonsense"}}},
    {"penalties": {"r1": {"name": "r1", "gamma": -1.0}}},
    {"penalties": {"r1": {"name": "r1", "gamma": "x"}}},
    {"penalties": {"r1": {"name": "r1", "gama": 1.0}}},
    {"average": {"name": "ema", "decay": 1.5}},
    {"average": {"name": "ema", "decay": -0.1}},
    {"average": {"name": "ema", "decay": "x"}},
    {"average": {"name": "none", "x": 1}},
    {"scheme": {"name": "lookahead", "inner": "nonsense"}},
    {"scheme": {"name": "lookahead", "inner": 3}},
    {"scheme": {"name": "unrolled", "unroll_steps": -1}},
    {"scheme": {"name": "consensus", "gamma": "x"}},
    {"gen_tx": {"name": "chain", "transforms": []}},
    {"gen_tx": {"name": "chain", "transforms": 3}},
    {"gen_tx": {"name": "chain"}},
    {"gen_tx": {"name": "adam"}},
    {"gen_tx": {"name": "scale", "step_size": 1.0}},
    {"gen_tx": {"name": "clip_weights", "inner": "adam"}},
    {"gen_tx": {"name": "clip_weights", "inner": SGD, "limit": -1.0}},
    {"networks": 3},
    {"networks": {"x": {"name": "mlp"}}},
    {"networks": {"x": 3}},
    {"networks": {"generator": {"name": "mlp"}}},
    {"networks": {"encoder": {"name": "nonsense"}}},
    *({"stages": value} for value in ({}, 3, {"a": 3}, {"a": {"until": 0}}, {"a": {"until": "x"}})),
    {"stages": {"a": {"until": 5}, "b": {"until": 5}}},
    {"stages": {"a": {"until": 5, "batch_size": -1}}},
    {"stages": {"a": {"until": 5, "game": {"name": "bilinear"}}}},
    {"monitor": {"name": "nash", "threshold": "x"}},
    {"monitor": {"name": "nash", "steps": -1}},
    {"monitor": {"name": "measure", "metric": "nonsense"}},
    {"best": {"name": "none", "x": 1}},
    *({"data": {"name": name}} for name in ("none", "images", "tfds:", "images:")),
    {"data": {"name": "digits"}},
    {"data": {"name": "images", "path": "/nowhere"}},
    {"data": {"name": "arrays", "path": "/nowhere.npz"}},
    {"data": {"name": "arrays", "path": 3}},
    {"data": {"name": "tfds", "set": "nonsense"}},
    *({"game": {"name": name}} for name in ("bilinear", "dirac", "cycle")),
    {"game": {"name": "conditional", "z_dim": 2}},
    *({"generator": value} for value in (None, {"name": "dcgan"}, {"name": "resnet"})),
    *({"discriminator": value} for value in (None, {"name": "dcgan"})),
    {"loss": {"name": "f_gan", "divergence": "nonsense"}},
)
WRONG = [
    *({key: value} for key in SETTINGS for value in NO_NUMBER),
    *({key: value} for key in NAMES for value in NO_SECTION),
    *({key: {"name": name}} for key in NAMES for name in NO_NAME),
    *({key: {"name": name, "nonsense": 3}} for key, name in NAMES.items()),
    *(
        {key: {**CONFIG[key], name: value}}
        for key, arguments in ARGUMENTS.items()
        for name, values in arguments.items()
        for value in values
    ),
    *CHANGES,
]


def test_there_are_many():
    assert len({repr(change) for change in WRONG}) == len(WRONG) >= 374


@pytest.mark.parametrize(
    "first", marked(range(0, len(WRONG), 20), (20, 300), range(0, len(WRONG), 20))
)
def test_it_is_refused(first):
    for change in WRONG[first : first + 20]:
        with soon(), pytest.raises(GanjaxError) as caught:
            experiment.build({**CONFIG, **change})
        of_data = change.get("data", {})
        missing = isinstance(of_data, dict) and of_data.get("path", of_data.get("set"))
        assert caught.value.exit_code == (6 if isinstance(missing, str) else 2), change
        assert "\n" not in str(caught.value), change
        assert len(str(caught.value)) > 20


@pytest.mark.parametrize(
    ("section", "name"), [("generator", "width"), ("discriminator", "depth"), ("game", "z_dim")]
)
def test_a_size_that_no_array_has_is_refused_before_it_is_compiled(section, name):
    """XLA ends the process where the number of elements overflows."""
    config = {**CONFIG, "batch_size": LARGEST}
    with pytest.raises((ConfigError, MemoryError)):
        experiment.build({**config, section: {**CONFIG[section], name: LARGEST}})
    with pytest.raises(ConfigError, match="larger than"):
        experiment.build({**config, section: {**CONFIG[section], name: LARGEST + 1}})


def test_seeds_have_32_bits():
    data = {"name": "digits_few_labels", "seed": 2**32 - 1}
    assert validate({**CONFIG, "data": data, "seed": 2**32 - 1})["data"]["seed"] == 2**32 - 1
