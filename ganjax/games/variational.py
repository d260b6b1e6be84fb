"""The variational auto-encoder, a game of one player, and its bound on the likelihood."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import linen as nn

from ganjax import checks, latents
from ganjax.games.autoencoding import ALONE, alone, check_codes, check_outputs, generative, query_of
from ganjax.games.batches import data_of
from ganjax.games.likelihoods import Likelihood, gaussian
from ganjax.games.networks import ask, outputs_of, run, start
from ganjax.types import Game, Needs, Players


def vae(
    autoencoder: nn.Module, z_dim: int, likelihood: Likelihood | None = None, beta: float = 1.0
) -> Game:
    """Variational auto-encoder (Kingma & Welling 2014, arXiv:1312.6114).

    The loss is the mean over the batch of -ELBO = -log p(x|z) + beta KL(q(z|x) || N(0, I)), in nats
    an example, q(z|x) = N(mean, diag(exp(log_var))) from the encoder, z = mean + exp(log_var / 2)
    eps one reparametrised draw an example, and the divergence in closed form (the paper's appendix
    B): sum (mean^2 + exp(log_var) - log_var - 1) / 2. With beta = 1 it bounds -log p(x) from above
    in expectation; other weights are those of the beta-VAE (Higgins et al. 2017).

    Args:
      autoencoder: Linen module with methods `encode`, x -> means and log-variances
        [batch, 2 z_dim], and `decode`, z [batch, z_dim] -> the likelihood's parameters, of the
        shape of x: `nets.AutoEncoder` with `moments=2`. If they take `train`, it is set here.
      z_dim: width of the latent, at least 1.
      likelihood: p(x|z) of the decoder's outputs; `gaussian()` if None.
      beta: weight of the divergence, at least 0.

    Returns:
      Game on batches with `x` [batch, ...]. The generator is the auto-encoder, with the metrics
      `elbo/gen` and `kl/gen` (nats, means over the batch); the discriminator has no parameters
      and the loss 0. Queries: latents, generate, encode (means), decode (means of x), reconstruct,
      energy (-ELBO with z at the posterior's mean, in nats), `log_weights`, panels.

    Raises:
      ValueError: an option is out of range, or, from `init`, shapes that do not fit.
    """
    checks.whole(1, z_dim=z_dim)
    checks.within("[0, inf)", beta=beta)
    likelihood = gaussian() if likelihood is None else likelihood

    def init(rng, batch):
        x = data_of(batch)
        check_codes(autoencoder, rng, x, 2 * z_dim, "moments=2")
        noise = jnp.zeros((x.shape[0], z_dim))
        gen = start(autoencoder, rng, x, noise, method=_sampled)
        check_outputs(outputs_of(autoencoder, gen, x, noise, method=_sampled)[0], x)
        return Players(gen[0], {}), Players(gen[1], {})

    def game_losses(params, model_state, batch, rng):
        rng_z, rng_gen = jax.random.split(rng)
        x = batch["x"]
        noise = latents.normal(rng_z, (x.shape[0], z_dim))
        (outputs, mean, log_var), gen_state = run(
            autoencoder, params.gen, model_state.gen, x, noise, rng=rng_gen, method=_sampled
        )
        fit, kl = jnp.mean(likelihood.log_density(x, outputs)), jnp.mean(_kl(mean, log_var))
        return alone(beta * kl - fit, gen_state, {"elbo/gen": fit - kl, "kl/gen": kl})

    needs = Needs(support=likelihood.support, no_packing=ALONE)
    return Game(init, game_losses, _queries(autoencoder, z_dim, likelihood), needs)


def _queries(autoencoder: nn.Module, z_dim: int, likelihood: Likelihood) -> dict[str, Callable]:
    decode_outputs = query_of(autoencoder, "decode")

    def posterior(params, model_state, x):
        codes = ask(autoencoder, params.gen, model_state.gen, x, method="encode")
        return jnp.split(codes, 2, axis=-1)

    def encode(params, model_state, x):
        return posterior(params, model_state, x)[0]

    def decode(params, model_state, z):
        return likelihood.mean(decode_outputs(params, model_state, z))

    def energy(params, model_state, x):
        mean, log_var = posterior(params, model_state, x)
        outputs = decode_outputs(params, model_state, mean)
        return _kl(mean, log_var) - likelihood.log_density(x, outputs)

    def log_weights(params, model_state, x, rng):
        mean, log_var = posterior(params, model_state, x)
        noise = jax.random.normal(rng, mean.shape, mean.dtype)
        z = mean + jnp.exp(log_var / 2) * noise
        # log p(z) - log q(z|x): the constants cancel.
        ratio = jnp.sum(jnp.square(noise) + log_var - jnp.square(z), axis=-1) / 2
        return likelihood.log_density(x, decode_outputs(params, model_state, z)) + ratio

    shared = generative(latents.normal, z_dim, encode, decode)
    return {**shared, "energy": energy, "log_weights": log_weights}


def _kl(mean, log_var):
    """KL(N(mean, diag(exp(log_var))) || N(0, I)) of each example, [batch], in nats."""
    return jnp.sum(jnp.square(mean) + jnp.exp(log_var) - log_var - 1, axis=-1) / 2


def _sampled(module, x, noise, **mode):
    """(decoder's outputs, means, log-variances) of x with a reparametrised draw of the code."""
    mean, log_var = jnp.split(module.encode(x, **mode), 2, axis=-1)
    return module.decode(mean + jnp.exp(log_var / 2) * noise, **mode), mean, log_var
