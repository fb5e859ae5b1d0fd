"""Behaviour: bad input, degenerate data, and what the parameters are for."""

import subprocess
import sys

import numpy as np
import pandas
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler

from skgen import EMGaussianMixture, KLAnomalyDetector, VariationalAutoencoder

# Quick models do not converge, and components collapse: both are said.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
QUESTIONS = ["score_samples", "decision_function", "predict", "transform", "p_values"]
QUESTIONS += ["score", "select", "explain", "score_components"]


def mixture(n_components=2):
    return EMGaussianMixture(n_components, max_iter=30, random_state=0)


def autoencoder(**parameters):
    quick = {"hidden_layer_sizes": (8,), "max_iter": 3, "random_state": 0}
    return VariationalAutoencoder(2, **{**quick, **parameters})


def table(n=100, d=3, seed=0):
    rng = np.random.default_rng(seed)
    mix = np.eye(d) + 0.5 * np.random.default_rng(9).normal(size=(d, d))
    return rng.normal(size=(n, d)) @ mix


def with_planted(n_planted=10):
    """Ninety normal rows, and some far out in all directions."""
    planted = np.random.default_rng(1).normal(size=(n_planted, 3))
    planted *= 100.0 / np.linalg.norm(planted, axis=1, keepdims=True)
    return np.concatenate([table(n=90), planted])


def assert_finite(detector, X):
    for question in ("score_samples", "decision_function", "transform"):
        assert np.isfinite(getattr(detector, question)(X)).all(), question
    parts = detector.score_components(X)
    for name, array in vars(parts).items():
        assert np.isfinite(array).all(), name
    assert np.isfinite(detector.sample(5)).all()
    assert set(detector.predict(X)) <= {-1, 1}
    if len(detector.calibration_scores_):
        p_values = detector.p_values(X)
        assert (p_values > 0.0).all()
        assert (p_values <= 1.0).all()


# Scores, thresholds, labels


@pytest.mark.parametrize(
    "settings",
    [{}, {"fpr": 0.1}, {"contamination": 0.2}, {"calibration": None}],
    ids=str,
)
@pytest.mark.parametrize("estimator", [None, mixture(), KernelDensity()])
def test_decision_is_the_score_less_the_threshold(estimator, settings):
    X = table()
    detector = KLAnomalyDetector(estimator, random_state=0, **settings).fit(X)
    scores, decision = detector.score_samples(X), detector.decision_function(X)
    assert scores.dtype == decision.dtype == np.float64
    assert_array_equal(scores - detector.offset_, decision)
    assert_array_equal(detector.predict(X), np.where(decision < 0.0, -1, 1))
    assert_array_equal(detector.fit_predict(X), detector.predict(X))
    assert detector.score(X) == scores.mean()


def test_score_takes_weights():
    X, weights = table(), np.arange(100.0)
    detector = KLAnomalyDetector(mixture()).fit(X)
    expected = np.average(detector.score_samples(X), weights=weights)
    assert_allclose(detector.score(X, sample_weight=weights), expected)
    with pytest.raises(ValueError, match="Negative values"):
        detector.score(X, sample_weight=-weights)


@pytest.mark.parametrize("contamination", [0.01, 0.1, 0.37, 0.5])
@pytest.mark.parametrize(
    ("estimator", "calibration"), [(None, None), (mixture(), "split")]
)
def test_contamination_is_the_share_of_rows_flagged(
    contamination, estimator, calibration
):
    X = table(n=100)
    labels = KLAnomalyDetector(
        estimator, contamination=contamination, calibration=calibration, random_state=0
    ).fit_predict(X)
    assert (labels == -1).sum() == round(100 * contamination)


def test_contamination_counts_weights():
    X = table(n=40)
    weights = np.random.default_rng(0).integers(0, 4, 40)
    weighted, repeated = (
        KLAnomalyDetector(mixture(1), contamination=0.25, calibration=None).fit(
            rows, sample_weight=given
        )
        for rows, given in ((X, weights), (np.repeat(X, weights, axis=0), None))
    )
    assert_allclose(weighted.offset_, repeated.offset_)
    assert_allclose(weighted.transform(X), repeated.transform(X))
    below = weights[weighted.predict(X) == -1].sum()
    assert below <= 0.25 * weights.sum() < below + 4


def test_contamination_auto_flags_a_twentieth_of_new_normal_rows():
    shares = []
    for seed in range(20):
        X = table(n=500, seed=seed)
        detector = KLAnomalyDetector(mixture(1), random_state=seed).fit(X[:300])
        shares.append((detector.predict(X[300:]) == -1).mean())
    assert 0.035 < np.mean(shares) < 0.075


@pytest.mark.parametrize(("n_rows", "n_features"), [(150, 30), (80, 10)])
def test_contamination_auto_spares_new_rows_of_a_model_that_knows_its_own_well(
    n_rows, n_features
):
    rng = np.random.default_rng(0)
    shares = []
    for seed in range(6):
        X = rng.normal(size=(n_rows, n_features))
        detector = KLAnomalyDetector(random_state=seed).fit(X)
        shares.append((detector.predict(rng.normal(size=(500, n_features))) < 0).mean())
    assert np.mean(shares) < 0.13


