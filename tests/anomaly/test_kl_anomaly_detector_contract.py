"""Contract: `KLAnomalyDetector` is a scikit-learn estimator, whatever is inside it."""

import copy
import pickle
from tempfile import TemporaryDirectory

import cloudpickle
import joblib
import numpy as np
import pandas
import polars
import pytest
import skops.io
import threadpoolctl
from numpy.testing import assert_allclose, assert_array_equal
from numpydoc.validate import validate
from sklearn import config_context
from sklearn.base import clone
from sklearn.impute import SimpleImputer
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_checks, get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks
from strategies import overlapping

from skgen import EMGaussianMixture, KLAnomalyDetector, VariationalAutoencoder

# The checks' tables are tiny: components collapse, and say so. Some checks hand in a
# data frame and an array by turns.
ignore_warnings_of_checks = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:X .* feature names, but",
)

QUICK = {"hidden_layer_sizes": (8,), "max_iter": 2, "random_state": 0}


def scaled_mixture():
    return make_pipeline(StandardScaler(), EMGaussianMixture(2))


def autoencoder():
    return VariationalAutoencoder(2, **QUICK)


# Half of ten rows calibrate fpr=0.3; at 0.1 the checks' tables are refused, rightly.
SETTINGS = [
    KLAnomalyDetector(),
    KLAnomalyDetector(EMGaussianMixture(2), fpr=0.3, calibration=0.5),
    KLAnomalyDetector(
        EMGaussianMixture(2, covariance_type="diag"),
        calibration=None,
        dependence_weight=0.5,
    ),
    KLAnomalyDetector(GaussianMixture(2)),
    KLAnomalyDetector(scaled_mixture(), calibration=None),
]

CHECKS_OF_WEIGHTS = [
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weights_list",
    "check_sample_weights_not_an_array",
    "check_sample_weights_not_overwritten",
    "check_sample_weights_pandas_series",
    "check_sample_weights_shape",
]


def expected_failures(detector):
    reasons = {}
    if detector.calibration is not None:
        reasons["check_sample_weight_equivalence_on_dense_data"] = (
            "the calibration rows are drawn at random: of repeated rows some are drawn"
        )
    if detector.fpr is not None:
        for check in ("check_outliers_train", "check_outliers_fit_predict"):
            reasons[check] = "the check sets contamination, another threshold than fpr"
    if not isinstance(detector.estimator, (EMGaussianMixture, type(None))):
        reasons.update(
            dict.fromkeys(CHECKS_OF_WEIGHTS, "the inner estimator takes no weights")
        )
    return reasons


@ignore_warnings_of_checks
@parametrize_with_checks(SETTINGS, expected_failed_checks=expected_failures)
def test_passes_scikit_learns_check(estimator, check):
    check(estimator)


@ignore_warnings_of_checks
@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_estimators_dtypes,
        estimator_checks.check_estimators_pickle,
        estimator_checks.check_fit2d_1feature,
        estimator_checks.check_methods_sample_order_invariance,
        estimator_checks.check_outliers_fit_predict,
        estimator_checks.check_outliers_train,
    ],
    ids=lambda check: check.__name__,
)
@pytest.mark.parametrize(
    "estimator", [autoencoder(), KernelDensity()], ids=["autoencoder", "kernel"]
)
def test_a_slow_estimator_inside_passes_scikit_learns_check(check, estimator):
    check("KLAnomalyDetector", KLAnomalyDetector(estimator, calibration=None))


@ignore_warnings_of_checks
def test_weights_of_a_kernel_density_are_repetitions():
    detector = KLAnomalyDetector(KernelDensity(), calibration=None)
    check = estimator_checks.check_sample_weight_equivalence_on_dense_data
    check("KLAnomalyDetector", detector)


