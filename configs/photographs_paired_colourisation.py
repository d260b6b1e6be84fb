"""pix2pix on real photographs: crops in grey are coloured.

A U-Net and a PatchGAN of 34x34 pixels, the paper's L1 weight of 100. --config.data.task=sketch
makes photographs from edges instead.

Command: python scripts/train.py --config configs/photographs_paired_colourisation.py --workdir runs/colours
Time: 72 s of CPU, start and scores included.
Result: mean |G(a) - b| over held-out crops 0.130; left grey 0.158. Petals of which a crop shows
only a pale edge become sky; docs/paired.png.
"""  # noqa: E501

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
            data=dict(name="paired_images", images="photographs", task="colourisation", size=32),
            game=dict(name="paired", l1_weight=100.0),
            generator=dict(name="unet", width=16, depth=4, dropped=1),
            discriminator=dict(name="patch", width=16, layers=2, idle_biases=False),
            loss=dict(name="non_saturating"),
            scheme=dict(name="alternating"),
            gen_tx=dict(**adam),
            disc_tx=dict(**adam),
            evaluation=dict(name="paired_translation"),
        )
    ).lock()
