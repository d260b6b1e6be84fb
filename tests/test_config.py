"""What a config may hold, and how each mistake is answered."""

import copy

import ml_collections
import pytest

from ganjax.config import CHOICES, SETTINGS, staged, validate
from ganjax.errors import ConfigError
from ganjax.names import check_arguments
from ganjax.nested import difference, merged

MINIMAL = {
    "game": {"name": "bilinear"},
    "scheme": {"name": "alternating"},
    "gen_tx": {"name": "sgd", "learning_rate": 0.1},
    "disc_tx": {"name": "sgd", "learning_rate": 0.1},
}


def test_settings_have_defaults():
    resolved = validate(MINIMAL)
    defaults = {key: row[0] for key, row in (SETTINGS | CHOICES).items()}
    assert resolved == {**defaults, **MINIMAL}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bach_size": 3}, "unknown config key 'bach_size'. Did you mean 'batch_size'?"),
        ({"batch_size": 0}, "batch_size=0 must be a whole number, from 1"),
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


STAGED = {
    **MINIMAL,
    "batch_size": 8,
    "game": {"name": "bilinear", "sigma": 2.0, "inner": {"name": "a", "b": 1}},
    "stages": {
        "long": {"until": 300, "game": {"name": "dirac"}},
        "short": {"until": 100},
        "late": {"until": 250, "batch_size": 4, "game": {"dim": 2, "inner": {"c": 3}}},
    },
}


def test_stages_are_played_in_the_order_of_their_ends():
    """Their arguments are merged into sections, and a section with a name replaces one."""
    config = validate(STAGED)
    assert config["steps"] == 300
    stages = staged(config)
    assert list(stages) == ["short", "late", "long"]
    assert [stage["steps"] for stage in stages.values()] == [100, 250, 300]
    assert [stage["batch_size"] for stage in stages.values()] == [8, 4, 8]
    assert stages["short"] == {**validate(MINIMAL), "steps": 100, "batch_size": 8} | {
        "game": STAGED["game"]
    }
    merged = {"name": "bilinear", "sigma": 2.0, "dim": 2, "inner": {"name": "a", "b": 1, "c": 3}}
    assert stages["late"]["game"] == merged
    assert stages["long"]["game"] == {"name": "dirac"}
    assert validate(config) == config
    assert staged(validate(MINIMAL)) == {}


def test_a_changed_config_is_checked_again():
    config = validate(MINIMAL)
    config["log_every"] = -3
    with pytest.raises(ConfigError, match="log_every=-3 must be a whole number"):
        validate(config)
    staged = validate({**MINIMAL, "stages": {"a": {"until": 4}, "b": {"until": 8}}})
    changed = copy.deepcopy(staged)
    changed["steps"] = 6
    changed["scheme"]["name"] = "simultaneous"
    ends = {label: stage["steps"] for label, stage in validate(changed).stages.items()}
    assert ends == {"a": 4, "b": 6}
    assert validate(changed).stages["a"]["scheme"]["name"] == "simultaneous"
    assert validate(staged) is staged


def test_a_config_is_checked_once():
    """`validate` returns a checked config and its stages as they are; a changed copy is checked."""
    config = validate(STAGED)
    assert validate(config) is config
    assert staged(config) is config.stages
    with pytest.raises(ConfigError, match="batch_size=0"):
        validate({**config, "batch_size": 0})


def test_a_run_may_end_before_its_stages():
    stages = staged(validate({**STAGED, "steps": 120}))
    assert [stage["steps"] for stage in stages.values()] == [100, 120, 120]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stages": {}}, "stages is empty"),
        ({"stages": 3}, "stages=3 must be a dict"),
        ({"stages": {"a": 3}}, "stages.a=3 must be a dict"),
        ({"stages": {"a": {}}}, "stages.a.until=None must be a whole number from 1"),
        ({"stages": {"a": {"until": 0}}}, "stages.a.until=0"),
        ({"stages": {"a": {"until": 2.5}}}, "stages.a.until=2.5"),
        ({"stages": {"a": {"until": 9}, "b": {"until": 9}}}, "another for each stage"),
        ({"stages": {"a": {"until": 9, "gam": {}}}}, "in stages.a: unknown config key 'gam'"),
        ({"stages": {"a": {"until": 9, "gam": {}}}}, "Did you mean 'game'?"),
        ({"stages": {"a": {"until": 9, "seed": 3}}}, "unknown config key 'seed'"),
        ({"stages": {"a": {"until": 9, "stages": {}}}}, "unknown config key 'stages'"),
        ({"stages": {"a": {"until": 9, "batch_size": 0}}}, "in stages.a: batch_size=0"),
        ({"stages": {"a": {"until": 9, "data": {"size": 3}}}}, "in stages.a: section data must"),
        ({"stages": {"a": {"until": 9}}, "steps": 10}, "steps=10 goes beyond the last stage"),
    ],
)
def test_mistakes_in_stages(change, message):
    with pytest.raises(ConfigError) as caught:
        validate({**MINIMAL, **change})
    assert message in str(caught.value)


