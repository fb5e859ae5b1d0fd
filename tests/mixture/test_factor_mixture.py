"""Mixtures of factor analysers as an estimator: ``covariance_type="factor"``."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_iris, load_wine
from sklearn.decomposition import FactorAnalysis
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from strategies import overlapping

from skgen import EMGaussianMixture


def factor(n_components=1, n_factors=1, **parameters):
    parameters = {"random_state": 0, **parameters}
    return EMGaussianMixture(
        n_components, covariance_type="factor", n_factors=n_factors, **parameters
    )


@pytest.fixture(scope="module")
def wine():
    return StandardScaler().fit_transform(load_wine().data)


# References


@pytest.mark.parametrize("n_factors", [1, 2, 3, 5])
def test_one_component_is_as_likely_as_scikit_learns_factor_analysis(wine, n_factors):
    theirs = FactorAnalysis(n_factors, tol=1e-3, svd_method="lapack").fit(wine)
    ours = factor(1, n_factors).fit(wine)
    assert ours.score(wine) >= theirs.score(wine) - 1e-7


@pytest.mark.parametrize("n_factors", [1, 2, 3])
def test_factor_scores_are_scikit_learns_but_for_a_rotation(wine, n_factors):
    theirs = FactorAnalysis(
        n_factors, tol=1e-9, max_iter=20_000, svd_method="lapack"
    ).fit(wine)
    ours = factor(1, n_factors, tol=1e-12).fit(wine)
    one, other = ours.factor_scores(wine), theirs.transform(wine)
    assert one.shape == other.shape
    assert_allclose(one @ one.T, other @ other.T, atol=1e-2)
    assert_allclose(ours.covariances_[0], theirs.get_covariance(), atol=1e-3)


# Laws


@pytest.mark.parametrize(("n_components", "n_factors"), [(1, 1), (2, 2), (3, 3)])
def test_covariances_are_those_of_loadings_and_noise(n_components, n_factors):
    X = load_iris().data
    mixture = factor(n_components, n_factors).fit(X)
    loadings, noise = mixture.factor_loadings_, mixture.noise_variances_
    assert loadings.shape == (n_components, 4, n_factors)
    assert noise.shape == (n_components, 4)
    assert mixture.covariances_.shape == (n_components, 4, 4)
    assert (noise > 0.0).all()
    expected = loadings @ np.swapaxes(loadings, 1, 2) + noise[:, :, None] * np.eye(4)
    assert_allclose(mixture.covariances_, expected, rtol=1e-9)
    assert mixture.covariance_type_ == "factor"


def test_more_factors_are_likelier_and_full_covariances_likeliest(wine):
    scores = [factor(1, n).fit(wine).score(wine) for n in (1, 2, 4, 8)]
    scores.append(EMGaussianMixture().fit(wine).score(wine))
    assert (np.diff(scores) >= -1e-9).all()


def test_free_parameters_are_those_of_loadings_up_to_a_rotation(wine):
    mixture = factor(2, 3).fit(wine)
    d, q = 13, 3
    expected = 2 * (d * q - q * (q - 1) // 2 + d) + 2 * d + 1
    assert mixture._n_parameters() == expected


def test_scores_are_the_factors_means_given_the_rows():
    X = load_iris().data
    mixture = factor(3, 2).fit(X)
    labels = mixture.predict(X)
    scores = mixture.factor_scores(X)
    assert scores.shape == (150, 2)
    for k in range(3):
        loadings = mixture.factor_loadings_[k]
        gain = loadings.T @ np.linalg.inv(mixture.covariances_[k])
        expected = (X - mixture.means_[k]) @ gain.T
        found = mixture.factor_scores(X, component=k)
        assert_allclose(found, expected, rtol=1e-6, atol=1e-8)
        assert_allclose(scores[labels == k], expected[labels == k], atol=1e-8)


def test_scores_have_a_variance_of_at_most_1(wine):
    scores = factor(1, 3).fit(wine).factor_scores(wine)
    assert (scores.var(axis=0) <= 1.0 + 1e-6).all()
    assert_allclose(scores.mean(axis=0), 0.0, atol=1e-8)


def test_units_of_columns_do_not_matter():
    X, scale = load_iris().data, np.array([1e-6, 1.0, 1e3, 1e5])
    one, other = factor(2, 2).fit(X), factor(2, 2).fit(X * scale)
    difference = one.lower_bound_ - other.lower_bound_
    assert difference == pytest.approx(np.log(scale).sum(), abs=1e-6)


def test_plain_em_never_lowers_the_likelihood():
    X = load_iris().data
    mixture = factor(3, 2, acceleration=None, tol=1e-7).fit(X)
    assert (np.diff(mixture.lower_bounds_) >= 0.0).all()
    assert mixture.lower_bound_ == pytest.approx(mixture.score(X), abs=1e-10)


# Behaviour


@pytest.mark.parametrize("n_factors", [4, 5, 100])
def test_too_many_factors_are_refused(n_factors):
    message = f"n_factors must be .* n_factors={n_factors} for n_features=4"
    with pytest.raises(ValueError, match=message):
        factor(1, n_factors).fit(load_iris().data)


@pytest.mark.parametrize("n_factors", [0, -1, 1.5, "many"])
def test_number_of_factors_that_is_none_is_refused(n_factors):
    with pytest.raises(ValueError, match="'n_factors' parameter of EMGaussianMixture"):
        factor(1, n_factors).fit(load_iris().data)


def test_one_column_has_no_factors():
    with pytest.raises(ValueError, match=r"n_factors must be .* n_features=1"):
        factor().fit(np.arange(10.0)[:, None])


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "VEV"])
def test_other_covariances_have_no_factor_scores(covariance_type):
    X = load_iris().data
    mixture = EMGaussianMixture(2, covariance_type=covariance_type, random_state=0)
    message = "factor_scores needs covariance_type='factor'.* with "
    with pytest.raises(AttributeError, match=message + repr(covariance_type)):
        mixture.fit(X).factor_scores(X)


def test_fit_of_another_type_forgets_the_factors():
    X = load_iris().data
    mixture = factor(2, 2).fit(X).set_params(covariance_type="full").fit(X)
    assert not hasattr(mixture, "factor_loadings_")
    with pytest.raises(AttributeError, match="factor_scores needs"):
        mixture.factor_scores(X)


@pytest.mark.parametrize("component", [-1, 2, 7])
def test_component_that_there_is_not_is_refused(component):
    X = load_iris().data
    with pytest.raises(ValueError, match=f"from 0 to 1, got {component}"):
        factor(2).fit(X).factor_scores(X, component=component)


def test_rows_with_holes_are_fitted_and_filled():
    X = load_iris().data.copy()
    missing = np.random.default_rng(0).random(X.shape) < 0.3
    truth = X[missing]
    X[missing] = np.nan
    mixture = factor(2, 2).fit(X)
    assert mixture.lower_bound_ == pytest.approx(mixture.score(X), abs=1e-9)
    filled = mixture.impute(X)[missing]
    error = np.square(filled - truth).mean()
    assert error < 0.4 * np.square(truth - np.nanmean(X)).mean()
    with pytest.raises(ValueError, match="rows without missing cells"):
        mixture.factor_scores(X)


def test_warm_start_goes_on_from_the_last_solution():
    X = load_iris().data
    mixture = factor(3, 2, warm_start=True).fit(X)
    before = mixture.lower_bound_
    mixture.fit(X)
    assert mixture.lower_bound_ >= before - 1e-8
    assert mixture.n_iter_ <= 30


def test_rows_that_are_noise_have_no_scores():
    rng = np.random.default_rng(0)
    X = np.vstack([load_iris().data, rng.uniform(-10, 20, size=(15, 4))])
    mixture = factor(2, 1, noise="uniform").fit(X)
    noise = mixture.predict(X) == -1
    assert noise[150:].all()
    assert_array_equal(np.isnan(mixture.factor_scores(X)).all(axis=1), noise)
    assert np.isfinite(mixture.factor_scores(X, component=0)).all()


def test_floats_of_half_the_width_are_kept():
    X = load_iris().data.astype(np.float32)
    mixture = factor(2, 2).fit(X)
    assert mixture.factor_loadings_.dtype == np.float32
    assert mixture.noise_variances_.dtype == np.float32
    assert mixture.factor_scores(X).dtype == np.float32


def test_constant_column_has_noise_alone():
    X = np.c_[overlapping(d=3)[0], np.ones(150)]
    mixture = factor(1).fit(X)
    assert np.isfinite(mixture.factor_loadings_).all()
    assert np.isfinite(mixture.factor_scores(X)).all()
    assert_allclose(mixture.factor_loadings_[0, 3], 0.0, atol=1e-6)


def test_mixture_answers_as_one_of_full_covariances():
    X = load_iris().data
    mixture = factor(2, 2).fit(X)
    full = EMGaussianMixture.from_parameters(
        mixture.weights_, mixture.means_, mixture.covariances_
    )
    assert_allclose(full.score_samples(X), mixture.score_samples(X))
    assert_allclose(full.predict_proba(X), mixture.predict_proba(X), atol=1e-10)
    sample = mixture.sample(20_000, random_state=0)[0]
    assert_allclose(sample.mean(axis=0), X.mean(axis=0), atol=0.05)
    assert_allclose(np.cov(sample.T), np.cov(X.T), atol=0.15)


# Contract


@pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:X .* feature names, but",
)
@parametrize_with_checks(
    [factor(1, random_state=None), factor(2, random_state=None)],
)
def test_passes_scikit_learns_check(estimator, check):
    check(estimator)
