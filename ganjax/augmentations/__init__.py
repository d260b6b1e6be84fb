"""Differentiable changes of samples before they are judged: functions `(x, rng, updates) -> x`.

Applied to data and generated samples alike they leave the equilibrium where it is (Zhao et al.
2020, DiffAugment, arXiv:2006.10738). `updates` counts the discriminator's updates so far, for
annealing. All are factories in the `AUGMENTATIONS` shelf; each sample has its own draw.
"""

from ganjax.augmentations.images import (
    PARTS,
    Augmentation,
    brightness,
    contrast,
    cutout,
    diff_augment,
    flip,
    instance_noise,
    saturation,
    translate,
)
from ganjax.augmentations.pipeline import Adaptive, ada, adaptive, with_probability

AUGMENTATIONS = {
    **PARTS,
    "ada": ada,
    "adaptive": adaptive,
    "diff_augment": diff_augment,
    "with_probability": with_probability,
}

__all__ = [
    "AUGMENTATIONS",
    "Adaptive",
    "Augmentation",
    "ada",
    "adaptive",
    "brightness",
    "contrast",
    "cutout",
    "diff_augment",
    "flip",
    "instance_noise",
    "saturation",
    "translate",
    "with_probability",
]
