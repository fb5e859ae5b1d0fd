"""Mixtures of factor analysers: laws, and scikit-learn's likelihood of one."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.datasets import load_digits, load_wine
from sklearn.decomposition import FactorAnalysis
from strategies import climb, overlapping, seeds

from skgen.gaussian import (
    CLASSICAL,
    CovariancePrior,
    Factor,
    MixtureParameters,
    Regularisation,
    check_n_factors,
    factor_means,
)
from skgen.gaussian._factor import _Profile


def standardised(X):
    return (X - X.mean(axis=0)) / X.std(axis=0)


def wine():
    return standardised(load_wine().data)


def digits():
    """Of 64 columns, with noise, since some pixels are constant."""
    X = load_digits().data
    return standardised(X + 0.5 * np.random.default_rng(0).normal(size=X.shape))


def log_likelihood(scatter, covariance):
    trace = np.trace(np.linalg.solve(covariance, scatter))
    return -0.5 * (np.linalg.slogdet(2 * np.pi * covariance)[1] + trace)


def a_factor_covariance(rng, k, d, q):
    loadings = rng.normal(size=(k, d, q))
    return np.concatenate([loadings, rng.uniform(0.2, 2.0, (k, d, 1))], axis=2)


cases = given(d=st.integers(2, 6), k=st.integers(1, 3), seed=seeds)


# References


@pytest.mark.parametrize("table", [wine, digits])
@pytest.mark.parametrize("n_factors", [1, 2, 5, 8, 12])
def test_one_component_is_at_least_as_likely_as_scikit_learns(table, n_factors):
    X, structure = table(), Factor(n_factors)
    scatter = np.cov(X.T, bias=True)
    held = Regularisation(floor=1e-10)
    found = held.covariances(structure, np.ones(1), scatter[None])
    analysis = FactorAnalysis(n_factors, svd_method="lapack", tol=1e-10, max_iter=5000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = log_likelihood(scatter, analysis.fit(X).get_covariance())
    assert log_likelihood(scatter, structure.stored(found)[0]) >= expected - 1e-8


def test_means_of_the_factors_are_scikit_learns():
    X, structure = wine(), Factor(2)
    analysis = FactorAnalysis(2, svd_method="lapack", tol=1e-14, max_iter=9000).fit(X)
    loadings, noise = analysis.components_.T[None], analysis.noise_variance_[None]
    found = factor_means(X, analysis.mean_[None], loadings, noise)
    assert found.shape == (len(X), 1, 2)
    assert_allclose(found[:, 0], analysis.transform(X), atol=1e-10)
    fitted = structure.of_matrices(np.cov(X.T, bias=True)[None])
    common = structure.loadings(fitted)[0] @ structure.loadings(fitted)[0].T
    assert_allclose(common, loadings[0] @ loadings[0].T, atol=1e-5)
    assert_allclose(structure.noise(fitted), noise, atol=1e-5)


# Laws


@cases
def test_covariances_of_the_structure_are_their_own_estimates(d, k, seed):
    rng = np.random.default_rng(seed)
    q = int(rng.integers(1, d))
    structure, given = Factor(q), a_factor_covariance(rng, k, d, q)
    matrices = structure.stored(given)
    found = structure.estimate(np.ones(k), matrices, previous=given)
    assert_allclose(structure.stored(found), matrices, rtol=1e-6, atol=1e-6)


@cases
def test_estimate_is_at_least_as_likely_as_the_covariances_before(d, k, seed):
    rng = np.random.default_rng(seed)
    q = int(rng.integers(1, d))
    structure, previous = Factor(q), a_factor_covariance(rng, k, d, q)
    rows = rng.normal(size=(k, d, d + 2)) * rng.uniform(0.1, 3.0, (k, d, 1))
    scatters = rows @ np.swapaxes(rows, 1, 2)
    found = structure.estimate(np.full(k, 2.0), scatters, previous)
    before, after = structure.stored(previous), structure.stored(found)
    for scatter, old, new in zip(scatters / 2.0, before, after):
        gain = log_likelihood(scatter, new) - log_likelihood(scatter, old)
        assert gain >= -1e-9


@cases
def test_slope_and_curvature_are_the_derivatives(d, k, seed):
    rng = np.random.default_rng(seed)
    q = int(rng.integers(1, d))
    rows = rng.normal(size=(k, d, d + 9))
    scatters = rows @ np.swapaxes(rows, 1, 2) / (d + 9)
    logs = rng.uniform(-4.0, -2.0, (k, d))  # so low that all factors explain
    profile = _Profile(scatters, q, logs)
    exact, _ = profile.curvatures()
    for j in range(d):
        move = 1e-5 * (np.arange(d) == j)
        up, down = (_Profile(scatters, q, logs + s * move) for s in (1, -1))
        slope, scale = profile.slope()[:, j], np.abs(profile.height).max()
        rise = (up.height - down.height) / 2e-5
        assert_allclose(slope, rise, rtol=1e-4, atol=1e-7 * scale)
        bend = (up.slope() - down.slope()) / 2e-5
        size = np.abs(exact).max()
        assert_allclose(exact[:, :, j], bend, rtol=1e-3, atol=1e-4 * size)


@given(accelerate=st.booleans(), seed=seeds)
def test_em_never_lowers_the_likelihood(accelerate, seed):
    rng = np.random.default_rng(seed)
    k, d = int(rng.integers(1, 4)), int(rng.integers(2, 6))
    X, labels = overlapping(150, d, k, rng)
    structure = Factor(int(rng.integers(1, d)))
    run, first = climb(X, labels, structure, 30, accelerate, floor=1e-10)
    bounds = [first / len(X), *run.bounds]
    assert (np.diff(bounds) >= -1e-10).all()
    if not accelerate:
        assert run.best.bound == pytest.approx(run.bounds[-1], abs=1e-10)


def test_likelihood_knows_no_units_of_columns():
    X, labels = load_wine(return_X_y=True)
    units = 10.0 ** np.linspace(-3, 3, 13)
    before = climb(X, labels, Factor(2), floor=1e-10)[0].best.bound
    after = climb(X * units, labels, Factor(2), floor=1e-10)[0].best.bound
    assert after + np.log(units).sum() == pytest.approx(before, abs=1e-8)


def test_likelihood_lies_between_that_of_variances_and_of_matrices():
    X, labels = load_wine(return_X_y=True)
    bounds = [
        climb(X, labels, structure, floor=1e-10)[0].best.bound
        for structure in (CLASSICAL["diag"], Factor(1), Factor(3), CLASSICAL["full"])
    ]
    assert (np.diff(bounds) > 0.0).all()


def test_parameters_are_those_that_rotations_leave():
    # Ghahramani and Hinton (1996): d q + d, less the q (q - 1) / 2 of a rotation.
    assert Factor(2).n_parameters(3, 13) == 3 * (26 - 1 + 13)
    # with one factor of three columns: as many as a full covariance has
    assert Factor(1).n_parameters(1, 3) == CLASSICAL["full"].n_parameters(1, 3)


@cases
def test_operations_are_those_of_the_full_matrices(d, k, seed):
    rng = np.random.default_rng(seed)
    q, full = int(rng.integers(1, d)), CLASSICAL["full"]
    structure, given = Factor(q), a_factor_covariance(rng, k, d, q)
    matrices, amount = structure.stored(given), rng.uniform(0.1, 2.0, d)
    assert matrices.shape == structure.shape(k, d)
    assert_allclose(structure.factor(given), full.factor(matrices))
    assert_allclose(
        structure.variances(given, k, d), full.variances(matrices, k, d), rtol=1e-12
    )
    for name in ("add_to_variances", "rescale"):
        found = structure.stored(getattr(structure, name)(given, amount))
        assert_allclose(found, getattr(full, name)(matrices, amount), rtol=1e-12)
    assert_allclose(structure.stored(structure.unit(k, d)), full.unit(k, d))
    raised = structure.stored(structure.raise_to_floor(given, 0.5))
    assert np.linalg.eigvalsh(raised).min() >= 0.5 - 1e-9


def test_mixture_given_by_factors_of_precisions_is_the_same_mixture():
    rng = np.random.default_rng(0)
    structure, given = Factor(2), a_factor_covariance(rng, 3, 8, 2)
    factors = structure.factor(given)
    weights, means = np.full(3, 1.0 / 3.0), rng.normal(size=(3, 8))
    again = MixtureParameters.of_factors(structure, weights, means, factors)
    matrices = structure.stored(given)
    assert_allclose(structure.stored(again.covariances), matrices, rtol=1e-5, atol=1e-6)


# Edges


@pytest.mark.parametrize("n_rows", [0, 1, 2, 4])
def test_floor_holds_components_of_fewer_rows_than_columns(n_rows):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(n_rows, 6))
    scatters = np.array([rows.T @ rows, np.eye(6)])
    held = Regularisation(floor=1e-6)
    found = held.covariances(Factor(2), np.array([max(n_rows, 1), 1.0]), scatters)
    assert np.isfinite(found).all()
    assert Factor(2).noise(found).min() >= 1e-6 * (1 - 1e-9)
    Factor(2).factor(found)


def test_pseudo_rows_hold_a_component_without_rows_of_its_own():
    structure, matrix = Factor(1), np.array([[1.0, 0.5], [0.5, 1.0]])
    prior = CovariancePrior.of_matrix(structure, 4.0, matrix)
    held = Regularisation(floor=1e-10, prior=prior)
    found = held.covariances(structure, np.array([1e-14]), np.zeros((1, 2, 2)))
    assert_allclose(structure.stored(found)[0], matrix, atol=1e-6)


@pytest.mark.parametrize("n_factors", [0, 4, 5])
def test_impossible_number_of_factors_is_an_error_that_says_so(n_factors):
    with pytest.raises(ValueError, match=f"n_factors={n_factors}"):
        check_n_factors(n_factors, 4)
    check_n_factors(3, 4)
