"""CycleGAN on points: a known affine map between two skewed distributions, learned without pairs.

The translators start near the identity, b is 1.5 a - 1. With the paper's cycle weight of 10 they
are stiff: moving both at once without opening the cycle is slow, and the offset stays at 0.2 of
-1. A weight of 0.1 is enough to close the cycle. There is no identity loss: the map is not the
identity.

Command: python scripts/train.py --config configs/affine_cycle.py --workdir runs/affine_cycle
Time: TODO
Result: TODO
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Settings and sections; see `ganjax/config.py`."""
    decay = dict(
        name="polynomial_schedule",
        init_value=1e-3,
        end_value=0.0,
        power=1,
        transition_begin=2_000,
        transition_steps=2_000,
    )
    return ml_collections.ConfigDict(
        dict(
            seed=0,
            steps=4_000,
            batch_size=256,
            log_every=500,
            data=dict(name="affine_domains", slope=1.5, offset=-1.0),
            game=dict(name="cycle", cycle_weight=0.1, identity_weight=0.0, pool_size=50),
            generator=dict(name="residual_mlp", width=32, depth=1),
            discriminator=dict(name="mlp", width=32, depth=2),
            loss=dict(name="least_squares", a=0.0, b=1.0, c=1.0),
            scheme=dict(name="alternating", first="gen"),
            average=dict(name="ema", decay=0.99),
            gen_tx=dict(name="adam", b1=0.5, learning_rate=dict(**decay)),
            disc_tx=dict(name="adam", b1=0.5, learning_rate=dict(**decay)),
            evaluation=dict(name="affine_translation"),
        )
    ).lock()
