"""A variational auto-encoder of real digits with a Gaussian likelihood.

Command: python scripts/train.py --config configs/digits_vae.py --workdir runs/vae
Time: 40 s on 2 CPU cores.
Result: ELBO of the test digits -22.87 nats; importance-weighted bounds with 10, 100 and 1,000 draws
-21.15, -20.55 and -20.28. Samples, over 3 seeds: Inception score 6.17 +- 0.13 (real test digits
8.25), Frechet distance 0.258 +- 0.013 (real 0.081), every class between 7.9% and 13.2%, distance to
the nearest training digit 1.05 (real 1.03).
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Settings and sections; see `ganjax/config.py`."""
    return ml_collections.ConfigDict(
        dict(
            seed=0,
            steps=12_000,
            batch_size=128,
            log_every=500,
            sample_every=3_000,
            checkpoint_every=3_000,
            data=dict(name="digits"),
            game=dict(name="vae", z_dim=6, likelihood=dict(name="gaussian", std=0.4)),
            autoencoder=dict(name="mlp_autoencoder", z_dim=6, moments=2, width=256, depth=2),
            scheme=dict(name="simultaneous"),
            average=dict(name="ema", decay=0.999),
            gen_tx=dict(name="adam", learning_rate=1e-3),
            disc_tx=dict(name="set_to_zero"),
            evaluation=dict(name="digits"),
            evaluation_samples=5_000,
        )
    ).lock()
