"""Works that ganjax and PyTorch do side by side: `(torch, device) -> Work`; see `beside_torch.py`.

`device` is "cpu" or "cuda". Goals are those for two CPU cores and for one GPU.
"""

from functools import partial

from works import cycle, images, rings, sngan

RING = {"width": 256, "batch_size": 512, "z_dim": 64}
SMALL = {"width": 32, "batch_size": 128, "z_dim": 2}
DCGAN_32 = {"size": 32, "width": 64, "batch_size": 64}
DCGAN_64 = {"size": 64, "width": 128, "batch_size": 16}
SNGAN = {"width": 64, "batch_size": 64}
CYCLE = {"size": 128, "width": 64, "blocks": 6}
WORKS = {
    "ring": partial(rings.alternating, **RING, goal=(2.0, 3.0), steps=50),
    "ring_small": partial(rings.alternating, **SMALL, goal=(2.4, 5.0), steps=1_000),
    "ring_unrolled_10": partial(
        rings.unrolled, width=128, batch_size=256, z_dim=256, k=10, steps=10
    ),
    "ring_64_seeds": partial(rings.seeds, **SMALL, steps=100),
    "dcgan_32": partial(images.dcgan, **DCGAN_32, steps=5),
    "dcgan_32_bfloat16": partial(images.dcgan, **DCGAN_32, steps=5, compute="bfloat16"),
    "dcgan_64": partial(images.dcgan, **DCGAN_64, gpu_batch_size=1_024, steps=3),
    "dcgan_64_bfloat16": partial(
        images.dcgan, **DCGAN_64, gpu_batch_size=1_024, steps=3, compute="bfloat16"
    ),
    "wgan_gp_critic_32": partial(images.penalised, kind="wgan_gp", goal=(1.4, 1.3), steps=5),
    "r1_32": partial(images.penalised, kind="r1", goal=(1.1, 1.2), steps=5),
    "sngan_32": partial(sngan.sngan, **SNGAN, steps=2),
    "cycle_128": partial(cycle.cycle, **CYCLE, steps=3),
}

# Of works that are one config: what ganjax plays in them.
CONFIGS = {
    "ring": partial(rings.ring_config, **RING),
    "ring_small": partial(rings.ring_config, **SMALL),
    "dcgan_32": partial(images.dcgan_config, **DCGAN_32),
    "dcgan_64": partial(images.dcgan_config, **DCGAN_64),
    "sngan_32": partial(sngan.sngan_config, **SNGAN),
    "cycle_128": partial(cycle.cycle_config, **CYCLE),
}
