"""Networks: Flax Linen modules. Arrays and layers only; no losses, optimisers or configs.

A generator maps latents [batch, z_dim] to samples, a discriminator samples to logits [batch].
`__call__` takes labels y, int [batch], and the mode `train` where they matter. Common attributes
are rows of shelves, bare or with options bound: `norm` before activations (`NORMS`), `weights` of
every layer (`WEIGHTS`), `labels` joined to the input (`LABELS`), `minibatch`, batch-wide features
of the last layer (`MINIBATCH`), and that layer, `head` (`HEADS`). Sizes out of range raise a
ValueError.
"""

from ganjax.nets.autoencoders import AUTOENCODERS, AutoEncoder
from ganjax.nets.began import BEGANEncoder, BEGANGenerator
from ganjax.nets.dcgan import DCGANDiscriminator, DCGANGenerator
from ganjax.nets.gaussian import GaussianGenerator
from ganjax.nets.gradients import GradientNormalisedDiscriminator
from ganjax.nets.heads import HEADS
from ganjax.nets.labels import LABELS
from ganjax.nets.layers import ACTIVATIONS, INITIALISERS
from ganjax.nets.minibatch import MINIBATCH, MinibatchDiscrimination
from ganjax.nets.mlp import MLPDiscriminator, MLPGenerator
from ganjax.nets.norms import NORMS, ConditionalBatchNorm, VirtualBatchNorm
from ganjax.nets.progressive import ProgressiveDiscriminator, ProgressiveGenerator
from ganjax.nets.r3gan import R3GANDiscriminator, R3GANGenerator
from ganjax.nets.resnet import ResNetDiscriminator, ResNetGenerator
from ganjax.nets.translation import (
    PATCH_DISCRIMINATORS,
    TRANSLATORS,
    PatchDiscriminator,
    ResidualMLP,
    ResNetTranslator,
    UNet,
)
from ganjax.nets.weights import WEIGHTS, EqualisedWeights, NormalisedWeights, SpectralWeights

GENERATORS = {
    "began": BEGANGenerator,
    "dcgan": DCGANGenerator,
    "gaussian": GaussianGenerator,
    "mlp": MLPGenerator,
    "progressive": ProgressiveGenerator,
    "r3gan": R3GANGenerator,
    "resnet_gan": ResNetGenerator,
}

DISCRIMINATORS = {
    "dcgan": DCGANDiscriminator,
    "gradient_normalised": GradientNormalisedDiscriminator,
    "mlp": MLPDiscriminator,
    "progressive": ProgressiveDiscriminator,
    "r3gan": R3GANDiscriminator,
    "resnet_gan": ResNetDiscriminator,
}

__all__ = [
    "ACTIVATIONS",
    "AUTOENCODERS",
    "DISCRIMINATORS",
    "GENERATORS",
    "HEADS",
    "INITIALISERS",
    "LABELS",
    "MINIBATCH",
    "NORMS",
    "PATCH_DISCRIMINATORS",
    "TRANSLATORS",
    "WEIGHTS",
    "AutoEncoder",
    "BEGANEncoder",
    "BEGANGenerator",
    "ConditionalBatchNorm",
    "DCGANDiscriminator",
    "DCGANGenerator",
    "EqualisedWeights",
    "GaussianGenerator",
    "GradientNormalisedDiscriminator",
    "MLPDiscriminator",
    "MLPGenerator",
    "MinibatchDiscrimination",
    "NormalisedWeights",
    "PatchDiscriminator",
    "ProgressiveDiscriminator",
    "ProgressiveGenerator",
    "R3GANDiscriminator",
    "R3GANGenerator",
    "ResNetDiscriminator",
    "ResNetGenerator",
    "ResNetTranslator",
    "ResidualMLP",
    "SpectralWeights",
    "UNet",
    "VirtualBatchNorm",
]
