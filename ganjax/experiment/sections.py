"""From a section of the config to the part it names: the only place where a name is looked up.

A section is a name and keyword arguments. The name is a row of one of the shelves imported here, or
`module:function` for your own function, which needs no registration.
"""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax.numpy as jnp
from flax import linen as nn

from ganjax import (
    augmentations,
    dynamics,
    games,
    latents,
    losses,
    metrics,
    names,
    nets,
    optimisers,
    penalties,
    run_folder,
    schemes,
    spread,
)
from ganjax import data as sources
from ganjax.errors import ConfigError, unknown
from ganjax.experiment.experiment import START, Begin
from ganjax.types import Game, Players, Scheme

Section = Mapping[str, Any]


def call(where: str, shelf: Mapping[str, Any], section: Section, **given: Any) -> Any:
    """`names.call` with the nested sections of parts of a game."""
    return names.call(where, shelf, section, NESTED, **given)


def of_kind(where: str, name: str, made: Any, kind: type) -> Any:
    """The return value of a factory, which is of the kind that its section expects."""
    if not isinstance(made, kind):
        raise ConfigError(
            f"{where} {name!r} returned a {type(made).__name__}; expected a "
            f"{kind.__module__}.{kind.__qualname__}"
        )
    return made


def check_call(where: str, name: str, function: Any, *given: str) -> None:
    """Refuses a user's function that cannot be called with the arguments that it will get."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # no function, or one without a signature
        return
    try:
        signature.bind(*given)
    except TypeError as error:
        called = getattr(function, "__name__", type(function).__name__)
        raise ConfigError(
            f"{where} {name!r}: {called}{signature} is called with ({', '.join(given)}); give it "
            "these parameters"
        ) from error


def is_none(where: str, section: Section | None) -> bool:
    """Whether a section is absent or named 'none', which takes no arguments."""
    section = section or {"name": "none"}
    if section["name"] == "none" and len(section) > 1:
        raise ConfigError(f"{where} 'none' takes no arguments, got {dict(section)!r}")
    return section["name"] == "none"


def data_of(section: Section | None) -> sources.Data | None:
    """The data source, checked against its declaration; None for none."""
    if is_none("data", section):
        return None
    if ":" in section["name"]:  # an error of a user's function is one about data
        data = sources.made(section["name"], names.bind("data", sources.DATA, section, OF))
    else:
        data = names.call("data", sources.DATA, section, OF)
    return sources.checked(section["name"], data)


def parts_of(config: Section) -> dict[str, Any]:
    """The parts of a game apart from networks, quick to build."""
    parts = {}
    if "loss" in config:
        parts["loss"] = _loss("loss", config["loss"])
    if "prior" in config:
        prior = config["prior"]
        parts["prior"] = names.bind("prior", latents.PRIORS, prior, NESTED, "rng", "shape")
    if "penalties" in config:
        parts["penalties"] = tuple(
            _penalty(f"penalties.{label}", penalty)
            for label, penalty in config["penalties"].items()
        )
    return parts


def networks_of(config: Section, data: sources.Data | None) -> dict[str, Any]:
    """Every network, under its parameter of the game, for the data's shape and classes."""
    given = {"shape": data and data.shape, "num_classes": data.num_classes if data else 0}
    networks = {}
    for name, shelf in NETWORKS.items():
        if name in config:
            networks[name] = _network(name, shelf, config[name], given)
    for name, section in config.get("networks", {}).items():
        # Those that the section sets are its own: an encoder's outputs are no samples.
        rest = {key: value for key, value in given.items() if key not in section}
        networks[name] = _network(f"networks.{name}", ALL_NETWORKS, section, rest)
    return networks


def _network(
    where: str, shelf: Mapping[str, Any], section: Section, given: Mapping[str, Any]
) -> nn.Module:
    return of_kind(where, section["name"], call(where, shelf, section, **given), nn.Module)


def transforms_of(
    gen_tx: Section, disc_tx: Section, steps_of: Callable = lambda updates: updates
) -> Players:
    """Both players' optimisers; `steps_of` as in `optimisers.transform`."""
    made = partial(optimisers.transform, steps_of=steps_of)
    return Players(gen=made("gen_tx", gen_tx), disc=made("disc_tx", disc_tx))


