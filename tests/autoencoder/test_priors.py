"""Distributions of the latent vector, `skgen.autoencoder._priors`, against scipy's."""

import numpy as np
import pytest
import torch
from hypothesis import given
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from scipy.special import logsumexp, softmax
from strategies import seeds

from skgen.autoencoder._priors import MixturePrior, NormalPrior, VampPrior
from skgen.neural import initialise

PRIORS = {
    "normal": lambda: NormalPrior(3),
    "mixture": lambda: MixturePrior(3, 4),
    "vamp": lambda: VampPrior(3, 5, 4),
}


def encode(inputs):
    """Means and scales of q(z|x) of five inputs."""
    return inputs[..., :3] * 2.0, 0.2 + inputs[..., 2:].square()


def made(name, seed):
    prior = PRIORS[name]()
    generator = torch.Generator().manual_seed(seed)
    initialise(prior, generator)
    prior = prior.double().requires_grad_(False)
    for parameter in prior.parameters():
        parameter += 0.5 * torch.randn(parameter.shape, generator=generator)
    return prior


def components(name, prior):
    """Weights, means and scales of the Gaussians that a prior is made of."""
    if name == "normal":
        return np.ones(1), np.zeros((1, 3)), np.ones((1, 3))
    if name == "mixture":
        scales = np.logaddexp(0.0, prior.raw_scales.numpy()) + 1e-3
        return softmax(prior.logits.numpy()), prior.means.numpy(), scales
    means, scales = (each.numpy() for each in encode(prior.pseudo_inputs))
    return np.full(4, 0.25), means, scales


@pytest.mark.parametrize("name", PRIORS)
@given(seed=seeds)
def test_log_density_is_that_of_the_mixture(name, seed):
    prior = made(name, seed)
    latents = np.random.default_rng(seed).normal(size=(2, 6, 3)) * 2.0
    weights, means, scales = components(name, prior)
    each = stats.norm.logpdf(latents[..., None, :], means, scales).sum(-1)
    expected = logsumexp(each + np.log(weights), axis=-1)
    told = prior.log_density(torch.as_tensor(latents), encode)
    assert_allclose(told, expected, rtol=1e-9)


@pytest.mark.parametrize("name", PRIORS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_draws_have_the_moments_of_the_density(name, dtype):
    prior = made(name, 2)
    weights, means, scales = components(name, prior)
    generator = torch.Generator().manual_seed(0)
    drawn = prior.to(dtype).draw(40_000, generator, encode, dtype)
    assert drawn.dtype == dtype
    drawn = drawn.double().numpy()
    mean = weights @ means
    second = np.einsum("k,ki,kj->ij", weights, means, means)
    covariance = second - np.outer(mean, mean) + np.diag(weights @ np.square(scales))
    deviation = np.sqrt(np.diag(covariance))
    assert_allclose((drawn.mean(axis=0) - mean) / deviation, 0.0, atol=0.02)
    difference = (np.cov(drawn.T) - covariance) / np.outer(deviation, deviation)
    assert np.abs(difference).max() < 0.05


def test_mixtures_start_as_unit_gaussians():
    prior = MixturePrior(2, 5).requires_grad_(False)
    prior.start(torch.Generator().manual_seed(0))
    assert_allclose(prior._scales(), 1.0, rtol=1e-6)
    assert_allclose(prior.logits, 0.0)


def test_pseudo_inputs_start_at_rows():
    prior, rows_ = made("vamp", 0), torch.randn(4, 5, dtype=torch.float64)
    prior.start_from(rows_, 9, 5, torch.Generator().manual_seed(0))
    assert_array_equal(prior.pseudo_inputs, rows_)


def test_pseudo_inputs_at_repeated_rows_differ_but_in_their_mask():
    prior, rows_ = made("vamp", 0), torch.randn(2, 5, dtype=torch.float64)
    prior.start_from(rows_.repeat(2, 1), 2, 3, torch.Generator().manual_seed(0))
    told = prior.pseudo_inputs.numpy()
    assert_array_equal(told[:2], rows_)
    assert_array_equal(told[2:, 3:], rows_[:, 3:])
    beside = np.abs(told[2:, :3] - rows_[:, :3].numpy())
    assert (beside > 0.0).all()
    assert (beside < 1.0).all()
