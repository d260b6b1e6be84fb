"""R3GAN in the paper's size on ImageNet at 64 pixels; for an accelerator.

Huang et al. 2024 (arXiv:2501.05441), with the widths, rates and schedules of the released code's
preset: 103,570,432 and 107,205,120 parameters. 1.28 million images with their 1,000 classes.
Paper: bfloat16 above 4 pixels, and penalties on images before the augmentation; here float32, and
on augmented ones. Schedules that rise from 0 rise from a millionth of their end.

Prepare: ganjax prepare --set imagenet_resized/64x64
Command: python scripts/train.py --config configs/imagenet_r3gan_64.py --workdir runs/imagenet
Time: not measured; not trained here, for an accelerator.
Result: not measured; with the labels, FID 2.09 in the paper.
`tests/test_configs.py` compiles and runs one step on CPU, on random images.
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Settings and sections; see `ganjax/config.py`."""
    steps = 48_828  # 200 million images, over which all schedules run
    cosine = dict(name="cosine_decay_schedule", decay_steps=steps)
    network = dict(name="r3gan", widths=(1536,), groups=(96,))
    adam = dict(
        name="adam",
        b1=0.0,
        b2=dict(**cosine, init_value=0.9, alpha=1.1),
        learning_rate=dict(**cosine, init_value=2e-4, alpha=0.25),
    )
    gamma = dict(**cosine, init_value=1.0, alpha=0.1)
    augment = dict(
        name="ada",
        probability=dict(**cosine, init_value=0.4e-6, alpha=1e6),
        colour=0.5,
        cut=1.0,
    )
    return ml_collections.ConfigDict(
        dict(
            seed=0,
            steps=steps,
            batch_size=4096,
            log_every=500,
            sample_every=5_000,
            checkpoint_every=5_000,
            data=dict(name="tfds", set="imagenet_resized/64x64", size=64, flip=True),
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
            average=dict(name="ema", half_life=dict(**cosine, init_value=50.0, alpha=1e6)),
            gen_tx=dict(**adam),
            disc_tx=dict(**adam),
        )
    ).lock()
