"""The pictures of the claims, the same in every language: symbols and names of code."""

from collections.abc import Callable, Mapping

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ganjax import html, pictures
from ganjax.disclosure import Disclosure
from tour.claim import Claim

SETTINGS = {**html.SMALL, "lines.linewidth": 1.6}
SIZE = (3.4, 2.8)  # inches, of one panel
THEORY = {"color": "black", "linestyle": ":", "linewidth": 1.2}  # black is the page's ink

Panel = Figure | np.ndarray  # a figure, or a uint8 image [height, width, 1 or 3]


def drawn(claim: Claim, alts: Mapping[str, str], *, disclosure: Disclosure) -> dict[str, str]:
    """The claim's pictures as HTML, by name and in order.

    Args:
      claim: to draw.
      alts: name of a picture -> alternative text; a picture without one is an error.
      disclosure: of the claim's origin.
    """
    result = {}
    with matplotlib.rc_context(SETTINGS):
        for name, panel in PANELS[claim.name](claim).items():
            if isinstance(panel, Figure):
                label = f"{claim.name}-{name}".replace("_", "-")
                result[name] = html.figure_svg(panel, alts[name], name=label)
            else:
                result[name] = html.image_png(panel, alts[name], disclosure=disclosure)
    return result


def _panel(**settings) -> tuple[Figure, Axes]:
    figure = Figure(figsize=SIZE, dpi=150, layout="constrained")
    axes = figure.subplots()
    axes.set(**settings)
    return figure, axes


def _play(claim: Claim) -> dict[str, Panel]:
    arrays = claim.arrays
    names = ("simultaneous", "alternating", "extragradient")
    paths, axes = _panel(xlabel="x", ylabel="y", aspect="equal", xlim=(-3, 3), ylim=(-3, 3))
    u, v = arrays["arrows_u"], arrays["arrows_v"]
    length = np.where(np.hypot(u, v) > 0, np.hypot(u, v), 1.0)
    axes.quiver(
        arrays["arrows_x"], arrays["arrows_y"], u / length, v / length, color="#8c8c8c", pivot="mid"
    )
    for name in names:
        axes.plot(*arrays[f"path_{name}"].T, label=name)
    axes.plot(1, 1, "o", color="black", markersize=4)
    distances, below = _panel(xlabel="step", ylabel="√(x² + y²)", yscale="log")
    for name in names:
        below.plot(np.linalg.norm(arrays[f"path_{name}"], axis=1), label=name)
    below.legend()
    spectrum, circle = _panel(xlabel="Re λ", ylabel="Im λ")
    angle = np.linspace(-0.32, 0.32, 100)
    circle.plot(np.cos(angle), np.sin(angle), **THEORY)
    for name, mark in zip(names, "so^", strict=True):
        values = arrays[f"eigenvalues_{name}"]
        circle.plot(values.real, values.imag, mark, markersize=6, label=name)
    circle.legend(loc="center left")
    circle.set(xlim=(0.9, 1.03))
    return {"paths": paths, "distances": distances, "spectrum": spectrum}


def _optimum(claim: Claim) -> dict[str, Panel]:
    arrays = claim.arrays
    discriminator, axes = _panel(xlabel="x", ylim=(0, 1.02))
    axes.fill_between(
        arrays["x"], arrays["p"], color=html.COLOURS[0], alpha=0.35, lw=0, label="p(x)"
    )
    axes.fill_between(
        arrays["x"], arrays["q"], color=html.COLOURS[1], alpha=0.35, lw=0, label="q(x)"
    )
    axes.plot(arrays["x"], arrays["found"], color=html.COLOURS[2], label="D(x)")
    axes.plot(arrays["x"], arrays["ideal"], **THEORY, label="p / (p + q)")
    axes.legend(loc="upper left")
    value, below = _panel(xlabel="a,  q = N(a, 1)", ylabel="V(D*, G)")
    below.plot(
        arrays["means"], arrays["values"], "o", markersize=4, color=html.COLOURS[2], label="V"
    )
    below.plot(arrays["means"], arrays["theory"], **THEORY, label="2 JSD - log 4")
    below.axhline(-np.log(4), color=html.COLOURS[4], linewidth=1)
    below.text(arrays["means"][0], -np.log(4), "-log 4", va="bottom")
    below.legend(loc="upper center")
    return {"discriminator": discriminator, "value": value}


