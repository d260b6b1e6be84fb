"""pix2pix on real digits: the mask of a digit from an image under heavy noise.

Adversarial segmentation: a is a digit under Gaussian noise of deviation 1, clipped; b is the mask
of its ink. A U-Net and a PatchGAN of 16x16 pixels, L1 weight 10.

Command: python scripts/train.py --config configs/digits_paired_segmentation.py --workdir runs/masks
Time: 34 s of one CPU core, start and scores included.
Result: on held-out digits intersection over union 0.767 (ridge regression 0.757, boosted trees on
7x7 pixels 0.735, a threshold on the noisy image 0.477), 91.8% of the pixels right. With
--config.data.task=inpainting, a square hole of half the side anywhere in a digit is filled: mean
|G(a) - b| 0.116, 0.164 if it stays grey.
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
            data=dict(name="paired_images", images="digits", task="segmentation", size=16),
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
