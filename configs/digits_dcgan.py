"""A DCGAN on the real 8x8 digits: the paper's guidelines at the smallest size."""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Settings and sections; see `ganjax/config.py`."""
    adam = dict(name="adam", learning_rate=2e-4, b1=0.5)
    return ml_collections.ConfigDict(
        dict(
            seed=0,
            steps=4_000,
            batch_size=64,
            log_every=100,
            sample_every=1_000,
            checkpoint_every=1_000,
            data=dict(name="digits"),
            game=dict(name="gan", z_dim=100),
            generator=dict(name="dcgan", width=128),
            discriminator=dict(name="dcgan", width=128),
            loss=dict(name="non_saturating"),
            prior=dict(name="uniform"),
            scheme=dict(name="alternating", disc_updates=1),
            gen_tx=adam,
            disc_tx=adam,
            evaluation=dict(name="digits"),
        )
    ).lock()
