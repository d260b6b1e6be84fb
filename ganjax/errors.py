"""A user's mistakes and the world's failures: each error knows the exit code of the process.

The scripts print the message and leave with the code; no traceback for what a user can mend.
"""

import difflib
from collections.abc import Iterable


class GanjaxError(Exception):
    """A failure with a message that says what to do. Exit code 1 is kept for bugs."""

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
    """The data are missing or not what was declared."""

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


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """One sentence for a name that is not known: what came, the nearest name, the known ones."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"unknown {what} {name!r}.{hint} Known: {', '.join(known) or 'none'}."
