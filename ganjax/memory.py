"""The memory that is left on a device."""

import os

import jax


def free_bytes() -> float:
    """Bytes that an array may take on one device of this process; of the host's if it has none."""
    stats = jax.local_devices()[0].memory_stats() or {}
    if "bytes_limit" in stats:
        return stats["bytes_limit"] - stats.get("bytes_in_use", 0)
    if "SC_AVPHYS_PAGES" in os.sysconf_names:
        pages = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return pages / jax.local_device_count()
    return float("inf")
