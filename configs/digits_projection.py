"""A projection discriminator on real digits; the generator has the label beside its latent.

Command: python scripts/train.py --config configs/digits_projection.py --workdir runs/projection
Time: 25 s on one CPU core.
Result: with seeds 0 and 1 99.4% and 99.8% of the samples are of the requested class by a logistic
regression on the real training digits, at least 98.4% of every class. Frechet distance 0.125 (real
0.081), distance to the nearest training digit 0.90 (real 1.03).
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Settings and sections; see `ganjax/config.py`."""
    mlp = dict(name="mlp", width=256, depth=2)
    adam = dict(name="adam", learning_rate=1e-3, b1=0.5)
    return ml_collections.ConfigDict(
        dict(
            seed=0,
            steps=6_000,
            batch_size=64,
            log_every=500,
            sample_every=3_000,
            checkpoint_every=3_000,
            sample_count=100,
            data=dict(name="digits"),
            game=dict(name="conditional", z_dim=32),
            generator=dict(
                **mlp,
                activation="relu",
                output_activation="tanh",
                labels=dict(name="one_hot", num_classes=10),
            ),
            discriminator=dict(
                **mlp, activation="leaky_relu", head=dict(name="projection", num_classes=10)
            ),
            loss=dict(name="non_saturating"),
            penalties=dict(r1=dict(name="r1", gamma=0.1)),
            scheme=dict(name="alternating", disc_updates=1),
            average=dict(name="ema", decay=0.999),
            gen_tx=dict(**adam),
            disc_tx=dict(**adam),
            evaluation=dict(name="conditional_digits"),
            evaluation_samples=5_000,
        )
    ).lock()
