"""`EMGaussianMixture` with a prior on its covariances, as pseudo-rows."""

import numpy as np
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import multivariate_normal
from sklearn.base import clone
from sklearn.callback import ScoringMonitor
from sklearn.utils.estimator_checks import parametrize_with_checks
from strategies import (
    COVARIANCE_TYPES,
    accelerations,
    covariance_types,
    initial,
    overlapping,
    seeds,
    ugly,
    well_posed,
)

from skgen import EMGaussianMixture
from skgen.divergences import kl_divergence

# Ugly tables collapse components, and short runs do not converge: both are said.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
every_type = pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)

W = np.array([[2.0, 0.5], [0.5, 1.0]])


def as_matrices(mixture):
    """The covariance of each component as a full matrix."""
    k, d = mixture.means_.shape
    return {
        "full": lambda c: c,
        "tied": lambda c: np.array([c] * k),
        "diag": lambda c: np.array([np.diag(row) for row in c]),
        "spherical": lambda c: np.array([np.eye(d) * value for value in c]),
    }[mixture.covariance_type](mixture.covariances_)


def held(matrix, covariance_type):
    """What a structure can hold of a matrix."""
    diagonal = np.diagonal(matrix)
    if covariance_type == "diag":
        return np.diag(diagonal)
    if covariance_type == "spherical":
        return np.eye(len(matrix)) * diagonal.mean()
    return matrix


def penalty(mixture, matrix, count, n_rows):
    """What the prior takes from the mean log-likelihood, by `kl_divergence`."""
    nowhere = np.zeros(len(matrix))
    believed = multivariate_normal(nowhere, held(matrix, mixture.covariance_type))
    return (
        count
        / n_rows
        * sum(
            kl_divergence(believed, multivariate_normal(nowhere, covariance))
            for covariance in as_matrices(mixture)
        )
    )


# Contract


@parametrize_with_checks(
    [
        EMGaussianMixture(2, covariance_prior="pooled"),
        EMGaussianMixture(2, covariance_prior="pooled", covariance_type="tied"),
    ]
)
def test_passes_scikit_learns_check(estimator, check):
    check(estimator)


def test_prior_given_is_left_as_it_was_and_cloned():
    X, _ = overlapping()
    given, before = W.copy(), W.copy()
    mixture = EMGaussianMixture(2, covariance_prior=given).fit(X)
    assert mixture.covariance_prior is given
    assert_array_equal(given, before)
    assert_array_equal(clone(mixture).covariance_prior, W)


@pytest.mark.parametrize("as_given", [np.ndarray.tolist, pandas.DataFrame])
def test_prior_may_be_a_list_or_a_data_frame(as_given):
    X, _ = overlapping()
    one = EMGaussianMixture(2, covariance_prior=as_given(W), random_state=0).fit(X)
    other = EMGaussianMixture(2, covariance_prior=W, random_state=0).fit(X)
    assert_array_equal(one.covariances_, other.covariances_)


# The M-step


@every_type
@pytest.mark.parametrize("weighted", [False, True])
def test_one_step_shrinks_by_the_number_of_rows(covariance_type, weighted):
    X, labels = overlapping(n=90)
    weights = np.random.default_rng(0).uniform(0.5, 2.0, 90) if weighted else None
    fits = {
        count: EMGaussianMixture(
            3,
            covariance_type=covariance_type,
            covariance_prior=W,
            covariance_prior_count=count,
            max_iter=1,
            tol=0.0,
            acceleration=None,
            **initial(X, labels, covariance_type),
        ).fit(X, sample_weight=weights)
        for count in (0.0, 10.0)
    }
    within, shrunk = as_matrices(fits[0.0]), as_matrices(fits[10.0])
    n = fits[0.0].weights_ * (90 if weights is None else weights.sum())
    if covariance_type == "tied":
        n = np.full(3, n.sum() / 3)
    n = n[:, None, None]
    expected = (n * within + 10.0 * held(W, covariance_type)) / (n + 10.0)
    assert_allclose(shrunk, expected, rtol=1e-9, atol=1e-9)
    assert_allclose(fits[10.0].means_, fits[0.0].means_)


