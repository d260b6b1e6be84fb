"""WGAN-GP on real digits: five critic updates a step under a gradient penalty.

Command: python scripts/train.py --config configs/digits_wgan_gp.py --workdir runs/digits_wgan_gp
Time: 35 s on 2 CPU cores.
Result: over 3 seeds Inception score 6.79 +- 0.03 (real test digits 8.25), Frechet distance 0.111 +-
0.006 (real 0.081), every class between 8.7% and 12.4%.
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Settings and sections; see `ganjax/config.py`."""
    mlp = dict(name="mlp", width=256, depth=2)
    adam = dict(name="adam", b1=0.5, b2=0.9)
    fall = dict(name="cosine_decay_schedule", init_value=1e-3, decay_steps=4_000)
    return ml_collections.ConfigDict(
        dict(
            seed=0,
            steps=4_000,
            batch_size=64,
            log_every=500,
            sample_every=1_000,
            checkpoint_every=1_000,
            data=dict(name="digits"),
            game=dict(name="gan", z_dim=32),
            generator=dict(**mlp, activation="relu", output_activation="tanh"),
            discriminator=dict(**mlp, activation="leaky_relu"),
            loss=dict(name="wasserstein"),
            penalties=dict(gp=dict(name="wgan_gp", weight=10.0)),
            scheme=dict(name="alternating", disc_updates=5, fresh_batches=True),
            gen_tx=dict(**adam, learning_rate=dict(**fall)),
            disc_tx=dict(**adam, learning_rate=dict(**fall)),
            average=dict(name="ema", decay=0.999),
            evaluation=dict(name="digits"),
        )
    ).lock()