def _convergence(claim: Claim) -> dict[str, Panel]:
    arrays = claim.arrays
    cells = {
        "small": "h = {rate:g}",
        "large": "h = {large:.3g}",
        "held": "h = {rate:g}, D* every {held:g}",
        "other_mode": "one mode",
    }
    gaps, axes = _panel(xlabel="step", ylabel="V(D*, q) + log 4", yscale="log", ylim=(1e-9, 2))
    for index, (name, label) in enumerate(cells.items()):
        gap = np.maximum(arrays[f"value_{name}"] + np.log(4), 1e-12)
        axes.plot(gap[:1000], label=label.format_map(claim.facts), color=html.COLOURS[index])
    axes.legend(fontsize=7)
    tables, below = _panel(xlabel="x", ylabel="q(x)", ylim=(0, 1))
    places = np.arange(len(arrays["p"]))
    below.bar(places, arrays["p"], color=html.COLOURS[4], alpha=0.4, label="p")
    for index, name in enumerate(cells):
        below.plot(places, arrays[f"table_{name}"], ".-", color=html.COLOURS[index])
    below.legend()
    return {"gaps": gaps, "tables": tables}


def _saturation(claim: Claim) -> dict[str, Panel]:
    arrays = claim.arrays
    slopes, axes = _panel(xlabel="a,  q = N(a, 1)", ylabel="|∂ loss / ∂a|", yscale="log")
    for name in ("minimax", "non_saturating"):
        axes.plot(arrays["distances"], arrays[name], "o", markersize=4, label=name)
        axes.plot(arrays["distances"], arrays[f"{name}_theory"], **THEORY)
    axes.legend()
    return {"slopes": slopes}


def _lines(claim: Claim) -> dict[str, Panel]:
    arrays = claim.arrays
    distances, axes = _panel(xlabel="θ")
    axes.plot(arrays["thetas"], arrays["wasserstein"], "o", markersize=5, label="Wasserstein")
    axes.plot(arrays["thetas"], arrays["jsd"], "s", markersize=5, label="JSD")
    axes.legend()
    slopes, below = _panel(xlabel="θ", ylabel="∂ loss / ∂θ")
    apart = arrays["thetas"] != 0  # where they agree, no discriminator is the best one
    for name, mark in (("wasserstein", "o"), ("minimax", "s")):
        slope = arrays[f"{name}_slope"][apart]
        below.plot(arrays["thetas"][apart], slope, mark, markersize=5, label=name)
    below.legend(loc="upper left")
    return {"distances": distances, "slopes": slopes}


def _over_generalisation(claim: Claim) -> dict[str, Panel]:
    arrays = claim.arrays
    fits, axes = _panel(xlabel="x", ylim=(0, 1.0))
    _data(axes, arrays)
    for name in ("kl", "reverse_kl"):
        axes.plot(arrays["x"], arrays[name], label=name)
    axes.legend(loc="upper left")
    return {"fits": fits}


def _nash(claim: Claim) -> dict[str, Panel]:
    arrays = claim.arrays
    discriminator, axes = _panel(xlabel="step", ylabel="D(x)", xscale="log", ylim=(0, 1))
    axes.fill_between(
        arrays["steps"], arrays["lowest"], arrays["highest"], color=html.COLOURS[2], alpha=0.4
    )
    axes.axhline(0.5, **THEORY)
    generator, below = _panel(xlabel="step", xscale="log")
    below.plot(arrays["steps"], arrays["gen"], label=["a", "b"])
    below.plot(arrays["steps"], arrays["value"], label="V")
    for level in (0.0, 1.0, -np.log(4)):
        below.axhline(level, **THEORY)
    below.legend()
    return {"discriminator": discriminator, "generator": generator}