@every_type
def test_default_count_is_two_more_than_the_columns(covariance_type):
    X, _ = overlapping()
    one, other = (
        EMGaussianMixture(
            2,
            covariance_type=covariance_type,
            covariance_prior="pooled",
            covariance_prior_count=count,
            random_state=0,
        ).fit(X)
        for count in (None, 4)
    )
    assert_array_equal(one.covariances_, other.covariances_)


@every_type
@pytest.mark.parametrize("prior", [W, "pooled"])
def test_count_of_0_is_the_fit_without_a_prior(covariance_type, prior):
    X, _ = overlapping()
    settings = {"covariance_type": covariance_type, "random_state": 0}
    plain = EMGaussianMixture(3, **settings).fit(X)
    none = EMGaussianMixture(
        3, covariance_prior=prior, covariance_prior_count=0, **settings
    ).fit(X)
    assert_array_equal(none.covariances_, plain.covariances_)
    assert none.lower_bounds_ == plain.lower_bounds_


@every_type
@pytest.mark.parametrize("count", [1e9, 1e200, 1e308])
def test_endless_pseudo_rows_give_their_covariance(covariance_type, count):
    X, _ = overlapping()
    mixture = EMGaussianMixture(
        3,
        covariance_type=covariance_type,
        covariance_prior=W,
        covariance_prior_count=count,
        random_state=0,
    ).fit(X)
    for covariance in as_matrices(mixture):
        assert_allclose(covariance, held(W, covariance_type), rtol=1e-5)


@every_type
def test_one_component_is_its_own_pooled_covariance(covariance_type):
    X, _ = overlapping(d=3)
    plain = EMGaussianMixture(covariance_type=covariance_type).fit(X)
    pooled = EMGaussianMixture(
        covariance_type=covariance_type, covariance_prior="pooled"
    ).fit(X)
    assert_allclose(pooled.covariances_, plain.covariances_, rtol=1e-10, atol=1e-12)
    assert_allclose(pooled.lower_bound_, plain.lower_bound_)


def test_components_of_few_rows_keep_a_shape():
    X = np.random.default_rng(0).normal(size=(40, 6))
    mixture = EMGaussianMixture(8, covariance_prior="pooled", random_state=0).fit(X)
    smallest = np.linalg.eigvalsh(mixture.covariances_)[:, 0]
    assert smallest.min() > 1e-3


# The bound


@every_type
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_bound_is_the_score_less_the_divergence_from_the_prior(
    covariance_type, weighted, unit
):
    X, _ = overlapping()
    X, matrix = X * unit, W * unit**2
    weights = np.random.default_rng(0).uniform(0.5, 2.0, len(X)) if weighted else None
    mixture = EMGaussianMixture(
        3,
        covariance_type=covariance_type,
        covariance_prior=matrix,
        covariance_prior_count=7,
        random_state=0,
    ).fit(X, sample_weight=weights)
    n_rows = len(X) if weights is None else weights.sum()
    score = mixture.score(X, sample_weight=weights)
    expected = score - penalty(mixture, matrix, 7, n_rows)
    assert_allclose(mixture.lower_bound_, expected, rtol=1e-8)


