"""Works that ganjax and PyTorch do side by side: `(torch, device) -> Work`; see `beside_torch.py`.

`device` is "cpu" or "cuda". Goals are those for two CPU cores and for one GPU.
"""

WORKS = {}
