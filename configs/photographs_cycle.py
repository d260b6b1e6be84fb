"""CycleGAN between two real photographs: crops of a pagoda by a lake, crops of a dahlia.

A small copy of the paper's networks: 32 pixels, 16 channels where the paper has 64, 3 residual
blocks, a discriminator of 34x34 pixels. The cycle weight is 5 and there is no identity loss, which
would keep the colours that are to change here; rates fall linearly to 0 over the second half.

Command: python scripts/train.py --config configs/photographs_cycle.py --workdir runs/photographs_cycle
Time: TODO
Result: TODO
"""  # noqa: E501

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Settings and sections; see `ganjax/config.py`."""
    decay = dict(
        name="polynomial_schedule",
        init_value=5e-4,
        end_value=0.0,
        power=1,
        transition_begin=1_200,
        transition_steps=1_200,
    )
    return ml_collections.ConfigDict(
        dict(
            seed=0,
            steps=2_400,
            batch_size=4,
            log_every=300,
            sample_every=1_200,
            sample_count=25,
            data=dict(name="photograph_domains", size=32),
            game=dict(name="cycle", cycle_weight=5.0, identity_weight=0.0, pool_size=50),
            generator=dict(name="resnet", width=16, blocks=3, idle_biases=False),
            discriminator=dict(name="patch", width=16, layers=2, idle_biases=False),
            loss=dict(name="least_squares", a=0.0, b=1.0, c=1.0),
            scheme=dict(name="alternating", first="gen"),
            gen_tx=dict(name="adam", b1=0.5, learning_rate=dict(**decay)),
            disc_tx=dict(name="adam", b1=0.5, learning_rate=dict(**decay)),
            evaluation=dict(name="unpaired_translation"),
        )
    ).lock()
