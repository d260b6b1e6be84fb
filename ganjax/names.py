"""From a section and a shelf to a function: how a name in a config finds it, and its arguments.

`ganjax.experiment` says which shelves there are, and which arguments are sections themselves.
"""

import contextlib
import inspect
import numbers
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from ganjax import trust
from ganjax.config import located
from ganjax.errors import ConfigError, unknown

Section = Mapping[str, Any]
# Arguments that are names or sections, each with the function (where, section) -> value.
Nested = Mapping[str, Callable[[str, Section], Any]]
NUMBERS = ("learning_rate", "probability", "reach")  # those of `Nested` that may be plain numbers
# Errors of a user's function that makes a part, besides ValueError and TypeError.
MISTAKES = (NameError, AttributeError, LookupError, AssertionError, ArithmeticError, ImportError)


def lookup(where: str, name: str, shelf: Mapping[str, Any]) -> Any:
    """A row of a shelf, or the object that `module:function` names.

    Raises:
      ConfigError: an unknown name, with the nearest and the known ones; others as `trust.found`.
    """
    if ":" not in name:
        if name not in shelf:
            raise ConfigError(unknown(where, name, shelf) + " Your own: 'module:function'.")
        return shelf[name]
    return trust.found(where, name, shelf)


def own_files(config: Any) -> set[str]:
    """Files of the modules that the names `module:function` of a config have imported."""
    if isinstance(config, Mapping):
        config = [*config.values()]
    if isinstance(config, list | tuple):
        return set().union(*map(own_files, config))
    module = sys.modules.get(config.partition(":")[0]) if isinstance(config, str) else None
    return {file} if (file := getattr(module, "__file__", None)) and ":" in config else set()


def own_line(config: Any, error: Exception) -> str:
    """ "FILE, line N: TYPE: " of the last line of the user's own functions; "" if there is none."""
    own, frames = own_files(config), traceback.extract_tb(error.__traceback__)
    frame = next((frame for frame in reversed(frames) if frame.filename in own), None)
    return f"{frame.filename}, line {frame.lineno}: {type(error).__name__}: " if frame else ""


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
    arguments = _arguments(where, section, nested, parameters)
    with _factory(section["name"]):
        check_arguments(where, function, arguments, given=tuple(given))
    try:
        with located(where, ValueError, TypeError):
            return function(**arguments, **given)
    except MISTAKES as error:
        if not (line := own_line(section, error)):
            raise
        raise ConfigError(f"in {where}: {line}{error}") from error


def bind(
    where: str, shelf: Mapping[str, Any], section: Section, nested: Nested, *given: str
) -> Callable:
    """The function of a section with its arguments bound; the caller passes those of `given`.

    Raises:
      ConfigError: as `call`.
    """
    function = _function(where, section["name"], shelf)
    arguments = _arguments(where, section, nested, inspect.signature(function).parameters)
    with _factory(section["name"]):
        check_arguments(where, function, arguments, given=given)
    return partial(function, **arguments)


def _function(where: str, name: str, shelf: Mapping[str, Any]) -> Callable:
    function = lookup(where, name, shelf)
    if not callable(function):
        raise ConfigError(f"{where} {name!r} is not a function")
    return function


@contextlib.contextmanager
def _factory(name: str) -> Iterator[None]:
    """Says of a user's function that lacks arguments how it is called."""
    try:
        yield
    except ConfigError as error:
        if ":" not in name or " lacks " not in str(error):
            raise
        raise ConfigError(
            f"{error}; {name!r} is called with the section's arguments and returns the part"
        ) from error


def _arguments(
    where: str, section: Section, nested: Nested, parameters: Mapping[str, Any]
) -> dict[str, Any]:
    """A section's keyword arguments; names and sections among them are resolved."""
    arguments = {}
    for key, value in section.items():
        if key == "name":
            continue
        inside = f"{where}.{key}"
        if key in nested and isinstance(value, Mapping | str):
            value = nested[key](inside, {"name": value} if isinstance(value, str) else value)
        elif isinstance(value, Mapping):
            if key not in parameters:
                raise ConfigError(f"in {where}: " + unknown("argument", key, parameters))
            takes = [repr(other) for other in nested if other in parameters]
            raise ConfigError(
                f"{inside} is a section, and {section['name']!r} takes a plain value there"
                + (f"; {' and '.join(takes)} may be sections" if takes else "")
            )
        elif key in nested and key not in NUMBERS and value is not None:
            raise ConfigError(f"{inside}={value!r} must be a name or a section")
        arguments[key] = value
    return arguments


def check_arguments(
    where: str, function: Callable, arguments: Mapping[str, Any], given: tuple[str, ...] = ()
) -> None:
    """Checks keyword arguments against a function's signature: names, simple types, missing ones.

    Args:
      where: the section, for the message.
      function: the function to be called.
      arguments: keyword arguments from a config.
      given: parameters that the caller fills.

    Raises:
      ConfigError: an unknown, missing or ill-typed argument.
    """
    parameters = {
        name: parameter
        for name, parameter in inspect.signature(function).parameters.items()
        # Flax modules have fields `parent` and `name`.
        if name not in (*given, "parent", "name", "axis_name")
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    }
    for name, value in arguments.items():
        if name not in parameters:
            raise ConfigError(f"in {where}: " + unknown("argument", name, parameters))
        _check_type(f"{where}.{name}", value, parameters[name])
    missing = [
        repr(name)
        for name, parameter in parameters.items()
        if parameter.default is parameter.empty and name not in arguments
    ]
    if missing:
        raise ConfigError(f"section {where} lacks {', '.join(missing)}")


# The types that a parameter of a simple type accepts.
ACCEPTED = {
    int: (int,),
    float: (numbers.Real,),  # which a `swept.Swept` is, too
    str: (str,),
    bool: (bool,),
    tuple: (tuple, list),
}


def _check_type(where: str, value: Any, parameter: inspect.Parameter) -> None:
    """Refuses a value of the wrong simple type: that of the annotation, else of the default."""
    expected = getattr(parameter.annotation, "__origin__", parameter.annotation)
    schedule = callable(value)  # that of a rate, whose default may be a number
    if expected not in ACCEPTED and not schedule and type(parameter.default) in (float, bool):
        expected = type(parameter.default)
    if expected not in ACCEPTED:
        return
    bool_for_number = isinstance(value, bool) and expected is not bool
    if not isinstance(value, ACCEPTED[expected]) or bool_for_number:
        raise ConfigError(
            f"{where}={value!r} is of type {type(value).__name__}; expected {expected.__name__}"
            + (", e.g. (1, 2)" if expected is tuple else "")
        )
