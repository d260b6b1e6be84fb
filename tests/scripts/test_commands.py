"""The command line as a whole: help, lists, shipped configs, a new experiment."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from marks import telling

from ganjax import cli, commands, config_files, losses, schemes
from ganjax.errors import ConfigError

ROOT = Path(__file__).parent.parent.parent


def call(*arguments, cwd=None, **environment):
    """`python -m ganjax` as a process, outside the checkout unless told otherwise."""
    path = os.pathsep.join(str(folder) for folder in (cwd, ROOT) if folder)
    return subprocess.run(
        [sys.executable, "-m", "ganjax", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "XLA_FLAGS": "", "PYTHONPATH": path, **environment},
        capture_output=True,
        encoding="utf-8",
    )


SINK = """
from ganjax.sinks import Sink

def into_a_file(workdir, config, step):
    file = open("sink.txt", "w", encoding="utf-8")
    note = lambda text: file.write(f"{text} ") and file.flush()
    return Sink(
        row=lambda row: note(f"row {row['step']}"),
        picture=lambda step, path: note(f"picture {step}"),
        close=lambda: note("closed"),
    )
"""


@pytest.fixture
def line(capsys, monkeypatch):
    """Calls the command line in this process; returns exit code, stdout and stderr."""

    def called(*arguments):
        monkeypatch.setattr(sys, "argv", ["ganjax", *arguments])
        code = 0
        try:
            commands.main()
        except SystemExit as end:
            code = end.code
        return code, *capsys.readouterr()

    return called


def test_help_lists_the_commands_with_one_line_each(line):
    for arguments in ((), ("--help",), ("help",)):
        code, out, _ = line(*arguments)
        assert code == 0
        rows = out.splitlines()[2:]
        assert [row.split()[0] for row in rows] == list(commands.COMMANDS)
        assert all(len(row) <= 115 and row.endswith(".") for row in rows)


@pytest.mark.parametrize("name", commands.COMMANDS)
def test_help_of_a_command_lists_every_flag(name, line):
    code, out, _ = line(name, "--help")
    assert code == 0
    assert f"ganjax {name}" in out
    for flag in commands.COMMANDS[name].FLAGS.values:
        assert f"--{flag}" in out or f"--[no]{flag}" in out, flag
    assert max(map(len, out.splitlines())) <= 100
    assert line(name, "--helpfull") == (0, out, "")


def test_a_wrong_command_or_flag_is_one_line(line):
    for arguments, message in (
        (("trian",), "unknown command 'trian'. Did you mean 'train'?"),
        (("sample", "--workdirs=x"), "Unknown command line flag 'workdirs'"),
        (("sample", "--workdir=x", "7"), "unexpected argument '7'"),
        (("list", "losess"), "Did you mean 'losses'?"),
        (("new", "my-gan"), "must be one of a Python module"),
        (("new", "random"), "there is a Python module 'random' already"),
        (("train", "--config=digits_mpl", "--workdir=x"), "Nearest: digits_mlp, "),
    ):
        code, out, err = line(*arguments)
        assert (code, out, len(err.splitlines())) == (2, "", 1), arguments
        assert message in err


def test_lists_have_one_line_each(line):
    for kind, names in (
        ("configs", config_files.shipped()),
        ("schemes", schemes.SCHEMES),
        ("losses", losses.LOSSES),
    ):
        _, out, _ = line("list", kind)
        assert [row.split()[0] for row in out.splitlines()] == sorted(names)
        assert all(len(row.split()) > 2 for row in out.splitlines()), out
    _, out, _ = line("list")
    for kind in out.partition(": ")[2].strip().split(", "):
        code, rows, _ = line("list", kind)
        assert code == 0
        assert all(len(row.split()) > 1 for row in rows.splitlines()), rows


@pytest.mark.parametrize("arguments", ["", "train --help", "list schemes"])
def test_a_reader_who_leaves_early_ends_a_command_silently(arguments):
    there, here = os.pipe()
    os.close(there)
    with open(here, "w") as unread:
        ended = subprocess.run(
            [sys.executable, "-m", "ganjax", *arguments.split()],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=unread,
            stderr=subprocess.PIPE,
        )
    assert (ended.returncode, ended.stderr) == (128 + signal.SIGPIPE, b"")


def test_a_shipped_config_is_found_by_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shipped = cli.read_config("ring8_r1")
    assert shipped == cli.read_config(str(ROOT / "configs" / "ring8_r1.py"))
    own = "import ml_collections\ndef get_config():\n    return ml_collections.ConfigDict({'a': 1})"
    Path("ring8_r1").write_text(own, encoding="utf-8")  # a file of that name wins
    assert cli.read_config("ring8_r1") == {"a": 1}
    with pytest.raises(ConfigError, match="Nearest: ring8_dragan"):
        cli.read_config("ring8_drgan")


def test_a_comparison_finds_its_base_beside_it_or_among_the_shipped(here, tmp_path):
    printed = here("compare", "--config=compare_ring8", "--workdir", tmp_path / "a", "--dry_run")
    assert "(baseline)" in printed
    own = tmp_path / "mine.py"
    text = (ROOT / "configs" / "compare_ring8.py").read_text(encoding="utf-8")
    own.write_text(text, encoding="utf-8")
    again = here("compare", "--config", own, "--workdir", tmp_path / "a", "--dry_run")
    assert again == printed


def test_every_command_has_its_script_and_runs_without_a_checkout(tmp_path):
    done = call("list", "configs", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "digits_mlp " in done.stdout
    for script in (ROOT / "scripts").glob("*.py"):
        assert script.stem in (*commands.COMMANDS, "inspect_image", "reproduce", "tour"), script


@telling
def test_a_new_experiment_runs(line, tmp_path, monkeypatch):
    """Its files, its test, 20 steps of training with a sink, and samples."""
    monkeypatch.chdir(tmp_path)
    code, _, _ = line("new", "my_gan")
    folder = tmp_path / "my_gan"
    assert code == 0
    names = {"README.md", "config.py", "my_gan.py", "test_my_gan.py"}
    assert {path.name for path in folder.iterdir()} == names
    assert not any("NAME" in path.read_text(encoding="utf-8") for path in folder.iterdir())
    assert len((folder / "README.md").read_text(encoding="utf-8").splitlines()) <= 17
    code, _, err = line("new", "my_gan")
    assert (code, "exists already" in err) == (2, True)

    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    path = os.pathsep.join((str(folder), str(ROOT)))
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True)
    assert done.returncode == 0, done.stdout
    (folder / "taken.py").write_text(SINK, encoding="utf-8")
    small = (
        "--sink=taken:into_a_file",
        "--config.steps=20",
        "--config.log_every=20",
        "--config.evaluation_samples=100",
    )
    workdir = ("--workdir", "runs/first")
    done = call("train", "--config", "config.py", *workdir, *small, cwd=folder)
    assert done.returncode == 0, done.stderr
    config = json.loads((folder / "runs" / "first" / "config.json").read_text(encoding="utf-8"))
    assert config["loss"]["name"] == "my_gan:logistic"
    assert (folder / "sink.txt").read_text(encoding="utf-8") == "row 20 picture 20 closed "
    done = call("sample", *workdir, "--n", 9, "--npz", "x.npz", "--trust", "my_gan", cwd=folder)
    assert done.returncode == 0, done.stderr
