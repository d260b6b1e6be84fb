"""Parts shared by all commands: flags, logs, errors as one message and an exit code.

It imports neither JAX nor anything that does, so that a wrong flag is refused at once.
"""

import ast
import contextlib
import inspect
import io
import logging
import os
import signal
import sys
import textwrap
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import ml_collections
from absl import flags
from ml_collections import config_flags

from ganjax import cluster, console, failures, run_folder
from ganjax.config import SECTIONS, validate
from ganjax.config_files import find_config as find_config
from ganjax.config_files import read_config as read_config
from ganjax.errors import (
    ConfigError,
    GanjaxError,
    Interrupted,
)
from ganjax.files import cache_folder

log = logging.getLogger(__name__)

flags.disclaim_key_flags()  # flags that are defined here belong to the calling module

IMAGES = (".png", ".jpg", ".jpeg", ".webp", ".pdf")  # formats of pictures made of pixels
FIGURES = (*IMAGES, ".svg")  # and of those that matplotlib draws
WIDTH = 100  # columns of a help text
HELP = {"-h", "-help", "--help", "-helpfull", "--helpfull", "-helpshort", "--helpshort"}  # absl's


class Flags:
    """The flags of one command, separate from those of other commands in the same process.

    Its methods are absl's `flags.DEFINE_*` and the functions `define_*` below, on `values`.
    """

    def __init__(self) -> None:
        self.values = flags.FlagValues()
        define = {"flag_values": self.values}
        self.string = partial(flags.DEFINE_string, **define)
        self.strings = partial(flags.DEFINE_multi_string, **define)
        self.list = partial(flags.DEFINE_list, **define)
        self.integer = partial(flags.DEFINE_integer, **define)
        self.float = partial(flags.DEFINE_float, **define)
        self.bool = partial(flags.DEFINE_bool, **define)
        self.enum = partial(flags.DEFINE_enum, **define)
        self.config = partial(define_config, **define)
        self.output = partial(define_output, **define)
        self.processes = partial(define_processes, **define)
        self.trust = partial(define_trust, **define)


def define_config(
    required: bool = True,
    sections: Iterable[str] = tuple(SECTIONS),
    flag_values: flags.FlagValues = flags.FLAGS,
) -> flags.FlagHolder:
    """Defines the flag `--config NAME` with `--config.KEY=VALUE` overrides.

    Config files return locked configs. They are unlocked while flags are read, so that a flag may
    set an argument that the file leaves at its default, or a section that it leaves out;
    `experiment.build` refuses arguments that the named function does not take. Names may have
    dots, as the paths of a search do, where the file's own `ConfigDict` allows them.

    Args:
      required: whether the flag must be given.
      sections: keys that a flag may set though the file leaves them out.
      flag_values: the flags to add it to.
    """
    holder = config_flags.DEFINE_config_file(
        "config",
        help_string="Config file, or name of a shipped config, see `ganjax list configs`; "
        "--config.KEY=VALUE overrides a key, e.g. --config.scheme.name=simultaneous, or a section, "
        "--config.scheme=\"{'name': ...}\".",
        lock_config=False,
        accept_new_attributes=True,
        flag_values=flag_values,
    )
    parser = flag_values["config"].parser
    parser.parse = lambda name: ml_collections.ConfigDict(
        {**{section: {} for section in sections}, **read_config(name)}, allow_dotted_keys=True
    )
    config_flags.register_flag_parser_for_type(ml_collections.ConfigDict, _SectionParser())
    if required:
        flags.mark_flag_as_required("config", flag_values)
    return holder


class _SectionParser(flags.ArgumentParser):
    """A dict literal on the command line, whose names may have dots."""

    def parse(self, argument: str | ml_collections.ConfigDict) -> ml_collections.ConfigDict:
        if isinstance(argument, ml_collections.ConfigDict):  # absl parses a default, too
            return argument
        try:
            return ml_collections.ConfigDict(ast.literal_eval(argument), allow_dotted_keys=True)
        except (AttributeError, SyntaxError, TypeError, ValueError) as error:
            raise ValueError(
                f"{argument!r} must be a dict, e.g. \"{{'name': 'sgd', 'learning_rate': 0.1}}\""
            ) from error

    def flag_type(self) -> str:
        return "dict"


