"""The keys of a config: settings, choices and sections, their types, ranges and nearest names.

A section is a name and keyword arguments; `ganjax.experiment` knows which function the name stands
for. This file imports no JAX, so that a misspelt key is refused at once.
"""

import contextlib
import logging
import numbers
from collections.abc import Iterator, Mapping
from typing import Any

from ganjax import checks
from ganjax.errors import ConfigError, unknown
from ganjax.nested import by_place, is_list, merged, plain

log = logging.getLogger("ganjax")

LARGEST = 2**31 - 1  # of any whole number, as counts of steps are int32; but of seeds
LARGEST_SEED = 2**32 - 1

# name: (default, smallest value, meaning). All are whole numbers.
SETTINGS = {
    "seed": (0, 0, "everything random follows from it"),
    "steps": (1000, 1, "steps of the scheme"),
    "batch_size": (64, 1, "examples a batch"),
    "accumulate": (1, 1, "parts of a batch that are passed one after another, for memory"),
    "log_every": (100, 1, "steps of one compiled chunk, one line of metrics each"),
    "sample_every": (0, 0, "steps between pictures; 0 for one at the end only"),
    "checkpoint_every": (0, 0, "steps between checkpoints; 0 for one at the end only"),
    "evaluate_every": (0, 0, "steps between evaluations; 0 for one at the end only"),
    "keep_checkpoints": (2, 1, "newest checkpoints to keep"),
    "sample_count": (64, 1, "samples of one picture"),
    "evaluation_samples": (5000, 2, "samples that the evaluation scores"),
    # From 1e9 on float32 numbers are 64 apart: a step of less than 32 is lost in rounding.
    "largest_parameter": (10**9, 0, "size of a parameter beyond which a run has diverged; 0: none"),
}

# name: (default, the others, meaning). A choice is one of a few words.
CHOICES = {
    "compute": ("float32", ("bfloat16",), "the precision of networks; parameters are float32"),
}

# name: meaning.
SECTIONS = {
    "data": "the data source; 'none' for toy games",
    "game": "the game",
    "generator": "the generator network",
    "discriminator": "the discriminator network",
    "autoencoder": "the auto-encoder network, of games with one",
    "networks": "a section per further network, under the name of the game's parameter",
    "loss": "both players' losses",
    "prior": "the latent prior",
    "penalties": "a section per penalty, under labels of your choice",
    "scheme": "the update scheme",
    "average": "the moving average of the generator: ema, uniform or none",
    "gen_tx": "the generator's optimiser, see `ganjax.optimisers`",
    "disc_tx": "the discriminator's optimiser",
    "evaluation": "the report on samples; 'none' for none",
    "best": "the score by which the best checkpoint is kept, in RUN/best; 'none' for none",
    "monitor": "a measurement between chunks of steps, which may stop training; 'none' for none",
    "stages": "a section per stage: `until` a step, and overrides; under labels of your choice",
}
# Data sources whose name may have an argument behind a colon, e.g. `tfds:mnist`, and that argument.
SPELT = {"images": "path", "tfds": "set"}
OF_SECTIONS = ("networks", "penalties")  # which hold a section per label
# The settings of a stage, beside sections.
STAGE_SETTINGS = ("until", "batch_size")

KNOWN = (*SETTINGS, *CHOICES, *SECTIONS)
REQUIRED = ("game", "scheme", "gen_tx", "disc_tx")


class Resolved(dict):
    """A config that `validate` has checked and completed, and those of its stages.

    One that has been changed since is checked again, as a plain dict is.
    """

    stages: dict[str, "Resolved"]
    checked: str  # its text when it was checked


@contextlib.contextmanager
def located(where: str, *kinds: type[Exception]) -> Iterator[None]:
    """Turns a ConfigError of the block, or errors of `kinds`, into "in WHERE: the error"."""
    refused = kinds or (ConfigError,)
    try:
        yield
    except refused as error:
        raise ConfigError(f"in {where}: {error}") from error


def validate(config: Mapping[str, Any]) -> Resolved:
    """Checks settings and sections, fills in default settings; returns a `Resolved` as it is.

    Args:
      config: nested dict; the arguments of a section are checked when it is built. A section that
        is None is left out.

    Returns:
      `Resolved` with every setting and choice; with stages, `steps` defaults to the end of the
      last one.

    Raises:
      ConfigError: an unknown or missing key, a wrong type or a value out of range.
    """
    if isinstance(config, Resolved) and config.checked == repr(config):
        return config
    config = {
        key: value
        for key, value in plain(config).items()
        if value is not None or key not in SECTIONS
    }
    for key in config:
        if key not in KNOWN:
            raise ConfigError(unknown("config key", key, KNOWN))
    for key in REQUIRED:
        if key not in config:
            raise ConfigError(
                f"config has no section {key!r} ({SECTIONS[key]}); every config needs one, add it"
            )
    resolved = Resolved({key: config.get(key, row[0]) for key, row in SETTINGS.items()})
    if "stages" in config:
        resolved["steps"] = config.get("steps", _checked_end(config["stages"]))
    resolved |= {key: config.get(key, row[0]) for key, row in CHOICES.items()}
    _check_values(resolved)
    sections = {key: value for key, value in config.items() if key in SECTIONS}
    for key, section in sections.items():
        if isinstance(section, Mapping):
            section = sections[key] = by_place(section)
        if key in OF_SECTIONS:
            _check_mapping(key, section)
            for label, inner in section.items():
                _check_section(f"{key}.{label}", inner)
        elif key != "stages":
            _check_section(key, section)
    for name in sections.get("networks", {}):
        if name in SECTIONS:
            raise ConfigError(f"networks.{name} must be the section {name!r} of its own; move it")
    if "data" in sections:
        sections["data"] = _spelt_out(sections["data"])
    resolved |= sections
    resolved.stages, resolved.checked = _stages(resolved), repr(resolved)
    return resolved


