"""A user's mistakes and the world's failures: each error knows the exit code of the process.

The commands print the message and exit with the code, without a traceback.
"""

import difflib
from collections.abc import Iterable


class GanjaxError(Exception):
    """A failure with a message that says the remedy. Exit code 1 is kept for bugs."""

    exit_code = 1


class ConfigError(GanjaxError):
    """The configuration or a flag is wrong."""

    exit_code = 2


class NotFiniteError(GanjaxError):
    """A loss, a gradient or a parameter is no longer finite."""

    exit_code = 3


class RunFolderError(GanjaxError):
    """The run folder is locked, or holds another configuration."""

    exit_code = 4


class CheckpointError(GanjaxError):
    """No usable checkpoint."""

    exit_code = 5


class DataError(GanjaxError):
    """The data are missing or differ from their declaration."""

    exit_code = 6


class DeviceMemoryError(GanjaxError):
    """The device ran out of memory."""

    exit_code = 7


class MachineError(GanjaxError):
    """The environment fails us: a full disk, no permission, a missing optional package."""

    exit_code = 8


class Interrupted(GanjaxError):  # noqa: N818 - an order that was obeyed, not an error
    """Stopped on request after saving; the same command resumes."""

    exit_code = 75


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """The error text of an unknown name: the name, the nearest and the known ones."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"unknown {kind} {name!r}.{hint} Known: {', '.join(known) or 'none'}."
