"""Update schemes: factories `(game, tx, **options, axis_name=None) -> Scheme`.

A scheme knows a game and two optax transforms, nothing of images, layers or files; `simultaneous`
explains `game`, `tx` and `axis_name`. Shared parts: `field`, and `fresh_batches` for one batch a
gradient.
"""

from ganjax.schemes.adaptive_extragradient import adaptive_extragradient
from ganjax.schemes.alex import alex
from ganjax.schemes.alternating import alternating
from ganjax.schemes.anchored import anchored
from ganjax.schemes.anderson import anderson
from ganjax.schemes.averaged import averaged
from ganjax.schemes.competitive import competitive
from ganjax.schemes.complex_momentum import complex_momentum
from ganjax.schemes.consensus import consensus
from ganjax.schemes.extragradient import extragradient
from ganjax.schemes.follow_the_ridge import follow_the_ridge
from ganjax.schemes.lead import lead
from ganjax.schemes.lookahead import lookahead
from ganjax.schemes.negative_momentum import negative_momentum
from ganjax.schemes.opponent_shaping import opponent_shaping
from ganjax.schemes.optimistic import optimistic
from ganjax.schemes.past_extragradient import past_extragradient
from ganjax.schemes.prediction import prediction
from ganjax.schemes.proximal import proximal
from ganjax.schemes.reflected import reflected
from ganjax.schemes.runge_kutta import runge_kutta
from ganjax.schemes.simultaneous import simultaneous
from ganjax.schemes.symplectic import symplectic
from ganjax.schemes.tiada import tiada
from ganjax.schemes.unrolled import unrolled

SCHEMES = {
    "adaptive_extragradient": adaptive_extragradient,
    "alex": alex,
    "alternating": alternating,
    "anchored": anchored,
    "anderson": anderson,
    "averaged": averaged,
    "competitive": competitive,
    "complex_momentum": complex_momentum,
    "consensus": consensus,
    "extragradient": extragradient,
    "follow_the_ridge": follow_the_ridge,
    "lead": lead,
    "lookahead": lookahead,
    "negative_momentum": negative_momentum,
    "opponent_shaping": opponent_shaping,
    "optimistic": optimistic,
    "past_extragradient": past_extragradient,
    "prediction": prediction,
    "proximal": proximal,
    "reflected": reflected,
    "runge_kutta": runge_kutta,
    "simultaneous": simultaneous,
    "symplectic": symplectic,
    "tiada": tiada,
    "unrolled": unrolled,
}

__all__ = [
    "SCHEMES",
    "adaptive_extragradient",
    "alex",
    "alternating",
    "anchored",
    "anderson",
    "averaged",
    "competitive",
    "complex_momentum",
    "consensus",
    "extragradient",
    "follow_the_ridge",
    "lead",
    "lookahead",
    "negative_momentum",
    "opponent_shaping",
    "optimistic",
    "past_extragradient",
    "prediction",
    "proximal",
    "reflected",
    "runge_kutta",
    "simultaneous",
    "symplectic",
    "tiada",
    "unrolled",
]