def test_kernels_of_bounded_support_calibrate_and_judge_windows():
    rng = np.random.default_rng(0)
    kernel = KernelDensity(kernel="tophat", bandwidth=0.6)
    detector = KLAnomalyDetector(kernel, fpr=0.2, random_state=0)
    detector.fit(rng.normal(size=(500, 2)))
    far = np.array([[50.0, 50.0]])
    assert np.isfinite(detector.decision_function(far)).all()
    assert detector.predict(far) == -1
    assert detector.score_windows(np.repeat(far, 50, axis=0)).p_value[0] < 0.05


def test_a_constant_beginning_does_not_hide_that_a_pipeline_mixes_columns():
    rng = np.random.default_rng(0)
    mixing = np.array([[1.0, 0.9, 0.0], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]])
    X = rng.normal(size=(400, 3)) @ mixing
    X[:250] = X[0]
    pipeline = make_pipeline(PCA(), EMGaussianMixture(1))
    turned = KLAnomalyDetector(pipeline, calibration=None).fit(X)
    plain = KLAnomalyDetector(EMGaussianMixture(1), calibration=None).fit(X)
    new = rng.normal(size=(50, 3)) @ mixing
    for column, expected in zip(turned.transform(new).T, plain.transform(new).T):
        assert np.corrcoef(column, expected)[0, 1] > 0.99


def test_a_search_is_asked_as_the_mixture_that_it_found():
    X = table(n=120)
    search = GridSearchCV(EMGaussianMixture(random_state=0), {"n_components": [1, 2]})
    detector = KLAnomalyDetector(search, random_state=0).fit(X)
    found = detector.estimator_.best_estimator_
    parts = detector.score_components(X)
    assert_allclose(parts.log_density, found.score_samples(X), rtol=1e-9)
    assert detector.sample(3).shape == (3, X.shape[1])


def test_windows_need_a_hundred_calibration_rows():
    detector = KLAnomalyDetector(mixture(1), random_state=0).fit(table(n=100))
    with pytest.raises(ValueError, match="rows kept from the fit"):
        detector.score_windows(table(n=100))


def test_contamination_auto_without_calibration_is_a_twentieth_of_the_rows():
    X = table(n=200)
    labels = KLAnomalyDetector(mixture(), calibration=None).fit_predict(X)
    assert (labels == -1).sum() == 10
    labels = KLAnomalyDetector(mixture()).fit_predict(X[:40])  # 10 rows calibrate
    assert (labels == -1).sum() == 2


def test_calibration_scores_ascend_and_are_of_a_quarter_of_the_rows():
    detector = KLAnomalyDetector(mixture(), random_state=0).fit(table())
    assert len(detector.calibration_scores_) == 25
    assert (np.diff(detector.calibration_scores_) >= 0.0).all()
    assert detector.n_reference_rows_ == 100
    detector.set_params(calibration=0.4).fit(table())
    assert len(detector.calibration_scores_) == 40
    detector.set_params(calibration=None).fit(table())
    assert len(detector.calibration_scores_) == 0


def test_calibration_rows_are_kept_from_a_model_with_fpr_and_no_other():
    X = table()
    kept = KLAnomalyDetector(mixture(1), fpr=0.1, random_state=0).fit(X)
    every = KLAnomalyDetector(mixture(1), random_state=0).fit(X)
    assert_allclose(every.estimator_.means_[0], X.mean(axis=0))
    assert np.abs(kept.estimator_.means_[0] - X.mean(axis=0)).max() > 1e-3
    assert_allclose(kept.calibration_scores_, every.calibration_scores_)
    assert_allclose(kept.p_values(X), every.p_values(X))


# What thresholds refuse


@pytest.mark.parametrize(("fpr", "needed"), [(0.01, 99), (0.05, 19), (0.04, 24)])
def test_too_few_rows_for_fpr_are_an_error_that_names_the_number(fpr, needed):
    enough = 4 * needed
    detector = KLAnomalyDetector(mixture(1), fpr=fpr, random_state=0)
    detector.fit(table(n=enough))
    with pytest.raises(ValueError, match=f"needs at least {needed} calibration rows"):
        detector.fit(table(n=enough - 4))


def test_fpr_of_a_few_rows_is_that_error_too():
    for n_rows in (2, 3, 5):
        with pytest.raises(ValueError, match="needs at least 9 calibration rows"):
            KLAnomalyDetector(fpr=0.1).fit(table(n=n_rows))


def test_too_few_rows_for_fpr_are_refused_before_anything_is_fitted():
    class Unfit(EMGaussianMixture):
        def fit(self, X, y=None, *, sample_weight=None):
            raise AssertionError("fitted in vain")

    with pytest.raises(ValueError, match="needs at least 999 calibration rows"):
        KLAnomalyDetector(Unfit(), fpr=0.001).fit(table())


def test_fpr_and_contamination_together_are_refused():
    with pytest.raises(ValueError, match=r"give one of them, got fpr=0\.1 and contam"):
        KLAnomalyDetector(fpr=0.1, contamination=0.1).fit(table())


