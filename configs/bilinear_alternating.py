"""V(x, y) = x y under alternating gradient play: an orbit around the equilibrium."""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Settings and sections; see `ganjax/config.py`."""
    sgd = dict(name="sgd", learning_rate=0.1)
    return ml_collections.ConfigDict(
        dict(
            steps=1_000,
            log_every=10,
            game=dict(name="bilinear", sigma=1.0),
            scheme=dict(name="alternating", disc_updates=1),
            gen_tx=sgd,
            disc_tx=sgd,
        )
    ).lock()