# Checks that scikit-learn runs on its own estimators and leaves out of the above.
@ignore_warnings_of_checks
@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_dataframe_column_names_consistency,
        estimator_checks.check_global_output_transform_pandas,
        estimator_checks.check_global_set_output_transform_polars,
        estimator_checks.check_n_features_in_after_fitting,
        estimator_checks.check_param_validation,
        estimator_checks.check_set_output_transform,
        estimator_checks.check_set_output_transform_pandas,
        estimator_checks.check_transformer_get_feature_names_out,
        estimator_checks.check_transformer_get_feature_names_out_pandas,
    ],
    ids=lambda check: check.__name__,
)
@pytest.mark.parametrize(
    "estimator", [None, scaled_mixture()], ids=["default", "pipeline"]
)
def test_passes_check_of_scikit_learns_own_estimators(check, estimator):
    check("KLAnomalyDetector", KLAnomalyDetector(estimator, calibration=None))


# Documentation

METHODS = sorted(
    name
    for name in dir(KLAnomalyDetector)
    if not name.startswith("_")
    and callable(getattr(KLAnomalyDetector, name))
    and getattr(KLAnomalyDetector, name).__module__.startswith("skgen.")
)
# As in scikit-learn's own test of docstrings: what a value is called may stand in
# Returns, and methods may do with a summary, without examples and references.
NOT_ASKED = {"RT02", "GL01", "GL02"}
NOT_ASKED_OF_METHODS = NOT_ASKED | {"ES01", "SA01", "EX01"}


def complaints(name, not_asked):
    found = validate(f"skgen.{name}")["errors"]
    return [(code, text) for code, text in found if code not in not_asked]


def test_documented_methods_are_all_that_the_class_is_asked():
    assert METHODS == [
        "decision_function",
        "explain",
        "fit",
        "get_metadata_routing",
        "p_values",
        "predict",
        "sample",
        "score",
        "score_components",
        "score_samples",
        "score_windows",
        "select",
        "transform",
    ]


def test_docstring_names_and_describes_every_parameter():
    assert complaints("KLAnomalyDetector", NOT_ASKED) == []


@pytest.mark.parametrize("method", METHODS)
def test_docstring_of_method_names_and_describes_every_parameter(method):
    assert complaints(f"KLAnomalyDetector.{method}", NOT_ASKED_OF_METHODS) == []


@pytest.mark.parametrize("name", ["RowComponents", "Explanations"])
def test_docstring_of_answers_is_complete(name):
    assert complaints(f"anomaly.{name}", NOT_ASKED_OF_METHODS | {"PR01"}) == []


def test_docstring_lists_every_fitted_attribute():
    X, _ = overlapping(n=40)
    fitted = KLAnomalyDetector().fit(pandas.DataFrame(X, columns=["a", "b"]))
    doc = KLAnomalyDetector.__doc__
    for name in vars(fitted):
        if name.endswith("_") and not name.startswith("_"):
            assert (
                f"    {name} : " in doc
                or f", {name} : " in doc
                or (f"    {name}, " in doc)
            ), name


# Copies

INNER = {
    "default": lambda: None,
    "mixture": lambda: EMGaussianMixture(2),
    "scikit-learn's mixture": lambda: GaussianMixture(2),
    "kernel": KernelDensity,
    "pipeline": scaled_mixture,
}


@pytest.fixture(scope="module", params=INNER)
def fitted(request):
    X, _ = overlapping(n=60)
    return KLAnomalyDetector(INNER[request.param](), random_state=0).fit(X)


def _skops(detector):
    data = skops.io.dumps(detector)
    untrusted = skops.io.get_untrusted_types(data=data)
    assert all(name.startswith(("skgen.", "sklearn.")) for name in untrusted)
    return skops.io.loads(data, trusted=untrusted)


def _joblib(detector):
    with TemporaryDirectory() as folder:
        return joblib.load(*joblib.dump(detector, f"{folder}/detector.joblib"))


@pytest.mark.parametrize(
    "copied",
    [
        lambda detector: pickle.loads(pickle.dumps(detector)),
        lambda detector: cloudpickle.loads(cloudpickle.dumps(detector)),
        _joblib,
        copy.deepcopy,
        _skops,
    ],
    ids=["pickle", "cloudpickle", "joblib", "deepcopy", "skops"],
)
def test_copy_answers_as_the_original(copied, fitted):
    X, _ = overlapping(n=20, seed=1)
    again = copied(fitted)
    assert_array_equal(again.decision_function(X), fitted.decision_function(X))
    assert_allclose(again.transform(X), fitted.transform(X), rtol=1e-12)
    assert_array_equal(again.p_values(X), fitted.p_values(X))
    assert again.get_params().keys() == fitted.get_params().keys()


