"""Saved answers and the key of their page, read and checked."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ganjax import run_folder
from ganjax.errors import DataError
from ganjax.people.page import GENERATED, REAL

KEY = ".key.json"  # ending of a key's name


class Answers(NamedTuple):
    """The answers of one judge.

    Attributes:
      path: of the file.
      page: digest of the page.
      judge: random name of the judge.
      expert: whether the judge works with generated images.
      said: {id of an image: "real" or "generated"}, in the order of the answers.
      exposures: milliseconds of each image in that order; () without a time limit.
    """

    path: Path
    page: str
    judge: str
    expert: bool
    said: dict[str, str]
    exposures: tuple[float, ...]


def _json(path: Path) -> Any:
    try:
        return run_folder.read_json(path)
    except FileNotFoundError:
        raise DataError(f"{path} does not exist") from None
    except ValueError as error:
        raise DataError(f"{path} is damaged: it is not JSON ({error}); save it again") from None


def read_answers(paths: Iterable[str | Path]) -> list[Answers]:
    """The answers of several judges to one page.

    Raises:
      DataError: a file is missing or damaged, the files are of different pages, or a judge is among
        them twice.
    """
    found: list[Answers] = []
    for path in map(Path, paths):
        answers = _parsed(path, _json(path))
        for other in found:
            if other.page != answers.page:
                raise DataError(
                    f"{path} answers page {answers.page}, and {other.path} page {other.page}; "
                    "score them apart"
                )
            if other.judge == answers.judge:
                raise DataError(f"{path} and {other.path} are of one judge; leave one of them out")
        found.append(answers)
    return found


def _parsed(path: Path, content: Any) -> Answers:
    try:
        rows = content["answers"]
        said = {str(row["image"]): row["answer"] for row in rows}
        exposures = tuple(float(row["exposure"]) for row in rows if "exposure" in row)
        page, judge, expert = content["page"], content["judge"], content["expert"]
        known = {*said.values()} <= {REAL, GENERATED} and isinstance(expert, bool)
        fits = known and isinstance(page, str) and isinstance(judge, str)
    except (KeyError, TypeError, ValueError, AttributeError):
        fits = False
    if not fits:
        raise DataError(f"{path} is damaged or holds no answers of a page for judges")
    if len(said) < len(rows) or len(exposures) not in (0, len(rows)):
        raise DataError(f"{path} is damaged: it has two answers to one image, or lacks exposures")
    if not rows:
        raise DataError(f"{path} has no answers; leave it out")
    return Answers(path, page, judge, expert, said, exposures)


def find_key(answers: Sequence[Answers], places: Iterable[str | Path]) -> dict[str, Any]:
    """The key of the page that the answers are of.

    Args:
      answers: from `read_answers`.
      places: keys, or folders that may hold it.

    Raises:
      DataError: none is the page's, one is damaged, or an answer is to an image that is not in it.
    """
    page, seen = answers[0].page, []
    for place in map(Path, places):
        for path in sorted(place.glob(f"*{KEY}")) if place.is_dir() else [place]:
            key = _json(path)
            seen.append(str(path))
            if isinstance(key, dict) and key.get("page") == page:
                return _checked(path, key, answers)
    raise DataError(
        f"no key of page {page}, which {answers[0].path} answers, among "
        f"{', '.join(seen) or 'the folders of the answers'}; give --key FILE, the *{KEY} beside "
        "the page"
    )


def _checked(path: Path, key: dict[str, Any], answers: Sequence[Answers]) -> dict[str, Any]:
    images = key.get("images")
    if not isinstance(images, dict) or not isinstance(key.get("runs"), list):
        raise DataError(f"{path} is damaged: it lacks images or runs")
    for judge in answers:
        if strangers := sorted(judge.said.keys() - images.keys()):
            raise DataError(f"{judge.path} answers image {strangers[0]}, which is not in {path}")
    return key
