"""Scores of translators on held-out examples: points, images with pairs and without."""

from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import numpy as np

from ganjax.metrics.baselines import kernel_mean, neighbourhood, ridge
from ganjax.metrics.distances import frechet_distance
from ganjax.metrics.finite import finite

SMALL, PAIRS = 4096, 2000  # numbers of an image, and pairs, that baselines are fitted to
PATCH = 4  # side of the patches whose statistics are compared


def _test(data: Any, needs: str) -> tuple[np.ndarray, np.ndarray]:
    if not {"a", "b"} <= data.test.keys():
        raise ValueError(
            f"this evaluation needs held-out examples of two domains, {needs}; set evaluation.name "
            "to 'none' or to one for these data"
        )
    return np.asarray(data.test["a"]), np.asarray(data.test["b"])


def _distance(x: np.ndarray, y: np.ndarray) -> float:
    return float(np.abs(finite("translated", x) - y).mean())


def affine_translation(data: Any) -> Callable[..., dict[str, float]]:
    """Scores of an unpaired translator of points on the line, against the true affine map.

    Args:
      data: `data.affine_domains()` on the line: its held-out a and b are pairs.

    Returns:
      Report, of `translate_ab` and `translate_ba`, functions of points [n, 1]:
      `slope`, `slope_real`, `offset`, `offset_real`: of the least-squares line through the points
      (a, G(a)), and through the pairs (a, b);
      `slope_error`: relative; `offset_error`: in standard deviations of b, as an offset may be 0;
      `translation_error`: mean |G(a) - b| over pairs;
      `cycle_error_a`, `cycle_error_b`: mean |F(G(a)) - a| and |G(F(b)) - b|.

    Raises:
      ValueError: the data are not pairs of points on the line.
    """
    a, b = _test(data, "pairs of points on the line")
    if a.shape[1:] != (1,) or b.shape != a.shape:
        raise ValueError(f"expected pairs of points [n, 1], got {a.shape} and {b.shape}")

    def report(translate_ab, translate_ba):
        to_b, to_a = np.asarray(translate_ab(a)), np.asarray(translate_ba(b))
        translated = finite("translated", to_b)
        lines = [np.polyfit(a[:, 0].astype(float), y[:, 0], 1) for y in (translated, b)]
        (slope, offset), (slope_real, offset_real) = lines
        return {
            "slope": float(slope),
            "slope_real": float(slope_real),
            "offset": float(offset),
            "offset_real": float(offset_real),
            "slope_error": float(abs(slope / slope_real - 1)),
            "offset_error": float(abs(offset - offset_real) / b.std()),
            "translation_error": _distance(to_b, b),
            "cycle_error_a": _distance(translate_ba(to_b), a),
            "cycle_error_b": _distance(translate_ab(to_a), b),
        }

    return report