def test_clone_keeps_parameters_and_forgets_the_fit(fitted):
    again = clone(fitted)
    assert str(again) == str(fitted)
    assert not hasattr(again, "estimator_")


def test_the_estimator_given_stays_unfitted_and_without_a_seed():
    X, _ = overlapping(n=40)
    given = scaled_mixture()
    detector = KLAnomalyDetector(given, random_state=0).fit(X)
    assert detector.estimator is given
    assert not hasattr(given[-1], "means_")
    assert given[-1].random_state is None
    assert detector.estimator_[-1].random_state is not None


# Containers


def test_a_kernel_density_on_named_columns_is_asked_by_their_names():
    X = pandas.DataFrame(overlapping(n=40)[0], columns=["a", "b"])
    detector = KLAnomalyDetector(KernelDensity(), random_state=0).fit(X)
    plain = KLAnomalyDetector(KernelDensity(), random_state=0).fit(X.to_numpy())
    assert_allclose(detector.transform(X), plain.transform(X.to_numpy()), rtol=1e-12)
    assert_allclose(
        detector.score_components(X).marginal,
        plain.score_components(X.to_numpy()).marginal,
        rtol=1e-12,
    )


def numpy_of(columns):
    return np.column_stack(list(columns.values()))


@pytest.mark.parametrize("container", [numpy_of, pandas.DataFrame, polars.DataFrame])
@pytest.mark.parametrize(
    "density",
    [
        GaussianMixture(2, random_state=0),
        EMGaussianMixture(2, random_state=0),
        make_pipeline(StandardScaler(), EMGaussianMixture(1)),
        make_pipeline(StandardScaler(), EMGaussianMixture(1)).set_output(
            transform="pandas"
        ),
    ],
)
def test_no_container_makes_a_mixture_warn(container, density):
    X, _ = overlapping(n=500)
    table = container({"a": X[:, 0], "b": X[:, 1]})
    detector = KLAnomalyDetector(density, random_state=0).fit(table)
    plain = KLAnomalyDetector(clone(density), random_state=0).fit(X)
    assert_allclose(detector.transform(table), plain.transform(X), rtol=1e-9)
    windows = detector.score_windows(table, window=250)
    assert_allclose(windows.p_value, plain.score_windows(X, window=250).p_value)


@pytest.mark.parametrize("library", [pandas, polars])
def test_set_output_chooses_the_container_of_surprises_and_samples(library, fitted):
    X, _ = overlapping(n=60)
    table = library.DataFrame({"a": X[:, 0], "b": X[:, 1]})
    detector = clone(fitted).set_output(transform=library.__name__).fit(table)
    surprises = detector.transform(table)
    assert isinstance(surprises, library.DataFrame)
    assert list(surprises.columns) == ["a", "b"]
    assert_allclose(surprises.to_numpy(), fitted.transform(X), rtol=1e-9, atol=1e-9)
    if hasattr(detector.estimator_, "sample"):
        drawn = detector.sample(5)
        assert isinstance(drawn, library.DataFrame)
        assert list(drawn.columns) == ["a", "b"]


def test_columns_of_surprises_have_the_names_of_the_table():
    X, _ = overlapping(n=40)
    detector = KLAnomalyDetector(EMGaussianMixture()).fit(X)
    assert detector.get_feature_names_out().tolist() == ["x0", "x1"]
    detector.fit(pandas.DataFrame(X, columns=["a", "b"]))
    assert detector.feature_names_in_.tolist() == ["a", "b"]
    assert detector.get_feature_names_out().tolist() == ["a", "b"]


def test_a_table_of_another_order_of_columns_is_refused(fitted):
    X, _ = overlapping(n=60)
    table = pandas.DataFrame(X, columns=["a", "b"])
    detector = clone(fitted).fit(table)
    with pytest.raises(ValueError, match="feature names should match"):
        detector.score_samples(table[["b", "a"]])


