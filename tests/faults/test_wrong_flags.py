"""Wrong flags of every command: one line, the exit code of its kind, and nothing is written."""

import pytest

from ganjax import cli, failures

from .conftest import ended, refused, soon

TOY = "--config=bilinear_alternating"
TRAIN = ("train", TOY, "--workdir={folder}/run")
RING = ("train", "--config=ring8_nonsaturating", "--workdir={folder}/run")
SCORE = ("evaluate", TOY)
SAMPLES = "--samples=/nowhere.npz"
WRONG = [
    (2, "train"),
    (2, "train", TOY),
    (2, "train", "--workdir={folder}/run"),
    (2, "train", "--config=", "--workdir={folder}/run"),
    (2, "train", "--config=nowhere", "--workdir={folder}/run"),
    (2, "train", "--config=/nowhere.py", "--workdir={folder}/run"),
    (2, "train", "--config={folder}", "--workdir={folder}/run"),
    (2, "train", TOY, "--workdir="),
    (8, "train", TOY, "--workdir=/proc/nowhere/run"),
    (8, "train", TOY, "--workdir=/dev/null/run"),
    (8, "train", TOY, "--workdir={folder}/" + "x" * 300),
    (2, *TRAIN, "extra"),
    (2, *TRAIN, "--form=x"),
    (2, *TRAIN, "--nonsense=1"),
    (2, *TRAIN, "--dry_run=maybe"),
    (2, *TRAIN, "--num_processes=x"),
    (2, *TRAIN, "--num_processes=2"),
    (2, *TRAIN, "--process_id=3"),
    (2, *TRAIN, "--sink=nowhere"),
    (2, *TRAIN, "--sink=nowhere:x"),
    (2, *TRAIN, "--sink=os:system"),
    (2, *TRAIN, "--sink=sys:exit"),
    (2, *TRAIN, "--init_from="),
    (2, *TRAIN, "--config.steps=x"),
    (2, *TRAIN, "--config.steps="),
    (2, *TRAIN, "--config.steps=1.5"),
    (2, *TRAIN, "--config.stps=3"),
    (2, *TRAIN, "--config.gen_tx=adam"),
    (2, *TRAIN, "--config.average=ema"),
    (2, *TRAIN, "--config.best=modes"),
    (2, *TRAIN, "--config.gen_tx.name.x=3"),
    (2, *TRAIN, "--config.nonsense.x=3"),
    (2, *TRAIN, "--config.gen_tx={{'name':"),
    (2, *TRAIN, "--config.gen_tx=__import__('os').system('false')"),
    (2, *TRAIN, "--config.penalties=[1"),
    (2, *TRAIN, "--config.="),
    (2, *TRAIN, "--config.gen_tx.b1=1.5", "--config.gen_tx.name=adam"),
    (2, *TRAIN, "--config.game.name=sys:exit"),
    (7, *RING, "--config.generator.width=2147483647"),
    (2, *RING, "--config.generator.width=4294967295"),
    (2, "sample"),
    (4, "sample", "--workdir=/nowhere"),
    (8, "sample", "--workdir=/dev/null"),
    (2, "sample", "--workdir={folder}", "--n=0"),
    (2, "sample", "--workdir={folder}", "--n=x"),
    (2, "sample", "--workdir={folder}", "--seed=-1"),
    (2, "sample", "--workdir={folder}", "--out=x.bmp"),
    (2, "sample", "--workdir={folder}", "--out="),
    (2, "sample", "--workdir={folder}", "--outdir="),
    (2, "sample", "--workdir={folder}", "--npz=x"),
    (2, "evaluate"),
    (4, "evaluate", "--workdir=/nowhere"),
    (2, *SCORE),
    (2, *SCORE, SAMPLES, "--workdir={folder}"),
    (2, *SCORE, SAMPLES, "--seed=3"),
    (2, "evaluate", "--workdir={folder}", "--n=1"),
    (2, "evaluate", "--json=x"),
    *((4, name, "--workdir=/nowhere") for name in ("walk", "restore", "translate", "report")),
    *((4, name, "--workdir=/nowhere") for name in ("export", "human_eval")),
    (2, "human_eval"),
    (2, "report", "--workdir="),
    (2, "compare", "--config=compare_ring8"),
    (2, "compare", TOY, "--workdir={folder}/run"),
    (2, "compare", "--config=compare_ring8", "--workdir={folder}/run", "--mapped=x"),
    (2, "compare", "--config=compare_ring8", "--workdir={folder}/run", "--search=random"),
    *((2, "dynamics", flag) for flag in ("--steps=x", "--steps=-1", "--length=0", "--game=x")),
    (2, "dynamics", "--schemes=nonsense"),
    (2, "inspection"),
    (6, "inspection", "/nowhere.png"),
    (6, "inspection", "/dev/null"),
    (2, "prepare"),
    (6, "prepare", "--set=x", "--from=/nowhere"),
    (6, "prepare", "--set=../x", "--from={folder}"),
    (2, "listing", "nonsense"),
    (2, "new"),
    (2, "new", "a b"),
    (2, "new", "os"),
]


