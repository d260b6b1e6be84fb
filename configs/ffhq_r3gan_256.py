"""R3GAN in the paper's size on FFHQ at 256 pixels; for an accelerator.

Huang et al. 2024 (arXiv:2501.05441), with the widths, rates and schedules of the released code's
preset: 23,057,952 and 23,009,568 parameters. The 70,000 faces of Karras et al. 2019, a folder or a
zip of PNG files of 256 pixels or more.
Paper: bfloat16 above 16 pixels, and penalties on images before the augmentation; here float32, and
on augmented ones. Schedules that rise from 0 rise from a millionth of their end.

Prepare: put the images into the folder `ffhq`
Command: python scripts/train.py --config configs/ffhq_r3gan_256.py --workdir runs/ffhq
Time: not measured; not trained here, for an accelerator.
Result: not measured; FID 2.75 in the paper.
`tests/test_configs.py` compiles and runs one step on CPU, on random images.
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Settings and sections; see `ganjax/config.py`."""
    steps = 78_125  # 20 million images, over which all schedules run
    cosine = dict(name="cosine_decay_schedule", decay_steps=steps)
    network = dict(
        name="r3gan", widths=(768, 768, 768, 768, 384, 192, 96), groups=(96, 96, 96, 96, 48, 24, 12)
    )
    adam = dict(
        name="adam",
        b1=0.0,
        b2=dict(**cosine, init_value=0.9, alpha=1.1),
        learning_rate=dict(**cosine, init_value=2e-4, alpha=0.25),
    )
    gamma = dict(**cosine, init_value=150.0, alpha=0.1)
    augment = dict(
        name="ada",
        probability=dict(**cosine, init_value=0.3e-6, alpha=1e6),
        colour=0.5,
        cut=1.0,
    )
    return ml_collections.ConfigDict(
        dict(
            seed=0,
            steps=steps,
            batch_size=256,
            log_every=500,
            sample_every=5_000,
            checkpoint_every=5_000,
            data=dict(name="images", path="ffhq", size=256, labels=False, flip=True),
            game=dict(name="gan", z_dim=64, augment=augment),
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
            average=dict(name="ema", half_life=dict(**cosine, init_value=0.5, alpha=1e6)),
            gen_tx=dict(**adam),
            disc_tx=dict(**adam),
        )
    ).lock()