@pytest.mark.parametrize("order", ["C", "F"])
def test_rows_and_weights_are_left_as_they_were(order):
    X, _ = overlapping(n=60)
    X, weights = np.array(X, order=order), np.arange(60.0)
    X_before, weights_before = X.copy(), weights.copy()
    detector = KLAnomalyDetector(trim=0.1, random_state=0).fit(X, sample_weight=weights)
    detector.transform(X)
    detector.p_values(X)
    detector.explain(X)
    detector.score(X, sample_weight=weights)
    assert_array_equal(X, X_before)
    assert_array_equal(weights, weights_before)


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_scores_are_float64_whatever_the_rows(dtype, fitted):
    X = (10 * overlapping(n=60)[0]).astype(dtype)
    detector = clone(fitted).fit(X)
    assert detector.score_samples(X).dtype == np.float64
    assert detector.decision_function(X).dtype == np.float64
    assert detector.p_values(X).dtype == np.float64


def test_tags_are_the_inner_estimators():
    assert get_tags(KLAnomalyDetector(autoencoder())).input_tags.allow_nan
    assert get_tags(KLAnomalyDetector(EMGaussianMixture())).input_tags.allow_nan
    assert not get_tags(KLAnomalyDetector(KernelDensity())).input_tags.allow_nan
    filled = make_pipeline(SimpleImputer(), KernelDensity())
    assert get_tags(KLAnomalyDetector(filled)).input_tags.allow_nan
    assert not get_tags(KLAnomalyDetector()).input_tags.allow_nan
    assert get_tags(KLAnomalyDetector()).estimator_type == "outlier_detector"


# Randomness and threads


def global_state():
    name, keys, *rest = np.random.get_state()
    return name, keys.tolist(), rest


@pytest.mark.parametrize("random_state", [None, 0])
def test_global_random_state_is_left_alone(fitted, random_state):
    X, _ = overlapping(n=60)
    before = global_state()
    detector = clone(fitted).set_params(random_state=random_state, trim=0.1).fit(X)
    detector.transform(X)
    if not isinstance(detector.estimator_, (GaussianMixture, KernelDensity)):
        detector.sample(5)
    assert global_state() == before


def test_number_of_threads_changes_nothing_to_the_last_bit():
    X, _ = overlapping(n=600, d=3)
    scores = []
    for n_threads in (1, 2):
        with threadpoolctl.threadpool_limits(n_threads, user_api="openmp"):
            detector = KLAnomalyDetector(random_state=0).fit(X)
            scores.append((detector.decision_function(X), detector.transform(X)))
    assert_array_equal(scores[0][0], scores[1][0])
    assert_array_equal(scores[0][1], scores[1][1])


# Python suppresses warnings for all threads at once, and may do so too early.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_fits_at_once_in_threads_do_not_disturb_one_another():
    X, _ = overlapping(n=60)
    detectors = joblib.Parallel(n_jobs=2, prefer="threads")(
        joblib.delayed(KLAnomalyDetector(random_state=0).fit)(X) for _ in range(4)
    )
    alone = KLAnomalyDetector(random_state=0).fit(X).score_samples(X)
    for detector in detectors:
        assert_array_equal(detector.score_samples(X), alone)


# In pipelines and searches


def test_grid_search_maximises_the_held_out_likelihood():
    X, _ = overlapping(n=300, spread=6.0)
    X = np.random.default_rng(0).permutation(X)
    detector = KLAnomalyDetector(EMGaussianMixture(), calibration=None, random_state=0)
    search = GridSearchCV(detector, {"estimator__n_components": [1, 2, 3]}, cv=3)
    assert search.fit(X).best_params_ == {"estimator__n_components": 3}
    one = KLAnomalyDetector(EMGaussianMixture(), calibration=None).fit(X[100:])
    first = search.cv_results_["split0_test_score"][0]
    assert_allclose(first, one.score_samples(X[:100]).mean())


def test_rows_may_be_scaled_in_front():
    X, _ = overlapping(n=60)
    pipeline = make_pipeline(StandardScaler(), KLAnomalyDetector(random_state=0))
    labels = pipeline.fit(X).predict(X * [1.0, 1.0])
    scaled = StandardScaler().fit_transform(X)
    alone = KLAnomalyDetector(random_state=0).fit(scaled)
    assert_array_equal(labels, alone.predict(scaled))
    assert_array_equal(pipeline.score_samples(X), alone.score_samples(scaled))
    assert set(pipeline.fit_predict(X)) <= {-1, 1}


