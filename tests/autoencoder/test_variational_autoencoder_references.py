"""References: numbers that others tell of the models that they share with us."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.linalg import subspace_angles
from sklearn.decomposition import PCA, FactorAnalysis

from skgen import VariationalAutoencoder

from .models import linear

LINEAR = {
    "hidden_layer_sizes": (),
    "prior": "normal",
    "likelihood": "homoscedastic_gaussian",
    "n_importance_samples": 1,
    "masking_fraction": 0.0,
    "early_stopping": False,
    "max_iter": 150,
    "learning_rate_init": 0.02,
    "random_state": 0,
    "device": "cpu",
}


def loadings(model):
    """What the decoder adds for each latent dimension, in the units of the table."""
    scale = model._plan().marginals.scale
    return model.parameters_["decoder.0.weight"] * scale[:, None]


@pytest.mark.parametrize(("n_columns", "n_latents"), [(5, 2), (6, 1)])
def test_linear_model_recovers_probabilistic_pca(n_columns, n_latents):
    """Tipping and Bishop (1999): its subspace and its likelihood, by scikit-learn."""
    rng = np.random.default_rng(0)
    directions = np.linalg.qr(rng.normal(size=(n_columns, n_latents)))[0]
    latents = rng.normal(size=(600, n_latents)) * [3.0, 2.0][:n_latents]
    X = latents @ directions.T + 0.5 * rng.normal(size=(600, n_columns)) + 3.0
    model = VariationalAutoencoder(n_latents, **LINEAR).fit(X)
    reference = PCA(n_latents).fit(X)
    angles = subspace_angles(loadings(model), reference.components_.T)
    assert np.degrees(angles.max()) < 2.0
    assert model.score(X) == pytest.approx(reference.score(X), abs=0.01)
    assert model.elbo(X).elbo.mean() == pytest.approx(reference.score(X), abs=0.02)
    assert model.active_units_ == n_latents


def test_linear_model_is_factor_analysis():
    """Each column has a noise of its own: scikit-learn's FactorAnalysis."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(600, 2)) @ rng.normal(size=(2, 5))
    X += rng.uniform(0.3, 1.0, 5) * rng.normal(size=X.shape)
    model = VariationalAutoencoder(2, **LINEAR).fit(X)
    reference = FactorAnalysis(2).fit(X)
    assert model.score(X) == pytest.approx(reference.score(X), abs=0.015)
    noise = np.logaddexp(0.0, model.parameters_["columns.families.0.raw_scale"]) + 0.02
    noise = noise * model._plan().marginals.scale
    covariance = loadings(model) @ loadings(model).T + np.diag(noise**2)
    deviation = np.sqrt(np.diag(covariance))
    difference = (covariance - reference.get_covariance()) / np.outer(
        deviation, deviation
    )
    assert_allclose(difference, 0.0, atol=0.06)


def test_linear_model_with_exact_weights_scores_as_factor_analysis_does():
    known = linear(3)
    reference = FactorAnalysis(2)
    reference.mean_ = known.mean
    scale = known.model._plan().marginals.scale
    reference.components_ = loadings(known.model).T
    raw = known.model.parameters_["columns.families.0.raw_scale"]
    reference.noise_variance_ = np.square((np.logaddexp(0.0, raw) + 0.02) * scale)
    expected = reference.score_samples(known.X)
    assert_allclose(known.model.score_samples(known.X), expected, rtol=1e-7)
    assert_allclose(known.model.transform(known.X), reference.transform(known.X))
