"""BEGAN with the paper's networks on real digits, enlarged to 32x32 pixels; for an accelerator.

Command: python scripts/train.py --config configs/digits_began_32.py --workdir runs/digits_began_32
Time: not measured; for an accelerator.
Result: not measured; `tests/test_configs.py` compiles and runs one step on CPU. Any size from 8 to
256 pixels works, with other data.
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Settings and sections; see `ganjax/config.py`."""
    adam = dict(name="adam", learning_rate=1e-4, b1=0.5)
    return ml_collections.ConfigDict(
        dict(
            seed=0,
            steps=50_000,
            batch_size=16,
            log_every=500,
            sample_every=5_000,
            checkpoint_every=5_000,
            data=dict(name="digits", size=32),
            game=dict(name="boundary_equilibrium", z_dim=64, gamma=0.7),
            generator=dict(name="began", width=64),
            discriminator=dict(name="began_autoencoder", z_dim=64, width=64),
            prior=dict(name="uniform"),
            scheme=dict(name="simultaneous"),
            average=dict(name="ema", decay=0.999),
            gen_tx=dict(**adam),
            disc_tx=dict(**adam),
            evaluation=dict(name="digits"),
        )
    ).lock()
