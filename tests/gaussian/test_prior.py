"""Laws of pseudo-rows: what they add to the M-step and to the likelihood."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import invwishart, multivariate_normal
from strategies import covariances, name_of, parameters, seeds, structures

from skgen.divergences import kl_divergence
from skgen.em import Workers
from skgen.gaussian import (
    CLASSICAL,
    CovariancePrior,
    Expectation,
    Frame,
    MixtureParameters,
    Regularisation,
    Rows,
    maximise,
)

cases = given(
    structure=structures,
    k=st.integers(1, 4),
    d=st.integers(1, 4),
    count=st.sampled_from([0.0, 0.5, 6.0, 1e3]),
    seed=seeds,
)


def a_matrix(rng, d):
    rows = rng.normal(size=(d, d))
    return rows @ rows.T + 0.3 * np.eye(d)


def as_matrices(structure, kept, k, d):
    """Covariances of each component as full matrices."""
    each = structure.each(kept, k)
    if name_of(structure) in ("full", "tied"):
        return np.asarray(each)
    return np.array([np.diag(np.broadcast_to(row, d)) for row in each])


def of_structure(structure, matrix):
    """What a structure keeps of a matrix, as a matrix again."""
    diagonal = np.diagonal(matrix)
    return {
        "full": matrix,
        "tied": matrix,
        "diag": np.diag(diagonal),
        "spherical": np.eye(len(matrix)) * diagonal.mean(),
    }[name_of(structure)]


@cases
def test_a_structure_keeps_of_a_matrix_what_it_can_hold(structure, k, d, count, seed):
    matrix = a_matrix(np.random.default_rng(seed), d)
    prior = CovariancePrior.of_matrix(structure, count, matrix)
    kept = as_matrices(structure, prior.covariance, 1, d)[0]
    assert_allclose(kept, of_structure(structure, matrix), atol=1e-12)


@cases
def test_pooled_is_the_weighted_mean_of_the_covariances(structure, k, d, count, seed):
    mixture = parameters(np.random.default_rng(seed), structure, k, d)
    prior = CovariancePrior.pooled(count, mixture)
    each = as_matrices(structure, mixture.covariances, k, d)
    pooled = as_matrices(structure, prior.covariance, 1, d)[0]
    assert_allclose(pooled, np.tensordot(mixture.weights, each, 1), atol=1e-12)


@cases
def test_rows_and_pseudo_rows_are_averaged_by_their_numbers(
    structure, k, d, count, seed
):
    rng = np.random.default_rng(seed)
    counts = rng.uniform(0.1, 50.0, k)
    found = covariances(rng, structure, k, d)
    prior = CovariancePrior.of_matrix(structure, count, a_matrix(rng, d))
    together = prior(structure, counts, structure.scatters_of(counts, found))
    shrunk = as_matrices(structure, structure.estimate(*together), k, d)
    within = as_matrices(structure, found, k, d)
    believed = as_matrices(structure, prior.covariance, 1, d)[0]
    if structure.shared:
        scatter = counts.sum() * within[0] + k * count * believed
        expected = np.broadcast_to(scatter / (counts.sum() + k * count), shrunk.shape)
    else:
        n = counts[:, None, None]
        expected = (n * within + count * believed) / (n + count)
    assert_allclose(shrunk, expected, rtol=1e-10, atol=1e-12)


@cases
def test_log_density_is_minus_the_divergences_from_the_pseudo_rows(
    structure, k, d, count, seed
):
    rng = np.random.default_rng(seed)
    mixture = parameters(rng, structure, k, d)
    prior = CovariancePrior.of_matrix(structure, count, a_matrix(rng, d))
    believed = as_matrices(structure, prior.covariance, 1, d)[0]
    nowhere = np.zeros(d)
    expected = -count * sum(
        kl_divergence(
            multivariate_normal(nowhere, believed), multivariate_normal(nowhere, matrix)
        )
        for matrix in as_matrices(structure, mixture.covariances, k, d)
    )
    assert_allclose(prior.log_density(mixture), expected, rtol=1e-8, atol=1e-9 * count)


@given(d=st.integers(1, 4), count=st.sampled_from([12.0, 40.0]), seed=seeds)
def test_log_density_is_that_of_an_inverse_wishart_prior_but_for_a_constant(
    d, count, seed
):
    rng = np.random.default_rng(seed)
    believed = a_matrix(rng, d)
    structure = CLASSICAL["full"]
    prior = CovariancePrior.of_matrix(structure, count, believed)
    law = invwishart(df=count - d - 1, scale=count * believed)
    differences = []
    for _ in range(3):
        mixture = MixtureParameters.of_covariances(
            structure, np.ones(1), np.zeros((1, d)), a_matrix(rng, d)[None]
        )
        told = prior.log_density(mixture)
        differences.append(told - law.logpdf(mixture.covariances[0]))
    assert_allclose(differences, differences[0], atol=1e-8)


@cases
def test_the_m_step_is_a_maximum_of_likelihood_and_prior(structure, k, d, count, seed):
    rng = np.random.default_rng(seed)
    start = parameters(rng, structure, k, d)
    X = rng.normal(size=(60, d))
    prior = CovariancePrior.of_matrix(structure, count, a_matrix(rng, d))
    held = Regularisation(floor=1e-10, prior=prior)
    with Workers(n_threads=1) as workers:
        frame = Frame(np.zeros(d), np.ones(d))
        expectation = Expectation(Rows(X, None, frame), structure, workers)
        best = maximise(expectation(start), start, held)

        def posterior(mixture):
            """Expected log-likelihood under the start's responsibilities, and prior."""
            joint = _log_joint(structure, mixture, X)
            responsible = np.exp(_log_joint(structure, start, X))
            responsible /= responsible.sum(axis=1, keepdims=True)
            return (responsible * joint).sum() + prior.log_density(mixture)

        top = posterior(best)
        for _ in range(5):
            near = covariances(rng, structure, k, d)
            for step in (1e-3, 0.1):
                moved = best.covariances + step * (near - best.covariances)
                other = MixtureParameters.of_covariances(
                    structure, best.weights, best.means, moved
                )
                assert posterior(other) <= top + 1e-9 * abs(top)