def test_fpr_without_calibration_is_refused():
    with pytest.raises(ValueError, match=r"calibration=None: set calibration='split'"):
        KLAnomalyDetector(fpr=0.1, calibration=None).fit(table())


@pytest.mark.parametrize("question", ["p_values", "select"])
def test_p_values_without_calibration_are_refused_with_a_remedy(question):
    X = table()
    detector = KLAnomalyDetector(mixture(), calibration=None).fit(X)
    with pytest.raises(ValueError, match=r"calibration=None .*calibration='split'"):
        getattr(detector, question)(X)
    detector = KLAnomalyDetector(mixture()).fit(X[:6])
    with pytest.raises(ValueError, match=r"6 rows were given.* at least 8 rows"):
        getattr(detector, question)(X)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("beta", -1.0),
        ("beta", "large"),
        ("dependence_weight", 1.1),
        ("contamination", 0.6),
        ("contamination", 0.0),
        ("fpr", 0.0),
        ("fpr", 1.0),
        ("calibration", 1.0),
        ("calibration", "half"),
        ("trim", 0.5),
        ("trim", -0.1),
        ("random_state", "seed"),
        ("estimator", StandardScaler()),
        ("estimator", "mixture"),
    ],
)
def test_parameters_out_of_range_are_refused(name, value):
    with pytest.raises(ValueError, match=f"'{name}' parameter of KLAnomalyDetector"):
        KLAnomalyDetector(**{name: value}).fit(table())


@pytest.mark.parametrize("fdr", [0.0, 1.0, -0.1, 2])
def test_fdr_out_of_range_is_refused(fdr):
    detector = KLAnomalyDetector(mixture()).fit(table())
    with pytest.raises(ValueError, match="fdr must lie between 0 and 1"):
        detector.select(table(), fdr=fdr)


def test_selection_is_a_mask_of_the_strangest():
    detector = KLAnomalyDetector(mixture(1), random_state=0).fit(table(n=400))
    X = np.concatenate([table(n=50, seed=1), 30.0 + table(n=10, seed=2)])
    selected = detector.select(X, fdr=0.2)
    assert selected.dtype == bool
    assert selected[50:].all()
    assert selected.sum() < 20
    assert not detector.select(table(n=5, seed=1) * 0.1).any()


# Rows that cannot be used


@pytest.mark.parametrize(
    ("estimator", "value", "message"),
    [
        (None, np.nan, "contains NaN"),
        (None, np.inf, "contains infinity"),
        (mixture(), np.inf, "contains infinity"),
        (KernelDensity(), np.nan, "contains NaN"),
        (KernelDensity(), np.inf, "contains infinity"),
    ],
)
@pytest.mark.parametrize("as_table", [np.asarray, pandas.DataFrame])
def test_rows_that_are_not_finite_are_refused(estimator, as_table, value, message):
    X = table()
    detector = KLAnomalyDetector(estimator, random_state=0).fit(as_table(X))
    X[3, 1] = value
    for question in ("score_samples", "transform", "p_values", "explain"):
        with pytest.raises(ValueError, match=message):
            getattr(detector, question)(as_table(X))
    with pytest.raises(ValueError, match=message):
        detector.fit(as_table(X))


@pytest.fixture(scope="module", params=[None, mixture(1)], ids=["default", "mixture"])
def fitted(request):
    return KLAnomalyDetector(request.param, random_state=0).fit(table(n=30))


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.ones((3, 4)), "X has 4 features, but KLAnomalyDetector is expecting 3"),
        (np.ones(3), "Expected 2D array, got 1D array"),
        (np.empty((0, 3)), r"Found array with 0 sample\(s\)"),
    ],
    ids=["wide", "1d", "empty"],
)
def test_new_rows_unfit_for_use_are_refused(question, fitted, wrong, message):
    with pytest.raises(ValueError, match=message):
        getattr(fitted, question)(wrong)


@pytest.mark.parametrize("question", [*QUESTIONS, "sample", "score_windows"])
def test_unfitted_detector_says_so(question):
    with pytest.raises(NotFittedError, match=r"KLAnomalyDetector .*not fitted"):
        getattr(KLAnomalyDetector(), question)(table())


@pytest.mark.parametrize("estimator", [None, mixture(1)])
def test_a_single_row_is_refused(estimator):
    with pytest.raises(ValueError, match=r"at least 2 rows|minimum of 2|1 sample"):
        KLAnomalyDetector(estimator).fit(table(n=1))


def test_text_is_refused_by_the_default():
    with pytest.raises(ValueError, match="could not convert string to float"):
        KLAnomalyDetector().fit([["a"], ["b"], ["c"]])


# Degenerate rows


@pytest.mark.parametrize("n_rows", [2, 3, 7, 8, 9])
@pytest.mark.parametrize("estimator", [None, mixture(1)])
def test_a_few_rows_are_enough(n_rows, estimator):
    X = table(n=n_rows, d=2)
    detector = KLAnomalyDetector(estimator, random_state=0).fit(X)
    assert_finite(detector, X)
    assert len(detector.calibration_scores_) == (2 if n_rows >= 8 else 0)
    far = detector.decision_function([[1e3, -1e3]])
    assert far < detector.decision_function(X).min()


