"""A semi-supervised GAN: a classifier of digits from two labelled examples of each class.

Command: python scripts/train.py --config configs/digits_semi_supervised.py --workdir runs/semi
Time:
Result:
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Settings and sections; see `ganjax/config.py`."""
    adam = dict(name="adam", learning_rate=1e-3, b1=0.5)
    return ml_collections.ConfigDict(
        dict(
            seed=0,
            steps=4_000,
            batch_size=64,
            log_every=500,
            sample_every=0,
            checkpoint_every=0,
            data=dict(name="digits_few_labels", labels_per_class=2, seed=0),
            game=dict(
                name="semi_supervised",
                z_dim=32,
                gen="feature_matching",
                decay=0.999,
                augment=dict(name="instance_noise", std=0.6),
            ),
            generator=dict(
                name="mlp",
                width=128,
                depth=2,
                activation="softplus",
                output_activation="tanh",
                norm="batch",
            ),
            discriminator=dict(
                name="mlp",
                width=128,
                depth=3,
                activation="relu",
                weights="weight_norm",
                noise=0.5,
                head=dict(name="classifier", num_classes=10),
            ),
            loss=dict(name="non_saturating"),
            prior=dict(name="normal"),
            scheme=dict(name="alternating", disc_updates=1),
            gen_tx=dict(**adam),
            disc_tx=dict(**adam),
            evaluation=dict(name="classification"),
        )
    ).lock()
