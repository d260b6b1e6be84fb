"""CycleGAN in the paper's size, 256 pixels with 9 residual blocks, for an accelerator.

Networks, weights and rates as in Zhu et al. 2017 (arXiv:1703.10593): 11,378,179 parameters a
generator, 2,764,737 a discriminator, cycle weight 10, identity loss, pool of 50, batches of 1, Adam
2e-4 with b1 0.5, a rate that falls linearly to 0 over the second half. The domains are crops of two
photographs in full size; a data source of yours, `--config.data.name=module:function`, makes it the
paper's run.

Command: python scripts/train.py --config configs/photographs_cycle_256.py --workdir runs/cycle_256
Time: not measured; for an accelerator.
Result: not measured; `tests/test_configs.py` compiles and runs one step on CPU.
`photographs_cycle.py` is the small one.
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Settings and sections; see `ganjax/config.py`."""
    decay = dict(
        name="polynomial_schedule",
        init_value=2e-4,
        end_value=0.0,
        power=1,
        transition_begin=100_000,
        transition_steps=100_000,
    )
    return ml_collections.ConfigDict(
        dict(
            seed=0,
            steps=200_000,
            batch_size=1,
            log_every=1_000,
            sample_every=10_000,
            checkpoint_every=10_000,
            sample_count=4,
            data=dict(name="photograph_domains", size=256, shrink=1),
            game=dict(name="cycle", cycle_weight=10.0, identity_weight=0.5, pool_size=50),
            generator=dict(name="resnet", width=64, blocks=9),
            discriminator=dict(name="patch", width=64, layers=3),
            loss=dict(name="least_squares", a=0.0, b=1.0, c=1.0),
            scheme=dict(name="alternating", first="gen"),
            gen_tx=dict(name="adam", b1=0.5, learning_rate=dict(**decay)),
            disc_tx=dict(name="adam", b1=0.5, learning_rate=dict(**decay)),
            evaluation=dict(name="unpaired_translation"),
        )
    ).lock()
