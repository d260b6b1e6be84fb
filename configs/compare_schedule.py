"""Three schemes under one cosine schedule, counted in steps of the run or in their own updates.

Command: python scripts/compare.py --config configs/compare_schedule.py --workdir runs/compare_schedule
Time: TBD.
Result: TBD.
"""  # noqa: E501

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """A comparison; see `ganjax/comparison.py`."""
    steps = 1_500

    def counting(counts):
        fall = dict(name="cosine_decay_schedule", init_value=1e-3, decay_steps=steps, counts=counts)
        return {key: dict(learning_rate=dict(**fall)) for key in ("gen_tx", "disc_tx")}

    return ml_collections.ConfigDict(
        dict(
            question="Does a schedule that counts moves decide which scheme looks best?",
            base="ring8_nonsaturating",
            product=dict(
                scheme=dict(
                    alternating=dict(),
                    disc_5=dict(scheme=dict(disc_updates=5)),
                    extragradient=dict(scheme=dict(name="extragradient")),
                ),
                counts=dict(steps=counting("steps"), updates=counting("updates")),
            ),
            baseline="steps-alternating",
            seeds=10,
            score="reverse_kl",
            goal="min",
            bound=0.05,
            budget=dict(steps=steps),
            looks=5,
        )
    ).lock()