@pytest.mark.parametrize("calibration", ["split", None, 0.9])
def test_more_columns_than_rows_are_no_obstacle(calibration):
    X = np.random.default_rng(0).normal(size=(12, 30))
    detector = KLAnomalyDetector(calibration=calibration, random_state=0).fit(X)
    assert_finite(detector, X)
    assert detector.predict(X[:1] + 50.0) == [-1]


@pytest.mark.parametrize("estimator", [None, mixture(), GaussianMixture(2)])
def test_one_column_is_its_own_conditional(estimator):
    X = table(d=1)
    detector = KLAnomalyDetector(estimator, calibration=None, random_state=0).fit(X)
    assert_finite(detector, X)
    surprises = detector.transform(X)[:, 0]
    assert_allclose(surprises.mean(), 0.0, atol=1e-9)
    order = np.argsort(surprises)
    log_density = detector.score_components(X).log_density
    assert (np.diff(log_density[order]) <= 1e-9).all()


@pytest.mark.parametrize("value", [0.0, 3.0, -1e9, 1e-12, 1e300])
def test_rows_all_the_same_are_normal_and_any_other_is_not(value):
    X = np.full((50, 3), value)
    detector = KLAnomalyDetector(random_state=0).fit(X)
    assert_finite(detector, X)
    assert (detector.predict(X) == 1).all()
    assert detector.p_values(X).min() == 1.0
    other = X[:1].copy()
    other[0, 1] = value * 1.01 if value else 1e-3
    assert detector.predict(other) == [-1]
    assert detector.transform(other).argmax() == 1


def test_rows_all_the_same_are_normal_to_a_mixture_too():
    X = np.full((50, 2), 3.0)
    detector = KLAnomalyDetector(mixture(1), random_state=0).fit(X)
    assert (detector.predict(X) == 1).all()
    assert detector.predict([[3.0, 3.5]]) == [-1]


@pytest.mark.parametrize("value", [0.0, 5.0, 1e-12, 1e9, -1e100, 1e300])
@pytest.mark.parametrize("settings", [{"fpr": 0.1}, {"contamination": 0.01}])
def test_a_constant_column_that_changes_is_flagged_and_named(value, settings):
    X = np.column_stack([table(), np.full(100, value)])
    detector = KLAnomalyDetector(random_state=0, **settings).fit(X)
    assert_finite(detector, X)
    assert (detector.predict(X) == -1).mean() < 0.25
    row = np.zeros((1, 4))
    row[0, 3] = value * 1.001 if value else 1e-6
    assert detector.predict(row) == [-1]
    assert detector.transform(row).argmax() == 3
    if detector.fpr is not None:
        assert_allclose(detector.p_values(row), 1.0 / 26.0)


@pytest.mark.parametrize(
    ("center", "spread", "other"),
    [
        (1e9, 1e-6, 1e9 + 1.0),
        (5.0, 1e-12, 5.0 + 1e-6),
        (5.0, 1e-15, 5.0 + 1e-6),
        (0.0, 1e-12, 1e-6),
        (0.0, 1e-300, 1e-200),
        (1e-12, 1e-15, 2e-12),
    ],
)
def test_a_nearly_constant_column_that_changes_is_flagged_and_named(
    center, spread, other
):
    noise = np.random.default_rng(1).normal(size=100)
    X = np.column_stack([table(), center + spread * noise])
    detector = KLAnomalyDetector(random_state=0).fit(X)
    assert_finite(detector, X)
    row = np.array([[0.0, 0.0, 0.0, other]])
    assert detector.predict(row) == [-1]
    assert detector.transform(row).argmax() == 3


def test_constant_column_changes_no_ranking_of_rows_that_keep_it():
    X = table()
    one = KLAnomalyDetector(random_state=0).fit(X)
    other = KLAnomalyDetector(random_state=0).fit(np.column_stack([X, np.full(100, 7)]))
    scores = other.score_samples(np.column_stack([X, np.full(100, 7.0)]))
    correlation = np.corrcoef(scores, one.score_samples(X))[0, 1]
    assert correlation > 0.9


@pytest.mark.parametrize("unit", [1e-300, 1e-12, 1e9, 1e300])
def test_units_at_the_edge_of_floats_change_nothing(unit):
    X = table()
    expected = KLAnomalyDetector(random_state=0).fit(X)
    detector = KLAnomalyDetector(random_state=0).fit(X * unit)
    assert_allclose(
        detector.score_samples(X * unit), expected.score_samples(X), rtol=1e-6
    )
    assert np.isfinite(detector.sample(5)).all()


@pytest.mark.parametrize("far", [1e10, 1e100, 1e300, 1.7e308])
def test_rows_far_out_are_finite_and_flagged(far):
    X = table()
    detector = KLAnomalyDetector(random_state=0).fit(X)
    rows = far * np.array([[1.0, -1.0, 0.0], [0.0, 0.0, 1.0]])
    assert_finite(detector, rows)
    assert (detector.predict(rows) == -1).all()
    assert detector.transform(rows)[1].argmax() == 2