@given(
    table=ugly(),
    k=st.integers(1, 4),
    covariance_type=covariance_types,
    acceleration=accelerations,
    count=st.sampled_from([None, 0.5, 50.0]),
    seed=seeds,
)
def test_bounds_never_fall_and_all_is_finite(
    table, k, covariance_type, acceleration, count, seed
):
    mixture = EMGaussianMixture(
        k,
        covariance_type=covariance_type,
        covariance_prior="pooled",
        covariance_prior_count=count,
        acceleration=acceleration,
        init_params="random_from_data",
        max_iter=40,
        random_state=seed,
    ).fit(table.X, sample_weight=table.weights)
    assert mixture.lower_bounds_ == sorted(mixture.lower_bounds_)
    assert mixture.lower_bounds_[-1] == mixture.lower_bound_
    score = mixture.score(table.X, sample_weight=table.weights)
    assert mixture.lower_bound_ <= score + 1e-6 * max(1.0, abs(score))
    for name in ("weights_", "means_", "covariances_", "precisions_"):
        assert np.isfinite(getattr(mixture, name)).all()


@given(table=well_posed(max_features=3), covariance_type=covariance_types, seed=seeds)
def test_one_more_iteration_is_no_worse_by_score_and_penalty(
    table, covariance_type, seed
):
    d = table.X.shape[1]
    matrix = np.cov(table.X.T).reshape(d, d) + 1e-3 * np.eye(d)
    n_rows = len(table.X) if table.weights is None else table.weights.sum()
    values = []
    for max_iter in range(1, 6):
        mixture = EMGaussianMixture(
            2,
            covariance_type=covariance_type,
            covariance_prior=matrix,
            covariance_prior_count=10,
            init_params="random",
            max_iter=max_iter,
            random_state=seed,
        ).fit(table.X, sample_weight=table.weights)
        score = mixture.score(table.X, sample_weight=table.weights)
        values.append(score - penalty(mixture, matrix, 10, n_rows))
    assert (np.diff(values) >= -1e-8).all()


@every_type
def test_a_stronger_prior_is_never_likelier_than_none(covariance_type):
    X, labels = overlapping()
    start = initial(X, labels, covariance_type)
    scores = [
        EMGaussianMixture(
            3,
            covariance_type=covariance_type,
            covariance_prior=W,
            covariance_prior_count=count,
            **start,
        )
        .fit(X)
        .score(X)
        for count in (0, 10, 1000)
    ]
    assert scores == sorted(scores, reverse=True)


# Symmetries


@given(table=well_posed(), covariance_type=covariance_types, seed=seeds)
def test_units_and_origins_of_columns_do_not_matter(table, covariance_type, seed):
    rng = np.random.default_rng(seed)
    d = table.X.shape[1]
    stretch = 10.0 ** rng.uniform(-8, 8, d)
    if covariance_type == "spherical":
        stretch[:] = stretch[0]  # one variance, one unit
    moved = (table.X + rng.normal(size=d) * 100) * stretch
    matrix = np.cov(table.X.T).reshape(d, d) + 1e-3 * np.eye(d)
    for one_prior, other_prior in (
        ("pooled", "pooled"),
        (matrix, matrix * np.outer(stretch, stretch)),
    ):
        one, other = (
            EMGaussianMixture(
                2,
                covariance_type=covariance_type,
                covariance_prior=prior,
                init_params="random",
                max_iter=5,
                tol=0.0,
                random_state=0,
            ).fit(X, sample_weight=table.weights)
            for X, prior in ((table.X, one_prior), (moved, other_prior))
        )
        shift = np.log(stretch).sum()
        assert_allclose(other.lower_bound_, one.lower_bound_ - shift, atol=1e-5)
        assert_allclose(
            other.score_samples(moved), one.score_samples(table.X) - shift, atol=1e-4
        )


@given(table=well_posed(weighted=False), covariance_type=covariance_types, seed=seeds)
def test_integer_weights_are_repetitions(table, covariance_type, seed):
    times = np.random.default_rng(seed).integers(0, 4, len(table.X))
    times[:6] = 1
    start = initial(table.X, table.labels, covariance_type)
    k = len(start["weights_init"])
    fits = [
        EMGaussianMixture(
            k,
            covariance_type=covariance_type,
            covariance_prior="pooled",
            max_iter=20,
            tol=0.0,
            **start,
        ).fit(X, sample_weight=weights)
        for X, weights in (
            (np.repeat(table.X, times, axis=0), None),
            (table.X, times),
        )
    ]
    assert_allclose(fits[0].lower_bounds_, fits[1].lower_bounds_, atol=1e-7)
    assert_allclose(fits[0].covariances_, fits[1].covariances_, rtol=1e-5, atol=1e-7)


