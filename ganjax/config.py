"""The keys of a config: settings, choices and sections, their types, ranges and nearest names.

A section is a name and keyword arguments. Which function a name stands for is not known here, only
in `experiment.py`; this file must stay light, so that a misspelt key is refused before JAX loads.
"""

import inspect
import numbers
from collections.abc import Callable, Mapping
from typing import Any

from ganjax.errors import ConfigError, unknown

LARGEST = 2**32 - 1  # of any setting; a seed has 32 bits

# name: (default, smallest value, meaning). All are whole numbers.
SETTINGS = {
    "seed": (0, 0, "everything random follows from it"),
    "steps": (1000, 1, "steps of the scheme"),
    "batch_size": (64, 1, "examples a batch"),
    "accumulate": (1, 1, "parts of a batch that are passed one after another, for memory"),
    "log_every": (100, 1, "steps of one compiled chunk, one line of metrics each"),
    "sample_every": (0, 0, "steps between pictures; 0 for one at the end only"),
    "checkpoint_every": (0, 0, "steps between checkpoints; 0 for one at the end only"),
    "keep_checkpoints": (2, 1, "newest checkpoints to keep"),
    "sample_count": (64, 1, "samples of one picture"),
    "evaluation_samples": (5000, 2, "samples that the evaluation scores"),
}

# name: (default, the others, meaning). A choice is one of a few words.
CHOICES = {
    "compute": ("float32", ("bfloat16",), "what networks compute in; parameters are float32"),
}

# name: what it names.
SECTIONS = {
    "data": "the data source; 'none' for toy games",
    "game": "the game",
    "generator": "the generator network",
    "discriminator": "the discriminator network",
    "autoencoder": "the auto-encoder network, in games that are played by one",
    "loss": "both players' losses",
    "prior": "the latent prior",
    "penalties": "a section per penalty, under labels of your choice",
    "scheme": "the update scheme",
    "average": "the moving average of the generator: ema, uniform or none",
    "gen_tx": "the generator's optimiser, see `ganjax.optimisers`",
    "disc_tx": "the discriminator's optimiser",
    "evaluation": "the report on samples; 'none' for none",
    "monitor": "the watch between chunks of steps, which may stop training; 'none' for none",
    "stages": "a stage's settings in place of the rest, `until` a step, under labels of yours",
}
# The settings of a stage, beside sections.
STAGE_SETTINGS = ("until", "batch_size")

KNOWN = (*SETTINGS, *CHOICES, *SECTIONS)
REQUIRED = ("game", "scheme", "gen_tx", "disc_tx")
ABSENT = "(absent)"  # in a difference, the value of what is not there


def validate(config: Mapping[str, Any]) -> dict[str, Any]:
    """Checks settings and sections against what is known and fills in default settings.

    Args:
      config: nested dict; what a section's name stands for is checked when it is built. A section
        that is None is left out.

    Returns:
      New dict with every setting and choice; with stages, `steps` is by default where the last
      one ends.

    Raises:
      ConfigError: an unknown or missing key, a wrong type or a value out of range.
    """
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
    resolved = {key: config.get(key, default) for key, (default, _, _) in SETTINGS.items()}
    if "stages" in config:
        resolved["steps"] = config.get("steps", _checked_end(config["stages"]))
    for key, value in resolved.items():
        _check_setting(key, value)
    resolved |= {key: _chosen(key, config.get(key, CHOICES[key][0])) for key in CHOICES}
    for key in ("sample_every", "checkpoint_every"):
        every, chunk = resolved[key], resolved["log_every"]
        if every % chunk:
            raise ConfigError(
                f"{key}={every} is not a multiple of log_every={chunk}; steps are compiled in "
                f"chunks of log_every: use e.g. {max(chunk, every // chunk * chunk)}"
            )
    sections = {key: value for key, value in config.items() if key in SECTIONS}
    for key, section in sections.items():
        if isinstance(section, Mapping):
            section = sections[key] = by_place(section)
        if key == "penalties":
            _check_mapping(key, section)
            for label, penalty in section.items():
                _check_section(f"penalties.{label}", penalty)
        elif key != "stages":
            _check_section(key, section)
    resolved |= sections
    staged(resolved)
    return resolved


