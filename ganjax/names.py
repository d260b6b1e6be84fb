"""A section and a shelf make a call: how a name in a config finds its function.

Which shelves there are, and which arguments are sections themselves, is for `experiment.py` to say.
"""

import importlib
import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ganjax.config import check_arguments
from ganjax.errors import ConfigError, unknown

Section = Mapping[str, Any]
# Arguments that are names or sections, each with the function (where, section) -> value.
Nested = Mapping[str, Callable[[str, Section], Any]]


def lookup(where: str, name: str, shelf: Mapping[str, Any]) -> Any:
    """A row of a shelf, or the object that `module:function` names.

    Raises:
      ConfigError: the name is not known, with the nearest and the known ones, or its module fails.
    """
    if ":" not in name:
        if name not in shelf:
            raise ConfigError(unknown(where, name, shelf) + " Your own: 'module:function'.")
        return shelf[name]
    module, _, attribute = name.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except Exception as error:  # whatever a module of the user's raises while it is imported
        raise ConfigError(
            f"{where} {name!r} cannot be imported ({type(error).__name__}: {error}); name it "
            "'module:function', with the module on PYTHONPATH"
        ) from error


def call(
    where: str, shelf: Mapping[str, Any], section: Section, nested: Nested, **given: Any
) -> Any:
    """Calls the function of a section with its arguments, and those of `given` that it takes.

    Raises:
      ConfigError: an unknown name; an unknown, missing, ill-typed or refused argument.
    """
    function = _function(where, section["name"], shelf)
    parameters = inspect.signature(function).parameters
    given = {name: value for name, value in given.items() if name in parameters}
    arguments = _arguments(where, section, nested)
    check_arguments(where, function, arguments, given=tuple(given))
    try:
        return function(**arguments, **given)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"in {where}: {error}") from error


def bind(
    where: str, shelf: Mapping[str, Any], section: Section, nested: Nested, *given: str
) -> Callable:
    """The function of a section, its arguments bound, to be called later with those of `given`.

    Raises:
      ConfigError: as `call`.
    """
    function = _function(where, section["name"], shelf)
    arguments = _arguments(where, section, nested)
    check_arguments(where, function, arguments, given=given)
    return partial(function, **arguments)


def _function(where: str, name: str, shelf: Mapping[str, Any]) -> Callable:
    function = lookup(where, name, shelf)
    if not callable(function):
        raise ConfigError(f"{where} {name!r} is not a function")
    return function


def _arguments(where: str, section: Section, nested: Nested) -> dict[str, Any]:
    """A section's keyword arguments, those that are names or sections themselves resolved."""
    arguments = {}
    for key, value in section.items():
        if key == "name":
            continue
        inside = f"{where}.{key}"
        if key in nested and isinstance(value, Mapping | str):
            value = nested[key](inside, {"name": value} if isinstance(value, str) else value)
        elif isinstance(value, Mapping):
            may = f"only {', '.join(nested)} may be one" if nested else "none is expected here"
            raise ConfigError(f"{inside} is a section, but {may}")
        elif key in nested and key != "learning_rate" and value is not None:
            raise ConfigError(f"{inside}={value!r} must be a name or a section")
        arguments[key] = value
    return arguments
