"""Builds the experiment of a config, of every stage: data, game, scheme, samples, scores."""

import itertools
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import ml_collections

from ganjax import averages, games, trust
from ganjax import data as sources
from ganjax.config import located, validate
from ganjax.experiment import batches, fit, sampling, sections, stages
from ganjax.experiment.experiment import START, Begin, Experiment
from ganjax.nested import plain
from ganjax.types import Game, Scheme


def build(
    config: Mapping[str, Any],
    axis_name: str | None = None,
    forms: Sequence[Mapping[str, Any] | None] | None = None,
) -> Experiment:
    """Builds an experiment from a config; nothing is initialised or compiled.

    Args:
      config: `ml_collections.ConfigDict` or nested dict; see `ganjax.config`.
      axis_name: the device axis that the scheme's step is to be mapped over, of any name; with
        `spread.ROWS` batch statistics are each device's own, else the whole batch's. None for none.
      forms: of the data of each stage, from `forms_of`. The data are then not read; the experiment
        can be restored and sampled, and has neither evaluation nor monitor.

    Raises:
      ConfigError: an unknown name or argument (with the nearest and the known ones), a missing one,
        a wrong type or range, or sections that do not fit together.
      DataError: the data are not as declared.
    """
    config = validate(config)
    forms = iter(forms if isinstance(forms, Sequence) else ())
    if not config.stages:
        experiment = _build(config, axis_name, form=next(forms, None))
        stages.check_fade([experiment], config["steps"])
        return experiment
    built, begin = [], START
    for label, stage in config.stages.items():
        with located(f"stages.{label}"):
            built.append(_build(stage, axis_name, begin, next(forms, None)))
            updates = (stage["steps"] - begin.step) * built[-1].scheme.updates
            begin = Begin(stage["steps"], begin.updates + updates)
            for old, new in itertools.pairwise(built[-2:]):
                stages.check_growth(old, new)
            stages.check_fade(built, config["steps"])
    last = next(stage for stage in built if stage.config.steps == config["steps"])
    return last._replace(config=ml_collections.FrozenConfigDict(config), stages=tuple(built))


def reschemed(experiment: Experiment, numbers: Mapping[str, Any]) -> Scheme:
    """The experiment's scheme with other numbers in its config.

    Args:
      experiment: from `build`; its data and its networks' sections stay.
      numbers: {path: number}, e.g. `{"gen_tx.learning_rate": 1e-3}`. A number may be a
        `swept.Swept`, so that one program serves many.

    Raises:
      ConfigError, TypeError: a function of the config needs a plain number there.
    """
    config = plain(experiment.config)
    for path, number in numbers.items():
        *parents, key = path.split(".")
        inside = config
        for parent in parents:
            inside = inside[parent]
        inside[key] = number
    game = _game(config, sections.parts_of(config), experiment.data)
    return sections.scheme_of(config, game, begin=experiment.begin)


def _build(
    config: Mapping[str, Any],
    axis_name: str | None = None,
    begin: Begin = START,
    form: Mapping[str, Any] | None = None,
) -> Experiment:
    """The experiment of a resolved config without stages."""
    parts = sections.parts_of(config)
    # For its mistakes, before data are read.
    sections.transforms_of(config["gen_tx"], config["disc_tx"])
    if form is None:
        data = sections.data_of(config.get("data"))
    else:
        data = sources.of_form(form)
        for key in ("data", "evaluation", "monitor"):  # named, and not called
            trust.check(key, config.get(key, {"name": "none"})["name"])
    game = _game(config, parts, data)
    scheme = sections.scheme_of(config, game, begin=begin)
    one_batch = batches.batcher(data, config["batch_size"])
    asked = averages.asked(game, one_batch, data.train if data else {})
    sampled, report, evaluate = sampling.sampler(game, data, asked), None, None
    monitor, stop_reason = None, ""
    if form is None:
        if not sections.is_none("evaluation", section := config.get("evaluation")):
            report = sampling.report_of(section, data)
            evaluate = sampling.evaluation(
                section["name"], report, data=data, game=game, asked=asked, parts=sampled
            )
        sections.check_best(config)
        monitor, stop_reason = sections.monitor_of(config, game, begin, scheme.updates)
    experiment = Experiment(
        config=ml_collections.FrozenConfigDict(config),
        data=data,
        game=game,
        scheme=scheme,
        batch=batches.batcher(data, config["batch_size"], scheme.batches),
        one_batch=one_batch,
        asked=asked,
        sample=sampled and partial(sampling.joined, sampled),
        evaluate=evaluate,
        report=report,
        monitor=monitor,
        stop_reason=stop_reason,
        begin=begin,
    )
    fit.check_step(experiment)
    if axis_name is None:
        return experiment
    scheme = sections.scheme_of(config, game, axis_name, begin)
    return experiment._replace(scheme=scheme, axis_name=axis_name)


def _game(config: Mapping[str, Any], parts: Mapping[str, Any], data: sources.Data | None) -> Game:
    """The game, made of its parts and networks, checked to fit the data and the settings."""
    section, count = config["game"], data.num_classes if data else 0
    networks = sections.networks_of(config, data)
    made = partial(sections.call, "game", games.GAMES, num_classes=count, **parts, **networks)
    fit.check_packing(section, made)
    fit.check_sections(section, {**parts, **networks}, config.get("networks", {}))
    game = sections.of_kind("game", section["name"], made(section), Game)
    sections.check_call("game", section["name"], game.init, "rng", "batch")
    sections.check_call(
        "game", section["name"], game.losses, "params", "model_state", "batch", "rng"
    )
    fit.check_game(config, data, game)
    if config["compute"] == "bfloat16":
        game = games.in_bfloat16(game)
    return games.accumulated(game, config["accumulate"]) if config["accumulate"] > 1 else game
