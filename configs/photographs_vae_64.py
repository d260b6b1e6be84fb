"""A variational auto-encoder of 64x64 crops of two photographs; for an accelerator.

DCGAN's convolutions, 128 latents, a Gaussian likelihood of deviation 0.1 on pixels in [-1, 1].

Command: python scripts/train.py --config configs/photographs_vae_64.py --workdir runs/vae64
Time: not measured; for an accelerator.
Result: not measured; `tests/test_configs.py` compiles and runs one step on CPU.
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Settings and sections; see `ganjax/config.py`."""
    return ml_collections.ConfigDict(
        dict(
            seed=0,
            steps=100_000,
            batch_size=128,
            log_every=500,
            sample_every=5_000,
            checkpoint_every=5_000,
            data=dict(name="photograph_crops", size=64),
            game=dict(name="vae", z_dim=128, likelihood=dict(name="gaussian", std=0.1)),
            autoencoder=dict(name="dcgan_autoencoder", z_dim=128, moments=2, width=64),
            scheme=dict(name="simultaneous"),
            average=dict(name="ema", decay=0.999),
            gen_tx=dict(name="adam", learning_rate=3e-4),
            disc_tx=dict(name="set_to_zero"),
        )
    ).lock()
