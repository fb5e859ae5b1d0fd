"""Behaviour: bad input, degenerate data, the edges of what floats can hold.

A clear error or the right answer; never NaN, an endless loop or a bare LinAlgError.
"""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture
from strategies import COVARIANCE_TYPES, initial, overlapping, two_cigars

from skgen import EMGaussianMixture

collapses = pytest.mark.filterwarnings(
    "ignore:Components .* collapsed:sklearn.exceptions.ConvergenceWarning"
)
empties = pytest.mark.filterwarnings(
    "ignore:Components .* are empty:sklearn.exceptions.ConvergenceWarning"
)
every_type = pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)

ATTRIBUTES = ["weights_", "means_", "covariances_", "precisions_"]
ATTRIBUTES += ["precisions_cholesky_", "lower_bound_"]
QUESTIONS = ["predict", "predict_proba", "score_samples", "score", "transform"]
QUESTIONS += ["bic", "aic", "icl"]


def assert_finite(mixture, X):
    for name in ATTRIBUTES:
        assert np.isfinite(getattr(mixture, name)).all(), name
    for question in QUESTIONS:
        assert np.isfinite(getattr(mixture, question)(X)).all(), question
    assert np.isfinite(mixture.sample(10)[0]).all()


# Rows that cannot be fitted


@every_type
@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([[0.0, np.inf], [1.0, 2.0], [2.0, 1.0]], "Input X contains infinity"),
        ([[0.0, 1.0]], "Found array with 1 sample.* minimum of 2 is required"),
        (np.empty((0, 3)), r"Found array with 0 sample\(s\)"),
        (np.empty((5, 0)), r"Found array with 0 feature\(s\)"),
        (np.arange(6.0), "Expected 2D array, got 1D array"),
        (np.zeros((3, 3, 3)), "Found array with dim 3"),
        ([["a"], ["b"]], "could not convert string to float"),
    ],
    ids=["inf", "1 row", "no rows", "no columns", "1d", "3d", "text"],
)
def test_rows_unfit_for_use_are_refused(covariance_type, X, message):
    with pytest.raises(ValueError, match=message):
        EMGaussianMixture(covariance_type=covariance_type).fit(X)


@pytest.mark.parametrize("question", [*QUESTIONS, "sample"])
def test_unfitted_mixture_says_so(question):
    with pytest.raises(NotFittedError, match=r"EMGaussianMixture .*not fitted"):
        getattr(EMGaussianMixture(), question)(np.ones((2, 2)))


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.ones((3, 3)), "X has 3 features, but EMGaussianMixture is expecting 2"),
        (np.ones(2), "Expected 2D array, got 1D array"),
        ([[np.inf, 1.0]], "Input X contains infinity"),
        (np.empty((0, 2)), r"Found array with 0 sample\(s\)"),
    ],
    ids=["wide", "1d", "inf", "empty"],
)
def test_new_rows_unfit_for_use_are_refused(question, wrong, message):
    mixture = EMGaussianMixture(2, random_state=0).fit(overlapping()[0])
    with pytest.raises(ValueError, match=message):
        getattr(mixture, question)(wrong)


@pytest.mark.parametrize("n_samples", [0, -1])
def test_sample_of_less_than_one_row_is_refused(n_samples):
    mixture = EMGaussianMixture().fit(overlapping()[0])
    with pytest.raises(ValueError, match=f"Invalid value for 'n_samples': {n_samples}"):
        mixture.sample(n_samples)


def test_more_components_than_rows_are_refused():
    message = (
        "Expected n_samples >= n_components but got n_components = 4, n_samples = 3"
    )
    with pytest.raises(ValueError, match=message):
        EMGaussianMixture(4).fit(np.eye(3))


def test_refused_fit_leaves_the_last_one_as_it_was():
    X, _ = overlapping()
    mixture = EMGaussianMixture(2, random_state=0).fit(X)
    means = mixture.means_.copy()
    with pytest.raises(ValueError, match="NaN"):
        mixture.fit(X * np.nan)
    assert_array_equal(mixture.means_, means)