def scheme_of(
    config: Section, game: Game, axis_name: str | None = None, begin: Begin = START
) -> Scheme:
    """The scheme, inside the average that the config names."""
    if axis_name is not None:
        _check_axis("scheme", config["scheme"]["name"], "under --form=pmap", "use --form=jit")
        game = game._replace(losses=spread.on_rows(game.losses, axis_name))

    def steps_of(updates):  # called while tracing, when the scheme exists
        return begin.run_step(updates, scheme.updates)

    tx = transforms_of(config["gen_tx"], config["disc_tx"], steps_of)
    given = {"game": game, "tx": tx, "axis_name": axis_name}
    scheme = names.call("scheme", schemes.SCHEMES, config["scheme"], _nested(steps_of), **given)
    of_kind("scheme", config["scheme"]["name"], scheme, Scheme)
    check_call("scheme", config["scheme"]["name"], scheme.init, "rng", "batch")
    check_call("scheme", config["scheme"]["name"], scheme.step, "state", "batch", "rng")
    average = config.get("average")
    if is_none("average", average):
        return scheme
    kinds = ("ema", "uniform")
    if average["name"] not in kinds:
        raise ConfigError(unknown("average", average["name"], (*kinds, "none")))
    shelf, given["kind"] = dict.fromkeys(kinds, schemes.averaged), average["name"]
    if "half_life" in average:
        average = _with_decay(average, config["batch_size"])
    return call("average", shelf, average, **given, inner=lambda game, tx, axis_name: scheme)


def _with_decay(average: Section, batch_size: int) -> dict[str, Any]:
    """The section with a decay in place of a half-life in samples, a number or a schedule."""
    average = dict(average)
    half_life = average.pop("half_life")
    if "decay" in average or average["name"] != "ema":
        raise ConfigError("average.half_life needs the name 'ema', and no decay beside it")
    if isinstance(half_life, Mapping):
        at = _of_updates("average.half_life", half_life)
        average["decay"] = lambda step: 0.5 ** (batch_size / jnp.maximum(at(step), 1e-6))
    else:
        if isinstance(half_life, str) or not half_life > 0:
            raise ConfigError(f"average.half_life={half_life!r} must be samples, above 0")
        average["decay"] = 0.5 ** (batch_size / half_life)
    return average


def _check_axis(where: str, name: str, place: str, other: str) -> None:
    """Refuses a scheme without `axis_name`, which would train on every device by itself."""
    factory = names.lookup(where, name, schemes.SCHEMES)
    if "axis_name" not in inspect.signature(factory).parameters:
        raise ConfigError(
            f"{where} {name!r} has no parameter axis_name, so {place} its gradients would "
            "not be averaged over the devices; give it axis_name=None and pass it on to "
            f"schemes.field (both_gradients, own_gradient, device_mean), or {other}"
        )


def _nested(steps_of: Callable) -> names.Nested:
    """Nested sections of a scheme or a monitor: an inner scheme, an optimiser of its own."""

    def inner(where, section):
        _check_axis(where, section["name"], "inside another scheme", "use it alone")
        return names.bind(where, schemes.SCHEMES, section, nested, "game", "tx")

    inner_tx = partial(optimisers.transform, steps_of=steps_of)

    def reach(where, section):
        if section["name"] in optimisers.SCHEDULES:
            section = {"name": "sgd", "learning_rate": section}
        return inner_tx(where, section)

    nested = {**NESTED, "inner": inner, "inner_tx": inner_tx, "reach": reach}
    return nested


def check_best(config: Section) -> None:
    """Refuses a `best` that is no score with a better side, or that is never evaluated."""
    if is_none("best", section := config.get("best")):
        return
    known = [name for name, score in metrics.SCORES.items() if score.better]
    if section["name"] not in known:
        raise ConfigError(unknown("best", section["name"], (*known, "none")))
    if not config["evaluate_every"] or is_none("evaluation", config.get("evaluation")):
        raise ConfigError(
            f"best.name={section['name']!r} needs scores while training; set evaluate_every and "
            "evaluation.name"
        )


def monitor_of(
    config: Section, game: Game, begin: Begin, updates: int
) -> tuple[Callable | None, str]:
    """`Experiment.monitor` and `Experiment.stop_reason`; None and "" for none."""
    section = config.get("monitor")
    if is_none("monitor", section):
        return None, ""
    if section.get("metric") in run_folder.RENAMED:  # a config of an older version
        section = {**section, "metric": run_folder.RENAMED[section["metric"]]}
    steps_of = partial(begin.run_step, each=updates)
    tx = transforms_of(config["gen_tx"], config["disc_tx"], steps_of)
    monitor = names.call("monitor", MONITORS, section, _nested(steps_of), game=game, tx=tx)
    reason = STOP_REASONS.get(section["name"], "monitor {name!r} says so")
    return monitor, reason.format(**{"threshold": 0.0, **section})


