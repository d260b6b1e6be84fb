"""Three schemes under one cosine schedule, counted in steps of the run or in their own updates.

Command: python scripts/compare.py --config configs/compare_schedule.py --workdir runs/schedule
Time: 6 min of CPU.
Result: share of samples within 3 standard deviations of a mode, mean of 10 seeds and 95% interval.
By steps: alternating .079 (.035 to .179), five updates of the discriminator .670 (.604 to .715),
extragradient .045 (.037 to .052). By updates, as optax counts: .085, .053 (.005 to .179) and .028.
The schedule reverses the order: five updates minus alternating is +.591 (p = .002) by steps, and
-.031 (p = .012) by updates, whose discriminator stops moving after step 300 of 1,500. With one
update a step both schedules have the same rate and differ by rounding.
"""

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
            score="high_quality",
            goal="max",
            bound=0.5,
            budget=dict(steps=steps),
            looks=5,
        )
    ).lock()
