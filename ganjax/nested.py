"""Nested dicts: plain copies, overrides, lists by place, differences."""

from collections.abc import Mapping
from typing import Any

from ganjax.errors import ConfigError, unknown

ABSENT = "(absent)"  # in a difference, the value of an absent key


def plain(config: Any) -> Any:
    """Nested dicts and tuples out of a `ConfigDict`, frozen or not, or out of JSON."""
    if hasattr(config, "to_dict"):
        config = config.to_dict()
    if isinstance(config, Mapping):
        return {key: plain(value) for key, value in config.items()}
    return tuple(map(plain, config)) if isinstance(config, list | tuple) else config


def merged(old: Any, new: Any) -> Any:
    """`new` in the place of `old`; a dict without a name is merged into that of `old`.

    So the overrides of a stage, or of a cell of a comparison, change what they name. A key of such
    a dict that is None, or an empty dict, is removed: `average=None` a section,
    `penalties={"r1": None}` one penalty, `penalties={}` all of them, `gen_tx={"b1": None}` an
    argument, which then has its default. A list of sections replaces a list; one by place,
    {"1": {...}}, is merged into it.

    Args:
      old: nested dict, or any value to be replaced.
      new: nested dict; a dict with a name is taken as it is, None included.

    Returns:
      New nested dict, or `new`.

    Raises:
      ConfigError: a section has no such part to be removed.
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
                f"{where}{key}={new[key]!r} removes a part that is not there: "
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

    So the path `disc_tx.transforms.1.learning_rate` leads into a list.
    """
    if isinstance(value, list | tuple) and any(isinstance(item, Mapping) for item in value):
        value = {str(place): item for place, item in enumerate(value)}
    if isinstance(value, Mapping):
        return {str(key): by_place(item) for key, item in value.items()}
    return value


def is_list(value: Any) -> bool:
    """Whether a value is a list of sections by place."""
    return isinstance(value, Mapping) and bool(value) and all(str(key).isdigit() for key in value)


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
