"""Ten cells on the 1,000 modes of stacked digits, 16 seeds each: cures of collapse compared.

R3GAN's four (non-saturating or relativistic, R1 or R1 and R2, arXiv:2501.05441), packs, spectral
normalisation, minibatch deviation, unrolling.

Command: python scripts/compare.py --config configs/compare_stacked.py --workdir runs/stacked
Time: 61 min of processor time on one CPU core (AMD EPYC), --mapped map; 16 of them unrolled play.
Result: unrolled play keeps 970 of 1,000 modes (95% interval 957 to 979), better than every other
cell, with 28,000 gradients instead of 8,000; after 7,000 it has 813. Relativistic with R1 579, with
R1 and R2 509, alone 425, minibatch deviation 378, R1 and R2 158, none 72, spectral normalisation 8;
packs of 2 (104) and R1 (88) do not differ significantly from none. `docs/images.md` has a table.
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
