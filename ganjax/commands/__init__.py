"""The commands of the command line: one module each, with its flags and its `main`.

Importing them loads no JAX, so that `--help` and a wrong flag are answered at once.
"""

import sys
from collections.abc import Sequence

from ganjax import cli, console
from ganjax.commands import (
    compare,
    dynamics,
    evaluate,
    export,
    human_eval,
    inspection,
    listing,
    new,
    prepare,
    replay,
    report,
    restore,
    sample,
    train,
    translate,
    walk,
)
from ganjax.errors import ConfigError, unknown

COMMANDS = {
    "train": train,
    "sample": sample,
    "evaluate": evaluate,
    "human_eval": human_eval,
    "compare": compare,
    "report": report,
    "translate": translate,
    "restore": restore,
    "walk": walk,
    "dynamics": dynamics,
    "replay": replay,
    "inspect": inspection,
    "prepare": prepare,
    "list": listing,
    "export": export,
    "new": new,
}


def main(name: str | None = None, argv: Sequence[str] | None = None) -> None:
    """Runs one command, by default the one that the command line names.

    Args:
      name: a key of `COMMANDS`.
      argv: the command's line, the program's name first; by default the rest of this process's.
    """
    if name is None:
        program, name, *rest = [*sys.argv, "--help"][: max(2, len(sys.argv))]
        argv = [f"{program} {name}", *rest]
    if name in ("--help", "-help", "-h", "help"):
        with console.piped():
            print(overview())
    elif name in COMMANDS:
        cli.run(COMMANDS[name].main, COMMANDS[name].FLAGS.values, argv)
    else:
        cli.leave(ConfigError(unknown("command", name, COMMANDS)))


def overview() -> str:
    """The commands with one line each."""
    lines = (f"  {name:12}{module.__doc__.splitlines()[0]}" for name, module in COMMANDS.items())
    return "\n".join(["ganjax COMMAND [FLAGS]; ganjax COMMAND --help lists the flags", "", *lines])