@pytest.mark.parametrize("far", [1e10, 1e300])
def test_rows_far_out_among_the_reference_do_not_hide_themselves(far):
    X = table()
    X[0], X[1] = far, -far
    detector = KLAnomalyDetector(random_state=0).fit(X)
    assert_finite(detector, X)
    assert set(np.argsort(detector.score_samples(X))[:2]) == {0, 1}


def test_one_hot_and_sparse_columns_are_scored():
    rng = np.random.default_rng(0)
    hot = np.eye(4)[rng.integers(4, size=100)]
    sparse = np.where(rng.random((100, 3)) < 0.95, 0.0, rng.normal(size=(100, 3)))
    X = np.column_stack([table(d=2), hot, sparse])
    detector = KLAnomalyDetector(random_state=0).fit(X)
    assert_finite(detector, X)
    twice = X[:1].copy()
    twice[0, 2:6] = [1.0, 1.0, 1.0, 1.0]
    assert detector.score_samples(twice) < np.quantile(detector.score_samples(X), 0.05)


def test_columns_given_twice_and_rows_given_twice_are_no_obstacle():
    X = np.repeat(table(n=20), 5, axis=0)
    X = np.column_stack([X, X[:, 0]])
    detector = KLAnomalyDetector(random_state=0).fit(X)
    assert_finite(detector, X)
    torn = X[:1].copy()
    torn[0, 3] += 3.0
    assert detector.predict(torn) == [-1]
    assert detector.transform(torn)[0].argmax() in (0, 3)


# Autoencoders


def test_an_autoencoder_scores_rows_with_missing_cells():
    X = table(d=4)
    X[np.random.default_rng(0).random(X.shape) < 0.2] = np.nan
    X[:, 0] = np.where(np.isnan(X).all(axis=1), 0.0, X[:, 0])
    detector = KLAnomalyDetector(autoencoder(), random_state=0).fit(X)
    assert np.isfinite(detector.score_samples(X)).all()
    unseen = np.array([[np.nan, 0.0, np.nan, np.nan], [0.0, np.nan, np.nan, 1.0]])
    assert np.isfinite(detector.score_samples(unseen)).all()
    assert np.isfinite(detector.p_values(unseen)).all()
    assert len(detector.explain(X, n_rows=3)) == 3


def test_an_autoencoder_tells_both_parts():
    X = table(d=4)
    detector = KLAnomalyDetector(autoencoder(), random_state=0).fit(X)
    parts = detector.score_components(X)
    assert_allclose(
        parts.reconstruction + parts.posterior_divergence,
        -parts.log_density,
        rtol=1e-6,
        atol=1e-6,
    )
    assert (parts.posterior_divergence >= 0.0).all()
    plain = detector.score_samples(X)
    heavier = KLAnomalyDetector(autoencoder(), beta=3.0, random_state=0).fit(X)
    assert_allclose(
        heavier.score_samples(X), plain - 2.0 * parts.posterior_divergence, atol=1e-4
    )


# Pipelines and kernels


def test_a_pipeline_that_fills_missing_cells_may_be_inside():
    X = table()
    X[3, 1] = np.nan
    pipeline = make_pipeline(SimpleImputer(), mixture(1))
    detector = KLAnomalyDetector(pipeline, random_state=0).fit(X)
    assert np.isfinite(detector.score_samples(X)).all()
    assert np.isfinite(detector.transform(X)).all()
    with pytest.raises(ValueError, match="contains infinity"):
        detector.score_samples(X + np.inf)


def test_categories_that_a_pipeline_encodes_are_scored_but_not_explained():
    colours = np.random.default_rng(0).choice(["red", "green"], 100)
    X = pandas.DataFrame({"colour": colours, "size": table()[:, 0]})
    encode = make_column_transformer(
        (OneHotEncoder(sparse_output=False), ["colour"]), (StandardScaler(), ["size"])
    )
    inner = make_pipeline(encode, EMGaussianMixture(reg_covar=0.01))
    detector = KLAnomalyDetector(inner, random_state=0).fit(X)
    assert np.isfinite(detector.score_samples(X)).all()
    with pytest.raises(ValueError, match="takes numbers: encode the other columns"):
        detector.transform(X)


def test_rows_of_density_0_are_flagged_and_their_column_named():
    X = table()
    kernel = KernelDensity(kernel="tophat", bandwidth=4.0)
    detector = KLAnomalyDetector(kernel, random_state=0).fit(X)
    row = np.array([[0.0, 60.0, 0.0]])
    assert detector.score_samples(row) == -1e100
    assert detector.predict(row) == [-1]
    assert detector.transform(row).argmax() == 1
    assert np.isfinite(detector.transform(X)).all()
    assert_allclose(detector.p_values(row), 1.0 / 26.0)


def test_samples_that_have_no_way_back_say_so():
    inner = make_pipeline(PolynomialFeatures(include_bias=False), mixture(1))
    detector = KLAnomalyDetector(inner).fit(table())
    with pytest.raises(AttributeError, match="Mixture have no inverse_transform"):
        detector.sample()


# Trimming