# Weights


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (-np.ones(6), "Negative values in data passed to `?sample_weight"),
        (np.array([1, 1, 1, 1, 1, np.nan]), "sample_weight contains NaN"),
        (np.array([1, 1, 1, 1, 1, np.inf]), "sample_weight contains infinity"),
        (np.zeros(6), "[Ss]ample weights must contain at least one non-zero"),
        (np.ones(5), "sample_weight.shape == "),
        (np.ones((6, 1)), "[Ss]ample weights must be 1D"),
    ],
    ids=["negative", "nan", "inf", "all 0", "short", "2d"],
)
def test_weights_unfit_for_use_are_refused(weights, message):
    X = np.arange(12.0).reshape(6, 2) ** 2
    with pytest.raises(ValueError, match=message):
        EMGaussianMixture().fit(X, sample_weight=weights)
    fitted = EMGaussianMixture(covariance_type="diag").fit(X)
    with pytest.raises(ValueError, match=message):
        fitted.score(X, sample_weight=weights)


def test_single_row_of_positive_weight_is_refused():
    message = "Expected at least 2 samples of positive sample_weight .* but got 1"
    with pytest.raises(ValueError, match=message):
        EMGaussianMixture().fit(np.eye(3), sample_weight=[0.0, 1.0, 0.0])


def test_fewer_rows_of_positive_weight_than_components_are_refused():
    message = "at least 3 samples of positive sample_weight for n_components = 3"
    with pytest.raises(ValueError, match=message):
        EMGaussianMixture(3).fit(np.eye(4), sample_weight=[0.0, 1.0, 2.0, 0.0])


def test_a_number_as_weight_is_the_weight_of_every_row():
    X, _ = overlapping()
    one = EMGaussianMixture(2, random_state=0).fit(X, sample_weight=3.0)
    other = EMGaussianMixture(2, random_state=0).fit(X)
    assert_allclose(one.means_, other.means_, rtol=1e-6)


# Degenerate rows


@every_type
@pytest.mark.parametrize("value", [0.0, 5.0, -1e6, 1e100, 1e150])
@pytest.mark.parametrize("k", [1, 2])
def test_constant_column_does_not_change_the_clusters(covariance_type, value, k):
    X, _ = overlapping(n=100, k=2, spread=5.0)
    wide = np.column_stack([X, np.full(len(X), value)])
    mixture = EMGaussianMixture(k, covariance_type=covariance_type, random_state=0)
    mixture.fit(wide)
    assert_finite(mixture, wide)
    assert_allclose(mixture.means_[:, 2], value)
    if k == 2:
        alone = EMGaussianMixture(2, covariance_type=covariance_type, random_state=0)
        assert adjusted_rand_score(mixture.predict(wide), alone.fit_predict(X)) > 0.9


@every_type
@collapses
@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("value", [0.0, 3.0, 1e100, 1e150])
def test_constant_table_has_its_value_as_mean(covariance_type, k, value):
    X = np.full((10, 2), value)
    mixture = EMGaussianMixture(k, covariance_type=covariance_type).fit(X)
    assert_allclose(mixture.weights_ @ mixture.means_, [value, value])
    for name in ATTRIBUTES:
        assert np.isfinite(getattr(mixture, name)).all()
    assert_allclose(mixture.predict_proba(X).sum(axis=1), 1.0)


@every_type
def test_constant_column_at_the_edge_of_floats_is_an_error(covariance_type):
    X = np.column_stack([overlapping()[0], np.full(150, 1e300)])
    with pytest.raises(ValueError, match=r"cannot be held in float64.*Rescale"):
        EMGaussianMixture(2, covariance_type=covariance_type).fit(X)


@every_type
@collapses
@empties
@pytest.mark.parametrize("k", [2, 4, 5])
def test_rows_in_few_places_are_fitted_with_no_more_error_than_a_warning(
    covariance_type, k
):
    places = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    X = np.repeat(places, 8, axis=0)
    mixture = EMGaussianMixture(k, covariance_type=covariance_type, random_state=0)
    mixture.fit(X)
    assert_finite(mixture, X)
    assert mixture.lower_bounds_ == sorted(mixture.lower_bounds_)
    if k >= 3 and covariance_type != "tied":
        labels = mixture.predict(places)
        assert len(set(labels)) == 3


@every_type
def test_duplicated_rows_are_rows_of_double_weight(covariance_type):
    X, labels = overlapping()
    start = initial(X, labels, covariance_type)
    one, two = (
        EMGaussianMixture(3, covariance_type=covariance_type, **start).fit(rows)
        for rows in (X, np.concatenate([X, X]))
    )
    assert_allclose(two.means_, one.means_, rtol=1e-4, atol=1e-5)
    assert two.lower_bound_ == pytest.approx(one.lower_bound_)


