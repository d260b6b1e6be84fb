"""The memory that is left on a device, and that a compiled program will need."""

import os
from typing import Any

import jax
from jax.extend.core import Jaxpr, jaxprs_in_params

MEBIBYTE = 2**20
LARGEST = 2**44  # elements of an array that a process can address; XLA aborts from 2**63 on


def free_bytes() -> float:
    """Bytes that an array may take on one device of this process; of the host's if it has none."""
    stats = jax.local_devices()[0].memory_stats() or {}
    if "bytes_limit" in stats:
        return stats["bytes_limit"] - stats.get("bytes_in_use", 0)
    if "SC_AVPHYS_PAGES" in os.sysconf_names:
        pages = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return pages / jax.local_device_count()
    return float("inf")


def check(program: Any) -> None:
    """Refuses a program that needs more memory than is left, before it allocates any.

    The host's memory counts as a whole, as it swaps and drops caches.

    Args:
      program: compiled, with its arguments in memory; one that does not tell its needs passes.

    Raises:
      MemoryError: it does not fit into the host.
      JaxRuntimeError: it does not fit onto a device, as XLA would say it.
    """
    found = getattr(program, "memory_analysis", lambda: None)()
    if found is None:
        return
    needed = found.temp_size_in_bytes + found.output_size_in_bytes - found.alias_size_in_bytes
    on_host = jax.local_devices()[0].platform == "cpu"
    left = host_bytes() if on_host else free_bytes()
    if needed > left:
        text = (
            f"training needs {needed / MEBIBYTE:,.0f} MiB, and {left / MEBIBYTE:,.0f} MiB are left"
        )
        if on_host:
            raise MemoryError(text)
        raise jax.errors.JaxRuntimeError(f"RESOURCE_EXHAUSTED: {text}")


def check_arrays(jaxpr: Jaxpr) -> None:
    """Refuses a traced function with an array that no machine could hold, before it is compiled.

    Raises:
      MemoryError: its shape is in the message.
    """
    for equation in jaxpr.eqns:
        for inside in jaxprs_in_params(equation.params):
            check_arrays(inside)
        for variable in equation.outvars:
            if getattr(variable.aval, "size", 0) > LARGEST:
                raise MemoryError(f"an array {variable.aval.str_short()} is needed")


def host_bytes() -> float:
    """Bytes of memory of the host; infinite where it does not tell."""
    if "SC_PHYS_PAGES" not in os.sysconf_names:
        return float("inf")
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