def staged(config: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The configs of a config's stages, in the order of play.

    A stage is the config with the stage's own settings and sections in place. A section with a name
    replaces that of the config, one without has its arguments merged into it; None takes away, as
    in `merged`.

    Args:
      config: nested dict with every setting.

    Returns:
      {label: config without stages}, whose `steps` is the step of the run at which the stage ends,
      cut to that of the run; {} without stages.

    Raises:
      ConfigError: as `validate`, of any stage.
    """
    config = plain(config)
    stages, made = config.get("stages", {}), {}
    if stages and config["steps"] > _checked_end(stages):
        raise ConfigError(
            f"steps={config['steps']} goes beyond the last stage, which ends at step "
            f"{_checked_end(stages)}; let it end later, or leave steps out"
        )
    shared = {key: value for key, value in config.items() if key != "stages"}
    for label in sorted(stages, key=lambda label: stages[label]["until"]):
        own = {key: value for key, value in stages[label].items() if key != "until"}
        own["steps"] = min(stages[label]["until"], config["steps"])
        try:
            made[label] = validate(merged(shared, own))
        except ConfigError as error:
            raise ConfigError(f"in stages.{label}: {error}") from error
    return made


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


def plain(config: Any) -> Any:
    """Nested dicts and tuples out of a `ConfigDict`, frozen or not, or out of JSON."""
    if hasattr(config, "to_dict"):
        config = config.to_dict()
    if isinstance(config, Mapping):
        return {key: plain(value) for key, value in config.items()}
    return tuple(map(plain, config)) if isinstance(config, list | tuple) else config


def merged(old: Any, new: Any) -> Any:
    """`new` in the place of `old`; a dict without a name goes into that of `old`.

    So overrides, such as those of a stage or of a cell of a comparison, change what they name. A
    key of such a dict that is None, or an empty dict, is taken away: `average=None` a section,
    `penalties={"r1": None}` one penalty, `penalties={}` all of them, `gen_tx={"b1": None}` an
    argument, which then has its default. A list of sections takes the place of a list; one by
    place, {"1": {...}}, goes into it.

    Args:
      old: nested dict, or whatever is replaced.
      new: nested dict; inside a dict with a name all is as it says, None too.

    Returns:
      New nested dict, or `new`.

    Raises:
      ConfigError: a section has no such part to be taken away.
    """
    return _merged(by_place(plain(old)), by_place(plain(new)), "")


def _merged(old: Any, new: Any, where: str) -> Any:
    if not isinstance(new, Mapping) or "name" in new:
        return new
    whole = list(new) == [str(place) for place in range(len(new))]
    if new and whole and all(isinstance(item, Mapping) and "name" in item for item in new.values()):
        return new  # a list of sections
    old = old if isinstance(old, Mapping) else {}
    gone = [key for key, value in new.items() if value is None or _empty(value)]
    for key in gone:
        if where and key not in old:  # a whole section may be absent: it cannot be misspelt
            raise ConfigError(
                f"{where}{key}={new[key]!r} takes away what is not there: "
                + unknown("part", key, old)
            )
    kept = {
        **old,
        **{k: _merged(old.get(k), v, f"{where}{k}.") for k, v in new.items() if k not in gone},
    }
    return {key: value for key, value in kept.items() if key not in gone and not _empty(value)}


def _empty(value: Any) -> bool:
    return isinstance(value, Mapping) and not value


def by_place(value: Any) -> Any:
    """A list of sections as a dict by place, {"0": section, ...}; all else as it is.

    So a path such as `disc_tx.transforms.1.learning_rate` leads to what stands in a list.
    """
    if isinstance(value, list | tuple) and any(isinstance(item, Mapping) for item in value):
        value = {str(place): item for place, item in enumerate(value)}
    if isinstance(value, Mapping):
        return {str(key): by_place(item) for key, item in value.items()}
    return value


def is_list(value: Any) -> bool:
    """Whether a value is a list of sections by place."""
    return isinstance(value, Mapping) and bool(value) and all(str(key).isdigit() for key in value)


def _check_setting(key: str, value: Any) -> None:
    _, smallest, meaning = SETTINGS[key]
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or not smallest <= value <= LARGEST:
        raise ConfigError(
            f"{key}={value!r} must be a whole number from {smallest} to {LARGEST} ({meaning})"
        )


def _chosen(key: str, value: Any) -> str:
    default, others, meaning = CHOICES[key]
    if value not in (default, *others):
        known = " or ".join(repr(word) for word in (default, *others))
        raise ConfigError(f"{key}={value!r} must be {known} ({meaning})")
    return value


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
        if is_list(value) and all(isinstance(item, numbers.Real) for item in value.values()):
            continue  # a table, {step: factor}
        if is_list(value):
            for place, item in value.items():
                _check_section(f"{where}.{key}.{place}", item)
        elif isinstance(value, Mapping):
            _check_section(f"{where}.{key}", value)


def check_arguments(
    where: str, function: Callable, arguments: Mapping[str, Any], given: tuple[str, ...] = ()
) -> None:
    """Checks keyword arguments against a function's signature: names, simple types, missing ones.

    Args:
      where: the section, for the message.
      function: the function to be called.
      arguments: keyword arguments from a config.
      given: parameters that the caller fills itself.

    Raises:
      ConfigError: an unknown, missing or ill-typed argument.
    """
    parameters = {
        name: parameter
        for name, parameter in inspect.signature(function).parameters.items()
        # Flax modules carry a parent and a name of their own.
        if name not in (*given, "parent", "name", "axis_name")
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    }
    for name, value in arguments.items():
        if name not in parameters:
            raise ConfigError(f"in {where}: " + unknown("argument", name, parameters))
        _check_type(f"{where}.{name}", value, parameters[name])
    missing = [
        name
        for name, parameter in parameters.items()
        if parameter.default is parameter.empty and name not in arguments
    ]
    if missing:
        raise ConfigError(f"section {where} lacks {', '.join(map(repr, missing))}")


def _check_type(where: str, value: Any, parameter: inspect.Parameter) -> None:
    """Refuses a value of the wrong simple type: that of the annotation, else of the default."""
    accepted = {
        int: (int,),
        float: (numbers.Real,),  # a number that a sweep traces among them
        str: (str,),
        bool: (bool,),
        tuple: (tuple, list),
    }
    expected = getattr(parameter.annotation, "__origin__", parameter.annotation)
    schedule = callable(value)  # that of a rate, whose default may be a number
    if expected not in accepted and not schedule and type(parameter.default) in (float, bool):
        expected = type(parameter.default)
    if expected not in accepted:
        return
    bool_for_number = isinstance(value, bool) and expected is not bool
    if not isinstance(value, accepted[expected]) or bool_for_number:
        raise ConfigError(
            f"{where}={value!r} is of type {type(value).__name__}; expected {expected.__name__}"
            + (", e.g. (1, 2)" if expected is tuple else "")
        )


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Lines `key: old -> new` for every leaf in which two nested dicts differ."""
    return [f"{path}: {a!r} -> {b!r}" for path, (a, b) in changes(old, new).items()]


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """{path: (old, new)} of every leaf in which two nested dicts differ, `ABSENT` for none."""

    def leaves(tree, prefix=""):
        for key, value in tree.items():
            if isinstance(value, Mapping) and value:
                yield from leaves(value, f"{prefix}{key}.")
            else:
                yield f"{prefix}{key}", value

    before, after = dict(leaves(old)), dict(leaves(new))
    pairs = {
        path: (before.get(path, ABSENT), after.get(path, ABSENT))
        for path in sorted({*before, *after})
    }
    return {path: pair for path, pair in pairs.items() if pair[0] != pair[1]}
