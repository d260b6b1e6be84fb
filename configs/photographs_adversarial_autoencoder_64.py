"""An adversarial auto-encoder of 64x64 crops of two photographs; for an accelerator.

DCGAN's convolutions to and from 128 numbers; the discriminator of codes has two layers of 1,000
units, as in Makhzani et al. 2016 (arXiv:1511.05644).
Paper: no penalty. Rates and weights have not been tuned; those of
`digits_adversarial_autoencoder.py` have.

Command: python scripts/train.py --config configs/photographs_adversarial_autoencoder_64.py --workdir runs/aae
Time: not measured; for an accelerator.
Result: not measured; `tests/test_configs.py` compiles and runs one step on CPU.
"""  # noqa: E501

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
            game=dict(name="adversarial_autoencoder", z_dim=128, weight=0.05),
            autoencoder=dict(name="dcgan_autoencoder", z_dim=128, width=64),
            discriminator=dict(name="mlp", width=1_000, depth=2),
            loss=dict(name="non_saturating"),
            prior=dict(name="normal"),
            penalties=dict(r1=dict(name="r1", gamma=0.1)),
            scheme=dict(name="alternating"),
            average=dict(name="ema", decay=0.999),
            gen_tx=dict(**adam),
            disc_tx=dict(**adam),
        )
    ).lock()