@every_type
@pytest.mark.parametrize("unit", [1e-200, 0.1, 1e200])
def test_pseudo_rows_are_counted_in_units_of_the_weights(covariance_type, unit):
    X, _ = overlapping()
    weights = np.random.default_rng(0).uniform(0.5, 2.0, len(X))
    one, other = (
        EMGaussianMixture(
            2,
            covariance_type=covariance_type,
            covariance_prior=W,
            covariance_prior_count=20 * times,
            random_state=0,
        ).fit(X, sample_weight=weights * times)
        for times in (1.0, unit)
    )
    assert_allclose(other.covariances_, one.covariances_, rtol=1e-6)
    assert_allclose(other.lower_bound_, one.lower_bound_)


def test_weights_of_one_are_no_weights():
    X, _ = overlapping()
    one, other = (
        EMGaussianMixture(2, covariance_prior=W, random_state=0).fit(
            X, sample_weight=weights
        )
        for weights in (None, 1.0)
    )
    assert_allclose(one.covariances_, other.covariances_)


# With the other parameters


@every_type
@pytest.mark.parametrize("prior", [W, "pooled"])
def test_warm_start_goes_on_where_the_fit_ended(covariance_type, prior):
    X, _ = overlapping()
    mixture = EMGaussianMixture(
        2,
        covariance_type=covariance_type,
        covariance_prior=prior,
        warm_start=True,
        random_state=0,
    ).fit(X)
    first = mixture.covariances_
    mixture.fit(X)
    if isinstance(prior, str):  # 'pooled' now is of the last solution
        assert np.isfinite(mixture.covariances_).all()
        return
    assert mixture.n_iter_ < 10
    assert_allclose(mixture.covariances_, first, rtol=1e-2)


@every_type
def test_more_starts_are_no_worse(covariance_type):
    X, _ = overlapping()
    bounds = [
        EMGaussianMixture(
            3,
            covariance_type=covariance_type,
            covariance_prior=W,
            init_params="random_from_data",
            n_init=n_init,
            random_state=1,
        )
        .fit(X)
        .lower_bound_
        for n_init in (1, 2, 4)
    ]
    assert bounds == sorted(bounds)


@every_type
@pytest.mark.parametrize("prior", [W, "pooled"])
def test_float32_is_fitted_to_its_accuracy(covariance_type, prior):
    X, labels = overlapping(n=300)
    settings = {"covariance_type": covariance_type, "covariance_prior": prior}
    start = initial(X, labels, covariance_type)
    single, double = (
        EMGaussianMixture(3, **settings, **start).fit(rows)
        for rows in (X.astype(np.float32), X)
    )
    assert single.covariances_.dtype == np.float32
    assert_allclose(single.covariances_, double.covariances_, rtol=1e-3, atol=1e-4)
    assert_allclose(single.lower_bound_, double.lower_bound_, atol=1e-5)


@pytest.mark.parametrize("reg_covar", [0.0, 1e-6, 0.01])
def test_a_float_reg_covar_adds_to_what_is_shrunk(reg_covar):
    X, labels = overlapping()
    mixture = EMGaussianMixture(
        3,
        covariance_prior=W,
        covariance_prior_count=1e9,
        reg_covar=reg_covar,
        **initial(X, labels, "full"),
    ).fit(X)
    for covariance in mixture.covariances_:
        assert_allclose(covariance, W + reg_covar * np.eye(2), rtol=1e-6)