def _penalty(where: str, section: Section) -> Callable | penalties.WithMemory:
    penalty = call(where, penalties.PENALTIES, section)
    if not callable(penalty) and not isinstance(penalty, penalties.WithMemory):
        raise ConfigError(
            f"{where} {section['name']!r} returned a {type(penalty).__name__}; expected a function "
            "(critic, x_real, x_fake, rng) -> scalar or a penalties.WithMemory(init, apply)"
        )
    given = ("critic", "x_real", "x_fake", "rng")
    if isinstance(penalty, penalties.WithMemory):
        check_call(where, section["name"], penalty.init, "x_real")
        check_call(where, section["name"], penalty.apply, "memory", *given)
    elif not isinstance(penalty, penalties.Counted):
        check_call(where, section["name"], penalty, *given)
    return penalty


def _of_updates(where: str, section: Section) -> Callable:
    """A schedule of a player's updates, which can count nothing else."""
    if "counts" in section:
        raise ConfigError(f"{where} counts updates always; leave `counts` out")
    return optimisers.schedule(where, section).at


def _called(shelf: Mapping[str, Any]) -> Callable:
    return lambda where, section: call(where, shelf, section)


def _bound(shelf: Mapping[str, Any], *given: str) -> Callable:
    return lambda where, section: names.bind(where, shelf, section, {}, *given)


def _loss(where: str, section: Section) -> losses.AdversarialLoss:
    name = section["name"]
    loss = names.lookup(where, name, losses.LOSSES)
    if not isinstance(loss, losses.AdversarialLoss):  # a user's factory
        return call(where, losses.LOSSES, section)
    if len(section) == 1:
        return loss
    if not isinstance(loss, losses.LossWithOptions):
        raise ConfigError(f"{where} {name!r} takes no arguments, got {dict(section)!r}")
    return call(where, {name: loss.variant}, section)


# Sections that name a network, and the shelves they name it from.
NETWORKS = {
    "generator": {**nets.GENERATORS, **nets.TRANSLATORS},
    "discriminator": {**nets.DISCRIMINATORS, **nets.AUTOENCODERS, **nets.PATCH_DISCRIMINATORS},
    "autoencoder": nets.AUTOENCODERS,
}
# The shelf of `networks`: a discriminator that shares its name with a generator is `NAME_disc`.
ALL_NETWORKS = NETWORKS["generator"] | {
    f"{name}_disc" if name in NETWORKS["generator"] else name: network
    for name, network in NETWORKS["discriminator"].items()
}

MONITORS = {
    "measure": dynamics.measure_monitor,
    "nash": dynamics.nash_monitor,
}
# Why they stop training, in terms of their own options.
STOP_REASONS = {
    "measure": "the mean of {metric} over the last steps is at most {threshold}",
    "nash": "neither player gains more than {threshold} by a move of its own",
}


def _other(where: str, section: Section) -> sources.Data:
    """Data that others are made of."""
    if (data := data_of(section)) is None:
        raise ConfigError(f"{where} is none; name the data that these are made of, e.g. 'digits'")
    return data


OF = {"of": _other}

# Arguments that may be names or sections themselves, and the functions that make their values.
NESTED = {
    "activation": _bound(nets.ACTIVATIONS, "x"),
    "augment": _called(augmentations.AUGMENTATIONS),
    "corrupt": _called(augmentations.AUGMENTATIONS),
    "critic": lambda where, section: _network(where, nets.DISCRIMINATORS, section, {}),
    "head": _bound(nets.HEADS, "x", "y", "dense"),
    "kernel_init": _called(nets.INITIALISERS),
    "labels": _bound(nets.LABELS, "x", "y"),
    "likelihood": _called(games.LIKELIHOODS),
    "loss": _loss,
    "minibatch": _bound(nets.MINIBATCH, "x"),
    "norm": _bound(nets.NORMS),
    "output_activation": _bound(nets.ACTIVATIONS, "x"),
    "penalty": _called(penalties.PENALTIES),
    "probability": _of_updates,
    "schedule": _of_updates,
    "weights": _bound(nets.WEIGHTS, "layer", "train"),
}
