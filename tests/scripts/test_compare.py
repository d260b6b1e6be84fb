"""The comparing script: the plan that it shows before it trains, and the mistakes it refuses."""

import pytest
from marks import telling
from processes import ROOT, call

TEXT = """
import ml_collections


def get_config():
    return ml_collections.ConfigDict(
        dict(
            question="Does R1 matter?",
            base="base",
            cells={
                "with": dict(),
                "without": dict(penalties=dict(r1=None)),
            },
            seeds=4,
            score="reverse_kl",
        )
    ).lock()
"""


def compare(folder, text, *arguments, base=None):
    (folder / "asked.py").write_text(text.lstrip())
    (folder / "base.py").write_text(base or (ROOT / "configs" / "ring8_r1.py").read_text())
    flags = ["--config", folder / "asked.py", "--workdir", folder / "run", *arguments]
    return call("compare", *flags)


def test_a_dry_run_shows_cells_programs_and_power(tmp_path):
    done = compare(tmp_path, TEXT, "--dry_run")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "Does R1 matter?",
        "cells: 2, seeds: 4, steps a run: 1000; reverse_kl at the end, small is good",
        "with (baseline):",
        "  as the base",
        "without:",
        "  penalties.r1.gamma: 0.1 -> '(absent)'",
        "  penalties.r1.name: 'r1' -> '(absent)'",
        "compiled programs, 2: with; without",
        "cannot conclude: 1 comparison against with with 4 seeds: the smallest adjusted p (sign "
        "flips, Holm) is 0.1250; at least 6 seeds are needed for 0.05",
    ]
    assert not (tmp_path / "run").exists()


NESTED = "search=dict(gen_tx=dict(learning_rate=(1e-4, 1e-2, 'log'))),"
DOTTED = "search={'gen_tx.learning_rate': (1e-4, 1e-2, 'log')},"
RANGE = "(1e-4,1e-2,'log')"


@telling
@pytest.mark.parametrize(
    ("text", "flags"),
    [
        (TEXT.replace("seeds=4,", f"seeds=4, {NESTED}"), ()),
        (
            TEXT.replace("seeds=4,", f"seeds=4, {DOTTED}").replace(
                "        )\n    ).lock", "        ), allow_dotted_keys=True\n    ).lock"
            ),
            (),
        ),
        (TEXT, (f"--config.search={{'gen_tx.learning_rate':{RANGE}}}",)),
        (TEXT, (f"--config.search={{'gen_tx':{{'learning_rate':{RANGE}}}}}",)),
    ],
    ids=["sections", "paths", "path in a flag", "sections in a flag"],
)
def test_a_search_is_drawn(text, flags, tmp_path):
    search = ("--search=random", "--config.trials=2", "--config.seeds=2")
    done = compare(tmp_path, text, "--dry_run", *search, *flags)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[1].startswith("cells: 4, seeds: 2")
    cells = ["with.0 (baseline):", "with.1:", "without.0:", "without.1:"]
    assert [line for line in lines if line in cells] == cells
    rates = [line for line in lines if line.startswith("  gen_tx.learning_rate: ")]
    assert len(rates) == 4
    assert rates[:2] == rates[2:]
    assert all(1e-4 <= float(rate.split()[-1]) <= 1e-2 for rate in rates)
    assert "compiled programs, 2: with.0, with.1; without.0, without.1" in lines


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--config.search={'gen_tx'", "must be a dict, e.g."),
        ("--config.search=3", "'3' must be a dict, e.g."),
        (f"--config.search.gen_tx.learning_rate={RANGE}", "the config has no section 'gen_tx'"),
    ],
)
def test_a_section_in_a_flag_is_a_dict(flag, message, tmp_path):
    done = compare(tmp_path, TEXT, "--dry_run", flag)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("old", "new", "base", "message"),
    [
        ("without", "lr0.001", None, "asked.py, line 11: 'lr0.001' has a dot"),
        ("dict(r1=None)", "dict(r2=None)", None, "in cell 'without': penalties.r2=None removes"),
        ("penalties=dict(r1=None)", "", None, "cells 'with' and 'without' are the same experiment"),
        ("penalties", "scheme", None, "in cell 'without': scheme.r1=None removes a part"),
        ("seeds=4,", f"seeds=4, {DOTTED}", None, "write gen_tx=dict(learning_rate=...), or Config"),
        (
            "seeds=4,",
            "search=dict(gentx=(1., 2., 'log')),",
            None,
            "search.gentx leads to no number",
        ),
        ("x", "x", "def get_config():\n    return [][1]", "base.py, line 2: IndexError"),
        ('base="base"', 'base="nowhere"', None, "No such file or directory"),
    ],
)
def test_mistakes_exit_with_2_and_one_line(old, new, base, message, tmp_path):
    done = compare(tmp_path, TEXT.replace(old, new), base=base)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    assert not (tmp_path / "run").exists()
