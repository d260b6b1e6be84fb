"""The parts that all scripts share: the config flag, logs, errors as a message and an exit code.

It imports neither JAX nor the rest of the library, so that a wrong flag is refused at once.
"""

import ast
import contextlib
import io
import linecache
import logging
import os
import re
import subprocess
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterable, Sequence
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

import ml_collections
from absl import app, flags
from ml_collections import config_flags

from ganjax.config import SECTIONS, validate
from ganjax.errors import (
    ConfigError,
    DeviceMemoryError,
    GanjaxError,
    Interrupted,
    MachineError,
)

IMAGES = (".png", ".jpg", ".jpeg", ".webp", ".pdf")  # formats of pictures made of pixels
FIGURES = (*IMAGES, ".svg")  # and of those that matplotlib draws
LIBRARIES = (
    *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")),
    str(Path(__file__).parent),
)  # where no line is a user's


def define_config(
    required: bool = True, sections: Iterable[str] = tuple(SECTIONS)
) -> flags.FlagHolder:
    """The flag `--config FILE` with `--config.KEY=VALUE` overrides.

    Config files return locked configs. They are unlocked while flags are read, so that a flag may
    give a section an argument that the file leaves at its default, or fill a section that it leaves
    out; `experiment.build` refuses arguments that the named function does not take. Names may have
    dots, as the paths of a search do, where the file's own `ConfigDict` allows them.

    Args:
      required: whether a script cannot do without.
      sections: keys that a flag may fill though the file leaves them out.
    """
    holder = config_flags.DEFINE_config_file(
        "config",
        help_string="Config file; --config.KEY=VALUE overrides a key, e.g. "
        "--config.scheme.name=simultaneous, or a section, --config.scheme=\"{'name': ...}\".",
        lock_config=False,
        accept_new_attributes=True,
    )
    parser = flags.FLAGS["config"].parser
    parser.parse = lambda path: ml_collections.ConfigDict(
        {**{section: {} for section in sections}, **read_config(path)}, allow_dotted_keys=True
    )
    config_flags.register_flag_parser_for_type(ml_collections.ConfigDict, _SectionParser())
    if required:
        flags.mark_flag_as_required("config")
    return holder


def read_config(path: str) -> dict[str, Any]:
    """The config that `get_config()` of a file returns, as a nested dict.

    Sections are copied one by one: a dict that a file uses twice is one object in a `ConfigDict`,
    and overriding one player's optimiser would change the other's.

    Args:
      path: the file; of `FILE:WORD` the word is given to `get_config`.

    Raises:
      ConfigError: the file cannot be read or raises an error; the message has its line.
    """
    file, *word = path.split(":", 1)
    loader = SourceFileLoader(f"{Path(file).stem}_config", file)
    module = module_from_spec(spec_from_loader(loader.name, loader))
    sys.modules[loader.name] = module  # data classes look there
    try:
        loader.exec_module(module)
        config = module.get_config(*word)
        plain = config.to_dict() if hasattr(config, "to_dict") else None
    except (Exception, SystemExit) as error:
        raise ConfigError(f"the config file {path} fails: {_mistake(error)}") from None
    if plain is None:
        raise ConfigError(
            f"get_config() of {file} returned a {type(config).__name__}; expected a ConfigDict"
        )
    return _copied(plain)


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


def _mistake(error: BaseException) -> str:
    """The error of a config file, with the innermost line that is not a library's."""
    reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
    if isinstance(error, SyntaxError) and os.path.isfile(error.filename or ""):
        return f"{error.filename}, line {error.lineno}: SyntaxError: {error.msg}"
    frames = traceback.extract_tb(error.__traceback__)
    frames = [frame for frame in frames if not frame.filename.startswith(("<", *LIBRARIES))]
    if not frames:
        return reason
    file, line, end = frames[-1].filename, frames[-1].lineno, frames[-1].end_lineno
    if dotted := re.search(r"dots in field names.* key (\S+) contains", reason):
        name = dotted[1]
        if name.partition(".")[0] in SECTIONS:  # the path of a search
            nested = name.replace(".", "=dict(") + "=..." + ")" * name.count(".")
            reason = f"{name!r} has a dot; write {nested}, or ConfigDict(..., "
            reason += "allow_dotted_keys=True)"
        else:
            reason = f"{name!r} has a dot, which no name in a config may have; call it e.g. "
            reason += repr(name.replace(".", "_"))
        quoted = (f"'{name}'", f'"{name}"')  # the call may begin some lines before the name
        lines = range(line, (end or line) + 1)
        own = (n for n in lines if any(text in linecache.getline(file, n) for text in quoted))
        line = next(own, line)
    return f"{file}, line {line}: {reason}"


def define_output(name: str, endings: Sequence[str], help_string: str) -> flags.FlagHolder:
    """Defines a flag that names a file to write, None by default; the ending names its format.

    Another ending is refused while the flags are read.

    Args:
      name: of the flag.
      endings: those of the formats that can be written, e.g. `IMAGES`.
      help_string: the flag's help.
    """
    known = ", ".join(endings)
    holder = flags.DEFINE_string(name, None, f"{help_string} Ends in {known}.")

    @flags.validator(name)
    def check(path):
        if path is not None and Path(path).suffix.lower() not in endings:
            raise flags.ValidationError(
                f"the ending names the format, and {Path(path).suffix or 'none'!r} is none that "
                f"can be written here; use {known}"
            )
        return True

    return holder