# Metadata


@pytest.fixture
def routing():
    with config_context(enable_metadata_routing=True):
        yield


def weighted_data():
    X, _ = overlapping(n=60)
    return X, np.random.default_rng(0).uniform(0.1, 3.0, len(X))


def means_of(estimator):
    return estimator.means_[np.argsort(estimator.means_[:, 0])]


def test_weights_reach_the_estimator_where_nothing_is_routed():
    X, weights = weighted_data()
    detector = KLAnomalyDetector(EMGaussianMixture(2, random_state=0))
    detector.fit(X, sample_weight=weights)
    alone = EMGaussianMixture(2, random_state=0).fit(X, sample_weight=weights)
    assert_allclose(detector.estimator_.means_, alone.means_)


@pytest.mark.usefixtures("routing")
def test_requested_weights_reach_the_steps_of_an_inner_pipeline():
    X, weights = weighted_data()
    inner = make_pipeline(
        StandardScaler().set_fit_request(sample_weight=True),
        EMGaussianMixture(2, random_state=0).set_fit_request(sample_weight=True),
    )
    detector = KLAnomalyDetector(inner).fit(X, sample_weight=weights)
    alone = clone(inner).fit(X, sample_weight=weights)
    assert_array_equal(detector.estimator_[0].mean_, alone[0].mean_)
    assert_allclose(detector.estimator_[1].means_, alone[1].means_)


@pytest.mark.usefixtures("routing")
def test_weights_are_routed_through_a_pipeline_and_a_search():
    X, weights = weighted_data()
    inner = EMGaussianMixture(random_state=0).set_fit_request(sample_weight=True)
    detector = KLAnomalyDetector(inner, calibration=None)
    detector.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
    pipeline = make_pipeline(
        StandardScaler().set_fit_request(sample_weight=False), detector
    )
    grid = {"klanomalydetector__estimator__n_components": [1]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(X, sample_weight=weights)
    scaler = StandardScaler().fit(X[30:])
    alone = EMGaussianMixture().fit(
        scaler.transform(X[30:]), sample_weight=weights[30:]
    )
    expected = alone.score(scaler.transform(X[:30]), sample_weight=weights[:30])
    assert_allclose(search.cv_results_["split0_test_score"][0], expected)


@pytest.mark.usefixtures("routing")
def test_weights_of_the_default_model_are_routed_to_the_detector():
    X, weights = weighted_data()
    detector = KLAnomalyDetector(random_state=0).set_fit_request(sample_weight=True)
    pipeline = make_pipeline(StandardScaler().set_fit_request(sample_weight=False))
    pipeline.steps.append(("detector", detector))
    pipeline.fit(X, sample_weight=weights)
    scaled = StandardScaler().fit_transform(X)
    with config_context(enable_metadata_routing=False):
        alone = KLAnomalyDetector(random_state=0).fit(scaled, sample_weight=weights)
    assert_array_equal(pipeline.score_samples(X), alone.score_samples(scaled))


@pytest.mark.usefixtures("routing")
def test_weights_that_are_not_requested_are_refused():
    X, weights = weighted_data()
    with pytest.raises(ValueError, match=r"sample_weight.* not explicitly set"):
        KLAnomalyDetector(EMGaussianMixture()).fit(X, sample_weight=weights)


def test_further_parameters_of_fit_reach_the_estimator():
    class Noting(EMGaussianMixture):
        def fit(self, X, y=None, *, sample_weight=None, note=None):
            self.note_ = note
            return super().fit(X, sample_weight=sample_weight)

    X, _ = overlapping(n=40)
    detector = KLAnomalyDetector(Noting(), calibration=None)
    assert detector.fit(X, note=np.arange(40)).estimator_.note_.tolist() == [*range(40)]
    with pytest.raises(TypeError, match=r"no other parameters .* got \['note'\]"):
        KLAnomalyDetector().fit(X, note=1)
