"""WGAN on real digits: the critic's weights clipped after each of its five updates.

Command: python scripts/train.py --config configs/digits_wgan.py --workdir runs/digits_wgan
Time: 40 s on 2 CPU cores.
Result: over 3 seeds Inception score 6.90 +- 0.02 (real test digits 8.25), Frechet distance 0.115 +-
0.003 (real 0.081), every class between 8.7% and 11.6%.
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Settings and sections; see `ganjax/config.py`."""
    mlp = dict(name="mlp", width=256, depth=2)
    fall = dict(name="cosine_decay_schedule", init_value=1e-3, decay_steps=6_000)
    return ml_collections.ConfigDict(
        dict(
            seed=0,
            steps=6_000,
            batch_size=64,
            log_every=500,
            sample_every=1_500,
            checkpoint_every=1_500,
            data=dict(name="digits"),
            game=dict(name="gan", z_dim=32),
            generator=dict(**mlp, activation="relu", output_activation="tanh"),
            discriminator=dict(**mlp, activation="leaky_relu"),
            loss=dict(name="wasserstein"),
            scheme=dict(name="alternating", disc_updates=5, fresh_batches=True),
            gen_tx=dict(name="rmsprop", learning_rate=dict(**fall)),
            disc_tx=dict(
                name="clip_weights",
                limit=0.1,
                inner=dict(name="rmsprop", learning_rate=dict(**fall)),
            ),
            average=dict(name="ema", decay=0.999),
            evaluation=dict(name="digits"),
        )
    ).lock()
