"""LSGAN on real digits, with noise on samples and data.

Command: python scripts/train.py --config configs/digits_lsgan.py --workdir runs/digits_lsgan
Time: 30 s on 2 CPU cores.
Result: over 3 seeds Inception score 7.54 +- 0.04 (real test digits 8.25), Frechet distance 0.118 +-
0.010 (real 0.081), every class between 8.1% and 11.4%. Without noise the discriminator memorises
its 1,297 examples (6.41 and 0.58 with seed 0).
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Settings and sections; see `ganjax/config.py`."""
    mlp = dict(name="mlp", width=256, depth=2)
    adam = dict(name="adam", learning_rate=1e-3, b1=0.5)
    return ml_collections.ConfigDict(
        dict(
            seed=0,
            steps=12_000,
            batch_size=64,
            log_every=500,
            sample_every=3_000,
            checkpoint_every=3_000,
            data=dict(name="digits"),
            game=dict(name="gan", z_dim=32, augment=dict(name="instance_noise", std=0.5)),
            generator=dict(**mlp, activation="relu", output_activation="tanh"),
            discriminator=dict(**mlp, activation="leaky_relu"),
            loss=dict(name="least_squares", a=0.0, b=1.0, c=1.0),
            scheme=dict(name="alternating", disc_updates=1),
            average=dict(name="ema", decay=0.999),
            gen_tx=dict(**adam),
            disc_tx=dict(**adam),
            evaluation=dict(name="digits"),
        )
    ).lock()
