"""ProGAN in the paper's size, grown from 4 to 256 pixels, on FFHQ; for an accelerator.

Networks, penalties and rates as in `photographs_progressive_256.py` (Karras et al. 2018,
arXiv:1710.10196) on the 70,000 faces of Karras et al. 2019, a folder or a zip of PNG files of 256
pixels or more. Every size has its own cache, 14 GB at 256.
Paper: 600,000 images a fade and as many after it; here 80,000 each.

Prepare: put the images into the folder `ffhq`
Command: python scripts/train.py --config configs/ffhq_progressive_256.py --workdir runs/ffhq
Time: not measured; not trained here, for an accelerator.
Result: not measured; FID 8.04 at 1024 pixels, of the baseline of Karras et al. 2019
(arXiv:1812.04948, table 1).
`tests/test_configs.py` compiles and runs one step of every stage on CPU, on random images.
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Settings and sections; see `ganjax/config.py`."""
    network = dict(name="progressive", fmap_base=8192, fmap_max=512)
    adam = dict(name="adam", learning_rate=1e-3, b1=0.0, b2=0.99)
    return ml_collections.ConfigDict(
        dict(
            seed=0,
            batch_size=16,
            log_every=500,
            sample_every=5_000,
            checkpoint_every=5_000,
            sample_count=16,
            data=dict(name="images", path="ffhq", size=4, labels=False, flip=True),
            game=dict(name="progressive", z_dim=512),
            generator=dict(**network),
            discriminator=dict(**network),
            loss=dict(name="wasserstein"),
            penalties=dict(gp=dict(name="wgan_gp"), drift=dict(name="drift", weight=1e-3)),
            scheme=dict(name="alternating", disc_updates=1),
            average=dict(name="ema", decay=0.999),
            gen_tx=dict(**adam),
            disc_tx=dict(**adam),
            # Slopes per pixel of the final size, as in the paper's code: growing halves a slope.
            stages=dict(
                pixels_4=dict(
                    until=5_000,
                    penalties=dict(gp=dict(weight=0.00244140625, target=64.0)),
                ),
                pixels_8=dict(
                    until=15_000,
                    data=dict(size=8),
                    game=dict(fade_steps=5_000),
                    penalties=dict(gp=dict(weight=0.009765625, target=32.0)),
                ),
                pixels_16=dict(
                    until=25_000,
                    data=dict(size=16),
                    game=dict(fade_steps=5_000),
                    penalties=dict(gp=dict(weight=0.0390625, target=16.0)),
                ),
                pixels_32=dict(
                    until=35_000,
                    data=dict(size=32),
                    game=dict(fade_steps=5_000),
                    penalties=dict(gp=dict(weight=0.15625, target=8.0)),
                ),
                pixels_64=dict(
                    until=45_000,
                    data=dict(size=64),
                    game=dict(fade_steps=5_000),
                    penalties=dict(gp=dict(weight=0.625, target=4.0)),
                ),
                pixels_128=dict(
                    until=55_000,
                    data=dict(size=128),
                    game=dict(fade_steps=5_000),
                    penalties=dict(gp=dict(weight=2.5, target=2.0)),
                ),
                pixels_256=dict(
                    until=65_000,
                    batch_size=14,
                    data=dict(size=256),
                    game=dict(fade_steps=5_000),
                    penalties=dict(gp=dict(weight=10.0, target=1.0)),
                ),
            ),
        )
    ).lock()
