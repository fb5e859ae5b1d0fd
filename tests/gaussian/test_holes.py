"""Laws of the E-step of rows with holes: it is what a loop over the rows says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logsumexp
from scipy.stats import multivariate_normal
from strategies import all_structures, parameters, seeds

from skgen.em import Workers
from skgen.gaussian import (
    STRUCTURES,
    Expectation,
    Factor,
    Frame,
    IllDefinedCovarianceError,
    IncompleteExpectation,
    MixtureParameters,
    Regularisation,
    Rows,
    UniformNoise,
    _holes,
    maximise,
)
from skgen.gaussian._holes import (
    HolesExpectation,
    batches,
    inverse_factors,
    pattern_tree,
)

ALL = [*dict.fromkeys(STRUCTURES.values()), Factor(1)]
NAMES = [type(structure).__name__ for structure in ALL]
every_structure = pytest.mark.parametrize("structure", ALL, ids=NAMES)
unit_frames = {d: Frame(np.zeros(d), np.ones(d)) for d in range(1, 9)}

# What a row lacks: cells at random, whole columns but for a few rows, everything, one
# pattern in all rows, or a different one in each.
KINDS = ["random", "few patterns", "all or nothing", "one pattern", "all distinct"]


def holes(rng, n, d, kind="random"):
    """Which cells are missing."""
    if kind == "random":
        return rng.random((n, d)) < rng.uniform(0.05, 0.95)
    if kind == "few patterns":
        return (rng.random((3, d)) < 0.5)[rng.integers(3, size=n)]
    if kind == "all or nothing":
        return np.repeat(rng.random((n, 1)) < 0.5, d, axis=1)
    if kind == "one pattern":
        return np.repeat(rng.random((1, d)) < 0.5, n, axis=0)
    numbers = rng.permutation(2**d)[:n]
    return (numbers[:, None] >> np.arange(d)) % 2 == 1


def covariance_of(rng, d):
    root = rng.normal(size=(d, d))
    return root @ root.T + 0.1 * np.eye(d)


def matrices_of(mixture):
    """The covariance matrix of each component."""
    k, d = mixture.means.shape
    structure = mixture.structure
    each = structure.each(structure.stored(mixture.covariances), k)
    if structure.matrices:
        return each
    return structure.variances(each, k, d)[:, :, None] * np.eye(d)


def brute_force(mixture, rows, weights, noise=None):
    """Counts, first and second moments about 0, log-likelihood, row by row."""
    k, d = mixture.means.shape
    counts, first, second = np.zeros(k), np.zeros((k, d)), np.zeros((k, d, d))
    log_likelihood, matrices = 0.0, matrices_of(mixture)
    for row, weight in zip(rows, weights):
        missing = np.isnan(row)
        seen, completed, spread = ~missing, np.tile(row, (k, 1)), np.zeros((k, d, d))
        joint = np.log(mixture.weights)
        for i, (mean, matrix) in enumerate(zip(mixture.means, matrices)):
            known = matrix[np.ix_(seen, seen)]
            gain = matrix[np.ix_(missing, seen)] @ np.linalg.inv(known)
            completed[i, missing] = mean[missing] + gain @ (row - mean)[seen]
            rest = matrix[np.ix_(missing, missing)] - gain @ matrix[:, missing][seen]
            spread[i][np.ix_(missing, missing)] = rest
            if seen.any():
                joint[i] += multivariate_normal(mean[seen], known).logpdf(row[seen])
        every = joint
        if noise is not None:
            every = np.append(joint, noise.log_joint(row[:, None], mixture.weights))
        density = logsumexp(every)
        responsible = weight * np.exp(joint - density)
        log_likelihood += weight * density
        counts += responsible
        first += responsible[:, None] * completed
        outer = completed[:, :, None] * completed[:, None] + spread
        second += responsible[:, None, None] * outer
    return counts, first, second, log_likelihood


def assert_are(found, expected, k, d, rtol=1e-8):
    """Statistics are those of a loop, as far as their structure keeps them."""
    counts, first, second, log_likelihood = expected
    structure, scale = found.structure.storage, max(found.total, 1.0)
    tolerance = {"rtol": rtol, "atol": rtol * scale}
    found = found.about(np.zeros((k, d)))
    assert_allclose(found.counts, counts, **tolerance)
    assert_allclose(found.first, first, **tolerance)
    assert_allclose(found.log_likelihood[0], log_likelihood, **tolerance)
    kept = {
        "full": lambda: second,
        "tied": lambda: second.sum(axis=0, keepdims=True),
        "diag": lambda: np.diagonal(second, axis1=1, axis2=2),
        "spherical": lambda: np.trace(second, axis1=1, axis2=2),
    }[next(name for name in STRUCTURES if STRUCTURES[name] is structure)]()
    centred = structure.centred(found.counts, found.first, found.second)
    assert np.isfinite(centred).all()
    if structure is STRUCTURES["spherical"]:
        kept = kept / d
        mean_square = np.square(first).sum(axis=1) / counts / d
        assert_allclose(centred, kept - mean_square, **tolerance)
    else:
        assert_allclose(found.second, kept, **tolerance)


def table_of(rng, n, d, kind="random"):
    """Rows with holes and weights."""
    missing = holes(rng, n, d, kind)
    rows = 1.5 * rng.normal(size=missing.shape)
    rows[missing] = np.nan
    return rows, rng.uniform(0.5, 2.0, len(rows))


# The tree of patterns


@given(
    n=st.integers(1, 40), d=st.integers(1, 8), kind=st.sampled_from(KINDS), seed=seeds
)
def test_inverse_factors_are_those_of_the_submatrices(n, d, kind, seed):
    rng = np.random.default_rng(seed)
    covariance = covariance_of(rng, d)
    seen = np.unique(~holes(rng, n, d, kind), axis=0)
    tree = pattern_tree(seen.T)
    rows, log_determinants = inverse_factors(covariance, tree)
    assert len(tree) == len(rows) == d
    for number, pattern in enumerate(seen):
        factor = np.zeros((d, d))
        for j, row in enumerate(rows):
            factor[j, : j + 1] = row[:, number]
        expected = np.zeros((d, d))
        inside = np.ix_(pattern, pattern)
        expected[inside] = np.linalg.inv(np.linalg.cholesky(covariance[inside]))
        assert_allclose(factor, expected, rtol=1e-7, atol=1e-9)
        logs = np.log(np.diagonal(expected)[pattern]).sum()
        assert_allclose(log_determinants[number], logs, rtol=1e-9, atol=1e-9)


def test_tree_of_no_column_at_all_has_factors_of_nothing():
    tree = pattern_tree(np.zeros((3, 1), dtype=bool))
    rows, log_determinants = inverse_factors(np.eye(3), tree)
    assert not any(row.any() for row in rows)
    assert_array_equal(log_determinants, [0.0])


def test_patterns_share_what_is_the_same_in_their_first_columns():
    patterns = np.array([[0, 0, 1, 1], [1, 1, 1, 1], [0, 1, 0, 1]], dtype=bool)
    tree = pattern_tree(patterns)
    assert [len(seen) for _, seen in tree] == [2, 2, 4]
    assert tree[1][0] is None


def test_factor_of_what_is_not_positive_definite_is_refused():
    tree = pattern_tree(np.ones((2, 1), dtype=bool))
    with pytest.raises(IllDefinedCovarianceError, match="not positive definite"):
        inverse_factors(np.array([[1.0, 2.0], [2.0, 1.0]]), tree)


# Batches


@given(n=st.integers(1, 60), kind=st.sampled_from(KINDS), seed=seeds)
def test_every_row_is_in_one_batch(n, kind, seed):
    rng = np.random.default_rng(seed)
    rows, weights = table_of(rng, n, 5, kind)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_holes, "FACTOR_NUMBERS", 1)
        patch.setattr(_holes, "FEW_ROWS", 3)
        found = batches(rows.T, weights, 2)
    positions = np.concatenate([batch.positions for batch in found])
    assert_array_equal(np.sort(positions), np.arange(len(rows)))
    for batch in found:
        expected = rows[batch.positions].T
        assert_array_equal(batch.observed, ~np.isnan(expected))
        assert_array_equal(batch.values, np.nan_to_num(expected))
        assert_array_equal(batch.weights, weights[batch.positions])


# Statistics


@settings(max_examples=2 * settings.default.max_examples)
@given(
    structure=all_structures,
    n=st.integers(1, 30),
    d=st.integers(1, 6),
    k=st.integers(1, 3),
    kind=st.sampled_from(KINDS),
    noisy=st.booleans(),
    seed=seeds,
)
def test_statistics_are_those_of_a_loop_over_the_rows(
    structure, n, d, k, kind, noisy, seed
):
    rng = np.random.default_rng(seed)
    mixture = parameters(rng, structure, k, d)
    rows, weights = table_of(rng, n, d, kind)
    noise = None
    if noisy:
        mixture = with_weights(mixture, 0.8 * mixture.weights)
        noise = UniformNoise(np.full(d, -3.0), np.full(d, 4.0))
    expected = brute_force(mixture, rows, weights, noise)
    with Workers(1) as workers:
        known = Rows(rows, weights, unit_frames[d])
        found = HolesExpectation(known, structure, workers, k, noise)(mixture)
    assert_are(found, expected, k, d)
    assert found.total == pytest.approx(weights.sum())


def with_weights(mixture, weights):
    return type(mixture)(
        mixture.structure, weights, mixture.means, mixture.covariances, mixture.factors
    )


@pytest.mark.parametrize("d", [2, 5])
def test_statistics_of_factor_analysers_are_those_of_a_loop(d):
    rng = np.random.default_rng(0)
    mixture = parameters(rng, Factor(1), 3, d)
    rows, weights = table_of(rng, 40, d)
    with Workers(1) as workers:
        known = Rows(rows, weights, unit_frames[d])
        found = HolesExpectation(known, Factor(1), workers, 3)(mixture)
    assert_are(found, brute_force(mixture, rows, weights), 3, d)


@every_structure
@pytest.mark.parametrize("many_rows", [0, 10**9], ids=["by pattern", "by row"])
@pytest.mark.parametrize("kind", KINDS)
def test_both_ways_to_solve_are_one(structure, many_rows, kind, monkeypatch):
    monkeypatch.setattr(_holes, "MANY_ROWS", many_rows)
    rng = np.random.default_rng(1)
    mixture = parameters(rng, structure, 2, 4)
    rows, weights = table_of(rng, 30, 4, kind)
    with Workers(1) as workers:
        known = Rows(rows, weights, unit_frames[4])
        found = HolesExpectation(known, structure, workers, 2)(mixture)
    assert_are(found, brute_force(mixture, rows, weights), 2, 4)


@every_structure
def test_size_of_batches_changes_nothing_but_rounding(structure, monkeypatch):
    rng = np.random.default_rng(2)
    mixture = parameters(rng, structure, 3, 4)
    rows, weights = table_of(rng, 700, 4)
    rows[:300] = rows[0]
    known = Rows(rows, weights, unit_frames[4])
    with Workers(1) as workers:
        whole = HolesExpectation(known, structure, workers, 3)(mixture)
        monkeypatch.setattr(_holes, "FACTOR_NUMBERS", 1)
        cut = HolesExpectation(known, structure, workers, 3)
        assert sum(map(len, cut._lanes)) == 11
        parts = cut(mixture)
    for name in ("counts", "first", "second", "log_likelihood"):
        one, other = getattr(parts, name), getattr(whole, name)
        assert_allclose(one, other, rtol=1e-10, atol=1e-10 * known.total)


@every_structure
def test_row_without_holes_is_a_legal_pattern(structure):
    rng = np.random.default_rng(3)
    mixture = parameters(rng, structure, 3, 4)
    rows = 1.5 * rng.normal(size=(200, 4))
    weights = rng.uniform(0.5, 2.0, 200)
    known = Rows(rows, weights, unit_frames[4])
    with Workers(1) as workers:
        plain = Expectation(known, structure, workers)(mixture)
        found = HolesExpectation(known, structure, workers, 3)(mixture)
    found = found.about(plain.reference)
    for name in ("counts", "first", "second", "log_likelihood"):
        one, other = getattr(found, name), getattr(plain, name)
        assert_allclose(one, other, rtol=1e-10, atol=1e-10 * known.total)


@every_structure
@pytest.mark.parametrize("share", [0.1, 0.9, 1.0])
@pytest.mark.parametrize("noisy", [False, True], ids=["", "noise"])
def test_complete_rows_and_rows_with_holes_add_up(structure, share, noisy):
    rng = np.random.default_rng(4)
    mixture = parameters(rng, structure, 2, 3)
    rows, weights = table_of(rng, 60, 3)
    complete = rng.random(60) >= share
    rows[complete] = rng.normal(size=(complete.sum(), 3))
    rows[0, 1] = np.nan
    noise = None
    if noisy:
        mixture = with_weights(mixture, 0.8 * mixture.weights)
        noise = UniformNoise(np.full(3, -3.0), np.full(3, 4.0))
    with Workers(1) as workers:
        known = Rows(rows, weights, unit_frames[3])
        found = IncompleteExpectation(known, structure, workers, 2, noise)(mixture)
    assert_are(found, brute_force(mixture, rows, weights, noise), 2, 3)


def test_log_volume_is_that_of_the_cells_observed():
    rows = np.array([[1.0, np.nan], [2.0, 3.0], [np.nan, np.nan]])
    frame = Frame(np.zeros(2), np.array([2.0, 10.0]))
    with Workers(1) as workers:
        known = Rows(rows, np.array([1.0, 2.0, 5.0]), frame)
        found = IncompleteExpectation(known, STRUCTURES["full"], workers, 1)
    assert found.log_volume == pytest.approx((3 * np.log(2) + 2 * np.log(10)) / 8)


@every_structure
def test_number_of_threads_changes_nothing_to_the_last_bit(structure, monkeypatch):
    monkeypatch.setattr(_holes, "FACTOR_NUMBERS", 1)
    rng = np.random.default_rng(5)
    mixture = parameters(rng, structure, 3, 4)
    rows, weights = table_of(rng, 3000, 4)
    known = Rows(rows, weights, unit_frames[4])
    found = []
    for n_threads in (1, 2, 3):
        with Workers(n_threads) as workers:
            ask = IncompleteExpectation(known, structure, workers, 3)
            found.append(ask(mixture))
    for other in found[1:]:
        for name in ("counts", "first", "second", "log_likelihood"):
            assert_array_equal(getattr(other, name), getattr(found[0], name))


@pytest.mark.parametrize("name", ["full", "diag"])
def test_row_far_out_is_finite(name):
    rng = np.random.default_rng(6)
    mixture = parameters(rng, STRUCTURES[name], 2, 3)
    rows = np.array([[1e120, np.nan, 0.0], [np.nan, -1e120, np.nan]])
    with Workers(1) as workers:
        known = Rows(rows, None, unit_frames[3])
        found = HolesExpectation(known, mixture.structure, workers, 2)(mixture)
    assert np.isfinite(found.log_likelihood).all()
    assert found.counts.sum() == pytest.approx(2.0)


@pytest.mark.parametrize("name", ["full", "tied", "diag"])
def test_hiding_a_column_everywhere_is_fitting_without_it(name):
    rng = np.random.default_rng(0)
    structure, shown = STRUCTURES[name], slice(0, 2)
    rows = rng.normal(size=(60, 3)) + rng.integers(2, size=(60, 1)) * 3.0
    rows[rng.random(rows.shape) < 0.2] = np.nan
    rows[:, 2] = np.nan
    covariance = covariance_of(rng, 3)
    covariances = {
        "full": np.stack([covariance, np.eye(3)]),
        "tied": covariance[None],
        "diag": rng.uniform(0.5, 2.0, size=(2, 3)),
    }[name]
    means = np.array([[0.0, 0.0, 1.0], [3.0, 3.0, -1.0]])
    pairs = [(rows, means, covariances)]
    part = (slice(None), shown, shown) if structure.matrices else (slice(None), shown)
    pairs.append((rows[:, shown], means[:, shown], covariances[part]))
    found = []
    for X, mean, covariance in pairs:
        weights = np.array([0.4, 0.6])
        mixture = MixtureParameters.of_covariances(structure, weights, mean, covariance)
        with Workers(n_threads=1) as workers:
            frame = unit_frames[X.shape[1]]
            data = Rows(X, None, frame)
            expectation = IncompleteExpectation(data, structure, workers, 2)
            for _ in range(10):
                statistics = expectation(mixture)
                mixture = maximise(statistics, mixture, Regularisation(floor=1e-10))
        found.append((mixture, statistics.log_likelihood))
    (all_columns, likelihood), (some, expected) = found
    assert_allclose(likelihood, expected, rtol=1e-10)
    assert_allclose(all_columns.weights, some.weights, atol=1e-10)
    assert_allclose(all_columns.means[:, shown], some.means, atol=1e-10)
    assert_allclose(all_columns.covariances[part], some.covariances, atol=1e-10)
