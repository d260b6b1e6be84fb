"""Names of scores and metrics as a reader's words."""

PLAYERS = {"gen": "generator", "disc": "discriminator"}
WORDS = {
    "auroc": "AUROC",
    "elbo": "ELBO",
    "frechet": "Frechet",
    "grad": "gradient",
    "inception": "Inception",
    "iou": "IoU",
    "kl": "KL",
    "ms": "MS",
    "ssim": "SSIM",
    "wasserstein": "Wasserstein",
}


def of(name: str) -> str:
    """The label of a score or metric: "Generator gradient norm" for "grad_norm/gen"."""
    quantity, _, player = name.removeprefix("score/").partition("/")
    parts = [PLAYERS[player], quantity] if player in PLAYERS else [quantity, player]
    text = " ".join(WORDS.get(word, word) for part in parts for word in part.split("_") if word)
    return text[:1].upper() + text[1:]
