"""Failures of a command as errors with one line for the user."""

import subprocess

from absl import flags

from ganjax.config import SETTINGS
from ganjax.errors import DeviceMemoryError, GanjaxError, MachineError

# Messages of JAX and XLA, the last about arrays that no machine has.
OUT_OF_MEMORY = ("RESOURCE_EXHAUSTED", "Out of memory", "random bits array of size exceeding")


def failure(error: Exception, flag_values: flags.FlagValues = flags.FLAGS) -> GanjaxError | None:
    """A failure as an error with a message for the user; None for a bug."""
    if type(error).__name__ == "JaxRuntimeError":  # JAX is slow to import
        from ganjax.data.reading import cause

        error = cause(error)
    if isinstance(error, GanjaxError):
        return error
    if isinstance(error, OSError):
        return MachineError(f"{error}; repair that or choose another place, then call it again")
    of_host = isinstance(error, MemoryError)
    if of_host or any(text in str(error) for text in OUT_OF_MEMORY):
        whose, knobs = "host" if of_host else "device", _knobs(flag_values)
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        return DeviceMemoryError(f"out of {whose} memory; lower {knobs} ({reason})")
    return None


def _knobs(flag_values: flags.FlagValues) -> str:
    """The numbers that set the memory of a command, the largest first."""
    config = flag_values["config"].value if "config" in flag_values else None
    if config is None:
        return "--n, or take a run of a smaller config"
    plain = config.to_dict()
    sizes = {"batch_size": plain.get("batch_size", SETTINGS["batch_size"][0])}
    sizes |= {
        f"{section}.{key}": value
        for section in ("game", "scheme", "generator", "discriminator", "autoencoder")
        for key, value in plain.get(section, {}).items()
    }
    whole = {key: value for key, value in sizes.items() if type(value) is int and value > 1}
    largest = sorted(whole, key=whole.get, reverse=True)
    return " or ".join(f"config.{key}={whole[key]}" for key in largest[:3])


def no_platform(error: BaseException) -> MachineError | None:
    """A MachineError if this machine lacks the platform of JAX_PLATFORMS, and that is the cause.

    JAX raises a RuntimeError or a bare AssertionError where it is first called, be it in a config
    file, in data, in tracing or in a subprocess, and a caller may turn that into another error.
    So JAX is tried again if one of these is among the causes.
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