@pytest.mark.parametrize(
    ("code", "line"), [(code, line) for code, *line in WRONG], ids=lambda value: str(value)[:60]
)
def test_it_is_refused(code, line, called, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    with soon():
        done = called(*(part.format(folder=tmp_path / "folder") for part in line))
    assert refused(done, code)
    assert len(done.err.splitlines()) == 1
    assert not done.out
    assert [path.name for path in tmp_path.rglob("*")] == ["folder"]


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ((), "device memory; lower config.batch_size=256 or config.generator.width=128"),
        (
            ("--config.scheme.disc_updates=9000",),
            "lower config.scheme.disc_updates=9000 or config.",
        ),
        (("--config.generator.width=5000",), "lower config.generator.width=5000 or config.batch"),
    ],
)
def test_the_knob_of_memory_is_the_largest_number(flags, told):
    values = cli.Flags()
    values.config()
    cli._parsed(["train", "--config=ring8_r1", *flags], values.values, 0)
    for text in ("RESOURCE_EXHAUSTED: x", "INTERNAL: Out of memory allocating 8 bytes."):
        told_of = failures.failure(RuntimeError(text), values.values)
        assert told_of.exit_code == 7
        assert told in str(told_of)
    told_of = failures.failure(MemoryError(), values.values)
    assert str(told_of).startswith("out of host memory; lower config.")


@pytest.mark.slow
@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "1>&- 2>&-", "0<&- 1>&- 2>&-"])
def test_a_standard_stream_may_be_closed(closed, tmp_path):
    """No file gets its number, and a mistake still has its code."""
    run = f"--workdir={tmp_path}/run"
    small = ("--config.steps=2", "--config.log_every=2")
    assert ended("train", TOY, run, *small, closed=closed).code == 0
    assert (tmp_path / "run" / "status.json").read_text().count('"done"') == 1
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert len(lines) == 1
    assert ended("train", TOY, run, "--config.steps=x", closed=closed).code == 2


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    run = f"--workdir={tmp_path_factory.mktemp('runs') / 'run'}"
    small = ("--config.steps=2", "--config.log_every=2", "--config.evaluation_samples=100")
    assert ended("train", "--config=digits_mlp", run, *small).code == 0
    return run


@pytest.mark.slow
@pytest.mark.parametrize("command", ["sample", "evaluate", "export", "walk", "restore", "report"])
def test_a_missing_platform_is_named_by_every_command(command, trained):
    done = ended(command, trained, JAX_PLATFORMS="cuda")
    if command == "report":  # which needs no device
        assert done.code == 0
    else:
        assert refused(done, 8, "JAX_PLATFORMS=cuda: this machine has no such device")
