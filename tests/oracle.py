"""Scores by other packages, of features that a seed gives: `tests/metrics/oracle.json`.

    pip install torch torchvision torch-fidelity torchmetrics prdc pytorch-msssim
    python tests/oracle.py

writes the file anew. `OURS` has the same scores by this library, under the same names.
"""

import importlib.metadata
import json
from pathlib import Path

import numpy as np

from ganjax import metrics

STORED = Path(__file__).parent / "metrics" / "oracle.json"
PACKAGES = ("torch", "torch-fidelity", "torchmetrics", "prdc", "pytorch-msssim", "numpy")


def drawn(dim: int, n_real: int, n_generated: int) -> tuple[np.ndarray, np.ndarray]:
    """Correlated features at least 0, as a network's after ReLU: real, generated."""
    rng = np.random.Generator(np.random.PCG64(dim))
    mixed = rng.standard_normal((dim, dim)) / np.sqrt(dim)
    real = np.maximum(rng.standard_normal((n_real, dim)) @ mixed + 0.3, 0)
    generated = np.maximum(rng.standard_normal((n_generated, dim)) @ mixed * 0.9 + 0.4, 0)
    return real, generated


def logits() -> np.ndarray:
    return 3 * np.random.Generator(np.random.PCG64(1)).standard_normal((1003, 10))


def probabilities() -> np.ndarray:
    odds = np.exp(logits())
    return odds / odds.sum(1, keepdims=True)


