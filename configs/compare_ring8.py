"""Which scheme, and which cure, covers the ring of 8 Gaussians?

Command: python scripts/compare.py --config configs/compare_ring8.py --workdir runs/compare_ring8
Time: TODO
Result: TODO
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """A comparison; see `ganjax/comparison.py`."""
    return ml_collections.ConfigDict(
        dict(
            question="Which update scheme covers the ring's modes, and at what cost?",
            base="ring8_nonsaturating",
            cells=dict(
                alternating=dict(),
                simultaneous=dict(scheme=dict(name="simultaneous")),
                unrolled_5=dict(scheme=dict(name="unrolled", unroll_steps=5)),
                extragradient=dict(scheme=dict(name="extragradient")),
                r1=dict(penalties=dict(r1=dict(name="r1", gamma=0.1))),
            ),
            baseline="alternating",
            seeds=10,
            score="reverse_kl",
            goal="min",
            bound=0.05,
            budget=dict(steps=4_000),
            looks=10,
        )
    ).lock()
