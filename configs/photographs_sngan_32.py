"""SNGAN's residual networks in the paper's size, on 32x32 crops of photographs; for an accelerator.

Networks, loss and rates as in Miyato et al. 2018 (arXiv:1802.05957, table 4) and its released code:
128 latents, width 256 for the generator and 128 for the discriminator, hinge loss, the norm of the
reshaped kernels, five updates of the discriminator a step, each with its own batch of 64, Adam 2e-4
with b1 0 and b2 0.9, rates that fall linearly to 0.
Paper: CIFAR-10, and batches of 128 for the generator; here crops of two photographs, and 64.

Command: python scripts/train.py --config configs/photographs_sngan_32.py --workdir runs/sngan_32
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
        transition_steps=50_000,
    )
    return ml_collections.ConfigDict(
        dict(
            seed=0,
            steps=50_000,
            batch_size=64,
            log_every=500,
            sample_every=5_000,
            checkpoint_every=5_000,
            data=dict(name="photograph_crops", size=32),
            game=dict(name="gan", z_dim=128),
            generator=dict(name="resnet_gan", width=256),
            discriminator=dict(
                name="resnet_gan", width=128, weights=dict(name="spectral", reshaped=True)
            ),
            loss=dict(name="hinge"),
            scheme=dict(name="alternating", disc_updates=5, fresh_batches=True),
            average=dict(name="ema", decay=0.999),
            gen_tx=dict(name="adam", b1=0.0, b2=0.9, learning_rate=dict(**fall)),
            disc_tx=dict(name="adam", b1=0.0, b2=0.9, learning_rate=dict(**fall)),
        )
    ).lock()
