"""No file of the library or the scripts runs what it reads: a walk over their syntax trees."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
FILES = sorted(path for name in ("ganjax", "scripts") for path in (ROOT / name).rglob("*.py"))
MODULES = {"pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
BUILTINS = {"eval", "exec", "compile", "__import__"}
# Functions of modules that run code, and those of any module.
CALLS = {
    "yaml": ("load", "load_all", "unsafe_load", "unsafe_load_all", "full_load", "full_load_all"),
    "os": ("system", "popen"),
    "subprocess": ("getoutput", "getstatusoutput"),
}
ANYWHERE = ("import_module", "exec_module", "run_path", "run_module")
# The only places where a name becomes a module, and a config file is run.
ALLOWED = {
    ("ganjax/trust.py", "import_module"),
    ("ganjax/config_files.py", "exec_module"),
    ("scripts/inspect.py", "exec_module"),  # of the standard library's module of that name
}
FLAGS = {"shell", "allow_pickle"}  # arguments that are never True


def forbidden(tree):
    """(line, name) of all that runs what it reads, or might."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
            yield from ((node.lineno, n) for n in names if n.split(".")[0] in MODULES)
            banned = (*CALLS.get(names[0], ()), *ANYWHERE)
            yield from ((node.lineno, n) for n in names[1:] if n in banned)
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        if isinstance(function, ast.Name) and function.id in BUILTINS:
            yield node.lineno, function.id
        if isinstance(function, ast.Attribute):
            of = getattr(function.value, "id", "")
            if function.attr in (*CALLS.get(of, ()), *ANYWHERE):
                yield node.lineno, function.attr
        for keyword in node.keywords:
            off = isinstance(keyword.value, ast.Constant) and not keyword.value.value
            if keyword.arg in FLAGS and not off:
                yield node.lineno, keyword.arg
            if keyword.arg == "weights_only" and off:
                yield node.lineno, keyword.arg


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_that_is_read_is_run(path):
    name = path.relative_to(ROOT).as_posix()
    found = [at for at in forbidden(ast.parse(path.read_bytes())) if (name, at[1]) not in ALLOWED]
    assert not found


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "import dill as d",
        "from pickle import loads",
        "from cloudpickle.x import y",
        "eval(x)",
        "exec(x)",
        "compile(x, '', 'exec')",
        "__import__('os')",
        "yaml.load(x, L)",
        "yaml.unsafe_load(x)",
        "from yaml import load",
        "os.system(x)",
        "from os import system",
        "os.popen(x)",
        "run(x, shell=True)",
        "run(x, shell=on)",
        "np.load(x, allow_pickle=True)",
        "torch.load(x, weights_only=False)",
        "importlib.import_module(x)",
        "loader.exec_module(x)",
    ],
)
def test_each_of_these_would_be_found(line):
    assert list(forbidden(ast.parse(line)))


@pytest.mark.parametrize(
    "line",
    [
        "import pickletools",
        "jitted.compile()",
        "re.compile(x)",
        "np.load(x, allow_pickle=False)",
        "yaml.safe_load(x)",
        "json.load(x)",
        "run(x, shell=False)",
        "ast.literal_eval(x)",
    ],
)
def test_these_are_harmless(line):
    assert not list(forbidden(ast.parse(line)))
