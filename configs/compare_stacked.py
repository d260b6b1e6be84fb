"""Ten cells on the 1,000 modes of stacked digits, 16 seeds each: cures of collapse compared.

R3GAN's four (non-saturating or relativistic, R1 or R1 and R2, arXiv:2501.05441), packs, spectral
normalisation, minibatch deviation, unrolling.

Command: python scripts/compare.py --config configs/compare_stacked.py --workdir runs/stacked
Time: not measured whole; 2 to 5 ms a step of a run on 2 CPU cores, i.e. 2.5 to 5.5 min a cell, and
several times that for unrolled play.
Result: not measured over 16 seeds; `stacked_digits.py` has the numbers of six.
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """A comparison; see `ganjax/comparison.py`."""
    relativistic = dict(name="relativistic")
    r1, r2 = dict(name="r1", gamma=0.1), dict(name="r2", gamma=0.1)
    return ml_collections.ConfigDict(
        dict(
            question="What keeps the 1,000 modes of stacked digits, and at what cost?",
            base="stacked_digits",
            cells=dict(
                none=dict(),
                r1=dict(penalties=dict(r1=dict(**r1))),
                r1_r2=dict(penalties=dict(r1=dict(**r1), r2=dict(**r2))),
                relativistic=dict(loss=dict(**relativistic)),
                relativistic_r1=dict(loss=dict(**relativistic), penalties=dict(r1=dict(**r1))),
                relativistic_r1_r2=dict(
                    loss=dict(**relativistic), penalties=dict(r1=dict(**r1), r2=dict(**r2))
                ),
                packs_of_2=dict(game=dict(packing=2)),
                spectral=dict(discriminator=dict(weights="spectral", input_scale=10.0)),
                minibatch_deviation=dict(discriminator=dict(minibatch="stddev")),
                unrolled_5=dict(scheme=dict(name="unrolled", unroll_steps=5)),
            ),
            baseline="none",
            seeds=16,
            score="classes",
            goal="max",
            bound=990,
            budget=dict(steps=4_000),
            looks=4,
        )
    ).lock()
