"""Encoder, prior, decoder and the weights of draws, `skgen.autoencoder._model`."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from strategies import seeds

from skgen.autoencoder._model import LEAST_POSTERIOR_SCALE, importance_bound

from .models import linear


@given(seed=seeds, n_draws=st.integers(1, 20), beta=st.sampled_from([0.0, 0.5, 1.0]))
def test_importance_bound_is_the_log_of_the_mean_weight(seed, n_draws, beta):
    rng = np.random.default_rng(seed)
    reconstruction, excess = torch.as_tensor(rng.normal(size=(2, n_draws, 5)))
    told = importance_bound(reconstruction, excess, beta)
    expected = (reconstruction - beta * excess).exp().mean(0).log()
    assert_allclose(told, expected, rtol=1e-9, atol=1e-12)


def parts(known, n_draws, seed=0):
    """Reconstruction and excess of independent draws, for a linear model's rows."""
    model = known.model._model(np.float64)
    cells, _, _ = known.model._plan().standardise(known.X)
    generator = torch.Generator().manual_seed(seed)
    shape = n_draws, len(cells), model.n_latents
    noise = torch.randn(shape, generator=generator, dtype=torch.float64)
    return model.terms(torch.as_tensor(cells), None, None, noise)


def test_weights_are_unbiased_for_the_density():
    known = linear(1, posterior="prior")
    reconstruction, excess, _ = parts(known, 50_000)
    weights = (reconstruction - excess).exp().numpy()
    _, _, log_jacobian = known.model._plan().standardise(known.X)
    density = np.exp(known.law().logpdf(known.X) - log_jacobian)
    error = weights.std(0) / np.sqrt(len(weights))
    assert (np.abs(weights.mean(0) - density) < 4.5 * error).all()


def test_bound_of_independent_draws_rises_with_their_number():
    known = linear(1, posterior="another")
    reconstruction, excess, _ = parts(known, 32_768)
    means = [
        importance_bound(reconstruction.reshape(n, -1), excess.reshape(n, -1))
        .mean()
        .item()
        for n in (1, 2, 4, 16, 64)
    ]
    assert means == sorted(means)
    _, _, log_jacobian = known.model._plan().standardise(known.X)
    exact = (known.law().logpdf(known.X) - log_jacobian).mean()
    assert means[-1] < exact + 1e-2


@pytest.mark.parametrize("n_draws", [1, 3])
def test_shapes_are_draws_first_then_rows(n_draws):
    known = linear(0)
    reconstruction, excess, outputs = parts(known, n_draws)
    assert reconstruction.shape == excess.shape == (n_draws, len(known.X))
    assert outputs.shape == (n_draws, len(known.X), 4)


def test_posterior_scales_have_a_floor():
    model = linear(0).model._model(np.float64)
    _, scale = model.encode_inputs(torch.full((1, 8), -1e9, dtype=torch.float64))
    assert (scale >= LEAST_POSTERIOR_SCALE).all()