def _coverage(cells: Mapping[str, str]) -> Callable[[Claim], dict[str, Panel]]:
    """A scatter for each cell, by name under its title, and their reverse KL over the steps."""

    def panels(claim):
        arrays, result = claim.arrays, {}
        titles = {name: title.format_map(claim.facts) for name, title in cells.items()}
        reach = 1.35 * float(np.abs(arrays["centres"]).max())
        for index, (name, title) in enumerate(titles.items()):
            box = (-reach, reach)
            result[name], axes = _panel(xlim=box, ylim=box, aspect="equal", title=title)
            points = arrays[f"samples_{name}"]
            axes.scatter(
                *points.T, s=5, color=html.COLOURS[index], alpha=0.5, lw=0, rasterized=True
            )
            axes.plot(*arrays["centres"].T, "+", color="black", markersize=7)
            axes.set(xticks=(), yticks=())
            axes.spines[:].set_visible(True)
        result["curves"], axes = _panel(xlabel="step", ylabel="reverse KL")
        for index, (name, title) in enumerate(titles.items()):
            lines = axes.plot(
                arrays["steps"], arrays[f"kl_{name}"], color=html.COLOURS[index], lw=1.1
            )
            lines[0].set_label(title)
        axes.axhline(np.log(len(arrays["centres"])), **THEORY)
        axes.legend()
        return result

    return panels


def _fits(claim: Claim) -> dict[str, Panel]:
    arrays = claim.arrays
    fits, axes = _panel(xlabel="x")
    _data(axes, arrays)
    for name in ("kl", "pearson", "jensen_shannon", "reverse_kl"):
        axes.plot(arrays["x"], arrays[f"reached_{name}"], label=name)
        axes.plot(arrays["x"], arrays[f"best_{name}"], **THEORY)
    axes.set(ylim=(0, 0.75))
    axes.legend(loc="upper right")
    return {"fits": fits}


def _latent_space(claim: Claim) -> dict[str, Panel]:
    arrays = claim.arrays
    jumps, axes = _panel(xlabel="step", ylabel="|G(z + dz) - G(z)|")
    axes.plot(arrays["jumps_copied"], label="nearest", color=html.COLOURS[1])
    axes.plot(arrays["jumps_generated"], label="G(z)", color=html.COLOURS[0])
    axes.set_ylim(0, 1.35 * max(1e-9, *arrays["jumps_copied"], *arrays["jumps_generated"]))
    axes.legend()
    return {
        "walks": pictures.image_grid(arrays["walks"], columns=9),
        "jumps": jumps,
        "sums": pictures.image_grid(arrays["sums"], columns=8),
    }


def _grids(*names: str) -> Callable[[Claim], dict[str, Panel]]:
    """A grid of images for each of the arrays."""

    def panels(claim):
        return {name: pictures.image_grid(claim.arrays[name], columns=10) for name in names}

    return panels


def _data(axes: Axes, arrays: Mapping[str, np.ndarray]) -> None:
    axes.fill_between(
        arrays["x"], arrays["data"], color=html.COLOURS[4], alpha=0.4, lw=0, label="p"
    )


PANELS = {
    "play": _play,
    "optimum": _optimum,
    "convergence": _convergence,
    "saturation": _saturation,
    "lines": _lines,
    "over_generalisation": _over_generalisation,
    "nash": _nash,
    "unrolling": _coverage(
        {"plain": "unroll_steps = 0", "unrolled": "unroll_steps = {unroll_steps}"}
    ),
    "packing": _coverage(
        {"plain": "packing = 1", "packed": "packing = {pack}", "penalised": "r1, gamma = {gamma}"}
    ),
    "fits": _fits,
    "latent_space": _latent_space,
    "inception_score": _grids("real", "generated", "picked", "tuned"),
    "people": _grids("real", "generated", "collapsed"),
}
