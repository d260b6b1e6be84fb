"""From a config to an experiment, with its stages, samples and scores, and back from a run folder.

The only place where a name becomes a function (`sections.py`). What a game requires of data and
settings, its factory states in `Game.needs`; no game is known here by name.
"""

from ganjax.averages import live
from ganjax.experiment.building import build, reschemed
from ganjax.experiment.experiment import Experiment, after_a_step, initial_state, streams, template
from ganjax.experiment.restoring import belonging, forms_of, load, restore
from ganjax.experiment.sampling import SAMPLE_CHUNK, protocol_of_file, score
from ganjax.experiment.stages import grow, warm_start

__all__ = [
    "SAMPLE_CHUNK",
    "Experiment",
    "after_a_step",
    "belonging",
    "build",
    "forms_of",
    "grow",
    "initial_state",
    "live",
    "load",
    "protocol_of_file",
    "reschemed",
    "restore",
    "score",
    "streams",
    "template",
    "warm_start",
]
