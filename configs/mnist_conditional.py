"""A class-conditional DCGAN on MNIST at 32 pixels: a projection discriminator with lazy R1.

The class scales and shifts the generator's features (`conditional_batch`) and is projected on the
discriminator's (Miyato & Koyama 2018, arXiv:1802.05637).

Prepare: ganjax prepare --set mnist
Command: python scripts/train.py --config configs/mnist_conditional.py --workdir runs/mnist
Time: 5 to 6 min of processor time on 2 CPU cores (AMD EPYC), and 1.5 min to fit the judge once, a
convolutional network that is right on 99.1% of the test digits.
Result: over 3 seeds 98.7% +- 0.1% of 10,000 samples are judged to be of the class asked for (99.1%
of the real test digits), 96.5% of the worst class. Inception score 9.466 +- 0.021 (real 9.470),
Frechet distance 0.049 +- 0.008 (real 0.007), precision 0.94 and recall 0.83 (real 0.96, 0.95).
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
