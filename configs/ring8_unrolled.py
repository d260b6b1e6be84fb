"""Unrolling cures mode collapse: a ring of 8 Gaussians under the minimax loss.

Networks, data and optimisers of Metz et al. 2017 (arXiv:1611.02163, appendix A), whose generator
hops between one or two modes without unrolling: --config.scheme.unroll_steps=0.

Command: python scripts/train.py --config configs/ring8_unrolled.py --workdir runs/ring8_unrolled
Time: 72 s on 2 CPU cores.
Result: 8 of 8 modes and a reverse KL of at most 0.02 with each of 16 seeds. With 5 steps
(--config.scheme.unroll_steps=5) 10 of 16 seeds do, the others keep one or two modes. The modes are
not sharp yet: a tenth of the samples lie within 3 standard deviations of one.
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Settings and sections; see `ganjax/config.py`."""
    orthogonal = dict(name="orthogonal", scale=0.8)
    mlp = dict(name="mlp", width=128, activation="relu")
    adam = dict(name="adam", learning_rate=1e-4, b1=0.5)
    return ml_collections.ConfigDict(
        dict(
            seed=0,
            steps=15_000,
            batch_size=256,
            log_every=500,
            sample_every=2_500,
            checkpoint_every=2_500,
            sample_count=2_500,
            data=dict(name="ring", modes=8, radius=2.0, std=0.02),
            game=dict(name="gan", z_dim=256),
            generator=dict(**mlp, depth=2, kernel_init=dict(**orthogonal)),
            discriminator=dict(**mlp, depth=1, input_scale=0.25, kernel_init=dict(**orthogonal)),
            loss=dict(name="minimax"),
            scheme=dict(name="unrolled", unroll_steps=10, order="gen_first"),
            gen_tx=dict(**adam),
            disc_tx=dict(**adam),
            evaluation=dict(name="modes"),
            evaluation_samples=2_500,
        )
    ).lock()
