"""People as judges: a page of real and generated images, and the pooled answers."""

from ganjax.people.answers import KEY, Answers, find_key, read_answers
from ganjax.people.page import LANGUAGES, Study, study
from ganjax.people.scores import pooled, text
from ganjax.people.staircase import STAIRCASES, Staircase, threshold

__all__ = [
    "KEY",
    "LANGUAGES",
    "STAIRCASES",
    "Answers",
    "Staircase",
    "Study",
    "find_key",
    "pooled",
    "read_answers",
    "study",
    "text",
    "threshold",
]