def define_output(
    name: str,
    endings: Sequence[str],
    help_string: str,
    flag_values: flags.FlagValues = flags.FLAGS,
) -> flags.FlagHolder:
    """Defines a flag that names a file to write, None by default; the ending names its format.

    Another ending is refused while the flags are read.

    Args:
      name: of the flag.
      endings: those of the formats that can be written, e.g. `IMAGES`.
      help_string: the flag's help.
      flag_values: the flags to add it to.
    """
    known = ", ".join(endings)
    help_string = f"{help_string} Ends in {known}."
    holder = flags.DEFINE_string(name, None, help_string, flag_values=flag_values)

    @flags.validator(name, flag_values=flag_values)
    def check(path):
        if path is not None and Path(path).suffix.lower() not in endings:
            raise flags.ValidationError(
                f"the ending names the format, and {Path(path).suffix or 'none'!r} is none that "
                f"can be written here; use {known}"
            )
        return True

    return holder


def define_processes(
    flag_values: flags.FlagValues = flags.FLAGS,
) -> tuple[flags.FlagHolder, flags.FlagHolder, flags.FlagHolder, flags.FlagHolder]:
    """Defines the flags of several processes, in the order of `devices.initialise`."""
    return (
        flags.DEFINE_string(
            "coordinator",
            "",
            "host:port of the first of several processes; found automatically on a TPU pod, under "
            "SLURM and under Open MPI.",
            flag_values=flag_values,
        ),
        flags.DEFINE_integer(
            "num_processes", 0, "Processes, with --coordinator.", flag_values=flag_values
        ),
        flags.DEFINE_integer(
            "process_id",
            -1,
            "Index of this process, from 0, with --coordinator.",
            flag_values=flag_values,
        ),
        flags.DEFINE_integer(
            "partner_seconds",
            cluster.PARTNER_SECONDS,
            "Seconds until a process that does not come, or is silent, counts as lost, and the "
            "others end.",
            lower_bound=5,
            flag_values=flag_values,
        ),
    )


def define_trust(flag_values: flags.FlagValues = flags.FLAGS) -> flags.FlagHolder:
    """Defines the flag `--trust MODULE`, of commands that build the config of a run folder."""
    return flags.DEFINE_multi_string(
        "trust",
        [],
        "Modules of yours, with commas between, whose functions the config of the run folder may "
        "name; their submodules are included",
        flag_values=flag_values,
    )


def resolved(config: ml_collections.ConfigDict) -> dict[str, Any]:
    """The config of the flags as a checked plain dict, before anything heavy is imported.

    Raises:
      ConfigError: as `ganjax.config.validate`.
    """
    plain = config.to_dict()
    return validate({key: value for key, value in plain.items() if value != {}})


@contextlib.contextmanager
def locked(
    workdir: str, processes: Sequence[flags.FlagHolder], dry_run: bool
) -> Iterator[Callable[[], None] | None]:
    """`run_folder.locked` before JAX is imported, so that a folder in use is refused at once.

    Of several processes the first locks the folder later, as `train` and `sweep.run` do: this gives
    None then, and for a dry run. Signals end the process at once until training handles them.

    Args:
      workdir: the folder.
      processes: the flags of `define_processes`.
      dry_run: whether nothing is to be written.
    """
    several = processes[0].value or cluster.announced(os.environ)
    with console.endable(signal.SIGINT):
        if dry_run or several:
            yield None
        else:
            with run_folder.locked(Path(workdir)) as held:
                yield held


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def use_all_cores() -> None:
    """A device for every core, so that runs are spread over them; before JAX is imported."""
    options = os.environ.get("XLA_FLAGS", "")
    if "host_platform_device_count" not in options:
        os.environ["XLA_FLAGS"] = f"{options} --xla_force_host_platform_device_count={cores()}"


def keep_compiled() -> None:
    """Keeps programs that took long to compile on disk for the next process; before JAX.

    In the user's cache folder, or where JAX_COMPILATION_CACHE_DIR says; nowhere if it is empty or
    cannot be written.
    """
    folder = cache_folder()
    if folder is not None and "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            if os.access(folder, os.W_OK):
                os.environ["JAX_COMPILATION_CACHE_DIR"] = str(folder)