def test_trim_leaves_the_worst_rows_out_of_the_model():
    X = with_planted()
    plain = KLAnomalyDetector(mixture(1), calibration=None).fit(X)
    trimmed = KLAnomalyDetector(mixture(1), calibration=None, trim=0.1).fit(X)
    alone = mixture(1).fit(X[:90])
    assert_allclose(trimmed.estimator_.means_, alone.means_, atol=1e-9)
    assert_allclose(trimmed.estimator_.covariances_, alone.covariances_, atol=1e-9)
    assert np.abs(plain.estimator_.means_ - alone.means_).max() > 1.0
    assert trimmed.n_reference_rows_ == 100


def test_trim_of_the_default_model_leaves_out_the_lowest_scores():
    X = with_planted(5)
    plain = KLAnomalyDetector(calibration=None, random_state=0).fit(X)
    worst = np.argsort(plain.score_samples(X))[:9]
    trimmed = KLAnomalyDetector(trim=0.1, calibration=None, random_state=0).fit(X)
    rest = np.delete(X, worst, axis=0)
    alone = KLAnomalyDetector(calibration=None, random_state=0).fit(rest)
    assert set(worst) >= {90, 91, 92, 93, 94}
    assert_allclose(trimmed.score_samples(X), alone.score_samples(X), rtol=1e-9)


def test_trim_keeps_the_weights_with_their_rows():
    X = with_planted()
    weights = np.random.default_rng(0).uniform(0.5, 2.0, 100)
    detector = KLAnomalyDetector(mixture(1), calibration=None, trim=0.1)
    detector.fit(X, sample_weight=weights)
    alone = mixture(1).fit(X[:90], sample_weight=weights[:90])
    assert_allclose(detector.estimator_.means_, alone.means_, atol=1e-9)


def test_a_small_trim_of_a_few_rows_leaves_none_out():
    X = table(n=10)
    one, other = (
        KLAnomalyDetector(mixture(1), calibration=None, trim=trim).fit(X)
        for trim in (0.0, 0.05)
    )
    assert_array_equal(one.score_samples(X), other.score_samples(X))


# Weights


@pytest.mark.parametrize("estimator", [None, mixture(), KernelDensity()])
@pytest.mark.parametrize("fpr", [None, 0.2])
def test_a_row_of_weight_0_is_as_good_as_none(estimator, fpr):
    X, kept = table(), np.arange(100) % 3 > 0
    X[~kept] += 100.0
    zero = KLAnomalyDetector(estimator, fpr=fpr, random_state=0)
    zero.fit(X, sample_weight=kept.astype(float))
    removed = KLAnomalyDetector(estimator, fpr=fpr, random_state=0)
    removed.fit(X[kept], sample_weight=np.ones(kept.sum()))
    assert zero.n_reference_rows_ == kept.sum()
    assert_allclose(zero.score_samples(X), removed.score_samples(X))
    assert_allclose(zero.p_values(X), removed.p_values(X))
    assert_allclose(zero.offset_, removed.offset_)


def test_unit_of_weights_does_not_matter():
    X, weights = table(), np.random.default_rng(0).uniform(0.1, 3.0, 100)
    one, *others = (
        KLAnomalyDetector(random_state=0).fit(X, sample_weight=weights * unit)
        for unit in (1.0, 1e-200, 1e200)
    )
    for other in others:
        assert_allclose(other.score_samples(X), one.score_samples(X), rtol=1e-6)
        assert_allclose(other.p_values(X), one.p_values(X))
        assert_allclose(other.offset_, one.offset_, rtol=1e-6)


def test_equal_weights_are_no_weights():
    X = table()
    one, other, number = (
        KLAnomalyDetector(random_state=0).fit(X, sample_weight=weights)
        for weights in (None, np.full(100, 2.0), 3.0)
    )
    assert_allclose(other.score_samples(X), one.score_samples(X), rtol=1e-6)
    assert_allclose(number.score_samples(X), one.score_samples(X), rtol=1e-6)


@pytest.mark.parametrize(
    ("estimator", "name"),
    [
        (GaussianMixture(), "GaussianMixture"),
        (make_pipeline(StandardScaler(), EMGaussianMixture()), "Pipeline"),
    ],
)
def test_weights_for_an_estimator_that_takes_none_are_refused(estimator, name):
    with pytest.raises(ValueError, match=rf"{name}\.fit takes no sample_weight"):
        KLAnomalyDetector(estimator).fit(table(), sample_weight=np.ones(100))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (-np.ones(100), "Negative values"),
        (np.full(100, np.nan), "sample_weight contains NaN"),
        (np.zeros(100), "at least one non-zero"),
        (np.ones(99), r"sample_weight\.shape == "),
        (
            np.eye(100)[0],
            "2 rows of positive weight, got 1 of n_samples = 100",
        ),
    ],
    ids=["negative", "nan", "zero", "short", "one"],
)
def test_weights_unfit_for_use_are_refused(weights, message):
    with pytest.raises(ValueError, match=message):
        KLAnomalyDetector().fit(table(), sample_weight=weights)


# Explanations


