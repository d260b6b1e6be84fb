"""Small experiments from which tests make their own: configs of a closed form and of GANs."""

SGD = {"name": "sgd", "learning_rate": 0.1}
ADAM = {"name": "adam", "learning_rate": 1e-3}
MLP = {"name": "mlp", "width": 4}
BILINEAR = {
    "game": {"name": "bilinear"},
    "scheme": {"name": "alternating"},
    "gen_tx": SGD,
    "disc_tx": SGD,
}
RING = {
    "batch_size": 8,
    "data": {"name": "ring"},
    "game": {"name": "gan", "z_dim": 2},
    "generator": MLP,
    "discriminator": MLP,
    "loss": {"name": "non_saturating"},
    "scheme": {"name": "alternating"},
    "gen_tx": ADAM,
    "disc_tx": ADAM,
}
SCORED = {**RING, "evaluation": {"name": "modes"}, "evaluation_samples": 64}
SHALLOW = {**MLP, "depth": 1}
IMAGES = {
    "steps": 2,
    "batch_size": 4,
    "log_every": 2,
    "data": {"name": "digits"},
    "game": {"name": "gan", "z_dim": 3},
    "generator": {**SHALLOW, "output_activation": "tanh"},
    "discriminator": SHALLOW,
    "scheme": {"name": "simultaneous"},
    "gen_tx": {"name": "sgd", "learning_rate": 0.01},
    "disc_tx": {"name": "sgd", "learning_rate": 0.01},
}
