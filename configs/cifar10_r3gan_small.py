"""R3GAN, narrow, on CIFAR-10 with labels: the paper's recipe in a size for 2 CPU cores.

Schedules as in `cifar10_r3gan_32.py` (Huang et al. 2024, arXiv:2501.05441) over fewer images.
Paper: widths of 768, 2 blocks a stage, batches of 512, rates of 2e-4.

Prepare: a file `cifar10.zip` of images `train/CLASS/NAME` and `test/CLASS/NAME`, or a folder of
  them and --config.data.path=FOLDER
Command: python scripts/train.py --config configs/cifar10_r3gan_small.py --workdir runs/cifar10
Time: not measured.
Result: not measured; not trained here.
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Settings and sections; see `ganjax/config.py`."""
    steps = 50_000
    cosine = dict(name="cosine_decay_schedule", decay_steps=steps)
    network = dict(name="r3gan", widths=(64, 32, 16, 8), groups=(16, 8, 4, 2), blocks=1)
    adam = dict(
        name="adam",
        b1=0.0,
        b2=dict(**cosine, init_value=0.9, alpha=1.1),
        learning_rate=dict(**cosine, init_value=1e-3, alpha=0.25),
    )
    gamma = dict(**cosine, init_value=0.05, alpha=0.1)
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
            batch_size=64,
            log_every=500,
            sample_every=5_000,
            checkpoint_every=5_000,
            data=dict(name="images", path="cifar10.zip", size=32, flip=True),
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
            average=dict(name="ema", half_life=dict(**cosine, init_value=0.1, alpha=1e6)),
            gen_tx=dict(**adam),
            disc_tx=dict(**adam),
            evaluation=dict(name="images", features="classifier"),
            evaluation_samples=10_000,
        )
    ).lock()
