"""x"""

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