def images(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of images [4, side, side, 3] in [-1, 1] that share waves of several lengths."""
    rng = np.random.Generator(np.random.PCG64(2))
    phase = rng.uniform(0, 6, (4, 1, 1, 3)) + np.arange(side)[:, None, None] * [0.5, 0.2, 0.05]
    waves = np.sin(phase + np.arange(side)[:, None] / 7)
    a, b = (waves * 0.6 + 0.1 * rng.standard_normal(waves.shape) for _ in range(2))
    return np.clip(a, -1, 1), np.clip(b, -1, 1)


def _torchmetrics(kind, real, generated, **options):
    import torch
    from torchmetrics.image import fid, kid

    identity = torch.nn.Identity()
    identity.num_features = real.shape[1]
    factory = {"fid": fid.FrechetInceptionDistance, "kid": kid.KernelInceptionDistance}[kind]
    metric = factory(feature=identity, **options).set_dtype(torch.float64)
    metric.update(torch.from_numpy(real), real=True)
    metric.update(torch.from_numpy(generated), real=False)
    return metric.compute()


def _fidelity_frechet(real, generated):
    import torch
    from torch_fidelity import metric_fid

    both = (metric_fid.fid_features_to_statistics(torch.from_numpy(x)) for x in (real, generated))
    return {
        "distance": metric_fid.fid_statistics_to_metric(*both, False)[metric_fid.KEY_METRIC_FID]
    }


def _fidelity_kernel(real, generated, subset_size):
    import torch
    from torch_fidelity import metric_kid

    found = metric_kid.kid_features_to_metric(
        torch.from_numpy(real),
        torch.from_numpy(generated),
        kid_subsets=20,
        kid_subset_size=subset_size,
        verbose=False,
    )
    return {
        "distance": found[metric_kid.KEY_METRIC_KID_MEAN],
        "spread": found[metric_kid.KEY_METRIC_KID_STD],
    }


def _fidelity_precision(real, generated, neighbours):
    import torch
    from torch_fidelity import metric_prc

    found = metric_prc.prc_features_to_metric(
        torch.from_numpy(generated),
        torch.from_numpy(real),
        prc_neighborhood=neighbours,
        verbose=False,
    )
    return {
        "precision": found[metric_prc.KEY_METRIC_PRECISION],
        "recall": found[metric_prc.KEY_METRIC_RECALL],
    }


def _fidelity_inception(splits):
    import torch
    from torch_fidelity import metric_isc

    found = metric_isc.isc_features_to_metric(torch.from_numpy(logits()), splits, shuffle=False)
    return {
        "mean": found[metric_isc.KEY_METRIC_ISC_MEAN],
        "spread": found[metric_isc.KEY_METRIC_ISC_STD],
    }


def _torchmetrics_inception():
    import torch
    from torchmetrics.image.inception import InceptionScore

    # The spread of one split is not a number.
    metric = InceptionScore(feature=torch.nn.Identity(), splits=1).set_dtype(torch.float64)
    metric.update(torch.from_numpy(logits()))
    return {"mean": float(metric.compute()[0])}


def _prdc(real, generated, neighbours):
    from prdc import compute_prdc

    return {k: float(v) for k, v in compute_prdc(real, generated, neighbours).items()}


def _ms_ssim(side, weights):
    import torch
    from pytorch_msssim import ms_ssim

    a, b = (torch.from_numpy((x + 1) / 2).permute(0, 3, 1, 2) for x in images(side))
    found = ms_ssim(a, b, data_range=1.0, size_average=False, weights=weights)
    return {"mean": float(found.mean()), "first": float(found[0])}


def _our_inception(splits):
    scores = metrics.inception_scores(probabilities(), splits)
    return {"mean": scores.mean(), "spread": scores.std()}


def _our_ms_ssim(side):
    found = metrics.ms_ssim(*images(side))
    return {"mean": found.mean(), "first": found[0]}


def _ours(score, dim, n_real, n_generated, **options):
    real, generated = drawn(dim, n_real, n_generated)
    found = score(real=real, generated=generated, **options)
    return {"distance": found} if isinstance(found, float) else found._asdict()


# Name: (scores by a package, the same by this library).
SCORES = {
    "torch_fidelity frechet 64": (
        lambda: _fidelity_frechet(*drawn(64, 1000, 800)),
        lambda: _ours(metrics.frechet_distance, 64, 1000, 800),
    ),
    "torchmetrics frechet 64": (
        lambda: {"distance": float(_torchmetrics("fid", *drawn(64, 1000, 800)))},
        lambda: _ours(metrics.frechet_distance, 64, 1000, 800),
    ),
    "torch_fidelity frechet 2048": (
        lambda: _fidelity_frechet(*drawn(2048, 2200, 2100)),
        lambda: _ours(metrics.frechet_distance, 2048, 2200, 2100),
    ),
    "torch_fidelity kernel": (
        lambda: _fidelity_kernel(*drawn(64, 1000, 800), subset_size=300),
        lambda: _ours(metrics.kernel_distance, 64, 1000, 800, subsets=20, subset_size=300),
    ),
    "torchmetrics kernel": (
        lambda: {
            "distance": float(
                _torchmetrics("kid", *drawn(64, 800, 800), subsets=1, subset_size=800)[0]
            )
        },
        lambda: _ours(metrics.kernel_distance, 64, 800, 800, subsets=1, subset_size=800),
    ),
    "torch_fidelity precision_recall": (
        lambda: _fidelity_precision(*drawn(16, 1000, 800), neighbours=3),
        lambda: _ours(metrics.precision_recall, 16, 1000, 800, neighbours=3),
    ),
    "prdc": (
        lambda: _prdc(*drawn(16, 1000, 800), neighbours=5),
        lambda: (
            _ours(metrics.precision_recall, 16, 1000, 800)
            | _ours(metrics.density_coverage, 16, 1000, 800)
        ),
    ),
    "torch_fidelity inception 1": (lambda: _fidelity_inception(1), lambda: _our_inception(1)),
    "torch_fidelity inception 10": (lambda: _fidelity_inception(10), lambda: _our_inception(10)),
    "torchmetrics inception": (_torchmetrics_inception, lambda: _our_inception(1)),
    "pytorch_msssim": (lambda: _ms_ssim(176, None), lambda: _our_ms_ssim(176)),
}


def main() -> None:
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    scores = {name: theirs() for name, (theirs, _) in SCORES.items()}
    stored = {"versions": versions, "scores": scores}
    STORED.write_text(json.dumps(stored, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
