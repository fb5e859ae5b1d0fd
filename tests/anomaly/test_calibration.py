"""Laws of conformal calibration: by hand, against each other, and in simulations."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import false_discovery_control
from strategies import seeds

from skgen.anomaly._calibration import (
    benjamini_hochberg,
    conformal_offset,
    conformal_p_values,
    rows_needed,
)

N_REPETITIONS = 200
RATES = [0.01, 0.05, 0.1]


def standard_error(values):
    return np.std(values, ddof=1) / np.sqrt(len(values))


# p-values


def test_p_value_counts_the_calibration_rows_that_are_no_less_strange():
    calibration = [3.0, 1.0, 2.0, 2.0]
    scores = [0.0, 1.0, 1.5, 2.0, 2.5, 3.0, 9.0, -np.inf, np.inf]
    expected = np.array([1, 2, 2, 4, 4, 5, 5, 1, 5]) / 5
    assert_array_equal(conformal_p_values(scores, calibration), expected)


def test_p_value_is_the_weighted_share_with_a_weight_of_its_own():
    p_values = conformal_p_values([0.0, 1.0, 2.0], [1.0, 2.0], [1.0, 3.0])
    own = (1 + 9) / 4
    assert_allclose(p_values, np.array([own, own + 1, own + 4]) / (own + 4))


def test_smallest_weighted_p_value_is_that_of_kishs_effective_number_of_rows():
    weights = np.random.default_rng(0).uniform(0.1, 5.0, 40)
    (smallest,) = conformal_p_values([-1.0], np.zeros(40), weights)
    effective = weights.sum() ** 2 / np.square(weights).sum()
    assert_allclose(smallest, 1.0 / (effective + 1.0))


@given(seed=seeds, weight=st.sampled_from([1.0, 0.3, 1e-200, 1e200]))
def test_equal_weights_are_as_good_as_none(seed, weight):
    rng = np.random.default_rng(seed)
    calibration, scores = rng.integers(5, size=30), rng.integers(-1, 7, size=10)
    weighted = conformal_p_values(scores, calibration, np.full(30, weight))
    assert_array_equal(weighted, conformal_p_values(scores, calibration))


@given(seed=seeds)
def test_a_calibration_row_of_weight_0_is_as_good_as_none(seed):
    rng = np.random.default_rng(seed)
    calibration, scores = rng.normal(size=30), rng.normal(size=10)
    weights = rng.uniform(size=30) * (rng.uniform(size=30) < 0.7) + np.eye(30)[0]
    kept = weights > 0.0
    assert_allclose(
        conformal_p_values(scores, calibration, weights),
        conformal_p_values(scores, calibration[kept], weights[kept]),
    )


@pytest.mark.parametrize("weights", [None, np.zeros(0)])
def test_without_calibration_rows_nothing_is_strange(weights):
    assert_array_equal(conformal_p_values([-1.0, 1.0], np.zeros(0), weights), 1.0)


def test_calibration_rows_of_weight_0_alone_make_nothing_strange():
    assert_array_equal(conformal_p_values([-1.0, 1.0], np.zeros(3), np.zeros(3)), 1.0)


@given(seed=seeds, weighted=st.booleans())
def test_only_the_order_of_scores_matters(seed, weighted):
    rng = np.random.default_rng(seed)
    calibration, scores = rng.normal(size=50).round(1), rng.normal(size=20).round(1)
    weights = rng.uniform(size=50) if weighted else None
    expected = conformal_p_values(scores, calibration, weights)
    for transform in (np.exp, lambda s: 1e6 * s - 1e9, lambda s: s**3):
        moved = conformal_p_values(transform(scores), transform(calibration), weights)
        assert_array_equal(moved, expected)
        offset = conformal_offset(calibration, 0.2, weights)
        moved = conformal_offset(transform(calibration), 0.2, weights)
        assert_array_equal(transform(scores) < moved, scores < offset)


@given(seed=seeds)
def test_the_order_of_calibration_rows_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    calibration, scores = rng.integers(6, size=50), rng.integers(6, size=20)
    weights, order = rng.integers(1, 4, size=50), rng.permutation(50)
    assert_allclose(
        conformal_p_values(scores, calibration[order], weights[order]),
        conformal_p_values(scores, calibration, weights),
    )


@pytest.mark.parametrize("decimals", [0, 1, 12], ids=["ties", "few ties", "no ties"])
def test_p_values_of_normal_rows_are_super_uniform(decimals):
    rng = np.random.default_rng(0)
    draws = rng.normal(size=(20_000, 40)).round(decimals)
    p_values = np.array([conformal_p_values(row[:1], row[1:])[0] for row in draws])
    for level in np.arange(1, 40) / 40:
        error = np.sqrt(level * (1.0 - level) / len(draws))
        assert (p_values <= level).mean() <= level + 4.0 * error
        if decimals == 12:  # without ties exactly uniform on k/40
            assert (p_values <= level).mean() >= level - 4.0 * error


# Thresholds


@pytest.mark.parametrize(
    ("fpr", "expected"), [(0.05, 1.0), (0.1, 2.0), (0.099, 1.0), (0.99, 19.0)]
)
def test_offset_is_the_first_score_that_is_not_strange_enough(fpr, expected):
    assert conformal_offset(np.arange(1.0, 20.0)[::-1], fpr) == expected


@pytest.mark.parametrize("n_rows", [9, 19, 48, 99, 999])
def test_rounding_errors_of_the_rate_flag_no_row_more_or_less(n_rows):
    calibration = np.arange(n_rows, dtype=float)
    for k in range(1, n_rows + 1):
        assert conformal_offset(calibration, k / (n_rows + 1)) == k - 1


def test_tied_scores_are_flagged_together_or_not_at_all():
    calibration = np.repeat([1.0, 2.0, 3.0], [1, 6, 12])
    assert conformal_offset(calibration, 0.05) == 1.0
    assert conformal_offset(calibration, 0.1) == 2.0
    assert conformal_offset(calibration, 0.3) == 2.0
    assert conformal_offset(calibration, 0.4) == 3.0


@given(
    seed=seeds,
    n_rows=st.integers(1, 200),
    n_values=st.sampled_from([1, 3, 20, 10**6]),
    fpr=st.sampled_from([0.01, 0.05, 0.07, 0.1, 1 / 3, 0.3, 0.5, 0.9]),
    weighted=st.booleans(),
)
def test_below_the_offset_are_those_of_small_p_value(
    seed, n_rows, n_values, fpr, weighted
):
    rng = np.random.default_rng(seed)
    calibration = rng.integers(n_values, size=n_rows) / 7.0
    weights = rng.uniform(size=n_rows) if weighted else None
    scores = np.r_[calibration, rng.integers(-1, n_values + 1, size=100) / 7.0]
    p_values = conformal_p_values(scores, calibration, weights)
    if conformal_p_values([-np.inf], calibration, weights)[0] > fpr:
        with pytest.raises(ValueError, match="calibration rows"):
            conformal_offset(calibration, fpr, weights)
    else:
        offset = conformal_offset(calibration, fpr, weights)
        assert_array_equal(scores < offset, p_values <= fpr)


@pytest.mark.parametrize("fpr", RATES)
@pytest.mark.parametrize("decimals", [0, 12], ids=["ties", "no ties"])
def test_false_positives_are_as_rare_as_promised(fpr, decimals):
    rng = np.random.default_rng(0)
    realised = []
    for _ in range(N_REPETITIONS):
        calibration, normal = rng.standard_t(3, size=(2, 499)).round(decimals)
        realised.append((normal < conformal_offset(calibration, fpr)).mean())
    assert np.mean(realised) <= fpr + 3.0 * standard_error(realised)
    if decimals == 12:
        assert np.mean(realised) >= fpr - 3.0 * standard_error(realised)


# Too few rows


@pytest.mark.parametrize(
    ("fpr", "expected"),
    [(0.05, 19), (0.1, 9), (0.01, 99), (0.07, 14), (0.5, 1), (0.9, 1), (1 / 3, 2)],
)
def test_rows_needed_by_hand(fpr, expected):
    assert rows_needed(fpr) == expected


def test_rows_needed_are_the_fewest_by_exact_arithmetic():
    for fpr in np.r_[1.0 / np.arange(2, 500), np.linspace(0.001, 0.999, 500)]:
        n = rows_needed(fpr)
        assert 1 / (n + 1) <= fpr
        assert n == 1 or Fraction(1, n) > Fraction(fpr)


@pytest.mark.parametrize("fpr", RATES)
def test_one_row_fewer_than_needed_is_refused(fpr):
    calibration = np.arange(float(rows_needed(fpr)))
    assert conformal_offset(calibration, fpr) == 0.0
    with pytest.raises(ValueError, match="calibration rows"):
        conformal_offset(calibration[1:], fpr)


def test_refusal_names_the_rows_needed_those_there_and_the_remedies():
    needed = r"fpr=0.01 needs at least 99 calibration rows, but there are 50\. "
    remedies = r"more rows.*larger share.*`calibration`.*raise fpr to 1/51 or more"
    with pytest.raises(ValueError, match=needed + ".*" + remedies):
        conformal_offset(np.zeros(50), 0.01)


def test_refusal_says_what_uneven_weights_make_rows_worth():
    with pytest.raises(ValueError, match=r"there are 50, worth 1\.5 by their weights"):
        conformal_offset(np.zeros(50), 0.05, np.r_[200.0, np.ones(49)])


def test_no_calibration_rows_are_refused():
    with pytest.raises(ValueError, match="there are 0"):
        conformal_offset(np.zeros(0), 0.05)


# Benjamini and Hochberg


def test_selection_by_hand():
    p_values = np.array([0.9, 0.04, 0.001, 0.03, 0.5])
    expected = np.array([False, False, True, False, False])
    assert_array_equal(benjamini_hochberg(p_values, 0.05), expected)
    # The second, .03, is above its line of .0268; the third takes it along.
    expected = np.array([False, True, True, True, False])
    assert_array_equal(benjamini_hochberg(p_values, 0.067), expected)


def test_p_value_on_the_line_is_selected_whatever_rounding_errors_do():
    for n in (5, 20, 49, 100):
        for k in range(1, n + 1):
            p_values = np.r_[np.full(k, k * 0.1 / n), np.ones(n - k)]
            assert benjamini_hochberg(p_values, 0.1).sum() == k


@given(seed=seeds, n_values=st.sampled_from([5, 50, 10**6]), n=st.integers(1, 60))
def test_selection_is_that_of_scipys_adjusted_p_values(seed, n_values, n):
    rng = np.random.default_rng(seed)
    p_values = (1 + rng.integers(n_values, size=n) * (rng.uniform(size=n) < 0.5)) / (
        n_values + 1
    )
    adjusted = false_discovery_control(p_values, method="bh")
    for fdr in (0.0123, 0.0987, 0.2345):
        assert_array_equal(benjamini_hochberg(p_values, fdr), adjusted <= fdr)


def test_nothing_is_selected_of_no_rows():
    assert benjamini_hochberg(np.zeros(0), 0.1).shape == (0,)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3])
def test_false_discoveries_are_as_rare_as_promised_by_shared_calibration(share):
    rng, fdr, n = np.random.default_rng(0), 0.2, 200
    false_shares, n_found = [], 0
    for _ in range(N_REPETITIONS):
        calibration, scores = rng.normal(size=1000), rng.normal(size=n)
        strange = np.arange(n) < share * n
        scores[strange] -= 3.5
        selected = benjamini_hochberg(conformal_p_values(scores, calibration), fdr)
        false_shares.append((selected & ~strange).sum() / max(selected.sum(), 1))
        n_found += (selected & strange).sum()
    allowed = fdr * (1.0 - share)
    assert np.mean(false_shares) <= allowed + 3.0 * standard_error(false_shares)
    assert n_found >= 0.5 * share * n * N_REPETITIONS
