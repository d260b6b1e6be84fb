"""Six cells on Stacked MNIST, 3 seeds each: R3GAN's four and both losses without a penalty.

Command: python scripts/compare.py --config configs/compare_stacked_mnist.py --workdir runs/stacked
Time: 63 min of processor time on one CPU core (AMD EPYC), --mapped map, scores included.
Result: relativistic with R1 and R2 476 of 1,000 modes (469, 470, 488), with R1 413, alone 364; R1
and R2 233, R1 172, none 122. Three seeds are too few for a test.
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """A comparison; see `ganjax/comparison.py`."""
    relativistic = dict(name="relativistic")
    r1, r2 = dict(name="r1", gamma=0.1), dict(name="r2", gamma=0.1)
    return ml_collections.ConfigDict(
        dict(
            question="What keeps the 1,000 modes of Stacked MNIST?",
            base="stacked_mnist",
            cells=dict(
                none=dict(),
                r1=dict(penalties=dict(r1=dict(**r1))),
                r1_r2=dict(penalties=dict(r1=dict(**r1), r2=dict(**r2))),
                relativistic=dict(loss=dict(**relativistic)),
                relativistic_r1=dict(loss=dict(**relativistic), penalties=dict(r1=dict(**r1))),
                relativistic_r1_r2=dict(
                    loss=dict(**relativistic), penalties=dict(r1=dict(**r1), r2=dict(**r2))
                ),
            ),
            baseline="none",
            seeds=3,
            score="classes",
            goal="max",
            bound=990,
            budget=dict(steps=6_000),
            looks=2,
        )
    ).lock()
