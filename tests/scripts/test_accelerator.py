"""The measurement for accelerators: its file, its table, its processes; rehearsed on CPU."""

import importlib.metadata
import json
import os
import re
import subprocess
import sys
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
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


class AbsentWorker:
    """A worker without a process."""

    def __init__(self, name):
        self.name = name

    def end(self, patience):
        pass


@pytest.fixture
def run(parts, monkeypatch):
    """Runs the script with parts that say at once what is given; the (name, seconds) of each."""
    begun = []

    def run(says, *flags, machine=CPU):
        def outcomes(worker, settings):
            begun.append((worker.name, settings.seconds))
            yield "machine", machine
            yield from says

        begun.clear()
        with monkeypatch.context() as patch:
            patch.setattr(parts.apart, "started", AbsentWorker)
            patch.setattr(parts.apart, "run", outcomes)
            return call("benchmarks/accelerator", *flags), list(begun)

    return run


def names(begun):
    return [name for name, _ in begun]


def row(parts, **fields):
    return "row", parts.Row("rate", **fields)._asdict()


def test_a_later_run_does_what_is_missing(parts, run, tmp_path):
    path = tmp_path / "rows.json"
    flags = ("--rehearse", "--part=feed", "--part=seeds", f"--json={path}")
    says = [row(parts, value=3.0, goal="2", reached=True), ("failed", "it broke")]
    done, begun = run(says, *flags)
    assert (done.returncode, names(begun)) == (0, ["feed", "seeds"]), done.stderr
    found = json.loads(path.read_text())
    assert found["machine"] == CPU
    assert found["parts"]["feed"]["why"] == "it broke"
    assert found["parts"]["feed"]["rows"][0]["value"] == 3.0
    done, begun = run([row(parts, value=4.0), ("done", "")], *flags[:2], flags[3])
    assert names(begun) == ["feed"]
    assert "| feed | rate | 4 |" in done.stdout
    assert "| seeds | rate | 3 |  | 2 | yes |  |" in done.stdout
    assert re.search(r"\| seeds \| failed .* it broke \|", done.stdout)
    assert names(run([("done", "")], *flags)[1]) == ["seeds"]
    assert names(run([("done", "")], *flags)[1]) == []
    assert names(run([("done", "")], *flags, "--again")[1]) == ["feed", "seeds"]


def test_a_file_of_another_kind_and_a_machine_without_accelerator(run, tmp_path):
    path = tmp_path / "rows.json"
    flags = ("--part=feed", f"--json={path}")
    assert "sees no accelerator" in run([("done", "")], *flags)[0].stderr
    run([("done", "")], *flags, "--rehearse")
    assert "is of a rehearsal" in run([("done", "")], *flags)[0].stderr
    found = json.loads(path.read_text())
    path.write_text(json.dumps(found | {"machine": CPU | {"device": "other"}}))
    done, _ = run([("done", "")], *flags, "--rehearse", "--again")
    assert "the file is of other" in done.stderr
    path.write_text('{"a": 1}')
    done, _ = run([("done", "")], *flags, "--rehearse")
    assert (done.returncode, path.read_text()) == (2, '{"a": 1}')
    assert "is not of this script; name another file" in done.stderr


def test_time_and_data_may_lack(run, tmp_path):
    flags = ("--rehearse", "--part=feed", "--part=scored")
    done, begun = run([("done", "")], *flags, "--minutes=0")
    assert begun == []
    assert len(re.findall(r"(?:feed|scored) \| skipped .* no time left", done.stdout)) == 2
    done, begun = run([("done", "")], "--part=scored", "--config=digits_mlp")
    assert re.search(r"scored \| skipped .* no --data", done.stdout)
    done, begun = run([("done", "")], "--part=scored", "--config=nothing", "--data=x")
    assert "there is no config 'nothing'" in done.stdout
    assert begun == []


def test_a_run_without_time_keeps_earlier_outcomes(parts, run, tmp_path):
    path = tmp_path / "rows.json"
    flags = ("--rehearse", "--part=feed", f"--json={path}")
    run([row(parts, value=3.0), ("late", "stopped")], *flags)
    before = json.loads(path.read_text())["parts"]
    done, begun = run([("done", "")], *flags, "--minutes=0")
    assert (done.returncode, begun) == (0, [])
    assert json.loads(path.read_text())["parts"] == before
    assert "| feed | rate | 3 |" in done.stdout