def test_callbacks_see_each_step_of_the_shrunk_mixture():
    X, _ = overlapping()

    def score(estimator, X, y, **metadata):
        return {"score": estimator.lower_bound_}

    monitor = ScoringMonitor(scoring=score)
    mixture = EMGaussianMixture(2, covariance_prior="pooled", random_state=0)
    mixture.set_callbacks(monitor).fit(X, np.zeros(len(X)))  # it wants some y
    logged = [row for row in monitor.get_logs().data if row["task_name"] == "em-step"]
    assert_allclose([row["score"] for row in logged], mixture.lower_bounds_)


def test_an_empty_component_has_the_covariance_of_the_prior():
    X = np.repeat([[0.0, 0.0], [1.0, 1.0]], 10, axis=0)
    X = X + np.random.default_rng(0).normal(size=X.shape) * 0.01
    mixture = EMGaussianMixture(
        2,
        covariance_prior=W,
        weights_init=[1 - 1e-12, 1e-12],
        means_init=[[0.5, 0.5], [1e6, 1e6]],
        precisions_init=[np.eye(2), np.eye(2)],
    ).fit(X)
    assert_allclose(mixture.covariances_[1], W, rtol=1e-4)


# What is refused


@pytest.mark.parametrize(
    ("prior", "message"),
    [
        (np.eye(3), r"shape \(2, 2\) of a covariance .* got \(3, 3\)"),
        (np.ones((2, 3)), r"shape \(2, 2\) .* got \(2, 3\)"),
        ([1.0, 2.0], "Expected 2D array, got 1D array"),
        ([[1.0, np.nan], [np.nan, 1.0]], "covariance_prior contains NaN"),
        ([[1.0, 2.0], [0.0, 1.0]], "must be symmetric and positive definite"),
        ([[1.0, 2.0], [2.0, 1.0]], "must be symmetric and positive definite"),
        (np.zeros((2, 2)), "must be symmetric and positive definite"),
        (-np.eye(2), "must be symmetric and positive definite"),
        (np.ones((2, 2)), "must be symmetric and positive definite"),
        ("pool", "'covariance_prior' parameter of EMGaussianMixture must be"),
    ],
)
def test_a_prior_that_is_no_covariance_is_refused(prior, message):
    with pytest.raises(ValueError, match=message):
        EMGaussianMixture(covariance_prior=prior).fit(overlapping()[0])


@pytest.mark.parametrize("count", [-1.0, np.inf, np.nan])
def test_a_count_that_is_none_is_refused(count):
    with pytest.raises(ValueError, match="covariance_prior_count"):
        EMGaussianMixture(covariance_prior="pooled", covariance_prior_count=count).fit(
            overlapping()[0]
        )


@given(d=st.integers(2, 6), rank=st.integers(1, 3), seed=seeds)
def test_a_singular_prior_is_refused_whatever_rounding_says(d, rank, seed):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(min(rank, d - 1), d)) * 10.0 ** rng.uniform(-5, 5, d)
    with pytest.raises(ValueError, match="no direction is without variance"):
        EMGaussianMixture(covariance_prior=rows.T @ rows).fit(rng.normal(size=(20, d)))


@given(d=st.integers(1, 5), seed=seeds, unit=st.sampled_from([1e-100, 1.0, 1e100]))
def test_a_prior_in_any_units_is_taken(d, seed, unit):
    rng = np.random.default_rng(seed)
    scale = unit * 10.0 ** rng.uniform(-5, 5, d)
    X = rng.normal(size=(30, d))
    matrix = np.cov(X.T).reshape(d, d) * np.outer(scale, scale)
    mixture = EMGaussianMixture(covariance_prior=matrix).fit(X * scale)
    expected = EMGaussianMixture(covariance_prior=np.cov(X.T).reshape(d, d)).fit(X)
    assert_allclose(
        mixture.covariances_[0] / np.outer(scale, scale),
        expected.covariances_[0],
        rtol=1e-6,
        atol=1e-9,
    )
