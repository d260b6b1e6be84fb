"""A semi-supervised GAN of convolutions on real digits, enlarged to 32x32; for an accelerator.

Ten labelled digits of each class; rates of Salimans et al. 2016 for CIFAR-10 (arXiv:1606.03498,
released code): batches of 100, Adam 3e-4 with b1 0.5, an average of 10,000 updates, feature
matching, weight normalisation in the classifier and batch normalisation in the generator.
Paper: a classifier of nine layers with dropout; here DCGAN's convolutions, with noise at the input.

Command: python scripts/train.py --config configs/digits_semi_supervised_32.py --workdir runs/semi
Time: not measured; for an accelerator.
Result: not measured; `tests/test_configs.py` compiles and runs one step on CPU.
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Settings and sections; see `ganjax/config.py`."""
    adam = dict(name="adam", learning_rate=3e-4, b1=0.5)
    return ml_collections.ConfigDict(
        dict(
            seed=0,
            steps=50_000,
            batch_size=100,
            log_every=500,
            sample_every=5_000,
            checkpoint_every=5_000,
            data=dict(name="digits_few_labels", labels_per_class=10, seed=0, size=32),
            game=dict(
                name="semi_supervised",
                z_dim=100,
                gen="feature_matching",
                decay=0.9999,
                augment=dict(name="instance_noise", std=0.3),
            ),
            generator=dict(name="dcgan", width=128),
            discriminator=dict(
                name="dcgan",
                width=96,
                norm="none",
                weights="weight_norm",
                head=dict(name="classifier", num_classes=10),
            ),
            loss=dict(name="non_saturating"),
            prior=dict(name="uniform"),
            scheme=dict(name="alternating", disc_updates=1),
            gen_tx=dict(**adam),
            disc_tx=dict(**adam),
            evaluation=dict(name="classification"),
        )
    ).lock()
