"""SNGAN's residual networks in the paper's size on CIFAR-10; for an accelerator.

Networks, loss and rates as in `photographs_sngan_32.py` (Miyato et al. 2018, arXiv:1802.05957,
table 4) on the paper's set, 50,000 images of 32 pixels, without labels.
Paper: batches of 128 for the generator; here 64.

Prepare: ganjax prepare --set cifar10
Command: python scripts/train.py --config configs/cifar10_sngan_32.py --workdir runs/cifar10
Time: not measured; not trained here, for an accelerator.
Result: not measured; inception score 8.22 and FID 21.7 in the paper, table 2.
`tests/test_configs.py` compiles and runs one step on CPU, on random images.
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Settings and sections; see `ganjax/config.py`."""
    fall = dict(
        name="polynomial_schedule",
        init_value=2e-4,
        end_value=0.0,
        power=1,
        transition_steps=50_000,
    )
    return ml_collections.ConfigDict(
        dict(
            seed=0,
            steps=50_000,
            batch_size=64,
            log_every=500,
            sample_every=5_000,
            checkpoint_every=5_000,
            data=dict(name="tfds", set="cifar10", size=32, labels=False),
            game=dict(name="gan", z_dim=128),
            generator=dict(name="resnet_gan", width=256),
            discriminator=dict(
                name="resnet_gan", width=128, weights=dict(name="spectral", reshaped=True)
            ),
            loss=dict(name="hinge"),
            scheme=dict(name="alternating", disc_updates=5, fresh_batches=True),
            average=dict(name="ema", decay=0.999),
            gen_tx=dict(name="adam", b1=0.0, b2=0.9, learning_rate=dict(**fall)),
            disc_tx=dict(name="adam", b1=0.0, b2=0.9, learning_rate=dict(**fall)),
        )
    ).lock()
