"""What a config may hold, and how each mistake is answered."""

import pytest

from ganjax.config import SETTINGS, check_arguments, difference, validate
from ganjax.errors import ConfigError

MINIMAL = {
    "game": {"name": "bilinear"},
    "scheme": {"name": "alternating"},
    "gen_tx": {"name": "sgd", "learning_rate": 0.1},
    "disc_tx": {"name": "sgd", "learning_rate": 0.1},
}


def test_settings_have_defaults():
    resolved = validate(MINIMAL)
    assert resolved == {**{key: row[0] for key, row in SETTINGS.items()}, **MINIMAL}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bach_size": 3}, "unknown config key 'bach_size'. Did you mean 'batch_size'?"),
        ({"batch_size": 0}, "batch_size=0 must be a whole number from 1"),
        ({"batch_size": 2.5}, "batch_size=2.5 must be a whole number"),
        ({"steps": True}, "steps=True must be a whole number"),
        ({"seed": -1}, "seed=-1"),
        ({"seed": 2**32}, "to 4294967295"),
        ({"log_every": 30, "sample_every": 100}, "use e.g. 90"),
        ({"log_every": 30, "checkpoint_every": 10}, "use e.g. 30"),
        ({"scheme": "alternating"}, "scheme='alternating' must be a dict"),
        ({"scheme": {"disc_updates": 3}}, "section scheme must have a 'name'"),
        ({"penalties": {"r1": {"gamma": 1.0}}}, "section penalties.r1 must have a 'name'"),
        ({"penalties": [{"name": "r1"}]}, "penalties="),
        (
            {"gen_tx": {"name": "sgd", "learning_rate": {"value": 1}}},
            "section gen_tx.learning_rate",
        ),
    ],
)
def test_mistakes(change, message):
    with pytest.raises(ConfigError) as caught:
        validate({**MINIMAL, **change})
    assert message in str(caught.value)


@pytest.mark.parametrize("section", ["game", "scheme", "gen_tx", "disc_tx"])
def test_missing_sections(section):
    config = {key: value for key, value in MINIMAL.items() if key != section}
    with pytest.raises(ConfigError, match=f"no section '{section}'"):
        validate(config)


def function(count: int, rate: float = 0.1, *, label: str = "a", on: bool = False, other=0.5):
    """Stands for anything a section can name."""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"count": 1, "rat": 2}, "Did you mean 'rate'?"),
        ({}, "lacks 'count'"),
        ({"count": 1.5}, "here.count=1.5 is of type float; expected int"),
        ({"count": True}, "here.count=True is of type bool; expected int"),
        ({"count": 1, "rate": "x"}, "here.rate='x' is of type str; expected float"),
        ({"count": 1, "label": 3}, "here.label=3"),
        ({"count": 1, "on": 1}, "here.on=1"),
        ({"count": 1, "other": "x"}, "here.other='x'"),
        ({"count": 1, "axis_name": "i"}, "unknown argument 'axis_name'"),
    ],
)
def test_arguments(arguments, message):
    with pytest.raises(ConfigError) as caught:
        check_arguments("here", function, arguments)
    assert message in str(caught.value)


def test_good_arguments_pass():
    check_arguments("here", function, {"count": 1, "rate": 2, "on": True})
    check_arguments("here", function, {"rate": 2.0}, given=("count",))


def test_difference_names_leaves():
    old = {"steps": 1, "scheme": {"name": "a", "k": 1}, "gone": 2}
    new = {"steps": 1, "scheme": {"name": "b", "k": 1}, "new": 3}
    assert difference(old, new) == [
        "gone: 2 -> '(absent)'",
        "new: '(absent)' -> 3",
        "scheme.name: 'a' -> 'b'",
    ]
