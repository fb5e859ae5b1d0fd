"""The doors: references, laws, intervals, ties and bad input."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from skgen.divergences import DivergenceResult, js_from_samples, kl_from_samples

KL_METHODS = ["knn", "classifier", "donsker-varadhan", "nwj"]
JS_METHODS = ["knn", "classifier"]
BOTH = [(kl_from_samples, name) for name in KL_METHODS]
BOTH += [(js_from_samples, name) for name in JS_METHODS]
each_method = pytest.mark.parametrize(
    ("estimate", "method"), BOTH, ids=[f"{f.__name__[:2]}-{name}" for f, name in BOTH]
)

# Jensen-Shannon divergence of N(0, 1) and N(δ, 1): scipy.integrate.quad of the
# definition.
JS_OF_SHIFT = {1.0: 0.11138, 2.0: 0.33681}


def shifted(divergence, d, n, m, seed):
    """Samples of two unit Gaussians a divergence apart."""
    rng = np.random.default_rng(seed)
    shift = np.sqrt(2.0 * divergence / d)
    return rng.normal(size=(n, d)), rng.normal(shift, size=(m, d))


def mean_over_seeds(estimate, draw, n_seeds, **parameters):
    values = [
        estimate(*draw(seed), random_state=seed, **parameters)
        for seed in range(n_seeds)
    ]
    return np.mean(values)


# References


@pytest.mark.parametrize(("d", "expected"), [(1, 1.80), (10, 1.31)])
def test_neighbours_fall_short_of_two_nats_by_as_much_as_the_notes_say(d, expected):
    mean = mean_over_seeds(kl_from_samples, lambda s: shifted(2.0, d, 1000, 1000, s), 8)
    assert_allclose(mean, expected, atol=0.1)


@pytest.mark.parametrize("method", KL_METHODS)
@pytest.mark.parametrize(("n", "m"), [(1000, 1000), (500, 2000), (2000, 500)])
def test_kl_in_one_dimension_is_that_of_the_gaussians(method, n, m):
    mean = mean_over_seeds(
        kl_from_samples, lambda s: shifted(0.5, 1, n, m, s), 8, method=method
    )
    assert_allclose(mean, 0.5, atol=0.07)


@pytest.mark.parametrize("method", JS_METHODS)
@pytest.mark.parametrize(("n", "m"), [(1000, 1000), (300, 2400), (2400, 300)])
@pytest.mark.parametrize("shift", [1.0, 2.0])
def test_js_weighs_both_samples_the_same_whatever_their_sizes(method, n, m, shift):
    mean = mean_over_seeds(
        js_from_samples,
        lambda s: shifted(0.5 * shift**2, 1, n, m, s),
        8,
        method=method,
    )
    assert_allclose(mean, JS_OF_SHIFT[shift], atol=0.02)


def test_kl_of_binary_samples_is_that_of_their_frequencies():
    X, Y = np.repeat([0, 1], [300, 700]), np.repeat([0, 1], [500, 500])
    expected = 0.3 * np.log(0.3 / 0.5) + 0.7 * np.log(0.7 / 0.5)
    assert_allclose(kl_from_samples(X, Y), expected, atol=2e-3)


def test_js_of_binary_samples_is_that_of_their_frequencies():
    X, Y = np.repeat([0, 1], [300, 700]), np.repeat([0, 1], [200, 200])
    p, q = np.array([0.3, 0.7]), np.array([0.5, 0.5])
    middle = 0.5 * (p + q)
    expected = 0.5 * np.sum(p * np.log(p / middle) + q * np.log(q / middle))
    assert_allclose(js_from_samples(X, Y), expected, atol=2e-3)


@pytest.mark.parametrize(("rate", "other"), [(3.0, 5.0), (5.0, 3.0), (100.0, 110.0)])
def test_kl_of_counts_is_that_of_poisson_distributions(rate, other):
    def draw(seed):
        rng = np.random.default_rng(seed)
        return rng.poisson(rate, 2000), rng.poisson(other, 2000)

    expected = rate * np.log(rate / other) + other - rate
    assert_allclose(mean_over_seeds(kl_from_samples, draw, 8), expected, rtol=0.08)


def test_rounding_a_sample_hardly_changes_the_estimate():
    X, Y = shifted(0.5, 1, 1000, 1000, 0)
    assert_allclose(
        kl_from_samples(X.round(1), Y.round(1)), kl_from_samples(X, Y), atol=0.05
    )


def test_a_column_told_twice_tells_nothing_new():
    X, Y = shifted(0.5, 1, 1000, 1000, 0)
    twice = [np.hstack([Z, 3.0 * Z]) for Z in (X, Y)]
    assert_allclose(kl_from_samples(*twice), kl_from_samples(X, Y))


@pytest.mark.parametrize("estimate", [kl_from_samples, js_from_samples])
@pytest.mark.parametrize("far", [1e2, 1e4, 1e12])
def test_one_outlier_hardly_changes_the_estimate(estimate, far):
    X, Y = shifted(0.5, 3, 500, 400, 0)
    with_outlier = np.vstack([X, [far, 0.0, 0.0]])
    assert_allclose(estimate(with_outlier, Y), estimate(X, Y), atol=0.015)


# Laws


shifts = st.sampled_from([0.0, 1.0, -1e8])
scales = st.sampled_from([1e-200, 1e-3, 1.0, 7.0, 1e100])


@pytest.mark.parametrize("estimate", [kl_from_samples, js_from_samples])
@given(shift=shifts, scale=scales, d=st.integers(1, 12), seed=st.integers(0, 99))
def test_neighbours_do_not_mind_where_columns_are_and_in_which_units(
    estimate, shift, scale, d, seed
):
    X, Y = shifted(0.5, d, 40, 30, seed)
    # on a grid that a shift of 1e8 leaves as it is
    X, Y = np.round(X, 3) * 1024.0, np.round(Y, 3) * 1024.0
    X, Y = np.rint(X), np.rint(Y)
    expected = estimate(X, Y)
    units = np.where(np.arange(d) % 2, scale, 1.0)
    moved = [(Z + shift) * units for Z in (X, Y)]
    assert_allclose(estimate(*moved), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("estimate", [kl_from_samples, js_from_samples])
@given(seed=st.integers(0, 99), rounded=st.booleans())
def test_neighbours_do_not_mind_the_order_of_rows_and_columns(estimate, seed, rounded):
    X, Y = shifted(0.5, 3, 40, 30, seed)
    if rounded:
        X, Y = X.round(0), Y.round(0)
    rng = np.random.default_rng(seed)
    columns = rng.permutation(3)
    X_anew, Y_anew = (rng.permutation(Z)[:, columns] for Z in (X, Y))
    assert_allclose(estimate(X_anew, Y_anew), estimate(X, Y), atol=1e-12)


@given(seed=st.integers(0, 99), rounded=st.booleans())
def test_js_is_the_same_either_way_round(seed, rounded):
    X, Y = shifted(0.5, 2, 40, 70, seed)
    if rounded:
        X, Y = X.round(0), Y.round(0)
    assert_allclose(js_from_samples(X, Y), js_from_samples(Y, X), atol=1e-12)


@each_method
def test_two_halves_of_a_sample_are_of_one_distribution(estimate, method):
    rng = np.random.default_rng(0)
    values = []
    for seed in range(5):
        X = rng.standard_t(3, size=(1000, 2))
        values.append(estimate(X[:500], X[500:], method=method, random_state=seed))
    assert np.mean(values) < 0.04


@each_method
@given(
    n=st.integers(12, 30),
    m=st.integers(12, 30),
    d=st.integers(1, 3),
    apart=st.sampled_from([0.0, 1.0, 1e6]),
    decimals=st.sampled_from([0, 1, 8]),
    seed=st.integers(0, 9),
)
def test_estimates_stay_within_what_the_divergence_can_be(
    estimate, method, n, m, d, apart, decimals, seed
):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)).round(decimals)
    Y = rng.normal(apart, size=(m, d)).round(decimals)
    highest = np.log(2.0) if estimate is js_from_samples else np.inf
    assert 0.0 <= estimate(X, Y, method=method, random_state=0) <= highest


@each_method
def test_a_seed_settles_the_result(estimate, method):
    X, Y = shifted(0.5, 2, 60, 50, 0)
    X_before, Y_before = X.copy(), Y.copy()
    state = np.random.get_state()[1].copy()

    def once(random_state):
        return estimate(
            X,
            Y,
            method=method,
            confidence_level=0.9,
            n_bootstraps=5,
            random_state=random_state,
        )

    assert once(3) == once(3) == once(np.random.RandomState(3))
    once(None)
    assert_array_equal(np.random.get_state()[1], state)
    assert_array_equal(X, X_before)
    assert_array_equal(Y, Y_before)


@each_method
def test_an_interval_leaves_the_value_as_it_is(estimate, method):
    X, Y = shifted(0.5, 2, 100, 100, 0)
    value = estimate(X, Y, method=method, random_state=0)
    result = estimate(
        X, Y, method=method, random_state=0, confidence_level=0.9, n_bootstraps=20
    )
    assert isinstance(result, DivergenceResult)
    assert result.value == value
    assert result.method == method
    assert not result.exact
    low, high = result.confidence_interval
    assert low <= value <= high


@each_method
def test_base_changes_units(estimate, method):
    X, Y = shifted(0.5, 2, 100, 100, 0)
    nats, bits = (
        estimate(X, Y, method=method, random_state=0, base=base) for base in (None, 2)
    )
    assert_allclose(bits, nats / np.log(2.0))


# Coverage


@pytest.mark.parametrize(
    ("estimate", "method", "truth", "n_seeds"),
    [
        (kl_from_samples, "knn", 0.1, 60),
        (js_from_samples, "knn", 0.02444, 60),
        (kl_from_samples, "classifier", 0.1, 60),
        (kl_from_samples, "donsker-varadhan", 0.1, 60),
        (js_from_samples, "classifier", 0.02444, 60),
    ],
)
def test_intervals_cover_as_often_as_they_say(estimate, method, truth, n_seeds):
    covered = 0
    for seed in range(n_seeds):
        low, high = estimate(
            *shifted(0.1, 1, 500, 500, seed),
            method=method,
            confidence_level=0.95,
            n_bootstraps=20,
            random_state=seed,
        ).confidence_interval
        covered += low <= truth <= high
    assert 0.88 <= covered / n_seeds <= 1.0


# Columns that settle it


@each_method
def test_samples_of_one_and_the_same_row_are_no_way_apart(estimate, method):
    ones = np.ones((20, 2))
    assert_allclose(estimate(ones, ones, method=method, random_state=0), 0.0, atol=1e-9)


def test_a_column_constant_in_both_samples_changes_nothing():
    X, Y = shifted(0.5, 2, 50, 50, 0)
    padded = [np.insert(Z, 1, 3.0, axis=1) for Z in (X, Y)]
    assert kl_from_samples(*padded) == kl_from_samples(X, Y)
    assert js_from_samples(*padded) == js_from_samples(X, Y)


def test_different_constants_are_as_far_apart_as_can_be():
    X, Y = shifted(0.5, 1, 50, 50, 0)
    X, Y = np.insert(X, 1, 3.0, axis=1), np.insert(Y, 1, 4.0, axis=1)
    assert kl_from_samples(X, Y) == np.inf
    assert_allclose(js_from_samples(X, Y), np.log(2.0))
    result = kl_from_samples(X, Y, confidence_level=0.9)
    assert result.confidence_interval == (np.inf, np.inf)


# What is taken


def test_one_dimension_is_one_column_and_tables_are_taken():
    X, Y = shifted(0.5, 1, 50, 40, 0)
    expected = kl_from_samples(X, Y)
    assert kl_from_samples(X[:, 0], Y[:, 0].tolist()) == expected
    assert kl_from_samples(pd.Series(X[:, 0]), pd.DataFrame(Y)) == expected


@pytest.mark.parametrize(
    "classifier",
    [
        LogisticRegression(),
        HistGradientBoostingClassifier(max_iter=20, early_stopping=True),
    ],
)
def test_any_classifier_with_probabilities_serves_and_stays_unfitted(classifier):
    X, Y = shifted(0.5, 2, 300, 300, 0)
    before = classifier.get_params()
    value = kl_from_samples(
        X, Y, method="classifier", classifier=classifier, random_state=0
    )
    assert 0.2 < value < 0.8
    assert not hasattr(classifier, "classes_")
    assert classifier.get_params() == before


# What is not


@pytest.mark.parametrize("estimate", [kl_from_samples, js_from_samples])
class TestBadInput:
    X, Y = shifted(0.5, 2, 30, 30, 0)

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_what_is_not_finite_raises(self, estimate, bad):
        X = self.X.copy()
        X[3, 1] = bad
        with pytest.raises(ValueError, match=r"Input X contains (NaN|infinity)"):
            estimate(X, self.Y)
        with pytest.raises(ValueError, match=r"Input Y contains (NaN|infinity)"):
            estimate(self.Y, X)

    def test_words_raise(self, estimate):
        with pytest.raises(ValueError, match="could not convert string"):
            estimate([["a"], ["b"]], self.Y)

    def test_different_numbers_of_columns_raise_with_both_shapes(self, estimate):
        message = r"shape \(30, 2\) and Y has shape \(30, 1\)"
        with pytest.raises(ValueError, match=message):
            estimate(self.X, self.Y[:, :1])

    def test_columns_of_tables_in_another_order_raise(self, estimate):
        X = pd.DataFrame(self.X, columns=["a", "b"])
        Y = pd.DataFrame(self.Y, columns=["b", "a"])
        with pytest.raises(ValueError, match=r"same order; X has \['a', 'b'\] and Y"):
            estimate(X, Y)

    def test_fewer_rows_than_neighbours_raise_with_the_number_needed(self, estimate):
        with pytest.raises(ValueError, match="n_neighbors=5 needs 6 rows of X and"):
            estimate(self.X[:5], self.Y)
        with pytest.raises(ValueError, match="X has 30 and Y has 4"):
            estimate(self.X, self.Y[:4])
        estimate(self.X[:6], self.Y[:6])

    def test_halves_need_as_many_rows_each(self, estimate):
        with pytest.raises(ValueError, match="with confidence_level needs 12 rows"):
            estimate(self.X[:11], self.Y, confidence_level=0.9)
        estimate(self.X[:12], self.Y[:12], confidence_level=0.9, n_bootstraps=3)

    def test_fewer_rows_than_parts_raise(self, estimate):
        with pytest.raises(ValueError, match="cv=5 needs 5 rows of X and of Y"):
            estimate(self.X, self.Y[:4], method="classifier")

    def test_an_unknown_method_raises_with_the_choices(self, estimate):
        with pytest.raises(ValueError, match=r"one of 'knn', 'classifier'.*got 'knm'"):
            estimate(self.X, self.Y, method="knm")

    def test_a_classifier_without_probabilities_raises(self, estimate):
        with pytest.raises(TypeError, match=r"LinearSVC.* has none"):
            estimate(self.X, self.Y, method="classifier", classifier=LinearSVC())

    def test_a_class_in_place_of_a_classifier_raises(self, estimate):
        with pytest.raises(TypeError, match=r"Write LogisticRegression\(\)"):
            estimate(self.X, self.Y, method="classifier", classifier=LogisticRegression)

    def test_a_classifier_that_would_be_ignored_raises(self, estimate):
        with pytest.raises(ValueError, match="'knn' uses no classifier"):
            estimate(self.X, self.Y, classifier=LogisticRegression())

    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"n_neighbors": 0}, "n_neighbors must be 1 or more; got 0"),
            ({"cv": 1, "method": "classifier"}, "cv must be 2 or more; got 1"),
            (
                {"n_bootstraps": 1, "confidence_level": 0.9},
                "n_bootstraps must be 2 or more",
            ),
            ({"n_bootstraps": 1}, "n_bootstraps must be 2 or more"),
            ({"base": 1}, "base must be"),
            ({"confidence_level": 95}, "strictly between 0 and 1"),
        ],
    )
    def test_a_parameter_out_of_range_raises(self, estimate, parameters, message):
        with pytest.raises(ValueError, match=message):
            estimate(self.X, self.Y, **parameters)

    @pytest.mark.parametrize("count", [2.5, True, "5"])
    def test_a_count_that_is_no_integer_raises(self, estimate, count):
        with pytest.raises(TypeError, match="n_neighbors must be an integer"):
            estimate(self.X, self.Y, n_neighbors=count)


def test_kl_needs_one_row_less_of_the_other_sample():
    X, Y = shifted(0.5, 2, 30, 30, 0)
    assert kl_from_samples(X, Y[:5]) >= 0.0
