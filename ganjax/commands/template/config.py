"""NAME: the ring of 8 Gaussians under a loss and a scheme of our own.

Command: ganjax train --config config.py --workdir runs/first
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Settings and sections; a section is a name and arguments of the function it names."""
    mlp = dict(name="mlp", width=128, depth=2)
    adam = dict(name="adam", learning_rate=1e-3, b1=0.5)
    return ml_collections.ConfigDict(
        dict(
            seed=0,
            steps=4_000,
            batch_size=256,
            log_every=500,
            sample_count=1_000,
            data=dict(name="ring", modes=8, radius=2.0, std=0.02),
            game=dict(name="gan", z_dim=2),
            generator=dict(**mlp, activation="relu"),
            discriminator=dict(**mlp, activation="leaky_relu"),
            loss=dict(name="NAME:logistic"),
            penalties=dict(r1=dict(name="r1", gamma=0.1)),
            scheme=dict(name="NAME:far_extragradient", reach=0.05),
            average=dict(name="ema", decay=0.995),
            gen_tx=dict(**adam),
            disc_tx=dict(**adam),
            evaluation=dict(name="modes"),
            evaluation_samples=2_500,
        )
    )
