"""ProGAN in the paper's size, grown from 4 to 256 pixels, on two photographs; for an accelerator.

Networks, penalties and rates as in Karras et al. 2018 (arXiv:1710.10196) and its released code: 512
channels and latents, WGAN-GP with drift, Adam 1e-3 with b1 0 and b2 0.99, average 0.999, batches of
16, of 14 at 256 pixels.
Paper: 600,000 images a fade and as many after it, of 30,000 photographs; here 80,000 each, of crops
of two. `digits_progressive.py` is the small one.

Command: python scripts/train.py --config configs/photographs_progressive_256.py --workdir runs/progan
Time: not measured; for an accelerator.
Result: not measured; `tests/test_configs.py` compiles and runs one step of every stage on CPU.
"""  # noqa: E501

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
            data=dict(name="photograph_crops", size=4, pyramid=256, shrink=1),
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
