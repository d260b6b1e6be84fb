"""Text files are UTF-8 in every locale, and no locale makes a script crash."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from marks import telling

from ganjax import checkpoints, run_folder
from ganjax.errors import MachineError

ROOT = Path(__file__).parent.parent
FILES = sorted(path for name in ("ganjax", "scripts") for path in (ROOT / name).rglob("*.py"))
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
# Call: position of its encoding. What opens files that are no text has another name or mode.
CALLS = {"read_text": 0, "write_text": 1, "open": 3, "fdopen": 3}


def without_encoding(tree):
    """Lines of calls that read or write text in the encoding of the locale."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        of = getattr(getattr(node.func, "value", None), "id", "")
        keywords = {keyword.arg: keyword.value for keyword in node.keywords}
        given = "encoding" in keywords or len(node.args) > CALLS.get(name, 99)
        at = int(isinstance(node.func, ast.Name))  # open(path, mode), path.open(mode)
        mode = keywords.get("mode", node.args[at] if len(node.args) > at else None)
        binary = name in ("open", "fdopen") and "b" in str(getattr(mode, "value", ""))
        # Those of ours are in UTF-8, and those of images no text.
        ours = of in ("run_folder", "Image", "os", "archive") or (at and name == "write_text")
        if (name in CALLS and not (given or binary or ours)) or ("text" in keywords and not given):
            yield f"line {node.lineno}: {ast.unparse(node)}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_text_is_read_and_written_as_utf_8(path):
    assert not list(without_encoding(ast.parse(path.read_text(encoding="utf-8"))))


def test_what_would_be_found():
    bad = "open(p); open(p, 'w'); p.read_text(); P(p).write_text(t); run(c, text=True); P(p).open()"
    assert len(list(without_encoding(ast.parse(bad)))) == 6
    good = "open(p, 'rb'); open(p, encoding='utf-8'); p.read_text('utf-8'); Image.open(p)"
    assert not list(without_encoding(ast.parse(good)))


def in_ascii(*command):
    return subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=ROOT,
        env={**os.environ, **ASCII},
        capture_output=True,
        encoding="utf-8",
    )


def test_what_the_terminal_lacks_is_escaped():
    code = "from ganjax import cli; cli.run(lambda: print('\\uacbd \\udcff'))"
    done = in_ascii("-c", code)
    assert (done.returncode, done.stdout) == (0, "\\uacbd \\udcff\n"), done.stderr


@telling
def test_a_report_in_an_ascii_locale(tmp_path):
    """Of a folder with a name of other letters, which stand in the page as they are."""
    workdir = tmp_path / "\uacbd"
    config = {"game": {"name": "bilinear"}, "scheme": {"name": "\uc218"}}
    run_folder.write_json(workdir / "config.json", config)
    run_folder.write_status(workdir, "done", 3, "\u2264")
    done = in_ascii("scripts/report.py", "--workdir", workdir)
    assert done.returncode == 0, done.stderr
    page = (workdir / "report.html").read_text(encoding="utf-8")
    for text in ("\uacbd: bilinear, \uc218", "\u2264"):
        assert text in page


def test_names_that_orbax_would_change_are_refused(tmp_path):
    """orbax takes names in UTF-8 alone; this one is not of any text."""
    with pytest.raises(MachineError, match=r"set LC_ALL=C\.UTF-8 or PYTHONUTF8=1"):
        checkpoints.steps(tmp_path / os.fsdecode(b"\xff"))
