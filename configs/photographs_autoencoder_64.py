"""A denoising auto-encoder of 64x64 crops of two photographs; for an accelerator.

DCGAN's convolutions to a code of 128 numbers and back, under Gaussian noise of deviation 0.2 on
pixels in [-1, 1].

Command: python scripts/train.py --config configs/photographs_autoencoder_64.py --workdir runs/auto
Time: not measured; for an accelerator.
Result: not measured; `tests/test_configs.py` compiles and runs one step on CPU.
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Settings and sections; see `ganjax/config.py`."""
    return ml_collections.ConfigDict(
        dict(
            seed=0,
            steps=50_000,
            batch_size=128,
            log_every=500,
            sample_every=5_000,
            checkpoint_every=5_000,
            data=dict(name="photograph_crops", size=64),
            game=dict(name="autoencoder", corrupt=dict(name="instance_noise", std=0.2)),
            autoencoder=dict(name="dcgan_autoencoder", z_dim=128, width=64),
            scheme=dict(name="simultaneous"),
            average=dict(name="ema", decay=0.999),
            gen_tx=dict(name="adam", learning_rate=3e-4),
            disc_tx=dict(name="set_to_zero"),
        )
    ).lock()
