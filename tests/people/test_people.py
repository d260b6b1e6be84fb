"""The page keeps its key, answers are checked, and pooled scores are right."""

import base64
import io
import json
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganjax import people
from ganjax.errors import DataError
from ganjax.people import page as pages

RNG = np.random.default_rng(0)
REAL, FAKE, OTHER = RNG.uniform(-1, 1, (3, 6, 4, 5, 3))
RUNS = [{"name": name, "scores": {"modes": 7.0, "nearest_min": 1.0}} for name in ("a", "b")]


@pytest.fixture(scope="module")
def made():
    return people.study(REAL, {"a": FAKE}, practice=2, seed=3)


def content(made):
    return json.loads(re.search(r"const STUDY = (.*);\n", made.page)[1])


def tiles(made, shape=(4, 5)):
    """{id or, of practice images, token: uint8 tile of the page's picture}."""
    inside, (height, width) = content(made), shape
    data = re.search(r'id="atlas"[^>]*base64,([^"]*)"', made.page)[1]
    with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
        assert not picture.info
        sheet = np.asarray(picture)
    found = {}
    for image in (*inside["images"], *inside["practice"]):
        row, column = divmod(image["cell"], inside["columns"])
        top, left = row * height, column * width
        tile = sheet[top : top + height, left : left + width]
        found[image["id"] if image in inside["images"] else image["token"]] = tile
    return found


def test_the_key_names_the_source_of_every_image(made):
    pixels = {name: np.rint((x + 1) * 127.5) for name, x in (("real", REAL), ("a", FAKE))}
    inside, shown = content(made), tiles(made)
    assert [*made.key["images"].values()].count("real") == 4
    for name, source in made.key["images"].items():
        assert any(np.array_equal(shown[name], image) for image in pixels[source][2:])
    for token in (image["token"] for image in inside["practice"]):
        source = "a" if pages._hash(inside["salt"] + token) >> 31 else "real"
        assert any(np.array_equal(shown[token], image) for image in pixels[source][:2])


def test_the_page_does_not_hold_the_key(made):
    """Of a page without time limit: places, names and order are as random as the seed."""
    inside = content(made)
    assert all(image.keys() == {"id", "cell"} for image in inside["images"])
    assert '"a"' not in made.page
    assert "seed" not in inside
    again, other = (people.study(REAL, {"a": FAKE}, practice=2, seed=s) for s in (3, 4))
    assert again == made
    assert not other.key["images"].keys() & made.key["images"].keys()
    assert other.key["page"] != made.key["page"]
    places = []
    for seed in range(40):
        drawn = people.study(REAL, {"a": FAKE}, seed=seed)
        places += [
            c["cell"] for c in content(drawn)["images"] if drawn.key["images"][c["id"]] == "a"
        ]
    assert np.ptp(np.bincount(places, minlength=12)) < 22  # 20 expected of each, sd 3.2


def test_a_page_asks_for_nothing_and_has_all_texts(made):
    assert not re.findall(r'(?:src|href)="(?!data:|#)', made.page)
    folder = Path(pages.__file__).parent
    code = "".join((folder / name).read_text(encoding="utf-8") for name in ("page.py", "page.js"))
    for language in people.LANGUAGES:
        texts = tomllib.loads((folder / f"text_{language}.toml").read_text(encoding="utf-8"))
        used = {a or b for a, b in re.findall(r'TEXT\.(\w+)|\["(\w+)"[ \]]', code)} & {*texts}
        assert used | {"untimed"} == {*texts}
        timed = people.study(REAL, {"a": FAKE}, language=language, staircase=people.Staircase())
        assert f'<html lang="{language}">' in timed.page
        assert texts["timed"] in timed.page
        assert all("token" in image for image in content(timed)["images"])


def test_what_cannot_be_shown_is_refused():
    large = np.broadcast_to(np.zeros(1), (5, 2048, 1024, 1))
    for arguments, options in (
        ((REAL, {"a": FAKE[:, :3]}), {}),
        ((REAL, {"real": FAKE}), {}),
        ((REAL, {"a": FAKE}), {"practice": 6}),
        ((REAL, {"a": FAKE}), {"language": "de"}),
        ((large, {"a": large}), {}),
    ):
        with pytest.raises(ValueError, match=r"expected|must|at most 8"):
            people.study(*arguments, **options)


def write(path, key, name, says, **changes):
    """Answers of a judge: `says(source)` of every image of the key."""
    rows = [{"image": name, "answer": says(of)} for name, of in key["images"].items()]
    told = {"page": key["page"], "judge": name, "expert": False, "answers": rows, **changes}
    path.write_text(json.dumps(told), encoding="utf-8")
    return path


@pytest.fixture
def judged(tmp_path):
    """A key of two runs, and two judges: a keen expert, and one who calls everything real."""
    key = people.study(REAL, {"a": FAKE[:3], "b": OTHER[:3]}).key | {"runs": RUNS}
    (tmp_path / "page.key.json").write_text(json.dumps(key), encoding="utf-8")
    keen = lambda of: "real" if of in ("real", "b") else "generated"  # noqa: E731
    first = write(tmp_path / "1.json", key, "j1", keen, expert=True)
    return key, [first, write(tmp_path / "2.json", key, "j2", lambda of: "real")]