@every_type
def test_column_twice_is_no_obstacle(covariance_type):
    X, _ = overlapping(n=100, k=2, spread=5.0)
    twice = np.column_stack([X, X[:, 0]])
    mixture = EMGaussianMixture(2, covariance_type=covariance_type, random_state=0)
    mixture.fit(twice)
    assert_finite(mixture, twice)
    assert_allclose(mixture.means_[:, 0], mixture.means_[:, 2])


@every_type
def test_more_columns_than_rows_give_a_finite_model(covariance_type):
    X = np.random.default_rng(0).normal(size=(10, 40))
    mixture = EMGaussianMixture(covariance_type=covariance_type).fit(X)
    assert_finite(mixture, X)


@pytest.mark.parametrize("covariance_type", ["full", "diag", "spherical"])
def test_collapsed_component_is_reported_and_held_finite(covariance_type):
    X, _ = overlapping(n=60, k=2)
    X = np.concatenate([X, np.repeat([[50.0, 50.0]], 10, axis=0)])
    mixture = EMGaussianMixture(3, covariance_type=covariance_type, random_state=0)
    message = (
        r"Components \[\d\] of 3 collapsed: in some direction their rows are next to "
        r"constant, and reg_covar='auto' holds their variance at its smallest\. "
        r"Decrease n_components, choose a covariance_type of fewer parameters, or, if "
        r"they are real, give reg_covar as a float\."
    )
    with pytest.warns(ConvergenceWarning, match=message) as caught:
        mixture.fit(X)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert_finite(mixture, X)


@every_type
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_collapse_without_regularisation_is_an_error(covariance_type, dtype):
    X = np.repeat(np.eye(3, dtype=dtype), 5, axis=0)
    mixture = EMGaussianMixture(
        3, covariance_type=covariance_type, reg_covar=0.0, random_state=0
    )
    message = (
        "Fitting the mixture model failed because some components have ill-defined"
    )
    if dtype == np.float32:
        message += ".* passing float64 data instead of float32"
    with pytest.raises(ValueError, match=message):
        mixture.fit(X)


@every_type
def test_no_regularisation_is_needed_where_nothing_collapses(covariance_type):
    X, labels = overlapping()
    start = initial(X, labels, covariance_type)
    without, auto = (
        EMGaussianMixture(
            3, covariance_type=covariance_type, reg_covar=reg_covar, **start
        ).fit(X)
        for reg_covar in (0.0, "auto")
    )
    assert_array_equal(without.covariances_, auto.covariances_)


# Units


@every_type
@collapses
@pytest.mark.parametrize("scale", [1e-300, 1e-200, 1e-100, 1e100, 1e200, 1e300])
def test_huge_and_tiny_units_give_a_clear_error_or_the_right_answer(
    covariance_type, scale
):
    X, _ = overlapping(n=100, k=2, spread=5.0)
    expected = EMGaussianMixture(2, covariance_type=covariance_type, random_state=0)
    expected.fit(X)
    mixture = EMGaussianMixture(2, covariance_type=covariance_type, random_state=0)
    if abs(np.log10(scale)) > 150:  # the variances are no floats
        with pytest.raises(ValueError, match=r"cannot be held in float64.*Rescale"):
            mixture.fit(X * scale)
        return
    mixture.fit(X * scale)
    assert_finite(mixture, X * scale)
    assert_allclose(mixture.means_ / scale, expected.means_, rtol=1e-6)
    assert_array_equal(mixture.predict(X * scale), expected.predict(X))


@every_type
@pytest.mark.parametrize("spread", [(1e-100, 1e100), (1e-8, 1e8), (1.0, 1e150)])
def test_columns_of_different_units_are_fitted_alike(covariance_type, spread):
    if covariance_type == "spherical":
        pytest.skip("one variance for all columns: their units matter")
    X, _ = overlapping(n=100, k=2, spread=5.0)
    expected = EMGaussianMixture(2, covariance_type=covariance_type, random_state=0)
    labels = expected.fit_predict(X)
    mixture = EMGaussianMixture(2, covariance_type=covariance_type, random_state=0)
    assert_array_equal(mixture.fit_predict(X * spread), labels)
    assert_finite(mixture, X * spread)


@every_type
def test_clusters_of_iris_do_not_depend_on_the_unit(covariance_type):
    X, _ = load_iris(return_X_y=True)
    labels = EMGaussianMixture(
        3, covariance_type=covariance_type, random_state=0
    ).fit_predict(X)
    for unit in (1e-4, 1e4):
        mixture = EMGaussianMixture(3, covariance_type=covariance_type, random_state=0)
        assert adjusted_rand_score(mixture.fit_predict(X * unit), labels) == 1.0


