"""Eight schemes on V(x, y) = x y, each with a step of 0.2.

Command: python scripts/compare.py --config configs/compare_bilinear.py --workdir runs/bilinear
Time: 13 s of CPU.
Result: the factor a step by which the distance from the equilibrium shrinks is the spectral radius
of a step: 1 alternating (an orbit), 1.020 simultaneous, .994 negative momentum, .981 competitive
and extragradient, .979 optimistic, .825 consensus, .8 unrolled.
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """A comparison; see `ganjax/comparison.py`."""
    sgd = dict(name="sgd", learning_rate=0.2)
    return ml_collections.ConfigDict(
        dict(
            question="Which scheme brings V(x, y) = x y to rest, and how fast?",
            base="bilinear_alternating",
            shared=dict(gen_tx=dict(**sgd), disc_tx=dict(**sgd)),
            cells=dict(
                alternating=dict(),
                simultaneous=dict(scheme=dict(name="simultaneous")),
                extragradient=dict(scheme=dict(name="extragradient")),
                optimistic=dict(scheme=dict(name="optimistic")),
                consensus=dict(scheme=dict(name="consensus", gamma=1.0)),
                competitive=dict(scheme=dict(name="competitive", lr=0.2)),
                unrolled_5=dict(scheme=dict(name="unrolled", unroll_steps=5)),
                negative_momentum=dict(scheme=dict(name="negative_momentum", beta=-0.5)),
            ),
            baseline="alternating",
            seeds=1,
            score="distance",
            goal="min",
            bound=0.01,
            budget=dict(steps=200),
            looks=100,
        )
    ).lock()
