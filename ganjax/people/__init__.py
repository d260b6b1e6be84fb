"""People as judges: a page of real and generated images, and the pooled answers."""

from ganjax.people.answers import KEY, Answers, find_key, read_answers
from ganjax.people.scores import pooled, text
from ganjax.people.staircase import STAIRCASES, Staircase, threshold
from ganjax.people.study import LANGUAGES, Study, study

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
