"""DCGAN in the paper's size on CelebA; for an accelerator.

Networks, latents and rates as in `photographs_dcgan_64.py` (Radford et al. 2016, arXiv:1511.06434),
on the set that it and Heusel et al. 2017 train on: 162,770 faces, the middle square at 64 pixels, 2
GB as a cache.

Prepare: ganjax prepare --set celeb_a
Command: python scripts/train.py --config configs/celeba_dcgan_64.py --workdir runs/celeba
Time: not measured; not trained here, for an accelerator.
Result: not measured; FID 21.4 with one rate, 12.5 with a rate for each player, in Heusel et
al. 2017 (arXiv:1706.08500, table 1).
`tests/test_configs.py` compiles and runs one step on CPU, on random images.
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Settings and sections; see `ganjax/config.py`."""
    adam = dict(name="adam", learning_rate=2e-4, b1=0.5)
    return ml_collections.ConfigDict(
        dict(
            seed=0,
            steps=100_000,
            batch_size=128,
            log_every=500,
            sample_every=5_000,
            checkpoint_every=5_000,
            data=dict(name="tfds", set="celeb_a", size=64, flip=True),
            game=dict(name="gan", z_dim=100),
            generator=dict(name="dcgan", width=128),
            discriminator=dict(name="dcgan", width=128),
            loss=dict(name="non_saturating"),
            prior=dict(name="uniform"),
            scheme=dict(name="alternating", disc_updates=1),
            average=dict(name="ema", decay=0.999),
            gen_tx=dict(**adam),
            disc_tx=dict(**adam),
        )
    ).lock()
