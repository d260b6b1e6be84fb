"""Works that ganjax and PyTorch do side by side: `(torch, device) -> Work`; see `beside_torch.py`.

`device` is "cpu" or "cuda". Goals are those for two CPU cores and for one GPU.
"""

from functools import partial

from works import cycle, images, rings, sngan

SMALL = {"width": 32, "batch_size": 128, "z_dim": 2}
WORKS = {
    "ring": partial(
        rings.alternating, width=256, batch_size=512, z_dim=64, goal=(2.0, 3.0), steps=50
    ),
    "ring_small": partial(rings.alternating, **SMALL, goal=(2.4, 5.0), steps=1_000),
    "ring_unrolled_10": partial(
        rings.unrolled, width=128, batch_size=256, z_dim=256, k=10, steps=10
    ),
    "ring_64_seeds": partial(rings.seeds, **SMALL, steps=100),
    "dcgan_32": partial(images.dcgan, size=32, width=64, batch_size=64, steps=5),
    "dcgan_64": partial(images.dcgan, size=64, width=128, batch_size=16, steps=3),
    "wgan_gp_critic_32": partial(images.penalised, kind="wgan_gp", goal=(1.4, 1.3), steps=5),
    "r1_32": partial(images.penalised, kind="r1", goal=(1.1, 1.2), steps=5),
    "sngan_32": partial(sngan.sngan, width=64, batch_size=64, steps=2),
    "cycle_128": partial(cycle.cycle, size=128, width=64, blocks=6, steps=3),
}

# Of works that are one config: what ganjax plays in them.
CONFIGS = {
    "ring": partial(rings.ring_config, 256, 512, 64),
    "ring_small": partial(rings.ring_config, *SMALL.values()),
    "dcgan_32": partial(images.dcgan_config, 32, 64, 64),
    "dcgan_64": partial(images.dcgan_config, 64, 128, 16),
    "sngan_32": partial(sngan.sngan_config, 64, 64),
    "cycle_128": partial(cycle.cycle_config, 128, 64, 6),
}