def test_time_is_kept_for_the_score(run):
    flags = ("--rehearse", "--part=feed", "--part=scored", "--config=digits_mlp", "--minutes=2")
    (_, feed), (_, scored) = run([("done", "")], *flags, "--data=x")[1]
    assert 90 < feed <= 96
    assert 110 < scored <= 120
    (_, feed), _ = run([("done", "")], *flags)[1]  # trained, but not on data that were given
    assert 110 < feed <= 120
    (_, feed) = run([("done", "")], *flags[:2], "--minutes=2", "--data=x")[1][0]
    assert 110 < feed <= 120


def test_a_part_is_not_begun_without_its_least_time(run):
    flags = ("--rehearse", "--part=feed", "--part=seeds", "--part=feed", "--minutes=0.2")
    done, begun = run([("late", "stopped")], *flags)
    assert names(begun) == ["feed", "feed"]  # each in its own process, though one was left out
    assert re.search(r"seeds \| skipped .* no time left", done.stdout)


def test_a_config_without_a_score_is_refused_before_training(parts, run, monkeypatch):
    flags = ("--part=scored", "--config=cifar10_sngan_32", "--data=x")
    done, begun = run([("done", "")], *flags)
    assert begun == []
    assert re.search(r"scored \| skipped .* no score; give it a section `evaluation`", done.stdout)
    from accelerator_parts import scored

    monkeypatch.setattr(scored.experiment, "build", None)
    settings = parts.Settings(True, "cifar10_sngan_32", None, 60.0)
    with pytest.raises(ValueError, match=r"cifar10_sngan_32: .* a section `evaluation`"):
        next(scored.rows(settings))
    assert not parts.scoreless({"evaluation": {"name": "images"}})
    assert parts.scoreless({"evaluation": {"name": "none"}})


@pytest.mark.parametrize("given", ["cuda", "cuda,cpu", "cpu", ""])
def test_processes_see_the_cpu_too(run, monkeypatch, given):
    monkeypatch.setenv("JAX_PLATFORMS", given)
    gpu = CPU | {"platform": "gpu"}
    done, begun = run([("done", "")], "--part=equality", machine=gpu)
    assert (done.returncode, names(begun)) == (0, ["equality"])
    assert os.environ["JAX_PLATFORMS"] == {"cuda": "cuda,cpu"}.get(given, given)


class Stepped(NamedTuple):
    """A state of parameters alone."""

    params: np.ndarray


@pytest.mark.parametrize(
    ("steps", "reached"),
    [
        ((1.0, 1.0, 1.0), (True, True)),
        ((1.0, 1.0 + 5e-4, 1.05), (True, True)),
        ((1.0, 1.0 + 2e-3, 1.0), (False, True)),
        ((1.0, 1.0, 1.2), (True, False)),
        ((1.0, 0.0, 0.0), (False, False)),  # no step on the accelerator
        ((0.0, 0.0, 0.0), (False, False)),  # no step at all
        ((1.0, np.nan, np.nan), (False, False)),
    ],
)
def test_another_step_or_none_is_not_equal(parts, monkeypatch, steps, reached):
    """A step is 1e-4 of the parameters; given is its length on CPU, here, and in bfloat16."""
    from accelerator_parts import equality

    here = iter(steps[:2])
    start = Stepped(np.ones(8, np.float32))

    def step(config):
        full = config["compute"] == "float32"
        return lambda state: (Stepped(state.params + 1e-4 * (next(here) if full else steps[2])), {})

    monkeypatch.setattr(equality, "games", lambda tiny: {"MLP": {}})
    monkeypatch.setattr(equality, "_start", lambda config, cpu: (start,))
    monkeypatch.setattr(equality, "_step", step)
    monkeypatch.setattr(equality, "_vector", lambda state: np.asarray(state.params, np.float64))
    rows = list(equality.rows(parts.Settings(True, "", None, 60.0)))
    assert tuple(row.reached for row in rows) == reached
    noted = ["of the parameters" if length else "there is no step" for length in steps[:2]]
    assert all(note in row.note for note, row in zip(noted, rows, strict=True))


