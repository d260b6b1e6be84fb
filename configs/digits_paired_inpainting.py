"""pix2pix on real digits: a square hole of half the side, anywhere in a digit, is filled in.

A U-Net and a PatchGAN of 16x16 pixels, L1 weight 10: the network sees no mask, the hole is grey.

Command: python scripts/train.py --config configs/digits_paired_inpainting.py --workdir runs/holes
Time: TODO
Result: TODO
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Settings and sections; see `ganjax/config.py`."""
    adam = dict(name="adam", learning_rate=1e-3, b1=0.5)
    return ml_collections.ConfigDict(
        dict(
            seed=0,
            steps=2_000,
            batch_size=16,
            log_every=250,
            sample_count=25,
            data=dict(name="paired_images", images="digits", task="inpainting", size=16),
            game=dict(name="paired", l1_weight=10.0),
            generator=dict(name="unet", width=16, depth=3, dropped=1),
            discriminator=dict(name="patch", width=16, layers=1, idle_biases=False),
            loss=dict(name="non_saturating"),
            scheme=dict(name="alternating"),
            gen_tx=dict(**adam),
            disc_tx=dict(**adam),
            evaluation=dict(name="paired_translation"),
        )
    ).lock()
