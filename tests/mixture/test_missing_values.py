"""Missing cells: what is not observed is integrated out, in fits as in answers.

Laws, then a reference, then behaviour.
"""

from dataclasses import replace

import numpy as np
import pandas
import polars
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import multivariate_normal
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from strategies import COVARIANCE_TYPES, initial, overlapping, seeds, ugly
from threadpoolctl import threadpool_limits

from skgen import EMGaussianMixture
from skgen.em import Workers
from skgen.gaussian import (
    STRUCTURES,
    Expectation,
    Factor,
    IncompleteExpectation,
    Regularisation,
    maximise,
)
from skgen.mixture._fitting import Table
from skgen.mixture._race import whole
from skgen.mixture._rows import CountedRows, has_holes

ALL = [*dict.fromkeys(STRUCTURES.values()), Factor(1)]
NAMES = [type(structure).__name__ for structure in ALL]
SETTINGS = [
    *({"covariance_type": name} for name in [*COVARIANCE_TYPES, "factor", "VEV"]),
    {"noise": "uniform"},
    {"noise": "uniform", "covariance_type": "diag"},
]
every_setting = pytest.mark.parametrize(
    "setting", SETTINGS, ids=lambda setting: "-".join(setting.values())
)
every_type = pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)


def table_of(X, weights, workers, **parameters):
    """All rows, with their weights as they are."""
    rows = CountedRows(X, weights, 1.0, 1.0, has_holes(X))
    return Table(rows, workers, **parameters)


def holed(n=150, d=3, share=0.3, seed=0, dtype=np.float64):
    """Clusters of which a share of the cells is hidden, no row all of it."""
    X = overlapping(n, d, 3, seed)[0].astype(dtype)
    rng = np.random.default_rng(seed)
    missing = rng.random(X.shape) < share
    missing[missing.all(axis=1), 0] = False
    X[missing] = np.nan
    return X


def given_start(d=3, covariance_type="full", seed=0):
    """The start of complete rows, so that all fits climb from one point."""
    X, labels = overlapping(150, d, 3, seed)
    return initial(X, labels, covariance_type)


def fitted(k=3, d=3, seed=0, **parameters):
    parameters = {"random_state": 0, **parameters}
    return EMGaussianMixture(k, **parameters).fit(holed(d=d, seed=seed))


# Laws of fits


@pytest.mark.parametrize("structure", ALL, ids=NAMES)
def test_one_cell_of_no_weight_makes_no_difference(structure):
    X = overlapping(d=3)[0]
    known = whole_mixture(X, structure)
    more = np.vstack([X, [[np.nan, 0.0, 1.0]]])
    weights = np.append(np.ones(len(X)), 1e-300)
    with Workers(1) as workers:
        plain = table_of(X, None, workers).expectation(structure, 3)
        other = table_of(more, weights, workers).expectation(structure, 3)
        assert isinstance(plain, Expectation)
        assert isinstance(other, IncompleteExpectation)
        one, two = plain(known), other(known)
    two = two.about(one.reference)
    for name in ("counts", "first", "second", "log_likelihood"):
        first, second = getattr(one, name), getattr(two, name)
        assert_allclose(second, first, rtol=1e-10, atol=1e-10 * len(X))


def whole_mixture(X, structure, k=3):
    """Any mixture of a structure, after one step from all rows."""
    with Workers(1) as workers:
        expectation = table_of(X, None, workers).expectation(structure, k)
        if isinstance(expectation, IncompleteExpectation):
            filled = np.where(np.isnan(X), np.nanmean(X, axis=0), X)
            expectation = table_of(filled, None, workers).expectation(structure, k)
        shares = np.random.default_rng(0).dirichlet(np.ones(k), size=len(X)).T
        statistics = expectation.of_responsibilities(lambda block: shares[:, block], k)
        held = Regularisation(floor=1e-8)
        return maximise(statistics, whole(expectation, k), held)


