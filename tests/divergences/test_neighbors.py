"""The mathematics of neighbours: references, and searches against brute force."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import cdist
from scipy.special import digamma

from skgen.divergences import _neighbors as neighbors


def samples(n=60, m=50, d=2, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(0.5, size=(m, d))


# References


@pytest.mark.parametrize("k", [1, 4])
@pytest.mark.parametrize("d", [1, 3, 11])
def test_log_ratios_are_those_of_equation_5_of_wang_et_al(d, k):
    X, Y = samples(d=d)
    near = np.sort(cdist(X, X), axis=1)[:, k]
    far = np.sort(cdist(X, Y), axis=1)[:, k - 1]
    expected = d * np.log(far / near) + np.log(len(Y) / (len(X) - 1))
    assert_allclose(neighbors.log_ratios(X, Y, k), expected, rtol=1e-9)


def test_log_shares_are_those_of_ross_for_samples_of_one_size():
    X, Y = samples(m=60)
    k, n = 3, 60
    radius = np.sort(cdist(X, X), axis=1)[:, k]
    within_all = k + (cdist(X, Y) <= radius[:, None]).sum(axis=1)
    expected = digamma(k) - digamma(within_all) + digamma(2 * n) - digamma(n)
    assert_allclose(neighbors.log_shares(X, Y, k), expected, rtol=1e-9)


def test_rows_that_tie_are_counted_as_in_section_4_of_wang_et_al():
    X = np.array([[0.0]] * 4 + [[1.0]] * 3)
    Y = np.array([[0.0]] * 2 + [[1.0]] * 5)
    at_0 = digamma(3) - digamma(2)
    at_1 = digamma(2) - digamma(5)
    expected = np.repeat([at_0, at_1], [4, 3]) + np.log(7 / 6)
    assert_allclose(neighbors.log_ratios(X, Y, 2), expected)


def test_a_duplicate_in_one_sample_alone_does_not_make_the_ratio_infinite():
    X, Y = samples()
    X[1] = X[0]
    assert np.isfinite(neighbors.log_ratios(X, Y, 1)).all()
    assert np.isfinite(neighbors.log_ratios(Y, X, 1)).all()
    Y[3] = X[7]
    assert np.isfinite(neighbors.log_ratios(X, Y, 1)).all()


# Searches


def nth_by_brute_force(points, queries, n):
    distances = np.sort(cdist(queries, points), axis=1)
    distances = np.hstack([distances, np.full((len(queries), 1), np.inf)])
    return distances[:, n - 1 : n + 1]


@pytest.mark.parametrize("search", [neighbors.by_tree, neighbors.by_products])
@pytest.mark.parametrize("n", [1, 7, 50])
def test_a_search_finds_the_nth_and_the_next_distance(search, n):
    queries, points = samples(d=4)
    expected = nth_by_brute_force(points, queries, n)
    assert_allclose(search(points, queries, n), expected, rtol=1e-12)


def test_inner_products_keep_the_zeros_of_duplicates_and_tiny_distances():
    rng = np.random.default_rng(0)
    points = np.repeat(rng.normal(size=(20, 12)), 4, axis=0)
    points[::4] += 1e-11 * rng.normal(size=(20, 12))
    found = neighbors.by_products(points, points, 3)
    expected = nth_by_brute_force(points, points, 3)
    assert_allclose(found, expected, rtol=1e-6, atol=0.0)
    assert (found == 0.0).any()


def test_distances_shared_up_to_rounding_are_called_shared():
    lattice = np.arange(10.0)[:, None] / 3.0 + 0.1
    _, shared = neighbors.nth_distances(lattice, lattice[3:6], 2)
    assert shared.all()
    _, shared = neighbors.nth_distances(lattice, lattice[3:6], 3)
    assert not shared.any()


@pytest.mark.parametrize(
    "count", [neighbors.count_by_tree, neighbors.count_by_products]
)
def test_counts_are_those_of_brute_force(count):
    centres, points = samples(d=9)
    radii = np.linspace(0.0, 6.0, len(centres))
    expected = (cdist(centres, points) <= radii[:, None]).sum(axis=1)
    assert_array_equal(count(points, centres, radii), expected)


@pytest.mark.parametrize("d", [1, 12])
def test_counts_within_a_distance_include_the_border(d):
    # a third of a lattice, so that distances are the same up to rounding only
    points = np.zeros((10, d))
    points[:, 0] = np.arange(10.0) / 3.0 + 0.1
    counts = neighbors.counts_within(points, points[:3], np.array([1.0, 2.0, 0.0]))
    assert_array_equal(counts, [4, 8, 1])


def test_distinct_rows_make_up_the_sample_again():
    X = np.random.default_rng(0).integers(3, size=(50, 2)).astype(float)
    rows, where = neighbors.distinct_rows(X)
    assert len(rows) == 9
    assert_array_equal(rows[where], X)


# The scale


def test_unit_gaussians_are_on_one_scale_already_however_far_apart():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(5000, 2)), rng.normal(50.0, size=(5000, 2))
    scaled_X, _ = neighbors.on_one_scale(X, Y)
    assert_allclose(np.ptp(scaled_X, axis=0), np.ptp(X, axis=0), rtol=0.03)


def test_columns_near_the_largest_and_the_smallest_float_have_a_scale():
    X, Y = samples()
    sizes = np.array([1e307, 1e-307])
    expected = neighbors.on_one_scale(X, Y)
    scaled = neighbors.on_one_scale(X * sizes, Y * sizes)
    assert_allclose(scaled[0], expected[0], rtol=1e-9)
    assert_allclose(scaled[1], expected[1], rtol=1e-9)


def test_a_column_of_one_constant_is_left_out():
    X, Y = samples()
    padded = [np.insert(Z, 1, 7.0, axis=1) for Z in (X, Y)]
    for Z, expected in zip(
        neighbors.on_one_scale(*padded), neighbors.on_one_scale(X, Y)
    ):
        assert_array_equal(Z, expected)


def test_a_column_of_two_constants_sets_samples_apart():
    X, Y = samples()
    with pytest.raises(neighbors.ApartError):
        neighbors.on_one_scale(
            np.insert(X, 1, 7.0, axis=1), np.insert(Y, 1, 8.0, axis=1)
        )


def test_a_column_that_is_a_sum_of_others_adds_no_dimension():
    X, Y = samples(d=3)
    X, Y = (np.column_stack([Z, Z.sum(axis=1)]) for Z in (X, Y))
    assert neighbors.filled_dimensions(*neighbors.on_one_scale(X, Y)) == 3


def test_one_outlier_does_not_squeeze_its_column():
    X, Y = samples(n=500, m=400)
    expected = neighbors.on_one_scale(X, Y)[1]
    scaled = neighbors.on_one_scale(np.vstack([X, [1e6, 0.0]]), Y)[1]
    assert_allclose(scaled.std(axis=0), expected.std(axis=0), rtol=0.01)


def test_a_column_mostly_of_one_value_is_scaled_by_its_standard_deviation():
    X, Y = np.zeros((10, 1)), np.zeros((10, 1))
    X[0], Y[0] = 3.0, -3.0
    for Z in neighbors.on_one_scale(X, Y):
        assert_allclose(Z.std(), 1.0)


def test_an_outlier_and_a_constant_leave_the_other_columns_their_dimensions():
    X, Y = samples(d=3)
    X[0, 0] = 1e12
    X[:, 2] = Y[:, 2] = 0.0  # as in halves of a sample that is hardly ever not 0
    assert neighbors.filled_dimensions(X, Y) == 2


# Replicates


def test_halves_hold_no_row_twice():
    X, Y = np.arange(21.0)[:, None], np.arange(10.0)[:, None]
    seen = []

    def statistic(half_of_X, half_of_Y):
        seen.append((np.unique(half_of_X).size, np.unique(half_of_Y).size))
        return 0.0

    neighbors.halved(X, Y, statistic, 5, np.random.RandomState(0))
    assert seen == [(10, 5)] * 5
