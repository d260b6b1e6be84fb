"""The functions that a name `module:function` may find: fewer for a name out of a run folder.

A run folder may come from anybody. Strings of its config are `Foreign`, and stay so all through the
config; a string of the user's own config or flag is a plain one.
"""

import importlib
import os
import sys
import types
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ganjax.errors import ConfigError, RunFolderError

WRITTEN = (types.BuiltinFunctionType, types.FunctionType, types.MethodType, types.ModuleType, type)


class Foreign(str):
    """A string out of a run folder, and the modules whose functions it may name."""

    trust: tuple[str, ...] = ()


def foreign(tree: Any, trust: str | Iterable[str] = ()) -> Any:
    """A nested dict whose strings are `Foreign`.

    Args:
      tree: of JSON.
      trust: modules, submodules included; one string may hold several, with commas between.
    """
    given = [trust] if isinstance(trust, str) else trust
    modules = tuple(name.strip() for text in given for name in text.split(",") if name.strip())

    def marked(value):
        if isinstance(value, Mapping):
            return {key: marked(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [marked(item) for item in value]
        if isinstance(value, str):
            value = Foreign(value)
            value.trust = modules
        return value

    return marked(tree)


def found(where: str, name: str, shelf: Mapping[str, Any]) -> Any:
    """The object that `module:function` names, which is looked at and not called.

    A `Foreign` name finds rows of the shelf, and objects that a trusted module defines. No name
    finds a function of the standard library: none makes a part of an experiment.

    Raises:
      ConfigError: the name finds nothing, or nothing that it may; the module fails.
    """
    module, _, attribute = name.partition(":")
    if isinstance(name, Foreign) and _package(module) == "ganjax":
        known = getattr(sys.modules.get(module), attribute, None)  # the shelves have been imported
        if not any(known is row for row in shelf.values()):
            raise ConfigError(f"{where} {name!r}, out of a run folder, is no row of ganjax")
        return known
    check(where, name)
    try:
        thing = getattr(importlib.import_module(module), attribute)
    except (Exception, SystemExit) as error:  # the import of a user's module may raise anything
        raise ConfigError(
            f"{where} {name!r} cannot be imported ({type(error).__name__}: {error}); name it "
            "'module:function', with the module on PYTHONPATH"
        ) from error
    if (origin := _origin(thing)) is not None:
        _check_standard(where, name, origin)
        if isinstance(name, Foreign) and not any(thing is row for row in shelf.values()):
            _check_trusted(where, name, origin)
    return thing


def check(where: str, name: str) -> None:
    """Refuses a name of a module that is not trusted, or of the standard library.

    Raises:
      ConfigError: it is one of these.
    """
    module, colon, _ = name.partition(":")
    if colon and isinstance(name, Foreign):
        _check_trusted(where, name, module)
    if colon:
        _check_standard(where, name, module)


def check_links(workdir: Path) -> None:
    """Refuses a run folder in which a folder is a link: files would be written elsewhere.

    Links to files are harmless: files are written anew, in their place.

    Raises:
      RunFolderError: there is one.
    """
    for folder, names, _ in os.walk(workdir):
        for path in (Path(folder, name) for name in names):
            if path.is_symlink():
                raise RunFolderError(
                    f"{path} is a link to a folder, through which files would be written out of "
                    f"{workdir}; replace it by the folder, or make {workdir} itself the link"
                )


def _package(module: str) -> str:
    return module.partition(".")[0]


def _origin(thing: Any) -> str | None:
    """The module that a function, a class or a module was written in; None of other objects."""
    if not isinstance(thing, WRITTEN):
        return None
    if isinstance(thing, types.ModuleType):
        return thing.__name__
    return thing.__module__ or type(getattr(thing, "__self__", None)).__module__


def _check_trusted(where: str, name: Foreign, module: str) -> None:
    if not any(module == each or module.startswith(f"{each}.") for each in name.trust):
        asked = _package(module)
        raise ConfigError(
            f"{where} {name!r} comes out of a run folder and would run code of the module "
            f"{module!r}; if you know that code, give --trust {asked} (in Python, "
            f"trust=({asked!r},))"
        )


def _check_standard(where: str, name: str, module: str) -> None:
    if _package(module) in sys.stdlib_module_names:
        raise ConfigError(
            f"{where} {name!r} is of Python's standard library ({module}), which makes no part of "
            "an experiment; name a function of your own"
        )
