"""Laws of parameters and of the M-step."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from strategies import covariances, parameters, seeds, structures

from skgen.em import Workers
from skgen.gaussian import (
    CLASSICAL,
    Expectation,
    Frame,
    IllDefinedCovarianceError,
    MixtureParameters,
    Regularisation,
    Rows,
    maximise,
)

cases = given(
    structure=structures, k=st.integers(1, 4), d=st.integers(1, 4), seed=seeds
)


def a_frame(rng, structure, d):
    scale = 10.0 ** rng.uniform(-3, 3, d)
    if structure.isotropic:
        scale[:] = scale[0]
    return Frame(rng.normal(size=d) * 10, scale)


@cases
def test_into_a_frame_and_out_again_is_the_same_mixture(structure, k, d, seed):
    rng = np.random.default_rng(seed)
    mixture, frame = parameters(rng, structure, k, d), a_frame(rng, structure, d)
    again = mixture.in_frame(frame).out_of_frame(frame)
    assert_allclose(again.weights, mixture.weights)
    assert_allclose(again.means, mixture.means, atol=1e-9)
    assert_allclose(again.factors, mixture.factors, rtol=1e-9, atol=1e-9)
    assert_allclose(again.covariances, mixture.covariances, rtol=1e-7, atol=1e-9)


@cases
def test_own_frame_gives_the_mixture_mean_0_and_variance_1(structure, k, d, seed):
    rng = np.random.default_rng(seed)
    mixture = parameters(rng, structure, k, d)
    inside = mixture.in_frame(mixture.own_frame())
    assert_allclose(inside.weights @ inside.means, 0.0, atol=1e-9)
    variances = structure.variances(inside.covariances, k, d) + inside.means**2
    total = inside.weights @ variances
    assert_allclose(total.mean() if structure.isotropic else total, 1.0)


@cases
def test_scales_are_log_densities_at_the_means(structure, k, d, seed):
    mixture = parameters(np.random.default_rng(seed), structure, k, d)
    each = structure.each(mixture.covariances, k)
    if not structure.matrices:
        each = np.array([np.diag(np.broadcast_to(c, d)) for c in each])
    expected = np.log(mixture.weights) - 0.5 * np.linalg.slogdet(2 * np.pi * each)[1]
    assert_allclose(mixture.log_scales, expected, atol=1e-9)


def statistics_of(rows, responsible, structure):
    frame = Frame(np.zeros(rows.shape[1]), np.ones(rows.shape[1]))
    with Workers() as workers:
        expectation = Expectation(Rows(rows, None, frame), structure, workers)
        return expectation.of_responsibilities(
            lambda block: responsible[:, block], len(responsible)
        )


@cases
def test_m_step_maximises_the_expected_log_likelihood(structure, k, d, seed):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(40, d))
    responsible = rng.dirichlet(np.ones(k), size=40).T
    previous = parameters(rng, structure, k, d)
    best = maximise(
        statistics_of(rows, responsible, structure), previous, Regularisation()
    )

    def expected(mixture):
        factors = structure.each(mixture.factors, k)
        total = 0.0
        for i in range(k):
            factor = (
                factors[i]
                if structure.matrices
                else np.diag(np.broadcast_to(factors[i], d))
            )
            white = (rows - mixture.means[i]) @ factor
            density = mixture.log_scales[i] - 0.5 * np.square(white).sum(axis=1)
            total += responsible[i] @ density
        return total

    at_best = expected(best)
    for _ in range(5):
        # Close by, on all sides: the covariances' sets are convex.
        other = parameters(rng, structure, k, d)
        near = MixtureParameters.of_covariances(
            structure,
            0.99 * best.weights + 0.01 * other.weights,
            best.means + 0.01 * other.means,
            0.99 * best.covariances + 0.01 * other.covariances,
        )
        assert expected(near) <= at_best + 1e-9
        assert expected(other) <= at_best + 1e-9


@pytest.mark.parametrize("name", CLASSICAL)
def test_empty_component_keeps_what_it_had(name):
    structure, rng = CLASSICAL[name], np.random.default_rng(0)
    rows = rng.normal(size=(30, 2))
    responsible = np.zeros((3, 30))
    responsible[0, :15] = responsible[2, 15:] = 1.0
    previous = parameters(rng, structure, 3, 2)
    found = maximise(
        statistics_of(rows, responsible, structure), previous, Regularisation()
    )
    assert_array_equal(found.means[1], previous.means[1])
    assert 0.0 < found.weights[1] < 1e-13
    if not structure.shared:
        assert_allclose(found.covariances[1], previous.covariances[1], rtol=1e-14)
    assert np.isfinite(found.log_scales).all()


def test_negative_count_of_an_extrapolation_is_an_error_of_its_own():
    structure, rng = CLASSICAL["full"], np.random.default_rng(0)
    rows = rng.normal(size=(30, 2))
    statistics = statistics_of(rows, np.full((2, 30), 0.5), structure)
    statistics = replace(statistics, counts=statistics.counts * [1, -1])
    with pytest.raises(IllDefinedCovarianceError, match="negative count"):
        maximise(statistics, parameters(rng, structure, 2, 2), Regularisation())


@cases
def test_ridge_is_added_to_the_variances(structure, k, d, seed):
    rng = np.random.default_rng(seed)
    given = covariances(rng, structure, k, d)
    held = Regularisation(ridge=np.full(d, rng.uniform(0.1, 2.0)))
    counts = rng.uniform(1.0, 50.0, k)
    estimated = held.covariances(
        structure, counts, structure.scatters_of(counts, given)
    )
    expected = structure.variances(given, k, d) + held.ridge
    for found in (held(structure, given), estimated):
        assert_allclose(structure.variances(found, k, d), expected)


@pytest.mark.parametrize("name", CLASSICAL)
def test_variance_of_the_size_of_rounding_is_an_error_of_its_own(name):
    structure = CLASSICAL[name]
    tiny = structure.inside(np.ones(structure.shape(2, 2))) * 1e-17
    if structure.matrices:
        tiny = tiny * np.eye(2)
    with pytest.raises(IllDefinedCovarianceError, match="rounding"):
        Regularisation()(structure, tiny)
    held = Regularisation(ridge=np.full(2, 1e-18))(structure, tiny)
    assert_allclose(structure.variances(held, 2, 2), 1e-17 + 1e-18, rtol=1e-6)
