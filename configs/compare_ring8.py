"""Five cells on the ring of 8 Gaussians, 10 seeds each.

Command: python scripts/compare.py --config configs/compare_ring8.py --workdir runs/compare_ring8
Time: 9.5 min of CPU on 2 cores, two thirds of it for unrolled play.
Result: R1 is better than every other cell (reverse KL .0017, 95% interval .0010 to .0031; paired
differences, Holm, 5%). 10 seeds cannot tell the others apart: alternating .012, extragradient .009
at twice the gradients, simultaneous .041 and unrolled .119, of which 8 of 10 seeds stay within
0.05.
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