def explained(**settings):
    X = pandas.DataFrame(table(n=200, d=4), columns=["age", "pay", "rent", "debt"])
    detector = KLAnomalyDetector(random_state=0, **settings).fit(X)
    strange = X.iloc[:20].copy()
    strange.iloc[3, 1] = 40.0
    strange.iloc[7, 2] = -9.0
    return detector, strange


@pytest.mark.parametrize("estimator", [None, mixture(1)])
def test_explanations_are_of_the_strangest_rows_in_order(estimator):
    detector, strange = explained(estimator=estimator)
    told = detector.explain(strange, n_rows=5, n_columns=2)
    scores = detector.score_samples(strange)
    order = np.argsort(scores)[:5]
    assert len(told) == 5
    assert_array_equal(told.rows, order)
    assert_allclose(told.scores, scores[order], rtol=1e-9)
    assert_allclose(told.p_values, detector.p_values(strange)[order])
    assert set(told.rows[:2]) == {3, 7}
    surprises = detector.transform(strange)[order]
    assert_allclose(told.surprises, -np.sort(-surprises, axis=1)[:, :2], rtol=1e-6)
    assert dict(zip(told.rows, told.columns[:, 0]))[3] == "pay"
    assert dict(zip(told.rows, told.columns[:, 0]))[7] == "rent"
    for i, row in enumerate(told.rows):
        for column, value in zip(told.columns[i], told.values[i]):
            assert strange.iloc[row][column] == value


def test_explanations_are_of_the_rows_flagged_where_no_number_is_given():
    detector, strange = explained()
    told = detector.explain(strange)
    flagged = np.flatnonzero(detector.predict(strange) == -1)
    assert sorted(told.rows) == flagged.tolist()
    assert told.columns.shape == (len(flagged), 3)


def test_explanations_print_as_a_table():
    detector, strange = explained()
    printed = str(detector.explain(strange, n_rows=2, n_columns=1)).splitlines()
    assert len(printed) == 3
    assert "pay = 40 (+" in printed[1]
    assert "rent = -9 (+" in printed[2]
    assert printed[1].split()[0] == "3"


def test_explanations_make_a_data_frame_of_a_line_for_row_and_column():
    detector, strange = explained()
    frame = detector.explain(strange, n_rows=2, n_columns=3).to_frame()
    assert list(frame.columns) == [
        "row",
        "score",
        "p_value",
        "column",
        "surprise",
        "value",
    ]
    assert frame["row"].tolist() == [3, 3, 3, 7, 7, 7]
    assert frame["value"][0] == 40.0


def test_explanations_without_calibration_have_no_p_values():
    detector, strange = explained(calibration=None)
    told = detector.explain(strange, n_rows=2)
    assert told.p_values is None
    assert "–" in str(told)
    assert told.to_frame()["p_value"].isna().all()


@pytest.mark.parametrize("calibration", ["split", None])
def test_explanations_of_nothing_are_empty(calibration):
    detector, strange = explained(calibration=calibration)
    normal = strange.iloc[:1] * 0.0
    for told in (detector.explain(normal), detector.explain(strange, n_rows=0)):
        assert len(told) == 0
        assert len(str(told).splitlines()) == 1
        assert len(told.to_frame()) == 0
        assert (told.p_values is None) == (calibration is None)
        assert told.columns.shape == (0, 3)


def test_explanations_name_numbers_where_columns_have_no_names():
    X = table()
    told = KLAnomalyDetector(mixture()).fit(X).explain(X, n_rows=1000, n_columns=1000)
    assert told.columns.shape == (100, 3)
    assert set(told.columns[0]) == {0, 1, 2}


@pytest.mark.parametrize("settings", [{"n_rows": -1}, {"n_columns": 0}])
def test_explanations_of_less_than_nothing_are_refused(settings):
    detector, strange = explained()
    with pytest.raises(ValueError, match=f"{next(iter(settings))} must be"):
        detector.explain(strange, **settings)


# Samples


@pytest.mark.parametrize(
    "estimator",
    [
        None,
        mixture(),
        GaussianMixture(2),
        make_pipeline(StandardScaler(), mixture()),
    ],
    ids=["default", "mixture", "scikit-learn's", "pipeline"],
)
def test_samples_are_in_the_units_of_the_table(estimator):
    X = table(n=300) * [1.0, 100.0, 0.1] + [0.0, 1e4, 0.0]
    detector = KLAnomalyDetector(estimator, random_state=0).fit(X)
    drawn = detector.sample(300)
    assert drawn.shape == (300, 3)
    assert_allclose(np.median(drawn, axis=0), np.median(X, axis=0), atol=30.0)
    spread = np.quantile(drawn, 0.8, axis=0) - np.quantile(drawn, 0.2, axis=0)
    expected = np.quantile(X, 0.8, axis=0) - np.quantile(X, 0.2, axis=0)
    assert_allclose(spread, expected, rtol=0.4)
    if not isinstance(estimator, GaussianMixture):
        again = detector.sample(300)
        assert_array_equal(drawn, again)
        other = detector.sample(300, random_state=1)
        assert (drawn != other).any()
        assert_array_equal(other, detector.sample(300, random_state=1))


def test_samples_of_an_autoencoder_are_rows():
    detector = KLAnomalyDetector(autoencoder(), random_state=0).fit(table())
    assert detector.sample(7).shape == (7, 3)