@every_type
def test_offset_a_million_times_the_spread_does_not_matter(covariance_type):
    X, labels = overlapping(n=300)
    start, fits = initial(X, labels, covariance_type), []
    for offset in (0.0, 1e6):
        moved = start | {"means_init": start["means_init"] + offset}
        mixture = EMGaussianMixture(3, covariance_type=covariance_type, **moved)
        fits.append(mixture.fit(X + offset))
    assert fits[1].lower_bound_ == pytest.approx(fits[0].lower_bound_, abs=1e-6)
    assert_allclose(fits[1].means_ - 1e6, fits[0].means_, atol=1e-4)
    assert_allclose(fits[1].covariances_, fits[0].covariances_, rtol=1e-3, atol=1e-4)
    scores = [fit.score_samples(X + offset) for fit, offset in zip(fits, (0.0, 1e6))]
    assert_allclose(scores[1], scores[0], atol=1e-3)


@every_type
@pytest.mark.parametrize("far", [1e10, 1e100, 1e200, 1.7e308])
def test_new_rows_far_away_have_finite_answers(covariance_type, far):
    X, _ = overlapping()
    mixture = EMGaussianMixture(3, covariance_type=covariance_type, random_state=0)
    mixture.fit(X)
    rows = far * np.array([[1.0, -1.0], [0.0, 1.0], [-0.5, 0.5]])
    assert_finite(mixture, rows)
    assert_allclose(mixture.predict_proba(rows).sum(axis=1), 1.0)
    assert (mixture.score_samples(rows) < mixture.score_samples(X).min()).all()


# float32


@every_type
def test_float32_is_kept_and_fitted_to_its_accuracy(covariance_type):
    X, labels = overlapping(n=300)
    start = initial(X, labels, covariance_type)
    single, double = (
        EMGaussianMixture(3, covariance_type=covariance_type, **start).fit(rows)
        for rows in (X.astype(np.float32), X)
    )
    for name in ATTRIBUTES[:-1]:
        assert getattr(single, name).dtype == np.float32
        assert getattr(double, name).dtype == np.float64
        assert_allclose(
            getattr(single, name), getattr(double, name), rtol=1e-3, atol=1e-4
        )
    rows = X.astype(np.float32)
    assert single.score_samples(rows).dtype == np.float32
    assert single.predict_proba(rows).dtype == np.float32
    assert_allclose(single.score_samples(rows), double.score_samples(X), rtol=1e-3)
    assert single.lower_bound_ == pytest.approx(double.lower_bound_, abs=1e-5)


def test_float32_far_from_the_origin_is_fitted():
    X = np.random.default_rng(0).normal(size=(500, 2)).astype(np.float32)
    moved = X + np.float32(1000.0)
    mixture = EMGaussianMixture().fit(moved)
    assert_allclose(mixture.covariances_[0], np.cov(X.T, bias=True), atol=1e-3)


@every_type
def test_float32_columns_beyond_its_range_are_an_error(covariance_type):
    X = (overlapping()[0] * 1e25).astype(np.float32)
    with pytest.raises(ValueError, match=r"cannot be held in float32.*Rescale"):
        EMGaussianMixture(covariance_type=covariance_type).fit(X)


# Parameters


