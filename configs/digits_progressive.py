"""ProGAN on real digits, grown from 8 over 16 to 32 pixels."""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Settings and sections; see `ganjax/config.py`."""
    network = dict(name="progressive", fmap_base=128, fmap_max=32)
    adam = dict(name="adam", learning_rate=2e-3, b1=0.0, b2=0.99)
    return ml_collections.ConfigDict(
        dict(
            seed=0,
            batch_size=32,
            log_every=100,
            data=dict(name="digits", size=8, pyramid=32),
            game=dict(name="progressive", z_dim=32),
            generator=dict(**network),
            discriminator=dict(**network),
            loss=dict(name="wasserstein"),
            penalties=dict(gp=dict(name="wgan_gp"), drift=dict(name="drift", weight=1e-3)),
            scheme=dict(name="alternating", disc_updates=1),
            average=dict(name="ema", decay=0.995),
            gen_tx=dict(**adam),
            disc_tx=dict(**adam),
            # Slopes per pixel of the final size, as in the paper's code: growing halves a slope.
            stages=dict(
                pixels_8=dict(
                    until=2_500,
                    penalties=dict(gp=dict(weight=0.625, target=4.0)),
                ),
                pixels_16=dict(
                    until=5_000,
                    data=dict(size=16),
                    game=dict(fade_steps=1_000),
                    penalties=dict(gp=dict(weight=2.5, target=2.0)),
                ),
                pixels_32=dict(
                    until=7_000,
                    batch_size=16,
                    data=dict(size=32),
                    game=dict(fade_steps=1_000),
                    penalties=dict(gp=dict(weight=10.0, target=1.0)),
                ),
            ),
            evaluation=dict(name="digits"),
        )
    ).lock()