def test_the_goal_of_many_seeds_is_that_over_pytorch(parts):
    from accelerator_parts import seeds

    times = {"1 seed": [1.0], "64 seeds": [1.0], "1,024 seeds": [4.0], seeds.ALONE: [2.0]}
    updates = {"1 seed": 10, "64 seeds": 640, "1,024 seeds": 10_240, seeds.ALONE: 10}
    rows = list(seeds.ratios(times, updates))
    assert [row.value for row in rows] == [64, 128, 256, 512]
    assert [row.reached for row in rows] == [None, True, None, None]
    del times[seeds.ALONE]
    assert [row.reached for row in seeds.ratios(times, updates)] == [None, None]


def broken(*_, form="torch.compile", **__):
    """A step of PyTorch where its compiler cannot run."""
    if form == "torch.compile":
        raise FileNotFoundError("no C compiler")
    return lambda *_: None


@pytest.mark.parametrize("doubtful", [("torch.compile",), ()])
@pytest.mark.parametrize("compared", [True, False])
def test_a_compiler_that_cannot_start_leaves_the_other_forms(
    parts, monkeypatch, doubtful, compared
):
    from works import images
    from works.work import Work

    fake = SimpleNamespace(load=None, arrays=None)
    monkeypatch.setitem(sys.modules, "works.torch_images", fake)
    torch = SimpleNamespace(optim=SimpleNamespace(SGD=dict, Adam=dict), compiler=SimpleNamespace())
    torch.compiler.reset = lambda: None
    players = SimpleNamespace(params=(), model_state=())
    monkeypatch.setattr(images, "max", lambda found: 0.0, raising=False)
    given = {
        "modules": lambda: (),
        "goal": (1.0, 1.0),
        "steps": 1,
        "forms": {"channels_last": True, "torch.compile": compared},
        "ours": Work({}, {}, {}, 0.0, 1.0),
        "doubtful": doubtful,
        "checked": lambda config: (players, players, []),
        "repeated": lambda step, *_: step,
    }
    config = images.dcgan_config(8, 4, 4)
    found = images.work(torch, "cpu", config, turns=broken, **given)
    assert list(found.peers) == ["channels_last"]
    assert found.wrong == {"torch.compile": "FileNotFoundError: no C compiler"}
    with pytest.raises(FileNotFoundError):  # a form that needs no compiler
        images.work(torch, "cpu", config, turns=lambda *_, **__: broken(), **given)


def test_a_form_that_fails_when_it_is_timed_is_left_out(parts, monkeypatch):
    from accelerator_parts import beside
    from works.work import Work

    def measured(torch, work, rounds, matmul=0):
        for peer in work.peers.values() if torch else ():
            peer()
        told = {"figures": {"a": {"ms": 1.0}, "p": {"ms": 2.0}}, "ours": "a", "peer": "p"}
        return told | {"ratio": 2.0, "share": 1.0, "flops": 1.0, "matmul_rate": 1.0}

    peers = {"torch.compile": broken, "channels_last": lambda: None}
    made = Work({}, peers, {}, 0.0, 1.0)
    pair = beside.Pair(lambda *_, **__: made, dict, {}, {})
    backends = SimpleNamespace(cudnn=SimpleNamespace())
    torch = SimpleNamespace(backends=backends, set_float32_matmul_precision=lambda _: None)
    monkeypatch.setitem(beside.PAIRS, "fake", pair)
    monkeypatch.setattr(beside.images, "alone", lambda *_: made)
    monkeypatch.setattr(beside, "measured", measured)
    monkeypatch.setattr(beside.peer, "torch", torch)
    monkeypatch.setattr(beside.peer, "lacking", lambda: "")
    *_, row, last = beside.rows(parts.Settings(True, "", None, 60.0), "fake")
    assert (row.what, row.reached) == ("fake: faster than p by", True)
    assert last.what == "fake: PyTorch, torch.compile"
    assert last.note == "left out: FileNotFoundError: no C compiler"


def test_a_late_part_and_a_dead_process_are_results(parts):
    settings = parts.Settings(True, "nothing", None, 0.0)
    worker = parts.apart.started("feed")
    assert list(parts.apart.run(worker, settings)) == [("late", "stopped after 0 s")]
    assert not worker.process.is_alive()
    worker = parts.apart.started("feed")
    worker.process.kill()
    worker.process.join()
    ((kind, why),) = parts.apart.run(worker, settings._replace(seconds=60.0))
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
