"""x"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Settings and sections; see `ganjax/config.py`."""
    adam = dict(name="adam", learning_rate=1e-3, b1=0.5)
    return ml_collections.ConfigDict(
        dict(
            seed=0,
            steps=4_000,
            batch_size=128,
            log_every=500,
            sample_every=2_000,
            checkpoint_every=2_000,
            data=dict(name="stacked_digits"),
            game=dict(name="gan", z_dim=64),
            generator=dict(
                name="mlp", width=256, depth=3, activation="relu", output_activation="tanh"
            ),
            discriminator=dict(name="mlp", width=64, depth=3, activation="leaky_relu"),
            loss=dict(name="non_saturating"),
            scheme=dict(name="alternating", disc_updates=1),
            gen_tx=dict(**adam),
            disc_tx=dict(**adam),
            evaluation=dict(name="images", scores=("classes", "class_kl", "frechet_distance")),
            evaluation_samples=26_000,
        )
    ).lock()
