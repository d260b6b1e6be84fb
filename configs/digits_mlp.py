"""The default GAN: real 8x8 digits, a pair of small MLPs, non-saturating loss with R1.

Command: python scripts/train.py --config configs/digits_mlp.py --workdir runs/digits_mlp
Time: 35 s on 2 CPU cores, start and scores included.
Result: over 5 seeds Inception score 7.69 +- 0.03 (real test digits 8.25), Frechet distance 0.103 +-
0.002 (real 0.081), every class between 8.9% and 11.9%, distance to the nearest training digit 1.04
(real 1.03). This is what `make train` runs.
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
            gen_tx=dict(**adam),
            disc_tx=dict(**adam),
            evaluation=dict(name="digits"),
            evaluation_samples=5_000,
        )
    ).lock()
