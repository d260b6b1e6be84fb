"""The command for people as judges: its page and key, its scores, its refusals."""

import json
import shutil

import examples
import pytest

from ganjax import cli, commands, experiment, people, run_folder, train
from ganjax.errors import ConfigError


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Run folders: of digits, evaluated twice, a copy of it, and of a toy game."""
    folder = tmp_path_factory.mktemp("runs")
    train.train(experiment.build(examples.IMAGES), folder / "digits")
    for step, modes in ((2, 1.0), (10, 3.0)):
        content = {"scores": {"modes": modes, "frechet_distance": 9.0}, "protocol": {}}
        run_folder.write_json(folder / "digits" / "eval" / f"step_{step}.json", content)
    shutil.copytree(folder / "digits", folder / "other")
    shutil.rmtree(folder / "other" / "eval")
    toy = {**examples.BILINEAR, "steps": 1, "log_every": 1}
    train.train(experiment.build(toy), folder / "toy")
    return folder


def answered(path, key, judge):
    """A judge who calls every image real."""
    rows = [{"image": name, "answer": "real"} for name in key["images"]]
    told = {"page": key["page"], "judge": judge, "expert": False, "answers": rows}
    path.write_text(json.dumps(told), encoding="utf-8")
    return path


def test_a_page_with_its_key_and_its_scores(runs, here, tmp_path):
    told = here("human_eval", "--workdir", runs / "digits", "--n=4", "--practice=1", "--seed=5")
    page, path = runs / "digits" / "human_eval.html", runs / "digits" / "human_eval.key.json"
    assert told == f"page for the judges: {page}\nits key, not for them: {path}\n"
    key = run_folder.read_json(path)
    assert (key["seed"], key["split"], key["timed"]) == (5, "test", "none")
    assert sorted(key["images"].values()) == ["digits"] * 4 + ["real"] * 4
    assert key["runs"][0]["evaluated_at"] == 10
    text = page.read_text(encoding="utf-8")
    here("human_eval", "--workdir", runs / "digits", "--n=4", "--practice=1", "--seed=5")
    assert page.read_text(encoding="utf-8") == text

    first, second = (answered(tmp_path / f"{name}.json", key, name) for name in ("a", "b"))
    scored = ("human_eval", "--score", first, second, "--json", tmp_path / "s.json")
    for where in (("--workdir", runs / "digits"), ("--key", path)):
        told = here(*scored, *where)
        assert "digits: modes 3" in told
        result = run_folder.read_json(tmp_path / "s.json")
        assert [row["rate"] for row in result["rates"] if row["by"] == "all"] == [0.5, 0, 1]
        assert len(result["judges"]) == 2


def test_two_runs_on_one_page(runs, here, tmp_path):
    """A seed is drawn and kept; runs of one name are told apart."""
    out = tmp_path / "page.html"
    folders = (runs / "digits", runs / "other", runs / "digits")
    here("human_eval", "--workdir", *folders, "--n=3", "--language=ko", "--out", out)
    key = run_folder.read_json(tmp_path / "page.key.json")
    assert [run["name"] for run in key["runs"]] == ["digits", "other", "digits_2"]
    assert "scores" not in key["runs"][1]
    counts = {name: [*key["images"].values()].count(name) for name in key["images"].values()}
    assert counts == {"real": 9, "digits": 3, "other": 3, "digits_2": 3}
    assert '<html lang="ko">' in out.read_text(encoding="utf-8")
    before = key["seed"]
    here("human_eval", "--workdir", *folders, "--n=3", "--out", out)
    assert run_folder.read_json(tmp_path / "page.key.json")["seed"] != before


def test_an_exposure_that_adapts(runs, here, tmp_path):
    out = tmp_path / "page.html"
    here("human_eval", "--workdir", runs / "digits", "--n=2", "--timed=hype", "--out", out)
    assert run_folder.read_json(tmp_path / "page.key.json")["timed"] == "hype"
    text = json.dumps(people.STAIRCASES["hype"]._asdict(), sort_keys=True)
    assert f'"staircase": {text}' in out.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ((), "give --workdir RUN to write a page, or --score"),
        (("--workdir", "digits", "other", "--timed=hype"), "threshold of one run"),
        (("--workdir", "digits", "--n=600"), "needs 605 real images, and the test part .* has 500"),
        (("--workdir", "toy"), "no generator of images"),
        (("--workdir", "digits", "toy"), "no generator of images"),
        (("--workdir", "digits", "--json=x.json"), "are for scoring"),
    ],
)
def test_other_flags_are_refused(flags, message, runs, here, monkeypatch):
    monkeypatch.chdir(runs)
    with pytest.raises(ConfigError, match=message):
        here("human_eval", *flags)


def test_bad_answers_end_with_one_line_and_exit_code_6(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(cli, "keep_compiled", lambda: None)
    good = answered(tmp_path / "a.json", {"page": "0" * 32, "images": {"x": "real"}}, "a")
    bad = tmp_path / "b.json"
    bad.write_text("{", encoding="utf-8")
    with pytest.raises(SystemExit) as end:
        commands.main("human_eval", ["ganjax human_eval", "--score", str(good), str(bad)])
    assert end.value.code == 6
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1
    assert "b.json is damaged: it is not JSON" in err
