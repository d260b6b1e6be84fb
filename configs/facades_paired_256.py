"""pix2pix in the paper's size, from labels to facades; for an accelerator.

Networks, weights and rates as in `photographs_paired_256.py` (Isola et al. 2017, arXiv:1611.07004)
on the paper's set: 400 facades of CMP, enlarged to 288 pixels, of which a batch gets random squares
of 256, mirrored at random; labels and photograph alike. TFDS has them without the pairs, as
`cycle_gan/facades`.

Prepare: cut the released pictures, photograph left and labels right, into `facades/train/a` (the
labels), `facades/train/b`, `facades/test/a` and `facades/test/b`, under one name each
Command: python scripts/train.py --config configs/facades_paired_256.py --workdir runs/facades
Time: not measured; not trained here, for an accelerator.
Result: not measured; the paper shows pictures and gives no number for this set.
`tests/test_configs.py` compiles and runs one step on CPU, on random images.
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Settings and sections; see `ganjax/config.py`."""
    adam = dict(name="adam", learning_rate=2e-4, b1=0.5)
    return ml_collections.ConfigDict(
        dict(
            seed=0,
            steps=80_000,
            batch_size=1,
            log_every=1_000,
            sample_every=10_000,
            checkpoint_every=10_000,
            sample_count=4,
            data=dict(
                name="images", path="facades", size=256, crop="random", flip=True, paired=True
            ),
            game=dict(name="paired", l1_weight=100.0),
            generator=dict(name="unet", width=64, depth=8, dropped=3, norm="instance"),
            discriminator=dict(
                name="patch", width=64, layers=3, norm="instance", idle_biases=False
            ),
            loss=dict(name="non_saturating"),
            scheme=dict(name="alternating"),
            gen_tx=dict(**adam),
            disc_tx=dict(**adam),
            evaluation=dict(name="paired_translation"),
        )
    ).lock()
