"""A conditional GAN on real digits: labels one-hot beside both players' inputs, with R1.

Command: python scripts/train.py --config configs/digits_conditional.py --workdir runs/digits_cgan
Time: 30 s on one CPU core, start and scores included.
Result: over 3 seeds 98.7% +- 0.2% of the samples are of the requested class by a logistic
regression on the real training digits (98.0% of the real test digits are), and at least 96.2% of
every class. Frechet distance 0.145 +- 0.011 (real 0.081), distance to the nearest training digit
1.01 (real 1.03). A 7, not a 9: python scripts/sample.py --workdir runs/digits_cgan --label 7
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
                **mlp, activation="leaky_relu", labels=dict(name="one_hot", num_classes=10)
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
