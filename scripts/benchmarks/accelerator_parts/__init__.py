"""The parts of `accelerator.py`, the most valuable first; a module yields the rows of a part."""

from typing import Any, NamedTuple


class Part(NamedTuple):
    """A part of the measurement.

    Attributes:
      module: here; its `rows(settings, **given)` yields `Row`s.
      seconds: the time it may take, compilation included.
      least: the time without which it is not begun.
      given: arguments of `rows`.
    """

    module: str
    seconds: float
    least: float
    given: dict[str, Any]


class Settings(NamedTuple):
    """Of one run: tiny sizes or not, the config and the data of the last part, its seconds."""

    tiny: bool
    config: str
    data: str | None
    seconds: float


class Row(NamedTuple):
    """A line of the table; `reached` is None where there is no goal."""

    what: str
    value: float | None = None
    unit: str = ""
    goal: str = ""
    reached: bool | None = None
    note: str = ""


PARTS = {
    "equality": Part("equality", 75, 20, {}),
    "dcgan_64": Part("beside", 110, 30, {"name": "dcgan_64"}),
    "r1_r2_64": Part("beside", 100, 30, {"name": "r1_r2_64"}),
    "sngan_32": Part("beside", 80, 30, {"name": "sngan_32"}),
    "cycle_128": Part("beside", 90, 30, {"name": "cycle_128"}),
    "seeds": Part("seeds", 60, 15, {}),
    "feed": Part("feeding", 25, 8, {}),
    "scored": Part("scored", 480, 30, {}),
}


def scoreless(config: dict[str, Any]) -> str:
    """Why a config has no score; "" if it has one."""
    if (config.get("evaluation") or {}).get("name", "none") == "none":
        return "the config has no score; give it a section `evaluation`, or name another config"
    return ""