def define_processes() -> tuple[flags.FlagHolder, flags.FlagHolder, flags.FlagHolder]:
    """Defines the flags of several processes, in the order of `devices.initialise`."""
    return (
        flags.DEFINE_string(
            "coordinator",
            "",
            "host:port of the first of several processes; found on its own on a TPU pod, under "
            "SLURM and under Open MPI.",
        ),
        flags.DEFINE_integer("num_processes", 0, "Processes, with --coordinator."),
        flags.DEFINE_integer("process_id", -1, "Which this is, from 0, with --coordinator."),
    )


def _copied(tree: Any) -> Any:
    return {key: _copied(value) for key, value in tree.items()} if isinstance(tree, dict) else tree


def resolved(config: ml_collections.ConfigDict) -> dict[str, Any]:
    """The config of the flags as a checked plain dict, before anything heavy is imported.

    Raises:
      ConfigError: as `ganjax.config.validate`.
    """
    plain = config.to_dict()
    return validate({key: value for key, value in plain.items() if value != {}})


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def use_all_cores() -> None:
    """A device for every core, so that runs are spread over them; before JAX is imported."""
    told = os.environ.get("XLA_FLAGS", "")
    if "host_platform_device_count" not in told:
        os.environ["XLA_FLAGS"] = f"{told} --xla_force_host_platform_device_count={cores()}"


def keep_compiled() -> None:
    """Programs that took long to compile are kept on disk for the next process; before JAX.

    In the user's cache folder, or where JAX_COMPILATION_CACHE_DIR says; nowhere if it is empty or
    cannot be written.
    """
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        with contextlib.suppress(OSError):
            (home / "ganjax").mkdir(parents=True, exist_ok=True)
            if os.access(home / "ganjax", os.W_OK):
                os.environ["JAX_COMPILATION_CACHE_DIR"] = str(home / "ganjax")


def run(main: Callable[[], None]) -> None:
    """Runs a script: parses its flags, calls `main()`, turns failures into exit codes.

    Results belong on stdout, logs on stderr. Characters that the terminal's encoding lacks are
    escaped.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    app.run(lambda _: _guarded(main), flags_parser=_parse_flags)


def _parse_flags(argv: list[str]) -> list[str]:
    try:
        rest = flags.FLAGS(argv)
        if rest[1:]:
            raise ConfigError(f"unexpected argument {rest[1]!r}; flags are --name value")
    except ConfigError as error:
        _leave(_no_platform(error) or error)
    except SystemExit:  # --help has been printed; absl would leave with 1, which is for bugs
        sys.exit(0)
    except (flags.Error, KeyError, AttributeError, ValueError, TypeError) as error:
        text = " ".join(str(error.args[0] if error.args else error).split())
        if isinstance(error, KeyError) and len(text.split()) == 1:  # a part of a path, bare
            text = (
                f"the config has no section {text}; give the whole of it, e.g. "
                "--config.gen_tx=\"{'name': 'sgd', 'learning_rate': 0.1}\""
            )
        _leave(ConfigError(f"in the flags: {text}; --help lists them"))
    return rest


def _guarded(main: Callable[[], None]) -> None:
    # After absl has set up its own logs: ours alone, plain, on stderr; warnings of the others.
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr, force=True)
    logging.getLogger("ganjax").setLevel(logging.INFO)
    logging.getLogger("absl").setLevel(logging.WARNING)
    keep_compiled()
    try:
        main()
    except KeyboardInterrupt:
        _leave(Interrupted("stopped at once; call it again (training resumes where it last saved)"))
    except Exception as error:
        told = _no_platform(error) or _told(error)
        if told is None:
            raise
        _leave(told)


def _told(error: Exception) -> GanjaxError | None:
    """The error to tell a user of a failure; None for a bug."""
    if isinstance(error, GanjaxError):
        return error
    if isinstance(error, OSError):
        return MachineError(f"{error}; mend that or choose another place, then call it again")
    if isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error):
        reason = (str(error).splitlines() or ["of the host"])[0]
        return DeviceMemoryError(f"out of device memory; lower config.batch_size ({reason})")
    return None


def _no_platform(error: BaseException) -> MachineError | None:
    """The error of a machine without the platform that JAX is told to use, if that is the cause.

    JAX raises a RuntimeError or a bare AssertionError where it is first called, be it in a config
    file, in data, in tracing or in a subprocess, and whoever catches that may raise another error.
    So JAX is asked again if one of these is among the causes.
    """
    causes = []
    while error is not None:
        causes.append(error)
        error = error.__cause__ or error.__context__
    failures = (RuntimeError, AssertionError, subprocess.SubprocessError)
    if not any(isinstance(cause, failures) for cause in causes):
        return None
    import jax

    try:
        jax.devices()
    except (RuntimeError, AssertionError) as missing:
        reason = (str(missing).splitlines() or [""])[0]
        return MachineError(
            f"JAX_PLATFORMS={jax.config.jax_platforms}: this machine has no such device; leave it "
            f"unset or set it to cpu{f' ({reason})' if reason else ''}"
        )
    return None


def _leave(error: GanjaxError) -> None:
    print(f"{'stopped' if isinstance(error, Interrupted) else 'error'}: {error}", file=sys.stderr)
    sys.exit(error.exit_code)