def _spelt_out(section: Mapping[str, Any]) -> Mapping[str, Any]:
    """A data section whose name has no argument: `tfds:mnist` is no `module:function`."""
    name, _, value = section["name"].partition(":")
    if name not in SPELT or not value:
        return section
    key = SPELT[name]
    if key in section:
        raise ConfigError(f"data {section['name']!r} has {key}={section[key]!r} too; give one")
    log.info("data %r is read as data %r with %s=%r", section["name"], name, key, value)
    return {**section, "name": name, key: value}


def staged(config: Mapping[str, Any]) -> dict[str, Resolved]:
    """The configs of a config's stages, in the order of training.

    A stage is the config with the stage's own settings and sections in place. A section with a name
    replaces that of the config, one without has its arguments merged into it; None takes away, as
    in `merged`.

    Args:
      config: nested dict.

    Returns:
      {label: config without stages}, whose `steps` is the step of the run at which the stage ends,
      cut to that of the run; {} without stages.

    Raises:
      ConfigError: as `validate`, of any stage.
    """
    return validate(config).stages


def _stages(config: Mapping[str, Any]) -> dict[str, Resolved]:
    stages, made = config.get("stages", {}), {}
    if stages and config["steps"] > _checked_end(stages):
        raise ConfigError(
            f"steps={config['steps']} goes beyond the last stage, which ends at step "
            f"{_checked_end(stages)}; let it end later, or leave steps out"
        )
    shared = {key: value for key, value in config.items() if key != "stages"}
    for label in in_order(stages):
        override = {key: value for key, value in stages[label].items() if key != "until"}
        override["steps"] = min(stages[label]["until"], config["steps"])
        with located(f"stages.{label}"):
            made[label] = validate(merged(shared, override))
    return made


def in_order(stages: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The labels of stages in the order of their ends."""
    return sorted(stages, key=lambda label: stages[label]["until"])


def _checked_end(stages: Any) -> int:
    """The step at which the last stage ends, after a check of their keys and ends."""
    _check_mapping("stages", stages)
    known = [*STAGE_SETTINGS, *(key for key in SECTIONS if key != "stages")]
    ends = []
    for label, stage in stages.items():
        _check_mapping(f"stages.{label}", stage)
        for key in stage:
            if key not in known:
                raise ConfigError(f"in stages.{label}: " + unknown("config key", key, known))
        end = stage.get("until")
        if not isinstance(end, int) or isinstance(end, bool) or end < 1 or end in ends:
            raise ConfigError(
                f"stages.{label}.until={end!r} must be a whole number from 1, the step at which "
                "the stage ends, another for each stage"
            )
        ends.append(end)
    if not ends:
        raise ConfigError("stages is empty; add a stage or leave it out")
    return max(ends)


def _check_values(config: Mapping[str, Any]) -> None:
    """Checks the settings and choices of a config that has all of them."""
    try:
        for key, (_, smallest, meaning) in SETTINGS.items():
            checks.whole(smallest, _largest(key), hint=meaning, **{key: config[key]})
        for key, (default, others, meaning) in CHOICES.items():
            checks.one_of((default, *others), hint=meaning, **{key: config[key]})
    except ValueError as error:
        raise ConfigError(str(error)) from error
    for key in ("sample_every", "checkpoint_every", "evaluate_every"):
        every, chunk = config[key], config["log_every"]
        if every % chunk:
            raise ConfigError(
                f"{key}={every} is not a multiple of log_every={chunk}; steps are compiled in "
                f"chunks of log_every: use e.g. {max(chunk, every // chunk * chunk)}"
            )


def _largest(key: str) -> int:
    return LARGEST_SEED if key == "seed" else LARGEST


def _check_mapping(where: str, value: Any) -> None:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where}={value!r} must be a dict")


def _check_section(where: str, section: Any) -> None:
    _check_mapping(where, section)
    if not isinstance(section.get("name"), str):
        raise ConfigError(
            f"section {where} must have a 'name' and keyword arguments, e.g. "
            f"dict(name='...'); got {dict(section)!r}"
        )
    for key, value in section.items():
        if type(value) is int and abs(value) > _largest(key):
            raise ConfigError(f"{where}.{key}={value} is larger than {_largest(key)}; lower it")
        if is_list(value) and all(isinstance(item, numbers.Real) for item in value.values()):
            continue  # a table, {step: factor}
        if is_list(value):
            for place, item in value.items():
                _check_section(f"{where}.{key}.{place}", item)
        elif isinstance(value, Mapping):
            _check_section(f"{where}.{key}", value)
