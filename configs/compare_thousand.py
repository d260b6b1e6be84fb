"""A thousand seeds of small networks on the ring of 8 Gaussians, alternating or simultaneous.

Command: python scripts/compare.py --config configs/compare_thousand.py --workdir runs/thousand
Time: 4.9 min on 2 CPU cores, one of them busy, i.e. 2.5 min a scheme.
Result: alternating play keeps 7.54 modes (95% interval 7.50 to 7.59), simultaneous play 7.36 (7.30
to 7.42): a difference of 0.18 (p = 0.0001) that ten seeds could not tell.
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """A comparison; see `ganjax/comparison.py`."""
    return ml_collections.ConfigDict(
        dict(
            question="How many modes do a thousand seeds keep?",
            base="ring8_nonsaturating",
            shared=dict(batch_size=64, generator=dict(width=32), discriminator=dict(width=32)),
            cells=dict(alternating=dict(), simultaneous=dict(scheme=dict(name="simultaneous"))),
            baseline="alternating",
            seeds=1000,
            score="modes",
            goal="max",
            budget=dict(steps=2_000),
            looks=1,
        )
    ).lock()
