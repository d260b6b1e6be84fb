"""Config files that fail are answered with the line of the user's file."""

import textwrap

import pytest

from ganjax import cli
from ganjax.errors import ConfigError

CONFIG = """
import ml_collections

def get_config(word="none"):
    shared = dict(name="sgd")
    return ml_collections.ConfigDict(dict(gen_tx=shared, disc_tx=shared, word=word))
"""


def written(folder, text):
    path = folder / "mine.py"
    path.write_text(textwrap.dedent(text).lstrip())
    return path


def test_a_config_is_a_nested_dict_of_copies(tmp_path):
    path = written(tmp_path, CONFIG)
    found = cli.read_config(f"{path}:some")
    assert found == {"gen_tx": {"name": "sgd"}, "disc_tx": {"name": "sgd"}, "word": "some"}
    assert found["gen_tx"] is not found["disc_tx"]
    assert cli.read_config(str(path))["word"] == "none"


@pytest.mark.parametrize(
    ("body", "line", "message"),
    [
        ("return 1 / 0", 5, "ZeroDivisionError: division by zero"),
        # What ml_collections raises, also of an exception with arguments of its own.
        ("c = ml_collections.ConfigDict(dict(a=1))\n    c.a = 'x'", 6, "TypeError: Could not"),
        ("c = ml_collections.ConfigDict().lock()\n    c.b = 'x'", 6, "AttributeError: 'Key"),
        ("b'\\xe9'.decode()", 5, "UnicodeDecodeError: 'utf-8' codec"),
        # What would be put off until the config is read.
        ("open('nowhere.json')", 5, "No such file or directory: 'nowhere.json'"),
        ("raise SystemExit(0)", 5, "SystemExit: 0"),
        ("try:\n        {}['a']\n    except KeyError:\n        raise OSError('b\\nc')", 8, "b c"),
        ("return (", 5, "SyntaxError: '(' was never closed"),
        (
            "return ml_collections.ConfigDict(\n        dict(\n            cells={\n"
            '                "good": dict(),\n                "lr0.001": dict(),\n            }\n'
            "        )\n    )",
            9,
            "'lr0.001' has a dot, which no name in a config may have; call it e.g. 'lr0_001'",
        ),
        (
            "rate = 0.5\n    return ml_collections.ConfigDict({f'lr{rate}': {}})",
            6,
            "'lr0.5' has a dot",
        ),
        (
            "return ml_collections.ConfigDict({'search': {'gen_tx.learning_rate': (1, 2)}})",
            5,
            "write gen_tx=dict(learning_rate=...), or ConfigDict(..., allow_dotted_keys=True)",
        ),
    ],
)
def test_a_mistake_in_a_config_file_is_told_with_its_line(body, line, message, tmp_path):
    path = written(tmp_path, f"import ml_collections\n\n\ndef get_config():\n    {body}\n")
    with pytest.raises(ConfigError) as caught:
        cli.read_config(str(path))
    assert str(caught.value).startswith(f"the config file {path} fails: {path}, line {line}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_mistake_in_what_a_config_file_imports_is_told_there(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "rates_of_mine.py").write_text("def rates():\n    return [][0]\n")
    path = written(tmp_path, "import rates_of_mine\n\nget_config = rates_of_mine.rates\n")
    with pytest.raises(ConfigError, match=r"rates_of_mine\.py, line 2: IndexError"):
        cli.read_config(str(path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", "has no attribute 'get_config'"),
        ("def get_config(): return dict(a=1)", "returned a dict; expected a ConfigDict"),
        ("def get_config(): pass", "returned a NoneType; expected a ConfigDict"),
    ],
)
def test_a_config_file_returns_a_config(text, message, tmp_path):
    with pytest.raises(ConfigError, match=message):
        cli.read_config(str(written(tmp_path, text)))
    with pytest.raises(ConfigError, match=r"No such file or directory: .*nowhere\.py"):
        cli.read_config(str(tmp_path / "nowhere.py"))
