"""Whether a run has several processes, before JAX is imported."""

from collections.abc import Mapping

PARTNER_SECONDS = 40  # until another process that does not come, or is silent, counts as lost


def announced(environment: Mapping[str, str]) -> bool:
    """Whether the environment of a TPU pod, SLURM or Open MPI announces several processes."""
    counts = ("SLURM_NTASKS", "OMPI_COMM_WORLD_SIZE")
    several = any(int(environment.get(name) or 1) > 1 for name in counts)
    return several or "," in environment.get("TPU_WORKER_HOSTNAMES", "")
