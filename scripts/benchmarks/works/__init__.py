"""Works that ganjax and PyTorch do side by side: `(torch, device) -> Work`; see `beside_torch.py`.

`device` is "cpu" or "cuda". Goals are those for two CPU cores and for one GPU.
"""

from functools import partial

from works import cycle, images, sngan

WORKS = {
    "dcgan_32": partial(images.dcgan, size=32, width=64, batch_size=64, steps=5),
    "dcgan_64": partial(images.dcgan, size=64, width=128, batch_size=16, steps=1),
    "wgan_gp_critic_32": partial(images.penalised, kind="wgan_gp", goal=(1.4, 1.3), steps=5),
    "r1_32": partial(images.penalised, kind="r1", goal=(1.1, 1.2), steps=5),
    "sngan_32": partial(sngan.sngan, width=64, batch_size=64, steps=2),
    "cycle_128": partial(cycle.cycle, size=128, width=64, blocks=6, steps=1),
}