def test_pooled_scores(judged, tmp_path):
    _, paths = judged
    answers = people.read_answers(paths)
    result = people.pooled(people.find_key(answers, [tmp_path]), answers)
    rates = {(row["of"], row["by"]): row for row in result["rates"]}
    assert {place: row["rate"] for place, row in rates.items() if place[0] in ("a", "b")} == {
        ("a", "all"): 0.5, ("b", "all"): 1.0, ("a", "experts"): 0.0, ("b", "experts"): 1.0,
        ("a", "crowd"): 1.0, ("b", "crowd"): 1.0,
    }  # fmt: skip
    assert rates["real", "all"]["rate"] == 0
    assert rates["generated", "all"]["rate"] == 0.75
    assert rates["all", "all"]["rate"] == 0.375
    assert rates["all", "all"]["low"] < 0.375 < rates["all", "all"]["high"]
    assert rates["all", "crowd"]["low"] is None  # of one judge
    first, second = result["judges"]
    assert (first["expert"], first["rate"], first["answers"]) == (True, 0.25, 12)
    assert first["sensitivity"] > 1 > abs(second["sensitivity"])
    assert second["criterion"] > first["criterion"] > 0  # both lean to "real"
    assert "threshold" not in result
    assert result["runs"][0]["diversity"] == {"modes": 7.0}
    told = people.text(result)
    assert "crowd" in told
    assert "a: modes 7" in told
    assert "needs 2 judges" in told


def test_thresholds_of_a_timed_page(judged, tmp_path):
    key, _ = judged
    paths = []
    for judge, exposures in (("j1", [500, 470] + [480] * 10), ("j2", [500] * 12)):
        path = write(tmp_path / f"{judge}.json", key, judge, lambda of: "real")
        told = json.loads(path.read_text(encoding="utf-8"))
        for row, exposure in zip(told["answers"], exposures, strict=True):
            row["exposure"] = exposure
        path.write_text(json.dumps(told), encoding="utf-8")
        paths.append(path)
    answers = people.read_answers(paths)
    result = people.pooled(key, answers)
    assert [judge["threshold"] for judge in result["judges"]] == [480, 500]
    assert result["threshold"]["mean"] == 490
    assert "mean threshold 490 ms" in people.text(result)


def test_answers_that_cannot_be_scored_are_refused(judged, tmp_path):
    key, (first, second) = judged
    bad = tmp_path / "bad.json"
    for change, message in (
        ({"page": "0" * 32}, r"answers page 0{32}, and .* page .*; score them apart"),
        ({"judge": "j1"}, "are of one judge"),
        ({"answers": []}, "has no answers"),
        ({"answers": [{"image": "x", "answer": "maybe"}]}, "is damaged"),
        ({"answers": [{"image": "x", "answer": "real"}] * 2}, "two answers to one image"),
        ({"expert": "yes"}, "is damaged"),
        ({"answers": 3}, "is damaged"),
    ):
        write(bad, key, "j3", lambda of: "real", **change)
        with pytest.raises(DataError, match=message):
            people.read_answers([first, second, bad])
    bad.write_text("{", encoding="utf-8")
    for path, message in ((bad, "not JSON"), (tmp_path / "none.json", "does not exist")):
        with pytest.raises(DataError, match=message):
            people.read_answers([path])
    write(bad, key, "j3", str, answers=[{"image": "x", "answer": "real"}])
    with pytest.raises(DataError, match="answers image x, which is not in"):
        people.find_key(people.read_answers([bad]), [tmp_path])
    stranger = people.read_answers([write(bad, key, "j3", lambda of: "real", page="1" * 32)])
    with pytest.raises(DataError, match=r"no key of page 1{32}"):
        people.find_key(stranger, [tmp_path])


def test_the_staircase():
    """HYPE's steps and bounds; runs begin again after a step."""
    hype = people.STAIRCASES["hype"]
    right = [1, 1, 1, 1, 1, 0, 1, 1, 1, 0]
    expected = [500, 500, 500, 470, 470, 470, 480, 480, 480, 450]
    assert hype.exposures(right).tolist() == expected
    assert hype.exposures([1] * 100).min() == 100
    assert hype.exposures([0] * 100).max() == 1000
    assert people.threshold([500, 470, 470, 480, 480]) == 475


@pytest.mark.parametrize("name", people.STAIRCASES)
def test_a_staircase_settles_at_its_level(name):
    """A judge whose share of right answers is exposure / 1000 comes to its level."""
    staircase, rng, shown, right = people.STAIRCASES[name], np.random.default_rng(0), [], []
    for _ in range(700):
        shown = staircase.exposures([*right, True])
        right.append(rng.random() < shown[-1] / 1000)
    np.testing.assert_allclose(np.mean(right[200:]), staircase.level, atol=0.06)  # sd 0.02
