"""Statistics of windows: laws of the divergence, moments, merges, distances."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import ks_2samp, multivariate_normal

from skgen.anomaly._window_statistics import (
    Groups,
    RowEvidence,
    RowFeatures,
    SortedSample,
    divergence_parts,
    inverse_roots,
    merged_components,
    mixture_deviations,
    moments_of_counts,
    shrunk,
    shrunk_moments,
    window_moments,
)
from skgen.divergences import kl_divergence

from .mixture_evidence import evidence, mixture, sample

seeds = st.integers(0, 2**32 - 1)


def whole_moments(weights, means, covariances):
    """Mean and covariance of a mixture."""
    mean = weights @ means
    shifts = means - mean
    spread = np.einsum("k,ki,kj->ij", weights, shifts, shifts)
    return mean, np.einsum("k,kij->ij", weights, covariances) + spread


# ---- references ----


@given(seed=seeds, d=st.integers(1, 6))
def test_parts_of_one_gaussian_are_its_closed_form(seed, d):
    rng = np.random.default_rng(seed)
    parameters = mixture(rng, 1, d)
    shift = rng.normal(size=d)
    root = rng.normal(size=(d, d))
    covariance = root @ root.T + 0.1 * np.eye(d)
    (factor,) = inverse_roots(parameters[2])
    occupancy, mean, spread = divergence_parts(
        np.ones(1),
        (shift @ factor)[None],
        (factor.T @ covariance @ factor)[None],
        np.ones(1),
    )
    expected = kl_divergence(
        multivariate_normal(parameters[1][0] + shift, covariance),
        multivariate_normal(parameters[1][0], parameters[2][0]),
    )
    assert occupancy == 0.0
    assert_allclose(mean + spread, expected, rtol=1e-7, atol=1e-10)


def test_divergence_of_a_large_window_is_that_of_its_moments():
    rng = np.random.default_rng(0)
    parameters = mixture(rng, 1, 3)
    rows = sample(rng, parameters, 50_000) * 1.3 + 0.5
    groups = Groups(*parameters)
    moments = window_moments(np.ones((len(rows), 1)), groups.whitened(rows))
    expected = kl_divergence(
        multivariate_normal(rows.mean(axis=0), np.cov(rows.T, bias=True)),
        multivariate_normal(parameters[1][0], parameters[2][0]),
    )
    assert_allclose(sum(groups.divergences(moments)), expected, rtol=2e-3)


@pytest.mark.parametrize("decimals", [0, 8])
def test_distance_of_samples_is_that_of_kolmogorov_and_smirnov(decimals):
    rng = np.random.default_rng(1)
    ours, theirs = (rng.normal(size=n).round(decimals) for n in (30, 71))
    distance = SortedSample(np.sort(theirs)).distance(ours)
    assert_allclose(distance, ks_2samp(ours, theirs).statistic)


@pytest.mark.parametrize("decimals", [0, 8])
def test_distance_of_resamples_is_that_of_their_values(decimals):
    rng = np.random.default_rng(2)
    values = np.sort(rng.normal(size=40).round(decimals))
    counts = rng.multinomial(25, np.full(40, 1 / 40), size=6)
    differences = counts[:3] / 25 - counts[3:] / 25
    distances = SortedSample(values).distances_of_resamples(differences)
    expected = [
        ks_2samp(np.repeat(values, ours), np.repeat(values, theirs)).statistic
        for ours, theirs in zip(counts[:3], counts[3:])
    ]
    assert_allclose(distances, expected)


# ---- laws ----


@given(seed=seeds, k=st.integers(1, 5), d=st.integers(1, 4), n=st.integers(1, 40))
def test_no_part_is_negative(seed, k, d, n):
    rng = np.random.default_rng(seed)
    parameters = mixture(rng, k, d)
    rows = evidence(parameters, rng.normal(size=(n, d)) * rng.choice([0.01, 1, 30]))
    groups = Groups(*parameters)
    parts = groups.divergences(
        window_moments(groups.responsibilities(rows), groups.whitened(rows.coordinates))
    )
    assert np.isfinite(parts).all()
    assert np.min(parts) >= 0.0


@given(seed=seeds, k=st.integers(1, 9), d=st.integers(1, 4), g=st.integers(1, 9))
def test_merging_keeps_the_moments_of_the_whole(seed, k, d, g):
    parameters = mixture(np.random.default_rng(seed), k, d)
    labels, *merged = merged_components(*parameters, g)
    assert len(merged[0]) == min(k, g)
    assert_array_equal(np.unique(labels), np.arange(min(k, g)))
    assert_allclose(np.bincount(labels, parameters[0]), merged[0])
    for ours, theirs in zip(whole_moments(*merged), whole_moments(*parameters)):
        assert_allclose(ours, theirs, atol=1e-9)


def test_components_that_are_alike_are_merged_first():
    means = np.array([[0.0], [10.0], [0.1], [10.1]])
    labels, *_ = merged_components(np.full(4, 0.25), means, np.ones((4, 1, 1)), 2)
    assert_array_equal(labels, [0, 1, 0, 1])


def test_components_without_weight_merge_without_a_warning():
    weights = np.array([1.0, 0.0, 0.0])
    _, weights, *_ = merged_components(weights, np.eye(3), np.stack([np.eye(3)] * 3), 2)
    assert_allclose(weights, [1.0, 0.0], atol=1e-11)


def test_merging_leaves_the_parameters_as_they_were():
    parameters = mixture(np.random.default_rng(3), 6, 2)
    copies = [np.copy(part) for part in parameters]
    merged_components(*parameters, 2)
    for part, copy in zip(parameters, copies):
        assert_array_equal(part, copy)


def test_counts_are_repeated_rows():
    rng = np.random.default_rng(4)
    shares, whitened = rng.dirichlet([1, 1], 5), rng.normal(size=(2, 5, 3))
    counts = np.array([2, 1, 3, 1, 1])
    repeated = np.repeat(np.arange(5), counts)
    ours = window_moments(shares, whitened, counts)
    theirs = window_moments(shares[repeated], whitened[:, repeated])
    for one, other in zip(ours, theirs):
        assert_allclose(one, other)


@pytest.mark.parametrize("block", [1, 20, 1 << 22])
def test_moments_of_many_windows_are_those_of_each(block):
    rng = np.random.default_rng(8)
    shares, whitened = rng.dirichlet([1, 1], 7), rng.normal(size=(2, 7, 3))
    counts = rng.integers(3, size=(4, 7))
    ours = moments_of_counts(shares, whitened, counts, block)
    theirs = zip(*(window_moments(shares, whitened, row) for row in counts))
    for one, other in zip(ours, theirs):
        assert_allclose(one, other, atol=1e-12)


def test_a_group_without_rows_has_the_moments_of_the_reference():
    _, means, covariances = shrunk_moments(
        np.array([0.0, 3.0]), np.zeros((2, 2)), np.zeros((2, 2, 2))
    )
    assert_array_equal(means[0], 0.0)
    assert_allclose(covariances[0], np.eye(2))


def test_squared_distances_of_independent_features_have_their_number_as_mean():
    rng = np.random.default_rng(5)
    parameters = np.ones(1), np.zeros((1, 2)), np.eye(2)[None]
    features = RowFeatures(evidence(parameters, rng.normal(size=(4000, 2))), np.ones(2))
    rows = features.of(evidence(parameters, rng.normal(size=(40_000, 2))))
    means = rows.reshape(-1, 40, rows.shape[1]).mean(axis=1) - rows.mean(axis=0)
    distances = 40 * features.squared_distances(means).mean(axis=0)
    # coordinates and their squares are uncorrelated, and so are conditional scores
    assert_allclose(distances[1:], [4.0, 2.0], rtol=0.1)


# ---- behaviour ----


def test_evidence_of_some_rows_is_theirs_in_all_parts():
    rng = np.random.default_rng(6)
    parameters = mixture(rng, 2, 3)
    X = sample(rng, parameters, 8)
    some = evidence(parameters, X).take([5, 2])
    assert len(some) == 2
    for ours, theirs in zip(
        vars(some).values(), vars(evidence(parameters, X[[5, 2]])).values()
    ):
        assert_allclose(ours, theirs)


def test_a_column_that_never_varied_has_a_floor_under_its_variance():
    assert_allclose(shrunk(np.diag([0.0, 1.0])), np.diag([0.05, 1.0]))


def test_features_of_rows_all_alike_are_finite():
    alike = RowEvidence(np.ones(9), np.ones((9, 1)), np.zeros((9, 2)), np.zeros((9, 2)))
    features = RowFeatures(alike, np.ones(2))
    deviations = features.of(alike) - 0.5
    assert np.isfinite(features.squared_distances(deviations)).all()


def test_deviations_of_a_mixture_are_those_of_its_moments():
    parameters = mixture(np.random.default_rng(7), 4, 3)
    _, covariance = whole_moments(*parameters)
    assert_allclose(mixture_deviations(*parameters), np.diag(covariance) ** 0.5)


def test_a_singular_covariance_is_refused_with_a_remedy():
    with pytest.raises(ValueError, match=r"positive definite.*constant columns"):
        Groups(np.ones(1), np.zeros((1, 2)), np.ones((1, 2, 2)))
