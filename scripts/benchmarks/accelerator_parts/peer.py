"""PyTorch, where it is installed and sees the device that JAX uses."""

import jax

try:
    import torch
except (ImportError, OSError):  # it is not installed, or a library of its is missing
    torch = None


def lacking() -> str:
    """Why there is no comparison; "" if there is one."""
    if torch is None:
        return "PyTorch is not installed"
    if device() == "cuda" and not torch.cuda.is_available():
        return "PyTorch does not see this device"
    return ""


def device() -> str:
    """PyTorch's name of the device."""
    return "cpu" if jax.devices()[0].platform == "cpu" else "cuda"