def _patches(x: np.ndarray) -> np.ndarray:
    """Images [n, h, w, c] -> all their tiles of 4x4 pixels, flat: [m, 16 c], in [-1, 1]."""
    n, h, w, c = x.shape
    x = x[:, : h // PATCH * PATCH, : w // PATCH * PATCH]
    tiles = x.reshape(n, h // PATCH, PATCH, w // PATCH, PATCH, c).transpose(0, 1, 3, 2, 4, 5)
    return tiles.reshape(-1, PATCH * PATCH * c)


def unpaired_translation(data: Any) -> Callable[..., dict[str, float]]:
    """Scores of translated images: distance to the other domain, and of the way back.

    The distance is the Frechet distance between tiles of 4x4 pixels, which depends on colours and
    fine texture but not on objects.

    Args:
      data: with held-out images `a` and `b` [n, height, width, channel] of one shape.

    Returns:
      Report, of `translate_ab` and `translate_ba`:
      `frechet_ab`: translated a to b; `frechet_ab_before`: a itself to b;
      `frechet_ba`, `frechet_ba_before`: the same of the other direction;
      `cycle_error_a`, `cycle_error_b`: mean |F(G(a)) - a| and |G(F(b)) - b|, of values in [-1, 1];
      and where the held-out examples are pairs, the truth that training does not see:
      `error_ab`: mean |G(a) - b|; `error_ab_before`: mean |a - b|; `error_ab_constant`: mean
      |median of b - b|, the least that one image for all can have; and `error_ba` and its two.

    Raises:
      ValueError: the data are not such images.
    """
    a, b = _test(data, "images")
    if a.ndim != 4 or a.shape[1:] != b.shape[1:] or min(a.shape[1:3]) < PATCH:
        raise ValueError(f"expected images of one shape, got {a.shape} and {b.shape}")

    truths = {"ab": (a, b), "ba": (b, a)} if data.paired or data.pairs_held_out else {}

    @cache
    def without_translator():
        errors = {}
        for way, (source, truth) in truths.items():
            constant = np.median(truth, axis=0, keepdims=True)
            errors[f"error_{way}_before"] = _distance(source, truth)
            errors[f"error_{way}_constant"] = _distance(constant, truth)
        return errors

    def report(translate_ab, translate_ba):
        to_b, to_a = np.asarray(translate_ab(a)), np.asarray(translate_ba(b))

        def frechet(x, y):
            return frechet_distance(real=_patches(y), generated=_patches(x))

        translated = {"ab": to_b, "ba": to_a}
        errors = {f"error_{way}": _distance(translated[way], truths[way][1]) for way in truths}
        return {
            "frechet_ab": frechet(to_b, b),
            "frechet_ab_before": frechet(a, b),
            "frechet_ba": frechet(to_a, a),
            "frechet_ba_before": frechet(b, a),
            "cycle_error_a": _distance(translate_ba(to_b), a),
            "cycle_error_b": _distance(translate_ab(to_a), b),
            **errors,
            **without_translator(),
        }

    return report


def paired_translation(data: Any) -> Callable[..., dict[str, float]]:
    """Scores of translated images against their pairs.

    Args:
      data: with held-out pairs of images `a` and `b`, values in [-1, 1].

    Returns:
      Report, of `translate_ab`:
      `error`: mean |G(a) - b|; `error_before`: that of a itself, repeated over channels where b has
      more, averaged over them where it has fewer;
      and where b is a mask of -1 and 1 alone, with G(a) > 0 as the translated mask, `accuracy`:
      share of right pixels; `iou`: intersection over union of the two masks, and `iou_before`: that
      of the mask a > 0; for small images also `iou_ridge`, `iou_kernel` and, of one channel,
      `iou_trees`, of `baselines.ridge`, `kernel_mean` and `neighbourhood` of 2,000 draws of
      training pairs.

    Raises:
      ValueError: the data are not pairs of images.
    """
    a, b = _test(data, "pairs of images")
    if not data.paired:
        raise ValueError(
            "this evaluation needs pairs, and the data are unpaired; set evaluation.name to "
            "'unpaired_translation' or 'none'"
        )
    if a.ndim != 4 or a.shape[:3] != b.shape[:3]:
        raise ValueError(f"expected pairs of images, got {a.shape} and {b.shape}")
    alike = a if a.shape[-1] < b.shape[-1] or a.shape == b.shape else a.mean(-1, keepdims=True)

    @cache
    def baselines():
        if a[0].size > SMALL:
            return {}
        drawn = data.sample(data.train, jax.random.key(0), PAIRS)
        pairs = np.asarray(drawn["a"]), np.asarray(drawn["b"])
        fits = {"ridge": ridge, "kernel": kernel_mean}
        if b.shape[-1] == 1:
            fits["trees"] = neighbourhood
        found = {name: fit(*pairs, a) for name, fit in fits.items()}
        return {f"iou_{name}": _overlap(x, b) for name, x in found.items()}

    def report(translate_ab):
        to_b = np.asarray(translate_ab(a))
        scores = {"error": _distance(to_b, b), "error_before": _distance(alike, b)}
        if (np.abs(b) == 1).all():
            scores["accuracy"] = float(((to_b > 0) == (b > 0)).mean())
            scores |= {"iou": _overlap(to_b, b), "iou_before": _overlap(alike, b), **baselines()}
        return scores

    return report


def _overlap(x: np.ndarray, mask: np.ndarray) -> float:
    x, mask = x > 0, mask > 0
    return float((x & mask).sum() / max((x | mask).sum(), 1))
