"""The default GAN: real 8x8 digits, a pair of small MLPs, non-saturating loss with R1.

Command: python scripts/train.py --config configs/digits_mlp.py --workdir runs/digits_mlp
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Settings and sections; see `ganjax/config.py`."""
    mlp = dict(name="mlp", width=256, depth=2)
    adam = dict(name="adam", learning_rate=1e-3, b1=0.5, b2=0.999)
    return ml_collections.ConfigDict(
        dict(
            seed=0,
            steps=12_000,
            batch_size=64,
            log_every=500,
            sample_every=3_000,
            checkpoint_every=3_000,
            data=dict(name="digits"),
            game=dict(name="gan", z_dim=32),
            generator=dict(**mlp, activation="relu", output_activation="tanh"),
            discriminator=dict(**mlp, activation="leaky_relu"),
            loss=dict(name="non_saturating"),
            prior=dict(name="normal"),
            penalties=dict(r1=dict(name="r1", gamma=1.0)),
            scheme=dict(name="alternating", disc_updates=1),
            average=dict(name="ema", decay=0.999),
            gen_tx=adam,
            disc_tx=adam,
            evaluation=dict(name="digits"),
            evaluation_samples=5_000,
        )
    ).lock()
