"""Laws of the covariance structures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from strategies import covariances, name_of, seeds, structures

from skgen.gaussian import CLASSICAL, IllDefinedCovarianceError


def moments(rng, structure, k, d, n=30):
    """Responsibilities and rows, and their moments about the origin."""
    rows = rng.normal(size=(n, d)) + rng.normal(size=d)
    given = rng.dirichlet(np.ones(k), size=n).T
    scatters = np.array([structure.scatter(rows.T, weights) for weights in given])
    if structure.shared:
        scatters = scatters.sum(axis=0, keepdims=True)
    return rows, given, given.sum(axis=1), given @ rows, scatters


def as_matrices(structure, array, k, d):
    """Covariances, precisions or factors as matrices, one for each component."""
    each = structure.each(array, k)
    if structure.matrices:
        return each
    return np.array([np.diag(np.broadcast_to(diagonal, d)) for diagonal in each])


cases = given(
    structure=structures, k=st.integers(1, 4), d=st.integers(1, 5), seed=seeds
)


@cases
def test_estimate_is_the_weighted_covariance(structure, k, d, seed):
    rng = np.random.default_rng(seed)
    rows, responsible, *about_origin = moments(rng, structure, k, d)
    full = np.array([np.cov(rows.T, bias=True, aweights=w) for w in responsible])
    full = full.reshape(k, d, d)
    diagonal = np.diagonal(full, axis1=1, axis2=2)
    expected = {
        "full": full,
        "tied": np.average(full, axis=0, weights=responsible.sum(axis=1)),
        "diag": diagonal,
        "spherical": diagonal.mean(axis=1),
    }
    scatters = structure.centred(*about_origin)
    found = structure.outside(structure.estimate(about_origin[0], scatters))
    assert found.shape == structure.shape(k, d)
    assert_allclose(found, expected[name_of(structure)], rtol=1e-9, atol=1e-12)


@cases
def test_factors_precisions_and_covariances_are_one_thing(structure, k, d, seed):
    given = covariances(np.random.default_rng(seed), structure, k, d)
    factors = structure.factor(given)
    precisions = structure.precisions(factors)
    assert_allclose(structure.covariances(factors), given, rtol=1e-8, atol=1e-10)
    again = structure.factor_precisions(precisions)
    assert_allclose(again, factors, rtol=1e-7, atol=1e-9)
    product = as_matrices(structure, given, k, d) @ as_matrices(
        structure, precisions, k, d
    )
    assert_allclose(product, np.broadcast_to(np.eye(d), (k, d, d)), atol=1e-8)


@cases
def test_times_is_the_product_of_precisions_with_columns(structure, k, d, seed):
    rng = np.random.default_rng(seed)
    precisions = structure.precisions(covariances(rng, structure, k, d))
    columns = rng.normal(size=(d, 7))
    expected = as_matrices(structure, precisions, k, d) @ columns
    found = structure.each(structure.times(precisions, columns), k)
    assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@cases
def test_factors_of_matrices_are_upper_triangular_with_positive_diagonal(
    structure, k, d, seed
):
    given = covariances(np.random.default_rng(seed), structure, k, d)
    factors = as_matrices(structure, structure.factor(given), k, d)
    assert (np.tril(factors, -1) == 0.0).all()
    assert (np.diagonal(factors, axis1=1, axis2=2) > 0.0).all()


@cases
def test_log_determinant_is_that_of_the_factors(structure, k, d, seed):
    factors = structure.factor(
        covariances(np.random.default_rng(seed), structure, k, d)
    )
    found = structure.log_determinants(factors, d)
    expected = np.linalg.slogdet(as_matrices(structure, factors, k, d))[1]
    assert_allclose(np.broadcast_to(found, k), expected, atol=1e-9)


@cases
def test_translated_moments_are_moments_about_the_other_point(structure, k, d, seed):
    rng = np.random.default_rng(seed)
    rows, responsible, counts, first, second = moments(rng, structure, k, d)
    points = rng.normal(size=(k, d))
    expected = np.array(
        [
            structure.scatter((rows - point).T, weights)
            for point, weights in zip(points, responsible)
        ]
    )
    if structure.shared:
        expected = expected.sum(axis=0, keepdims=True)
    found = structure.translate(counts, first, second, -points)
    assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@cases
def test_no_variance_in_any_direction_is_below_the_floor(structure, k, d, seed):
    rng = np.random.default_rng(seed)
    given = covariances(rng, structure, k, d)
    floor = float(rng.uniform(0.1, 2.0))
    raised = structure.raise_to_floor(given, floor)
    before = np.linalg.eigvalsh(as_matrices(structure, given, k, d))
    after = np.linalg.eigvalsh(as_matrices(structure, raised, k, d))
    assert after.min() >= floor * (1 - 1e-9)
    assert_allclose(after, np.maximum(before, floor), rtol=1e-8)
    counted = structure.each(structure.directions_below(given, floor), k)
    expected = (before < floor).sum(axis=1)
    if structure.isotropic:
        counted = counted * d
    assert_allclose(counted, expected)


@cases
def test_raised_covariance_is_the_likeliest_above_the_floor(structure, k, d, seed):
    rng = np.random.default_rng(seed)
    scatter, floor = covariances(rng, structure, k, d), float(rng.uniform(0.1, 2.0))
    raised = structure.raise_to_floor(scatter, floor)
    other = structure.raise_to_floor(covariances(rng, structure, k, d), floor)
    between = 0.9 * raised + 0.1 * other  # the feasible set is convex

    def log_likelihood(sigma):
        sigma = as_matrices(structure, sigma, k, d)
        inside = np.linalg.solve(sigma, as_matrices(structure, scatter, k, d))
        traces = np.trace(inside, axis1=1, axis2=2)
        return (-np.linalg.slogdet(sigma)[1] - traces).sum()

    assert log_likelihood(raised) >= log_likelihood(other) - 1e-9
    assert log_likelihood(raised) >= log_likelihood(between) - 1e-9


@cases
def test_rescaled_covariances_are_those_of_rescaled_columns(structure, k, d, seed):
    rng = np.random.default_rng(seed)
    given = covariances(rng, structure, k, d)
    scale = 10.0 ** rng.uniform(-3, 3, d)
    if structure.isotropic:
        scale[:] = scale[0]
    expected = as_matrices(structure, given, k, d) * scale[:, None] * scale
    found = structure.rescale(given, scale)
    assert_allclose(as_matrices(structure, found, k, d), expected, rtol=1e-10)
    factors = structure.rescale_factors(structure.factor(given), 1.0 / scale)
    covariance = structure.covariances(factors)
    assert_allclose(
        as_matrices(structure, covariance, k, d) / (scale[:, None] * scale),
        as_matrices(structure, given, k, d),
        rtol=1e-7,
        atol=1e-9,
    )


@cases
def test_draws_have_the_covariance(structure, k, d, seed):
    rng = np.random.default_rng(seed)
    given = covariances(rng, structure, k, d)
    one = structure.each(given, k)[0]
    rows = structure.draw(np.random.RandomState(seed), one, 4000, d)
    expected = as_matrices(structure, given, k, d)[0]
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    assert (np.abs(np.cov(rows.T).reshape(d, d) - expected) / scale).max() < 0.15


@pytest.mark.parametrize("name", CLASSICAL)
@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf])
def test_covariance_that_is_none_is_an_error_of_its_own(name, bad):
    structure = CLASSICAL[name]
    given = structure.inside(np.ones(structure.shape(2, 2)))
    given[0] = bad * np.eye(2) if structure.matrices and np.isfinite(bad) else bad
    with pytest.raises(IllDefinedCovarianceError):
        structure.factor(given)
