"""R3GAN in the paper's size on CIFAR-10; for an accelerator.

Huang et al. 2024 (arXiv:2501.05441), with the widths, rates and schedules of the released code's
preset: 20,781,952 and 21,280,512 parameters. 50,000 images with their 10 classes.
Paper: bfloat16 above 4 pixels, and penalties on images before the augmentation; here float32, and
on augmented ones. Schedules that rise from 0 rise from a millionth of their end.

Prepare: ganjax prepare --set cifar10
Command: python scripts/train.py --config configs/cifar10_r3gan_32.py --workdir runs/cifar10
Time: not measured; not trained here, for an accelerator.
Result: not measured; with the labels, FID 1.96 in the paper.
`tests/test_configs.py` compiles and runs one step on CPU, on random images.
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Settings and sections; see `ganjax/config.py`."""
    steps = 39_063  # 20 million images, over which all schedules run
    cosine = dict(name="cosine_decay_schedule", decay_steps=steps)
    network = dict(name="r3gan", widths=(768,), groups=(96,))
    adam = dict(
        name="adam",
        b1=0.0,
        b2=dict(**cosine, init_value=0.9, alpha=1.1),
        learning_rate=dict(**cosine, init_value=2e-4, alpha=0.25),
    )
    gamma = dict(**cosine, init_value=0.05, alpha=0.1)
    augment = dict(
        name="ada",
        probability=dict(**cosine, init_value=0.55e-6, alpha=1e6),
        colour=0.5,
        cut=1.0,
    )
    return ml_collections.ConfigDict(
        dict(
            seed=0,
            steps=steps,
            batch_size=512,
            log_every=500,
            sample_every=5_000,
            checkpoint_every=5_000,
            data=dict(name="tfds", set="cifar10", size=32, flip=True),
            game=dict(name="conditional", z_dim=64, augment=augment),
            generator=dict(**network),
            discriminator=dict(**network),
            loss=dict(name="relativistic"),
            penalties=dict(
                r1=dict(
                    name="scheduled", schedule=dict(**gamma), penalty=dict(name="r1", gamma=1.0)
                ),
                r2=dict(
                    name="scheduled", schedule=dict(**gamma), penalty=dict(name="r2", gamma=1.0)
                ),
            ),
            scheme=dict(name="alternating", disc_updates=1),
            average=dict(name="ema", half_life=dict(**cosine, init_value=5.0, alpha=1e6)),
            gen_tx=dict(**adam),
            disc_tx=dict(**adam),
        )
    ).lock()
