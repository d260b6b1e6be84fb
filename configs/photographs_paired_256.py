"""pix2pix in the paper's size, 256 pixels, colouring crops of two photographs; for an accelerator.

Networks, weights and rates as in Isola et al. 2017 (arXiv:1611.07004): a U-Net of 8 halvings with
dropout in three layers, a PatchGAN of 70x70 pixels, L1 weight 100, Adam 2e-4 with b1 0.5, batches
of 1, 80,000 steps as with its 400 facades. Small: `photographs_paired_colourisation.py`.
Paper: batch normalisation uses the statistics of the test batch at test time too; with batches of 1
that is instance normalisation, used here.

Command: python scripts/train.py --config configs/photographs_paired_256.py --workdir runs/p256
Time: not measured; for an accelerator.
Result: not measured; `tests/test_configs.py` compiles and runs one step on CPU.
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
                name="paired_images", images="photographs", task="colourisation", size=256, shrink=1
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
