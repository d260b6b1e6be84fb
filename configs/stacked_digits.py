"""A plain GAN on stacked digits, of whose 1,000 modes it keeps a few dozen; a base of comparisons.

Three 8x8 digits as channels, the small sister of Stacked MNIST; samples are judged by a logistic
regression of each channel. The discriminator has a quarter of the generator's width: with a width
of 8, 16, 32, 64 and 256 two seeds keep 1, 20, 30, 58 and 964 modes on average.

Command: python scripts/train.py --config configs/stacked_digits.py --workdir runs/stacked_digits
Time: 42 s on 2 CPU cores.
Result: over 6 seeds 48 modes, from 21 to 114, and a KL of 4.8 (26,000 exact samples 0.019, real
test digits 0.069). With --config.loss.name=relativistic and R1 of gamma 0.1 674 modes, with R1 and
R2 556, a single one with one seed of six (`scripts/reproduce.py --claim relativistic`).
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Settings and sections; see `ganjax/config.py`."""
    adam = dict(name="adam", learning_rate=1e-3, b1=0.5)
    return ml_collections.ConfigDict(
        dict(
            seed=0,
            steps=4_000,
            batch_size=128,
            log_every=500,
            sample_every=2_000,
            checkpoint_every=2_000,
            data=dict(name="stacked_digits"),
            game=dict(name="gan", z_dim=64),
            generator=dict(
                name="mlp", width=256, depth=3, activation="relu", output_activation="tanh"
            ),
            discriminator=dict(name="mlp", width=64, depth=3, activation="leaky_relu"),
            loss=dict(name="non_saturating"),
            scheme=dict(name="alternating", disc_updates=1),
            gen_tx=dict(**adam),
            disc_tx=dict(**adam),
            evaluation=dict(name="images", scores=("classes", "class_kl", "frechet_distance")),
            evaluation_samples=26_000,
        )
    ).lock()
