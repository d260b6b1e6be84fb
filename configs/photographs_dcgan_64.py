"""DCGAN in the paper's size, on 64x64 crops of two photographs; for an accelerator.

Networks, latents and rates as in Radford et al. 2016 (arXiv:1511.06434) and its released code: 100
uniform latents, 128 channels next to the image, 1024 at 4 pixels, batch normalisation, batches of
128, Adam 2e-4 with b1 0.5.
Paper: five sets of many images; here crops of two. If the discriminator wins, add
`penalties=dict(r1=...)` as in `digits_dcgan.py`. Kernels are 4x4, those of the code 5x5.

Command: python scripts/train.py --config configs/photographs_dcgan_64.py --workdir runs/dcgan
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
            steps=100_000,
            batch_size=128,
            log_every=500,
            sample_every=5_000,
            checkpoint_every=5_000,
            data=dict(name="photograph_crops", size=64),
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
