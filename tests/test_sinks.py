"""Sinks get every row and picture; one that fails is told once and stops no run."""

import re
import sys
import textwrap
import types

import pytest
from marks import TELLING

from ganjax import experiment, run_folder, sinks, train
from ganjax.errors import ConfigError

pytestmark = TELLING

SGD = {"name": "sgd", "learning_rate": 0.1}
TOY = {
    "steps": 4,
    "log_every": 2,
    "sample_every": 2,
    "sample_count": 8,
    "batch_size": 4,
    "data": {"name": "ring"},
    "game": {"name": "gan", "z_dim": 2},
    "generator": {"name": "mlp", "width": 4, "depth": 1},
    "discriminator": {"name": "mlp", "width": 4, "depth": 1},
    "scheme": {"name": "simultaneous"},
    "gen_tx": SGD,
    "disc_tx": SGD,
}


@pytest.fixture(scope="module")
def built():
    return experiment.build(TOY)


def test_a_sink_gets_config_rows_and_pictures(built, tmp_path):
    calls = []

    def kept(workdir, config, step):
        calls.append(("open", workdir, config["batch_size"], step))
        return sinks.Sink(
            row=lambda row: calls.append(("row", row["step"], row["loss/gen"])),
            picture=lambda step, path: calls.append(("picture", step, path)),
            close=lambda: calls.append(("close",)),
        )

    train.train(built, tmp_path, sinks={"kept": kept})
    rows = [("row", row["step"], row["loss/gen"]) for row in run_folder.read_metrics(tmp_path)]
    drawn = [("picture", step, tmp_path / "samples" / f"step_{step}.png") for step in (2, 4)]
    assert calls == [
        ("open", tmp_path, 4, 0),
        rows[0],
        drawn[0],
        rows[1],
        drawn[1],
        ("close",),
    ]


def test_a_sink_cannot_change_a_row(built, tmp_path):
    seen = []
    factories = {
        "rude": lambda *_: sinks.Sink(lambda row: row.clear(), lambda *_: None, lambda: None),
        "next": lambda *_: sinks.Sink(seen.append, lambda *_: None, lambda: None),
    }
    assert train.train(built, tmp_path, sinks=factories).step == 4
    assert seen == run_folder.read_metrics(tmp_path)


def test_sinks_before_one_that_does_not_start_are_closed(built, tmp_path):
    closed = []
    factories = {
        "good": lambda *_: sinks.Sink(print, print, lambda: closed.append("good")),
        "bad": lambda *_: None,
    }
    with pytest.raises(ConfigError, match="sink 'bad' does not start"):
        train.train(built, tmp_path, sinks=factories)
    assert closed == ["good"]


def test_a_sink_that_fails_is_told_once_and_the_run_goes_on(built, tmp_path, caplog):
    good = []

    def broken(*_):
        raise OSError("no network")

    factories = {
        "bad": lambda *_: sinks.Sink(broken, broken, lambda: None),
        "good": lambda *_: sinks.Sink(good.append, lambda *_: None, lambda: None),
    }
    result = train.train(built, tmp_path, sinks=factories)
    assert (result.step, len(good)) == (4, 2)
    assert run_folder.read_json(tmp_path / "status.json")["status"] == "done"
    (line,) = [record.getMessage() for record in caplog.records if "sink" in record.getMessage()]
    assert "sink 'bad' fails in row() and gets nothing more (OSError: no network)" in line


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        (lambda workdir, config, step: 1 / 0, "ZeroDivisionError: division by zero"),
        (lambda workdir: None, "takes 1 positional argument"),
        (lambda workdir, config, step: None, "has no attribute 'row'"),
    ],
)
def test_a_sink_that_does_not_start_is_refused(factory, message, tmp_path):
    with pytest.raises(ConfigError, match="sink 'own:sink' does not start") as caught:
        sinks.opened({"own:sink": factory}, tmp_path, {}, 0)
    assert message in str(caught.value)


def test_the_example_for_weights_and_biases(built, tmp_path, monkeypatch):
    """The docstring's code, at most 10 lines, with a module that stands for wandb."""
    code = re.search(r"\n(    import wandb\n.*?)\n\nsaved", sinks.__doc__, re.DOTALL)[1]
    code = textwrap.dedent(code)
    logged = []
    wandb = types.ModuleType("wandb")
    wandb.Image = lambda path: ("image", path)
    wandb.init = lambda **options: types.SimpleNamespace(
        log=lambda values, step: logged.append((step, sorted(values)[-1])),
        finish=lambda: logged.append("finished"),
    )
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    names = {}
    exec(code, names)
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    train.train(built, tmp_path, sinks={"wandb": names["wandb_sink"]})
    last = (4, "time/unix")
    assert logged == [(2, "time/unix"), (2, "samples"), last, (4, "samples"), "finished"]