WHOLE = {
    **MINIMAL,
    "batch_size": 8,
    "average": {"name": "ema", "decay": 0.9},
    "penalties": {"r1": {"name": "r1", "gamma": 1.0}, "gp": {"name": "wgan_gp"}},
}
KINDS = {
    "dict": dict,
    "ConfigDict": ml_collections.ConfigDict,
    "FrozenConfigDict": ml_collections.FrozenConfigDict,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ({}, {}),
        ({"average": None}, {"average": ...}),
        ({"average": {}}, {"average": ...}),
        ({"penalties": None}, {"penalties": ...}),
        ({"penalties": {}}, {"penalties": ...}),
        ({"penalties": {"r1": None}}, {"penalties": {"gp": {"name": "wgan_gp"}}}),
        ({"penalties": {"r1": {}}}, {"penalties": {"gp": {"name": "wgan_gp"}}}),
        ({"penalties": {"r1": None, "gp": None}}, {"penalties": ...}),
        ({"gen_tx": {"learning_rate": None}}, {"gen_tx": {"name": "sgd"}}),
        ({"batch_size": None}, {"batch_size": ...}),
        ({"monitor": None, "prior": {}}, {}),  # what is not there is not there afterwards
        (
            {"penalties": {"r1": None, "r2": {"name": "r2"}}, "average": None, "batch_size": 4},
            {
                "penalties": {"gp": {"name": "wgan_gp"}, "r2": {"name": "r2"}},
                "average": ...,
                "batch_size": 4,
            },
        ),
        # A section with a name is as it is written.
        ({"game": {"name": "x", "a": None}}, {"game": {"name": "x", "a": None}}),
    ],
)
def test_none_and_an_empty_section_take_away(override, expected, kind):
    found = merged(KINDS[kind](WHOLE), KINDS[kind](override))
    assert type(found) is dict
    assert found == {key: value for key, value in (WHOLE | expected).items() if value is not ...}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ({"penalties": {"rl": None}}, r"penalties.rl=None removes a part that is not there.*'r1'"),
        ({"penalties": {"rl": {}}}, r"penalties.rl=\{\} removes a part that is not there"),
        ({"gen_tx": {"learning_rat": None}}, "Did you mean 'learning_rate'"),
        ({"monitor": {"every": None}}, "monitor.every=None removes a part that is not there"),
    ],
)
def test_a_part_that_is_not_there_cannot_be_taken_away(override, message):
    with pytest.raises(ConfigError, match=message):
        merged(WHOLE, override)


@pytest.mark.parametrize("section", ["game", "scheme", "gen_tx", "disc_tx"])
@pytest.mark.parametrize("nothing", [None, {}])
def test_what_must_stay_cannot_be_taken_away(section, nothing):
    with pytest.raises(ConfigError, match=f"no section '{section}' .* every config needs one"):
        validate(merged(WHOLE, {section: nothing}))
    with pytest.raises(ConfigError, match=rf"in stages\.a: config has no section '{section}'"):
        validate({**WHOLE, "stages": {"a": {"until": 9, section: nothing}}})


@pytest.mark.parametrize("kind", KINDS)
def test_stages_take_away(kind):
    """Each from the config, not from the stage before it."""
    stages = {
        "first": {"until": 10, "penalties": {}},
        "second": {"until": 20, "penalties": {"r1": None}},
        "third": {"until": 30, "average": None},
    }
    found = staged(KINDS[kind](validate(KINDS[kind]({**WHOLE, "stages": stages}))))
    assert "penalties" not in found["first"]
    assert list(found["second"]["penalties"]) == ["gp"]
    assert found["third"]["penalties"] == WHOLE["penalties"]
    assert ["average" in stage for stage in found.values()] == [True, True, False]


def test_a_section_that_is_none_is_left_out():
    """As a file says it that takes another's config and sets `config.average = None`."""
    assert validate({**WHOLE, "average": None}) == validate(merged(WHOLE, {"average": None}))
    with pytest.raises(ConfigError, match="unknown config key 'averag'"):
        validate({**WHOLE, "averag": None})
    with pytest.raises(ConfigError, match="batch_size=None must be a whole number"):
        validate({**WHOLE, "batch_size": None})


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
