"""SNGAN's residual networks at 32x32 pixels, one update of either player; ganjax's side."""

from functools import partial
from typing import Any

from works import images
from works.work import Forms, Work

SIZE, Z = 32, 128
ADAM = {"name": "adam", "learning_rate": 2e-4, "b1": 0.0, "b2": 0.9}


def sngan_config(width: int, batch_size: int, **sections: Any) -> dict[str, Any]:
    """Alternating play with the hinge loss and spectral normalisation; as `dcgan_config`."""
    return {
        "batch_size": batch_size,
        "data": {"name": "photograph_crops", "size": SIZE},
        "game": {"name": "gan", "z_dim": Z},
        "generator": {"name": "resnet_gan", "width": width},
        "discriminator": {
            "name": "resnet_gan",
            "width": width,
            "weights": {"name": "spectral", "reshaped": True},
        },
        "loss": {"name": "hinge"},
        "scheme": {"name": "alternating"},
        "gen_tx": ADAM,
        "disc_tx": ADAM,
        **sections,
    }


def sngan(
    torch,
    device: str,
    *,
    width: int,
    batch_size: int,
    steps: int,
    forms: Forms = images.FORMS,
    ours: Work | None = None,
    **sections: Any,
) -> Work:
    """A step of one update of either player."""
    from works import torch_images, torch_resnet

    return images.work(
        torch,
        device,
        sngan_config(width, batch_size, **sections),
        modules=lambda: (
            torch_resnet.Generator(Z, SIZE, width),
            torch_resnet.Discriminator(width),
        ),
        turns=partial(
            torch_images.turns, disc_loss=torch_resnet.hinge_disc, gen_loss=torch_resnet.hinge_gen
        ),
        goal=(1.1, 1.2),
        steps=steps,
        forms=forms,
        ours=ours,
    )