def test_warm_start_goes_on_from_the_last_fit():
    X, labels = overlapping()
    parameters = {"acceleration": None, "tol": 0.0, **initial(X, labels, "full")}
    warm = EMGaussianMixture(3, warm_start=True, max_iter=2, **parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warm.fit(X).fit(X).fit(X)
        whole = EMGaussianMixture(3, max_iter=6, **parameters).fit(X)
    assert_allclose(warm.means_, whole.means_, rtol=1e-9)
    assert warm.lower_bound_ == pytest.approx(whole.lower_bound_, rel=1e-12)


def test_warm_start_goes_on_with_other_rows_and_weights():
    X, _ = overlapping(n=300)
    mixture = EMGaussianMixture(3, warm_start=True, random_state=0).fit(X)
    mixture.fit(X[::2], sample_weight=np.linspace(0.5, 1.0, 150))
    assert mixture.converged_
    assert_finite(mixture, X)


def test_warm_start_of_another_number_of_components_is_an_error():
    X, _ = overlapping()
    mixture = EMGaussianMixture(3, warm_start=True, random_state=0).fit(X)
    mixture.set_params(n_components=2)
    with pytest.raises(ValueError, match=r"warm_start=True .*Set warm_start=False"):
        mixture.fit(X)


def test_warm_start_with_another_covariance_type_is_an_error():
    X, _ = overlapping()
    mixture = EMGaussianMixture(3, warm_start=True, random_state=0).fit(X)
    mixture.set_params(covariance_type="diag")
    with pytest.raises(ValueError, match=r"warm_start=True .*Set warm_start=False"):
        mixture.fit(X)


@every_type
def test_no_iterations_return_the_start_that_was_given(covariance_type):
    X, labels = overlapping()
    start = initial(X, labels, covariance_type)
    mixture = EMGaussianMixture(
        3, covariance_type=covariance_type, max_iter=0, **start
    ).fit(X)
    assert_allclose(mixture.weights_, start["weights_init"])
    assert_allclose(mixture.means_, start["means_init"], rtol=1e-10)
    assert_allclose(mixture.precisions_, start["precisions_init"], rtol=1e-8)
    assert mixture.n_iter_ == 0
    assert mixture.lower_bounds_ == []
    assert not mixture.converged_
    assert mixture.lower_bound_ == pytest.approx(mixture.score(X))


@collapses
@empties
@every_type
def test_component_given_a_weight_of_0_is_no_obstacle(covariance_type):
    X, labels = overlapping()
    start = initial(X, labels, covariance_type) | {"weights_init": [0.5, 0.0, 0.5]}
    mixture = EMGaussianMixture(3, covariance_type=covariance_type, max_iter=0, **start)
    assert 1 not in mixture.fit_predict(X)
    mixture.set_params(max_iter=1000).fit(X)
    assert_finite(mixture, X)
    assert mixture.lower_bounds_ == sorted(mixture.lower_bounds_)


def test_component_that_no_row_is_near_is_no_obstacle():
    X, labels = overlapping()
    start = initial(X, labels, "full")
    start["means_init"][1] = 1e6
    with pytest.warns(ConvergenceWarning, match=r"\[1\] of 3 are empty"):
        mixture = EMGaussianMixture(3, **start).fit(X)
    assert_finite(mixture, X)
    assert mixture.weights_[1] < 1e-12


@every_type
@pytest.mark.parametrize(
    "init_params", ["auto", "kmeans", "k-means++", "random", "random_from_data"]
)
def test_every_start_ends_in_a_fit(covariance_type, init_params):
    X, _ = overlapping()
    mixture = EMGaussianMixture(
        3, covariance_type=covariance_type, init_params=init_params, random_state=0
    ).fit(X)
    assert mixture.converged_
    assert_finite(mixture, X)


def test_part_of_a_start_may_be_given():
    X, labels = overlapping(spread=6.0)
    start = initial(X, labels, "full")
    for name, value in start.items():
        mixture = EMGaussianMixture(3, random_state=0, **{name: value}).fit(X)
        assert mixture.converged_
        assert_finite(mixture, X)


def test_units_of_reg_covar_are_squares_of_the_rows():
    X, _ = overlapping()
    mixture = EMGaussianMixture(reg_covar=2.0).fit(X)
    expected = np.cov(X.T, bias=True) + 2.0 * np.eye(2)
    assert_allclose(mixture.covariances_[0], expected, rtol=1e-8)


def test_default_start_finds_clusters_that_k_means_does_not():
    X, labels = two_cigars(300)
    found = EMGaussianMixture(2, random_state=0).fit_predict(X)
    assert adjusted_rand_score(found, labels) > 0.8


def test_fit_that_runs_out_of_iterations_says_where():
    X, _ = overlapping()
    mixture = EMGaussianMixture(3, init_params="random", max_iter=2, random_state=0)
    with pytest.warns(ConvergenceWarning, match="did not converge") as caught:
        mixture.fit(X)
    assert caught[0].filename == __file__
    assert not mixture.converged_
    assert mixture.n_iter_ == 2


# What the regularisation promises


def smallest_variance(mixture):
    matrices = np.linalg.inv(mixture.precisions_)
    return np.linalg.eigvalsh(matrices).min()


@pytest.mark.parametrize("reg_covar", [1e-3, 0.1, 5.0])
@pytest.mark.parametrize("init_params", ["auto", "kmeans"])
@pytest.mark.parametrize("acceleration", ["squarem", None])
def test_float_is_added_to_the_variances_that_come_back(
    reg_covar, init_params, acceleration
):
    X = load_iris().data
    settings = {"reg_covar": reg_covar, "random_state": 0}
    ours = EMGaussianMixture(
        3, init_params=init_params, acceleration=acceleration, **settings
    ).fit(X)
    assert smallest_variance(ours) >= reg_covar
    theirs = GaussianMixture(3, tol=1e-12, max_iter=5000, **settings).fit(X)
    if init_params == "kmeans":
        assert_allclose(ours.score(X), theirs.score(X), atol=1e-5)
    assert ours.lower_bound_ == pytest.approx(ours.score(X))
    assert ours.lower_bounds_ == sorted(ours.lower_bounds_)


def test_larger_reg_covar_of_a_warm_start_holds():
    X = load_iris().data
    mixture = EMGaussianMixture(3, random_state=0, warm_start=True).fit(X)
    mixture.set_params(reg_covar=1.0).fit(X)
    assert smallest_variance(mixture) >= 1.0


def test_floor_holds_against_narrow_precisions_of_the_user():
    X, _ = overlapping()
    narrow = np.stack([np.eye(2) * 1e13] * 2)
    mixture = EMGaussianMixture(2, precisions_init=narrow, means_init=X[:2]).fit(X)
    assert smallest_variance(mixture) > 1e-12 * X.var(axis=0).max()


@pytest.mark.parametrize("far", [1e3, 1e5, 1e6])
def test_outlier_does_not_hide_clusters(far):
    rng = np.random.default_rng(0)
    centres = np.array([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0]])
    X = np.concatenate([rng.normal(size=(100, 2)) + centre for centre in centres])
    X = np.concatenate([X, [[far, far]]])
    labels = np.repeat([0, 1, 2, 3], [100, 100, 100, 1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # of the outlier's own
        mixture = EMGaussianMixture(4, random_state=0).fit(X)
    assert adjusted_rand_score(mixture.predict(X), labels) > 0.95


@pytest.mark.parametrize("reg_covar", ["auto", 1e-6])
def test_clusters_near_each_other_are_found_in_a_wide_column(reg_covar):
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 100)
    X = rng.normal(size=(300, 1)) * 0.3 + np.array([0.0, 3.0, 1e4])[labels][:, None]
    mixture = EMGaussianMixture(3, reg_covar=reg_covar, random_state=0).fit(X)
    assert adjusted_rand_score(mixture.predict(X), labels) == 1.0


def test_float_holds_in_a_column_of_far_larger_spread():
    X = np.concatenate([np.zeros((50, 1)), np.ones((50, 1)), [[3e5]]])
    ours = EMGaussianMixture(3, reg_covar=1e-6, random_state=0).fit(X)
    assert_allclose(np.sort(ours.covariances_.ravel()), 1e-6, rtol=1e-4)


@pytest.mark.parametrize("init_params", ["auto", "random", "kmeans"])
def test_any_bit_generator_will_do(init_params):
    X, _ = overlapping()
    fits = [
        EMGaussianMixture(
            2,
            init_params=init_params,
            n_init=2,
            random_state=np.random.RandomState(np.random.PCG64(0)),
        ).fit(X)
        for _ in range(2)
    ]
    assert fits[0].lower_bound_ == fits[1].lower_bound_


def test_unit_of_the_weights_does_not_matter_to_the_score():
    X, _ = overlapping()
    weights = np.random.default_rng(0).uniform(size=len(X))
    mixture = EMGaussianMixture(2, random_state=0).fit(X, sample_weight=weights)
    for unit in (1e-300, 1e307):
        score = mixture.score(X, sample_weight=weights * unit)
        assert score == pytest.approx(mixture.lower_bound_)


def test_refused_warm_start_leaves_the_last_fit_as_it_was():
    X, _ = overlapping(d=3)
    mixture = EMGaussianMixture(2, random_state=0, warm_start=True).fit(X)
    before = mixture.predict(X)
    with pytest.raises(ValueError, match="features"):
        mixture.fit(X[:, :2])
    assert_array_equal(mixture.predict(X), before)


def test_sample_of_a_nearly_singular_float32_mixture_does_not_warn():
    X = np.random.default_rng(0).normal(size=(60, 3)) * 1e15
    X = np.c_[X, X @ np.ones(3)].astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture = EMGaussianMixture(5, random_state=0).fit(X)
    assert np.isfinite(mixture.sample(50)[0]).all()
