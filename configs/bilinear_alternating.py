"""V(x, y) = x y under alternating gradient play: an orbit around the equilibrium.

Command: python scripts/train.py --config configs/bilinear_alternating.py --workdir runs/bilinear
Time: 3 s on 2 CPU cores.
Result: both losses oscillate around 0 at a constant amplitude: a step has spectral radius 1. With
--config.scheme="{'name': 'simultaneous'}" they grow by 1.01 a step.
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Settings and sections; see `ganjax/config.py`."""
    sgd = dict(name="sgd", learning_rate=0.1)
    return ml_collections.ConfigDict(
        dict(
            steps=400,
            log_every=1,
            game=dict(name="bilinear", sigma=1.0),
            scheme=dict(name="alternating", disc_updates=1),
            gen_tx=dict(**sgd),
            disc_tx=dict(**sgd),
        )
    ).lock()