def _log_joint(structure, mixture, X):
    k, d = mixture.means.shape
    matrices = as_matrices(structure, mixture.covariances, k, d)
    columns = []
    for weight, mean, matrix in zip(mixture.weights, mixture.means, matrices):
        away = np.linalg.solve(np.linalg.cholesky(matrix), (X - mean).T)
        squares = np.square(away).sum(axis=0)
        log_volume = d * np.log(2 * np.pi) + np.linalg.slogdet(matrix)[1]
        columns.append(np.log(weight) - 0.5 * (squares + log_volume))
    return np.array(columns).T


@pytest.mark.parametrize("structure", CLASSICAL.values(), ids=CLASSICAL)
def test_no_pseudo_rows_leave_covariances_as_they_are(structure):
    rng = np.random.default_rng(0)
    mixture, counts = parameters(rng, structure, 3, 2), np.array([1.0, 2.0, 3.0])
    prior = CovariancePrior.of_matrix(structure, 0.0, a_matrix(rng, 2))
    scatters = structure.scatters_of(counts, mixture.covariances)
    for found, expected in zip(
        prior(structure, counts, scatters), (counts, scatters), strict=True
    ):
        assert_array_equal(found, expected)
    assert prior.log_density(mixture) == 0.0


@pytest.mark.parametrize("structure", CLASSICAL.values(), ids=CLASSICAL)
def test_log_density_is_0_where_covariances_are_as_believed(structure):
    mixture = parameters(np.random.default_rng(0), structure, 1, 3)
    prior = CovariancePrior.pooled(7.0, mixture)
    assert -1e-12 <= prior.log_density(mixture) <= 0.0
    wider = MixtureParameters.of_covariances(
        structure, mixture.weights, mixture.means, 2.0 * mixture.covariances
    )
    assert_allclose(prior.log_density(wider), -7.0 * 1.5 * (np.log(2.0) - 0.5))


def test_without_a_prior_regularisation_is_what_it_was():
    structure = CLASSICAL["full"]
    rng = np.random.default_rng(0)
    mixture = parameters(rng, structure, 2, 2)
    plain = Regularisation(floor=1e-10)
    found = plain.covariances(structure, np.ones(2), mixture.covariances)
    assert_array_equal(found, plain(structure, mixture.covariances))
    assert plain.log_prior(mixture) == 0.0
    prior = CovariancePrior.of_matrix(structure, 1.0, np.eye(2))
    assert replace(plain, prior=prior).is_constraint
