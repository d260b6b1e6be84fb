"""The measurement for accelerators: its file, its table, its processes; rehearsed on CPU."""

import importlib.metadata
import json
import re
import subprocess
import sys

import pytest
from marks import telling
from processes import ROOT, call

BENCHMARKS = ROOT / "scripts" / "benchmarks"
BASE = ("jax", "flax", "optax", "orbax.checkpoint")
CPU = {"platform": "cpu", "device": "cpu", "jax": "0"}


@pytest.fixture
def parts(monkeypatch):
    """The package of the parts, loaded beside the script."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    import accelerator_parts
    from accelerator_parts import apart, needs  # noqa: F401

    yield accelerator_parts
    for name in [name for name in sys.modules if name.startswith("accelerator_parts")]:
        del sys.modules[name]


class Nobody:
    """A worker without a process."""

    def __init__(self, name):
        self.name = name

    def end(self, patience):
        pass


@pytest.fixture
def played(parts, monkeypatch):
    """Runs the script with parts that say at once what is given; the names of those played."""
    names = []

    def run(says, *flags):
        def told(worker, settings):
            names.append(worker.name)
            yield "machine", CPU
            yield from says

        names.clear()
        with monkeypatch.context() as patch:
            patch.setattr(parts.apart, "started", Nobody)
            patch.setattr(parts.apart, "played", told)
            return call("benchmarks/accelerator", *flags), list(names)

    return run


def row(parts, **fields):
    return "row", parts.Row("rate", **fields)._asdict()


def test_a_later_run_does_what_is_missing(parts, played, tmp_path):
    path = tmp_path / "rows.json"
    flags = ("--rehearse", "--part=feed", "--part=seeds", f"--json={path}")
    says = [row(parts, value=3.0, goal="2", reached=True), ("failed", "it broke")]
    done, names = played(says, *flags)
    assert (done.returncode, names) == (0, ["feed", "seeds"]), done.stderr
    found = json.loads(path.read_text())
    assert found["machine"] == CPU
    assert found["parts"]["feed"]["why"] == "it broke"
    assert found["parts"]["feed"]["rows"][0]["value"] == 3.0
    done, names = played([row(parts, value=4.0), ("done", "")], *flags[:2], flags[3])
    assert names == ["feed"]
    assert "| feed | rate | 4 |" in done.stdout
    assert "| seeds | rate | 3 |  | 2 | yes |  |" in done.stdout
    assert re.search(r"\| seeds \| failed .* it broke \|", done.stdout)
    assert played([("done", "")], *flags)[1] == ["seeds"]
    assert played([("done", "")], *flags)[1] == []
    assert played([("done", "")], *flags, "--again")[1] == ["feed", "seeds"]


def test_a_file_of_another_kind_and_a_machine_without_accelerator(played, tmp_path):
    path = tmp_path / "rows.json"
    flags = ("--part=feed", f"--json={path}")
    assert "sees no accelerator" in played([("done", "")], *flags)[0].stderr
    played([("done", "")], *flags, "--rehearse")
    assert "is of a rehearsal" in played([("done", "")], *flags)[0].stderr
    found = json.loads(path.read_text())
    path.write_text(json.dumps(found | {"machine": CPU | {"device": "other"}}))
    done, _ = played([("done", "")], *flags, "--rehearse", "--again")
    assert "the file is of other" in done.stderr


def test_time_and_data_may_lack(played, tmp_path):
    flags = ("--rehearse", "--part=feed", "--part=scored")
    done, names = played([("done", "")], *flags, "--minutes=0")
    assert names == []
    assert len(re.findall(r"(?:feed|scored) \| skipped .* no time left", done.stdout)) == 2
    done, names = played([("done", "")], "--part=scored", "--config=digits_mlp")
    assert re.search(r"scored \| skipped .* no --data", done.stdout)
    done, names = played([("done", "")], "--part=scored", "--config=nothing", "--data=x")
    assert "there is no config 'nothing'" in done.stdout
    assert names == []


def test_a_late_part_and_a_dead_process_are_results(parts):
    settings = parts.Settings(True, "nothing", None, 0.0)
    worker = parts.apart.started("feed")
    assert list(parts.apart.played(worker, settings)) == [("late", "stopped after 0 s")]
    assert not worker.process.is_alive()
    worker = parts.apart.started("feed")
    worker.process.kill()
    worker.process.join()
    ((kind, why),) = parts.apart.played(worker, settings._replace(seconds=60.0))
    assert (kind, why) == ("failed", "the process ended with code -9")


def test_needs_are_told_before_they_are_imported():
    code = (
        "import runpy, sys; sys.modules |= dict.fromkeys(('ml_collections', 'absl', 'torch'));"
        "sys.argv = ['accelerator.py', '--needs'];"
        f"sys.path.insert(0, {str(BENCHMARKS)!r});"
        f"runpy.run_path({str(BENCHMARKS / 'accelerator.py')!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert {"absl-py>=2.1", "ml_collections>=1.0"} <= set(lines)
    assert any(re.match(r"torch>=.* +# only for", line) for line in lines)


def _canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def closure(*names):
    """Distributions and what they depend on."""
    found, todo = set(), list(names)
    while todo:
        name = _canonical(todo.pop())
        if name in found:
            continue
        found.add(name)
        try:
            lines = importlib.metadata.requires(name) or ()
        except importlib.metadata.PackageNotFoundError:
            continue
        todo += [re.match(r"[\w.-]+", line)[0] for line in lines if "extra ==" not in line]
    return found


@telling
def test_needs_are_all_that_the_parts_import(parts):
    modules = [f"accelerator_parts.{part.module}" for part in parts.PARTS.values()]
    modules += ["ganjax.train", "ganjax.sweep"]
    code = (
        f"import sys; sys.path.insert(0, {str(BENCHMARKS)!r});"
        f"import {', '.join(BASE)}; before = set(sys.modules);"
        f"import {', '.join(modules)};"
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, encoding="utf-8", check=True
    )
    of = importlib.metadata.packages_distributions()
    carried = closure(*(name.replace(".", "-") for name in BASE))
    ours = closure("ganjax") - carried - {"ganjax"}  # without what others import where it is there
    loaded = set().union(*(of[module] for module in set(done.stdout.split()) & set(of)))
    known = {_canonical(name) for name in parts.needs.NEEDED.values()}
    # NumPy takes charset-normalizer where it is installed.
    assert {_canonical(name) for name in loaded} & ours - known <= {"charset-normalizer"}


@telling
def test_a_part_in_its_process(tmp_path):
    path = tmp_path / "rows.json"
    done = call("benchmarks/accelerator", "--rehearse", "--part=feed", f"--json={path}")
    assert done.returncode == 0, done.stderr
    found = json.loads(path.read_text())
    assert found["parts"]["feed"]["state"] == "done", found
    assert found["parts"]["feed"]["rows"][0]["value"] > 100
    assert {"platform", "device", "jax", "cores"} <= set(found["machine"])


@pytest.mark.slow
def test_rehearsal(tmp_path):
    """All parts, to the end; PyTorch's are left out where it is not installed."""
    path = tmp_path / "rows.json"
    done = call("benchmarks/accelerator", "--rehearse", f"--json={path}")
    assert done.returncode == 0, done.stderr
    found = json.loads(path.read_text())["parts"]
    assert {part["state"] for part in found.values()} == {"done"}, found
    equal = [row for row in found["equality"]["rows"] if "float32, cpu" in row["what"]]
    assert [row["value"] for row in equal] == [0.0] * 3
    protocol = found["scored"]["rows"][-1]
    assert json.loads(protocol["note"])["step"] == 2