def test_samples_come_as_data_frames_where_set_output_says_so():
    X = pandas.DataFrame(table(), columns=["a", "b", "c"])
    for estimator in (None, mixture(), make_pipeline(StandardScaler(), mixture())):
        detector = KLAnomalyDetector(estimator, random_state=0)
        assert isinstance(detector.fit(X).sample(3), np.ndarray)
        detector.set_output(transform="pandas")
        drawn = detector.sample(3)
        assert drawn.columns.tolist() == ["a", "b", "c"]
        with config_context(transform_output="pandas"):
            assert detector.fit(X).sample(3).shape == (3, 3)


def test_a_density_that_cannot_be_drawn_from_says_so():
    class Lonely(EMGaussianMixture):
        sample = property()

    detector = KLAnomalyDetector(Lonely()).fit(table())
    with pytest.raises(AttributeError, match="Lonely has no method sample: fit"):
        detector.sample()


def test_samples_of_less_than_one_row_are_refused():
    detector = KLAnomalyDetector().fit(table())
    with pytest.raises(ValueError, match="n_samples"):
        detector.sample(0)


# Seeds


@pytest.mark.parametrize("estimator", [None, EMGaussianMixture(3), GaussianMixture(3)])
def test_same_seed_gives_the_same_detector_to_the_last_bit(estimator):
    X = table()
    one, other = (KLAnomalyDetector(estimator, random_state=3).fit(X) for _ in range(2))
    assert_array_equal(one.score_samples(X), other.score_samples(X))
    assert_array_equal(one.calibration_scores_, other.calibration_scores_)
    assert one.offset_ == other.offset_
    another = KLAnomalyDetector(estimator, random_state=4).fit(X)
    assert (another.calibration_scores_ != one.calibration_scores_).any()


def test_random_state_of_the_estimator_is_respected():
    X = table()
    estimator = EMGaussianMixture(3, init_params="random", max_iter=1, tol=0.1)
    estimator.set_params(random_state=5)
    detector = KLAnomalyDetector(estimator, calibration=None).fit(X)
    alone = estimator.fit(X)
    assert_array_equal(detector.estimator_.means_, alone.means_)


def test_generator_as_random_state_advances():
    X, generator = table(), np.random.RandomState(0)
    one, other = (
        KLAnomalyDetector(mixture(), random_state=generator).fit(X) for _ in range(2)
    )
    assert (one.calibration_scores_ != other.calibration_scores_).any()


# Refitting


def test_another_fit_forgets_the_first():
    X = table()
    detector = KLAnomalyDetector(mixture(), random_state=0)
    detector.fit(pandas.DataFrame(X, columns=["a", "b", "c"]))
    detector.fit(X[:, :2])
    assert detector.n_features_in_ == 2
    assert not hasattr(detector, "feature_names_in_")
    fresh = KLAnomalyDetector(mixture(), random_state=0).fit(X[:, :2])
    assert_array_equal(detector.score_samples(X[:, :2]), fresh.score_samples(X[:, :2]))


def test_importing_the_detector_loads_no_torch():
    code = (
        "import sys, numpy as np; from skgen import KLAnomalyDetector;"
        "X = np.random.default_rng(0).normal(size=(20, 2));"
        "KLAnomalyDetector(random_state=0).fit(X).explain(X);"
        "print('torch' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert told.stdout.strip() == "False", told.stderr


def test_a_mixture_scores_rows_by_what_is_observed_of_them():
    rows = np.random.RandomState(0).randn(300, 3)
    rows[:, 1] += rows[:, 0]
    holes = rows.copy()
    holes[::3, 1] = np.nan
    holes[5] = np.nan
    mixture = EMGaussianMixture(2, random_state=0)
    detector = KLAnomalyDetector(
        mixture, calibration=None, beta=1.0, dependence_weight=1.0
    ).fit(holes)
    expected = mixture.fit(holes).score_samples(holes)
    np.testing.assert_allclose(detector.score_samples(holes), expected, atol=1e-10)
    surprises = detector.transform(holes)
    assert np.isfinite(surprises).all()


def test_conditional_densities_of_observed_cells_are_those_of_the_marginal():
    rows = np.random.RandomState(0).randn(200, 3)
    rows[:, 2] += rows[:, 0]
    mixture = EMGaussianMixture(2, random_state=0).fit(rows)
    holes = rows[:5].copy()
    holes[:, 1] = np.nan
    found = mixture._conditional_log_densities(holes)
    marginal = mixture.marginal([0, 2])._conditional_log_densities(rows[:5, [0, 2]])
    np.testing.assert_allclose(found[:, [0, 2]], marginal, atol=1e-12)
    assert (found[:, 1] == 0.0).all()


def test_windows_of_rows_with_holes_are_refused():
    rows = np.random.RandomState(0).randn(600, 2)
    detector = KLAnomalyDetector(EMGaussianMixture(random_state=0), random_state=0)
    rows[0, 0] = np.nan
    with pytest.raises(ValueError, match="without missing cells"):
        detector.fit(rows).score_windows(rows, 100)
