"""A class-conditional DCGAN on MNIST at 32 pixels: a projection discriminator with lazy R1.

The class scales and shifts the generator's features (`conditional_batch`) and is projected on the
discriminator's (Miyato & Koyama 2018, arXiv:1802.05637).

Prepare: ganjax prepare --set mnist
Command: python scripts/train.py --config configs/mnist_conditional.py --workdir runs/mnist
Time: not measured.
Result: not measured.
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Settings and sections; see `ganjax/config.py`."""
    steps = 12_000
    fall = dict(name="polynomial_schedule", init_value=1e-3, end_value=0.0, power=1)
    adam = dict(name="adam", learning_rate=dict(**fall, transition_steps=steps), b1=0.5, b2=0.99)
    return ml_collections.ConfigDict(
        dict(
            seed=0,
            steps=steps,
            batch_size=64,
            log_every=500,
            sample_every=3_000,
            checkpoint_every=3_000,
            sample_count=100,
            data=dict(name="tfds", set="mnist", size=32),
            game=dict(name="conditional", z_dim=64),
            generator=dict(
                name="dcgan", width=16, norm=dict(name="conditional_batch", num_classes=10)
            ),
            discriminator=dict(
                name="dcgan", width=16, norm="none", head=dict(name="projection", num_classes=10)
            ),
            loss=dict(name="non_saturating"),
            prior=dict(name="normal"),
            penalties=dict(
                r1=dict(name="lazy", penalty=dict(name="r1", gamma=0.02), every=4),
            ),
            scheme=dict(name="alternating", disc_updates=1),
            average=dict(name="ema", decay=0.999),
            gen_tx=dict(**adam),
            disc_tx=dict(**adam),
            evaluation=dict(name="images", features="classifier"),
            evaluation_samples=10_000,
        )
    ).lock()
