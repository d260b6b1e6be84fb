"""x"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Settings and sections; see `ganjax/config.py`."""
    fall = dict(name="polynomial_schedule", init_value=1e-3, end_value=0.0, power=1)
    adam = dict(name="adam", learning_rate=dict(**fall, transition_steps=20_000), b1=0.5)
    return ml_collections.ConfigDict(
        dict(
            seed=0,
            steps=20_000,
            batch_size=64,
            log_every=500,
            sample_every=5_000,
            checkpoint_every=5_000,
            data=dict(name="tfds", set="mnist", size=32),
            game=dict(name="gan", z_dim=64),
            generator=dict(name="dcgan", width=16),
            discriminator=dict(name="dcgan", width=16, norm="none"),
            loss=dict(name="non_saturating"),
            prior=dict(name="normal"),
            penalties=dict(
                r1=dict(name="lazy", penalty=dict(name="r1", gamma=1.0), every=4),
            ),
            scheme=dict(name="alternating", disc_updates=1),
            average=dict(name="ema", decay=0.999),
            gen_tx=dict(**adam),
            disc_tx=dict(**adam),
            evaluation=dict(name="images", features="classifier"),
            evaluation_samples=10_000,
        )
    ).lock()