@settings(max_examples=settings.default.max_examples // 6)
@given(share=st.sampled_from([0.05, 0.3, 0.6]), noisy=st.booleans(), seed=seeds)
@pytest.mark.parametrize("structure", ALL, ids=NAMES)
def test_step_of_em_never_lowers_the_likelihood(structure, share, noisy, seed):
    X = holed(80, 3, share, seed % 1000)
    X[0, 0] = np.nan
    mixture, held = whole_mixture(X, structure), Regularisation(floor=1e-8)
    if noisy:
        mixture = replace(mixture, weights=0.9 * mixture.weights)
    with Workers(1) as workers:
        expectation = table_of(X, None, workers, noise=noisy).expectation(structure, 3)
        statistics = expectation(mixture)
        for _ in range(12):
            before = statistics.log_likelihood[0]
            mixture = maximise(statistics, mixture, held, noise=noisy)
            statistics = expectation(mixture)
            assert statistics.log_likelihood[0] >= before - 1e-9 * (1 + abs(before))


@every_setting
def test_weight_of_a_row_is_how_often_it_is_there(setting):
    X = holed(seed=1)
    rng = np.random.default_rng(0)
    weights = rng.integers(0, 4, len(X))
    start = EMGaussianMixture(2, random_state=0, **setting).fit(X)
    parameters = {
        "weights_init": start.weights_ / start.weights_.sum(),
        "means_init": start.means_,
        "precisions_init": start.precisions_,
        "tol": 1e-11,
        **setting,
    }
    weighted = EMGaussianMixture(2, **parameters).fit(X, sample_weight=weights)
    repeated = EMGaussianMixture(2, **parameters).fit(np.repeat(X, weights, axis=0))
    assert_allclose(weighted.lower_bound_, repeated.lower_bound_, rtol=0, atol=1e-8)
    assert_allclose(weighted.means_, repeated.means_, atol=1e-4)


@every_type
def test_order_of_rows_changes_nothing_but_rounding(covariance_type):
    X = holed()
    order = np.random.default_rng(0).permutation(len(X))
    start = given_start(covariance_type=covariance_type)
    mixture = EMGaussianMixture(3, covariance_type=covariance_type, tol=1e-12, **start)
    one = mixture.fit(X)
    bound, means = one.lower_bound_, one.means_
    other = mixture.fit(X[order])
    assert other.lower_bound_ == pytest.approx(bound, abs=1e-10)
    assert_allclose(other.means_, means, atol=1e-5)
    impute = one.impute(X)
    assert_allclose(one.impute(X[order]), impute[order], rtol=1e-10)
    assert_allclose(one.score_samples(X[order]), one.score_samples(X)[order])


@every_type
def test_row_of_which_nothing_is_known_says_nothing(covariance_type):
    X = holed()
    more = np.vstack([X, np.full((7, 3), np.nan)])
    start = given_start(covariance_type=covariance_type)
    mixture = EMGaussianMixture(3, covariance_type=covariance_type, tol=1e-13, **start)
    mixture.fit(X)
    bound, weights, means = mixture.lower_bound_, mixture.weights_, mixture.means_
    mixture.fit(more)
    assert mixture.lower_bound_ * len(more) == pytest.approx(bound * len(X), abs=1e-7)
    assert_allclose(mixture.weights_, weights, atol=1e-4)
    assert_allclose(mixture.means_, means, atol=1e-3)


@every_setting
def test_bound_is_the_mean_log_density_of_the_rows(setting):
    X = holed()
    weights = np.random.default_rng(0).uniform(size=len(X))
    mixture = EMGaussianMixture(2, random_state=0, **setting)
    mixture.fit(X, sample_weight=weights)
    score = mixture.score(X, sample_weight=weights)
    assert mixture.lower_bound_ == pytest.approx(score, abs=1e-9)
    assert mixture.converged_


@every_setting
def test_a_second_fit_from_the_last_solution_stays_there(setting):
    mixture = fitted(2, warm_start=True, **setting)
    before = mixture.lower_bound_
    mixture.fit(holed())
    assert mixture.lower_bound_ >= before - 1e-8
    if setting != {"covariance_type": "factor"}:  # found anew, they may do better
        assert mixture.lower_bound_ == pytest.approx(before, abs=1e-7)


# Laws of answers


@every_setting
def test_density_of_a_row_with_holes_is_that_of_its_cells(setting):
    mixture = fitted(3, 4, **setting)
    X = mixture.sample(50, random_state=1)[0]
    X[-1] = 1e3  # outside of any box
    for seen in ([0], [1, 3], [0, 1, 2], [3, 2]):
        hidden = np.full_like(X, np.nan)
        hidden[:, seen] = X[:, seen]
        marginal = mixture.marginal(seen)
        expected = marginal.score_samples(X[:, seen])
        found = mixture.score_samples(hidden)
        assert_allclose(found, expected, rtol=1e-10, atol=1e-10)
        proba = marginal.predict_proba(X[:, seen])
        assert_allclose(mixture.predict_proba(hidden), proba, atol=1e-10)
        assert_array_equal(mixture.predict(hidden), marginal.predict(X[:, seen]))


@every_setting
def test_rows_with_and_without_holes_do_not_mind_one_another(setting):
    mixture = fitted(**setting)
    X = np.vstack([holed(seed=0), overlapping(150, 3, 3, 0)[0]])[::7]
    alone = [mixture.score_samples(row[None])[0] for row in X]
    assert_allclose(mixture.score_samples(X), alone, rtol=1e-10, atol=1e-10)
    alone = np.vstack([mixture.impute(row[None]) for row in X])
    assert_allclose(mixture.impute(X), alone, rtol=1e-10, atol=1e-10)


@every_setting
def test_row_of_nothing_has_density_1_and_the_weights(setting):
    mixture = fitted(**setting)
    nothing = np.full((2, 3), np.nan)
    assert_allclose(mixture.score_samples(nothing), 0.0, atol=1e-12)
    weights = mixture.weights_
    if "noise" in setting:
        weights = np.append(weights, mixture.noise_weight_)
    assert_allclose(mixture.predict_proba(nothing), [weights, weights], atol=1e-12)


@every_setting
def test_filled_cells_are_the_means_given_the_others(setting):
    mixture = fitted(2, **setting)
    for row in holed(seed=3)[:12]:
        seen = np.flatnonzero(~np.isnan(row))
        if len(seen) == 3:
            continue
        given = {int(column): row[column] for column in seen}
        conditional = mixture.conditional(given)
        expected = conditional.weights_ @ conditional.means_
        if "noise" in setting:
            middle = conditional.noise_support_.mean(axis=0)
            expected = expected + conditional.noise_weight_ * middle
        filled = mixture.impute(row[None])[0]
        assert_allclose(filled[np.isnan(row)], expected, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag"])
def test_units_and_offsets_of_columns_do_not_matter_to_what_is_filled(covariance_type):
    X, scale = holed(), np.array([1e-8, 1.0, 1e6])
    offset = np.array([1.0, -5.0, 1e7])
    mixture = EMGaussianMixture(
        2, covariance_type=covariance_type, random_state=0, tol=1e-11
    )
    filled = mixture.fit(X).impute(X) * scale + offset
    again = mixture.fit(X * scale + offset).impute(X * scale + offset)
    assert_allclose(
        (again - offset) / scale, (filled - offset) / scale, rtol=1e-4, atol=1e-4
    )


# Draws


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_draws_from_one_gaussian_have_its_conditional_moments(covariance_type):
    mixture = fitted(1, covariance_type=covariance_type)
    rows = np.repeat([[0.5, np.nan, np.nan]], 100, axis=0)
    draws = mixture.impute(rows, n_draws=40, random_state=1)[:, :, 1:].reshape(-1, 2)
    known = mixture.conditional({0: 0.5})
    covariance = known._covariance_matrices()[0]
    error = np.sqrt(np.diagonal(covariance) / 4000)
    assert (np.abs(draws.mean(axis=0) - known.means_[0]) < 5 * error).all()
    scale = np.sqrt(np.outer(np.diagonal(covariance), np.diagonal(covariance)))
    assert_allclose(np.cov(draws.T) / scale, covariance / scale, atol=0.12)


@every_setting
def test_draws_of_a_mixture_are_about_the_mean(setting):
    mixture = fitted(3, **setting)
    row = np.array([[np.nan, 0.3, np.nan]])
    mean = mixture.impute(row)[0]
    rows = np.repeat(row, 6000, axis=0)
    drawn = mixture.impute(rows, n_draws=1, random_state=0)[0]
    error = drawn.std(axis=0) / np.sqrt(6000)
    assert (np.abs(drawn.mean(axis=0) - mean) <= 5 * error + 1e-12).all()


@every_setting
def test_draws_have_the_density_of_the_missing_cells(setting):
    """By the share of draws that lie below each of their quantiles."""
    mixture = fitted(3, **setting)
    rows = np.repeat([[np.nan, 0.3, 0.1]], 4000, axis=0)
    drawn = mixture.impute(rows, n_draws=1, random_state=0)[0][:, 0]
    conditional = mixture.conditional({1: 0.3, 2: 0.1})
    expected = conditional.sample(4000, random_state=1)[0][:, 0]
    quantiles = np.quantile(expected, [0.1, 0.3, 0.5, 0.7, 0.9])
    shares = (drawn[:, None] < quantiles).mean(axis=0)
    assert_allclose(shares, [0.1, 0.3, 0.5, 0.7, 0.9], atol=0.05)


@every_setting
def test_seed_determines_the_draws(setting):
    mixture, X = fitted(**setting), holed(seed=5)
    one = mixture.impute(X, n_draws=3)
    assert_array_equal(one, mixture.impute(X, n_draws=3))
    assert_array_equal(one, mixture.impute(X, n_draws=3, random_state=0))
    assert_array_equal(one[:2], mixture.impute(X, n_draws=2))
    other = mixture.impute(X, n_draws=3, random_state=1)
    missing = np.isnan(X)
    assert (one != other)[:, missing].all()
    assert (one[0] != one[1])[missing].all()


@every_setting
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_draws", [None, 2])
def test_observed_cells_stay_to_the_last_bit(setting, dtype, n_draws):
    X = holed(dtype=dtype)
    X[0] = np.nan
    mixture = EMGaussianMixture(2, random_state=0, **setting).fit(X)
    filled = mixture.impute(X, n_draws=n_draws)
    assert filled.dtype == dtype
    assert filled.shape == (X.shape if n_draws is None else (2, *X.shape))
    assert np.isfinite(filled).all()
    seen = ~np.isnan(X)
    assert_array_equal(filled[..., seen], np.broadcast_to(X, filled.shape)[..., seen])


@pytest.mark.parametrize("n_draws", [0, -1, 1.5, "many"])
def test_number_of_draws_that_is_none_is_refused(n_draws):
    with pytest.raises(ValueError, match="n_draws must be None or an int of at least"):
        fitted().impute(holed(), n_draws=n_draws)


def test_table_without_holes_is_returned_as_it_is():
    X = overlapping(d=3)[0]
    mixture = fitted()
    assert_array_equal(mixture.impute(X), X)
    assert_array_equal(mixture.impute(X, n_draws=2), [X, X])


@settings(max_examples=3 * settings.default.max_examples)
@given(
    table=ugly(),
    setting=st.sampled_from(SETTINGS),
    share=st.sampled_from([0.02, 0.3, 0.8]),
    seed=seeds,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_answers_about_any_table_are_finite(table, setting, share, seed):
    X, weights = table.X.copy(), table.weights
    assume(X.shape[1] > 1 or setting.get("covariance_type") != "factor")
    hidden = np.random.default_rng(seed).random(X.shape) < share
    hidden[:4] = False  # rows that always count
    X[hidden] = np.nan
    counted = X if weights is None else X[weights > 0.0]
    constant = (np.nanmax(counted, axis=0) == np.nanmin(counted, axis=0)).any()
    assume(not constant or "noise" not in setting)
    mixture = EMGaussianMixture(2, random_state=0, max_iter=30, **setting)
    mixture.fit(X, sample_weight=weights)
    assert np.isfinite(mixture.lower_bounds_).all()
    assert (np.diff(mixture.lower_bounds_) >= 0.0).all()
    answers = mixture.score_samples(X), mixture.predict_proba(X)
    for answer in (*answers, mixture.impute(X), mixture.impute(X, n_draws=1)[0]):
        assert np.isfinite(answer).all()
    filled = mixture.impute(X)
    assert_array_equal(filled[~hidden], X[~hidden])


def test_rows_asked_about_are_not_written_to():
    X = holed()
    X.flags.writeable = False
    mixture = EMGaussianMixture(2, random_state=0).fit(X)
    assert np.isnan(X).any()
    mixture.impute(X)
    mixture.impute(X, n_draws=1)


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_set_output_chooses_the_container_of_filled_rows(container):
    X = holed()
    frame = pandas.DataFrame(X, columns=["a", "b", "c"], index=range(7, 157))
    mixture = EMGaussianMixture(2, random_state=0).set_output(transform=container)
    mixture.fit(frame)
    array = EMGaussianMixture(2, random_state=0).fit(X)
    filled = mixture.impute(frame)
    kind = {"pandas": pandas.DataFrame, "polars": polars.DataFrame}[container]
    assert isinstance(filled, kind)
    assert list(filled.columns) == ["a", "b", "c"]
    assert_allclose(filled.to_numpy(), array.impute(X))
    draws = mixture.impute(frame, n_draws=3)
    assert [type(draw) for draw in draws] == [kind] * 3
    for draw, expected in zip(draws, array.impute(X, n_draws=3)):
        assert_allclose(draw.to_numpy(), expected)


def test_missing_cells_of_nullable_columns_are_missing():
    X = holed()
    frame = pandas.DataFrame(X, columns=["a", "b", "c"]).convert_dtypes()
    mixture = EMGaussianMixture(2, random_state=0).fit(frame)
    expected = EMGaussianMixture(2, random_state=0).fit(X)
    assert_allclose(mixture.means_, expected.means_)


# Reference

# Of iris, row by row, which cells are hidden: 171 of 600.
IRIS_HIDDEN = (
    "88a7140e220738400201002005a28521534d5a520602090010010c61c104407300319402654c3a302095"
    "1c4484c902235001012c608d02b1c3020a7180d4082ac006143089110570281001"
)
# R: lavaan 0.6-14, lav_mvnorm_missing_h1_estimate_moments, and Amelia 1.8.1, EM with a
# tolerance of 1e-14, which agree in all of these digits.
IRIS_LOG_LIKELIHOOD = -335.159556146819
IRIS_MEAN = [5.83318977, 3.09305136, 3.73493127, 1.21286090]
IRIS_COVARIANCE = [
    [0.67155919, -0.04797061, 1.24105369, 0.50737633],
    [-0.04797061, 0.17802686, -0.34222331, -0.12824817],
    [1.24105369, -0.34222331, 3.08036950, 1.31514868],
    [0.50737633, -0.12824817, 1.31514868, 0.60308248],
]


@pytest.mark.parametrize("acceleration", ["squarem", None])
def test_one_gaussian_of_incomplete_iris_is_that_of_lavaan_and_amelia(acceleration):
    X = load_iris().data.copy()
    hidden = np.frombuffer(bytes.fromhex(IRIS_HIDDEN), dtype=np.uint8)
    X[np.unpackbits(hidden).reshape(X.shape) == 1] = np.nan
    assert np.isnan(X).sum() == 171
    mixture = EMGaussianMixture(tol=1e-13, acceleration=acceleration).fit(X)
    log_likelihood = mixture.score_samples(X).sum()
    assert log_likelihood == pytest.approx(IRIS_LOG_LIKELIHOOD, abs=1e-8)
    assert_allclose(mixture.means_[0], IRIS_MEAN, atol=1e-5)
    assert_allclose(mixture.covariances_[0], IRIS_COVARIANCE, atol=1e-5)


def test_bic_is_of_the_cells_observed():
    mixture, X = fitted(1), holed()
    log_density = 0.0
    for row in X:
        seen = ~np.isnan(row)
        part = multivariate_normal(
            mixture.means_[0][seen], mixture.covariances_[0][np.ix_(seen, seen)]
        )
        log_density += part.logpdf(row[seen])
    expected = -2 * log_density + 9 * np.log(len(X))
    assert mixture.bic(X) == pytest.approx(expected)
    assert mixture.aic(X) == pytest.approx(-2 * log_density + 18)


# Behaviour


@every_setting
def test_column_of_which_nothing_is_known_is_refused_by_name(setting):
    X = holed()
    X[:, 1] = np.nan
    mixture = EMGaussianMixture(2, **setting)
    message = r"Every column must be observed .* columns {} hold NaN alone: drop them"
    with pytest.raises(ValueError, match=message.format(r"\[1\]")):
        mixture.fit(X)
    frame = pandas.DataFrame(X, columns=["age", "height", "weight"])
    with pytest.raises(ValueError, match=message.format(r"\['height'\]")):
        mixture.fit(frame)


def test_column_seen_in_rows_of_weight_0_alone_is_refused():
    X = holed()
    X[1:, 2] = np.nan
    X[0, 2] = 1.0
    weights = np.ones(len(X))
    weights[0] = 0.0
    with pytest.raises(ValueError, match=r"positive weight, but columns \[2\]"):
        EMGaussianMixture(2).fit(X, sample_weight=weights)


@every_setting
def test_new_rows_may_lack_a_column(setting):
    mixture, X = fitted(**setting), holed(seed=9)
    X[:, 1] = np.nan
    assert np.isfinite(mixture.score_samples(X)).all()
    assert np.isfinite(mixture.impute(X)).all()
    assert np.isfinite(mixture.transform(X)).all()


@pytest.mark.parametrize(
    "method", ["fit", "predict", "score_samples", "impute", "transform"]
)
@pytest.mark.parametrize("infinity", [np.inf, -np.inf])
def test_infinite_cells_are_still_refused(method, infinity):
    X = holed()
    X[3, 0] = infinity
    with pytest.raises(ValueError, match="Input X contains infinity"):
        getattr(fitted(), method)(X)


def test_answers_that_need_whole_rows_refuse_missing_cells():
    mixture = fitted(covariance_type="factor")
    with pytest.raises(ValueError, match="rows without missing cells"):
        mixture.factor_scores(holed())


@pytest.mark.parametrize(
    "X",
    [
        [[0.0, np.nan], [np.nan, 1.0], [1.0, 0.0]],
        [[0.0, np.nan], [np.nan, 1.0]],
        [[0.0], [np.nan], [1.0]],
        [[5.0, np.nan], [5.0, 1.0], [np.nan, 2.0], [5.0, np.nan]],
        [[np.nan, np.nan], [0.0, 1.0], [1.0, 3.0], [2.0, 2.0]],
        [[1.0, 2.0], [1.0, 2.0], [1.0, np.nan]],
    ],
    ids=["3 rows", "2 rows", "1 column", "constant", "empty row", "duplicates"],
)
@pytest.mark.parametrize("k", [1, 2])
@every_type
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_tiny_tables_with_holes_can_be_fitted(X, k, covariance_type):
    mixture = EMGaussianMixture(k, covariance_type=covariance_type, random_state=0)
    mixture.fit(X)
    assert np.isfinite(mixture.score_samples(X)).all()
    assert np.isfinite(mixture.impute(X)).all()
    assert np.isfinite(mixture.impute(X, n_draws=2)).all()
    assert np.isfinite(mixture.lower_bound_)


@pytest.mark.parametrize("init_params", ["auto", "kmeans", "k-means++", "random"])
def test_every_start_takes_rows_with_holes(init_params):
    mixture = fitted(init_params=init_params)
    assert mixture.converged_
    rounds = np.diff(mixture.lower_bounds_)
    assert (rounds >= 0.0).all()


def test_far_out_rows_with_holes_have_finite_answers():
    mixture = fitted()
    X = np.array([[1e200, np.nan, 0.0], [np.nan, np.nan, -1e300]])
    assert np.isfinite(mixture.score_samples(X)).all()
    assert np.isfinite(mixture.predict_proba(X)).all()
    assert np.isfinite(mixture.impute(X)).all()


def test_half_of_the_cells_of_clusters_apart_are_filled_from_their_own():
    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=400)
    X = 20.0 * labels[:, None] + rng.normal(size=(400, 3))
    hidden = rng.random(X.shape) < 0.5
    hidden[hidden.all(axis=1), 0] = False
    mixture = EMGaussianMixture(2, random_state=0).fit(np.where(hidden, np.nan, X))
    filled = mixture.impute(np.where(hidden, np.nan, X))
    assert np.abs(filled - 20.0 * labels[:, None])[hidden].max() < 3.0


def test_warning_of_a_fit_cut_short_is_given_with_holes_too():
    with pytest.warns(ConvergenceWarning, match="did not converge"):
        EMGaussianMixture(3, max_iter=1, random_state=0).fit(holed())


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_threads_do_not_change_what_a_start_draws_into_holes():
    X = np.random.default_rng(0).normal(size=(12_000, 8))
    X[np.random.default_rng(1).random(X.shape) < 0.3] = np.nan
    found = []
    for n_threads in (1, 2):
        mixture = EMGaussianMixture(2, random_state=0, max_iter=2, tol=1e-2)
        with threadpool_limits(n_threads):
            found.append(mixture.fit(X).means_)
    assert_array_equal(*found)


def test_constant_column_with_a_hole_stays_constant_where_starts_are_made():
    X = np.random.default_rng(0).normal(size=(200, 3))
    X[:100] += 4.0
    X[:, 1] = 7.0
    X[0, 1] = np.nan
    mixture = EMGaussianMixture(range(1, 4), covariance_type="auto", random_state=0)
    mixture.fit(X)
    assert mixture.n_components_ == 2
    best = mixture.selection_["rank"].argmin()
    assert not mixture.selection_["spurious"][best]


def test_criteria_do_not_count_rows_of_which_nothing_is_known():
    X = holed()
    more = np.vstack([X, np.full((50, 3), np.nan)])
    mixture = EMGaussianMixture(2, random_state=0).fit(X)
    assert mixture.bic(more) == pytest.approx(mixture.bic(X), abs=1e-9)
    assert mixture.icl(more) == pytest.approx(mixture.icl(X), abs=1e-9)
