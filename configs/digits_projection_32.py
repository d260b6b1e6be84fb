"""A projection discriminator on real digits, enlarged to 32x32 pixels; for an accelerator.

The game and the rates of Miyato & Koyama 2018 (arXiv:1802.05637): hinge loss, spectral
normalisation, 128 latents, five updates of the discriminator a step, each with its own batch of 64,
Adam 2e-4 with b1 0 and b2 0.9.
Paper: ResNets; here DCGAN's convolutions, and rates that fall linearly to 0 over the last tenth.

Command: python scripts/train.py --config configs/digits_projection_32.py --workdir runs/p32
Time: not measured; for an accelerator.
Result: not measured; `tests/test_configs.py` compiles and runs one step on CPU.
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Settings and sections; see `ganjax/config.py`."""
    fall = dict(
        name="polynomial_schedule",
        init_value=2e-4,
        end_value=0.0,
        power=1,
        transition_begin=45_000,
        transition_steps=5_000,
    )
    return ml_collections.ConfigDict(
        dict(
            seed=0,
            steps=50_000,
            batch_size=64,
            log_every=500,
            sample_every=5_000,
            checkpoint_every=5_000,
            sample_count=100,
            data=dict(name="digits", size=32),
            game=dict(name="conditional", z_dim=128),
            generator=dict(
                name="dcgan", width=128, norm=dict(name="conditional_batch", num_classes=10)
            ),
            discriminator=dict(
                name="dcgan",
                width=128,
                norm="none",
                weights="spectral",
                head=dict(name="projection", num_classes=10),
            ),
            loss=dict(name="hinge"),
            scheme=dict(name="alternating", disc_updates=5, fresh_batches=True),
            average=dict(name="ema", decay=0.999),
            gen_tx=dict(name="adam", b1=0.0, b2=0.9, learning_rate=dict(**fall)),
            disc_tx=dict(name="adam", b1=0.0, b2=0.9, learning_rate=dict(**fall)),
            evaluation=dict(name="conditional_digits"),
        )
    ).lock()
