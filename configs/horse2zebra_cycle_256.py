"""CycleGAN in the paper's size on horses and zebras; for an accelerator.

Networks, weights and rates as in `photographs_cycle_256.py` (Zhu et al. 2017, arXiv:1703.10593) on
the paper's set: 1,067 horses and 1,334 zebras, enlarged to 288 pixels, of which a batch gets random
squares of 256, mirrored at random.
Paper: enlarged to 286 pixels; 200 epochs, of the larger domain 266,800 steps, here 200,000.

Prepare: ganjax prepare --set cycle_gan/horse2zebra
Command: python scripts/train.py --config configs/horse2zebra_cycle_256.py --workdir runs/horses
Time: not measured; not trained here, for an accelerator.
Result: not measured; FID 77.2 from horses to zebras, of CycleGAN in Park et al. 2020
(arXiv:2007.15651, table 1).
`tests/test_configs.py` compiles and runs one step on CPU, on random images.
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Settings and sections; see `ganjax/config.py`."""
    decay = dict(
        name="polynomial_schedule",
        init_value=2e-4,
        end_value=0.0,
        power=1,
        transition_begin=100_000,
        transition_steps=100_000,
    )
    return ml_collections.ConfigDict(
        dict(
            seed=0,
            steps=200_000,
            batch_size=1,
            log_every=1_000,
            sample_every=10_000,
            checkpoint_every=10_000,
            sample_count=4,
            data=dict(name="tfds", set="cycle_gan/horse2zebra", size=256, crop="random", flip=True),
            game=dict(name="cycle", cycle_weight=10.0, identity_weight=0.5, pool_size=50),
            generator=dict(name="resnet", width=64, blocks=9),
            discriminator=dict(name="patch", width=64, layers=3),
            loss=dict(name="least_squares", a=0.0, b=1.0, c=1.0),
            scheme=dict(name="alternating", first="gen"),
            gen_tx=dict(name="adam", b1=0.5, learning_rate=dict(**decay)),
            disc_tx=dict(name="adam", b1=0.5, learning_rate=dict(**decay)),
            evaluation=dict(name="unpaired_translation"),
        )
    ).lock()
