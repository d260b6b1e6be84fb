"""EBGAN with the pull-away term on 64x64 crops of two photographs; for an accelerator.

Convolutional networks after DCGAN and the weight 0.1 of Zhao et al. 2017 (arXiv:1609.03126). The
energy is a Euclidean norm over 12,288 numbers: an error of 0.1 in each makes 11.
Paper: the margin depends on the data; neither this one nor the rates, DCGAN's, are tuned.

Command: python scripts/train.py --config configs/photographs_ebgan_64.py --workdir runs/ebgan
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
            game=dict(name="energy_based", z_dim=100, margin=20.0, pull_away=0.1),
            generator=dict(name="dcgan", width=128),
            discriminator=dict(name="dcgan_autoencoder", z_dim=128, width=64),
            prior=dict(name="normal"),
            scheme=dict(name="alternating", disc_updates=1),
            average=dict(name="ema", decay=0.999),
            gen_tx=dict(**adam),
            disc_tx=dict(**adam),
        )
    ).lock()