def run(
    main: Callable[..., None],
    flag_values: flags.FlagValues = flags.FLAGS,
    argv: Sequence[str] | None = None,
) -> None:
    """Runs a command: parses its flags, calls `main`, turns failures into exit codes.

    Results belong on stdout, logs on stderr. Characters that the terminal's encoding lacks are
    escaped. `--help` prints the docstring of main's module and all flags.

    Args:
      main: called with the arguments that are not flags, of which it takes as many as it names,
        or any number by `*`.
      flag_values: the command's flags.
      argv: the command line, the program's name first; this process's own by default.
    """
    _open_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    argv = list(sys.argv if argv is None else argv)
    if HELP & {*argv[1:]}:
        with console.piped():
            print(usage(main, flag_values))
        return
    takes = inspect.signature(main).parameters.values()
    most = sys.maxsize if any(p.kind is p.VAR_POSITIONAL for p in takes) else len(takes)
    names = _parsed(argv, flag_values, most)
    # Our own logs, plain, on stderr; warnings alone of other libraries.
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr, force=True)
    logging.getLogger("ganjax").setLevel(logging.INFO)
    logging.getLogger("absl").setLevel(logging.WARNING)
    for name in ("absl", "asyncio", "concurrent.futures"):
        logging.getLogger(name).addFilter(_no_error)
    keep_compiled()
    try:
        with console.endable(), console.piped(), _told_once():
            main(*names)
    except KeyboardInterrupt:
        leave(Interrupted("stopped at once; call it again (training resumes where it last saved)"))
    except SystemExit as error:
        if error.code:  # 1, of a benchmark that has failed
            raise
        leave(
            ConfigError(
                f"a function that the config names ended the process ({error!r}); let it "
                "raise an error instead"
            )
        )
    except Exception as error:
        known = failures.no_platform(error) or failures.failure(error, flag_values)
        if known is None:
            raise
        leave(known)


@contextlib.contextmanager
def _told_once() -> Iterator[None]:
    """Threads and callbacks of libraries print no tracebacks."""
    before = sys.unraisablehook, threading.excepthook
    sys.unraisablehook, threading.excepthook = _unraisable, _of_thread
    try:
        yield
    finally:
        sys.unraisablehook, threading.excepthook = before


def _unraisable(found: Any) -> None:
    """Hides errors of callbacks of a save that has failed, whose own error is raised."""
    if str(found.exc_value) != "Event loop is closed":
        sys.__unraisablehook__(found)


def _of_thread(found: Any) -> None:
    """Tells the error of a thread in one line."""
    name = found.thread and found.thread.name
    log.warning("thread %s: %s: %s", name, found.exc_type.__name__, found.exc_value)


def _no_error(record: logging.LogRecord) -> bool:
    """Hides errors that a library logs besides raising them."""
    return record.levelno != logging.ERROR


def _open_streams() -> None:
    """Leads standard streams that are closed to nowhere: no file may get their numbers."""
    for number in range(3):
        with contextlib.suppress(OSError):
            os.fstat(number)
            continue
        os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115


def usage(main: Callable[..., None], flag_values: flags.FlagValues) -> str:
    """The help text of a command: its module's docstring, then its flags in their order."""
    lines = [(main.__globals__.get("__doc__") or "").strip(), ""]
    for module, defined in flag_values.flags_by_module_dict().items():
        for flag in () if module.startswith(("absl.", "ml_collections")) else defined:
            name = f"--[no]{flag.name}" if flag.boolean else f"--{flag.name}"
            text = " ".join((flag.help or "").split())
            if flag.default not in (None, False, "", []):
                text += f" Default: {flag.default_as_str.strip(chr(39))}."
            indent = " " * 20
            wrapped = textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent)
            first = wrapped[0].strip() if len(name) < len(indent) - 2 else ""
            lines.append(f"{'  ' + name:20}{first}".rstrip())
            lines += wrapped[bool(first) :]
    return "\n".join(lines)


def _parsed(argv: list[str], flag_values: flags.FlagValues, most: int) -> list[str]:
    """Parses the flags, and returns the other arguments, `most` at most."""
    before, sys.argv = sys.argv, argv  # where config_flags looks for overrides
    try:
        _, *rest = flag_values(argv)
        for name in flag_values:
            if flag_values[name].value == "" and flag_values[name].default is None:
                raise ConfigError(f"--{name}= is empty; name a file or a folder, or leave it out")
        if rest[most:]:
            raise ConfigError(f"unexpected argument {rest[most]!r}; flags are --name value")
        return rest
    except ConfigError as error:
        leave(failures.no_platform(error) or error)
    except (flags.Error, KeyError, AttributeError, ValueError, TypeError) as error:
        text = " ".join(str(error.args[0] if error.args else error).split())
        if isinstance(error, KeyError) and len(text.split()) == 1:  # a part of a path, bare
            text = (
                f"the config has no section {text}; give the whole of it, e.g. "
                "--config.gen_tx=\"{'name': 'sgd', 'learning_rate': 0.1}\""
            )
        leave(ConfigError(f"in the flags: {text}; --help lists them"))
    finally:
        sys.argv = before


def leave(error: GanjaxError) -> NoReturn:
    """Prints the error on one line and ends the process with its exit code."""
    with contextlib.suppress(OSError):  # of a terminal that is gone
        print(
            f"{'stopped' if isinstance(error, Interrupted) else 'error'}: {error}", file=sys.stderr
        )
    console.end(error.exit_code)
