"""Contract: `EMGaussianMixture` is a scikit-learn estimator in every respect.

Settings with ``init_params="kmeans"`` are left out of scikit-learn's checks: its
KMeans is itself not equivariant to weights.
"""

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
from numpy.testing import assert_allclose, assert_array_equal
from numpydoc.validate import validate
from sklearn import config_context
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks
from strategies import COVARIANCE_TYPES, overlapping

from skgen import EMGaussianMixture

# The checks' tables are tiny: components collapse, and say so. Some checks hand in a
# data frame and an array by turns.
ignore_warnings_of_checks = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:X .* feature names, but",
)

SETTINGS = [
    EMGaussianMixture(),
    *(
        EMGaussianMixture(n_components, covariance_type=covariance_type)
        for n_components in (1, 2, 3)
        for covariance_type in COVARIANCE_TYPES
    ),
    *(
        EMGaussianMixture(2, covariance_type=covariance_type, acceleration=None)
        for covariance_type in ("full", "tied")
    ),
    EMGaussianMixture(2, reg_covar=1e-6, tol=1e-3, max_iter=100),
    EMGaussianMixture(2, n_init=2),
    EMGaussianMixture(range(1, 4), covariance_type=["full", "diag"]),
    EMGaussianMixture("auto"),
]


@ignore_warnings_of_checks
@parametrize_with_checks(SETTINGS)
def test_passes_scikit_learns_check(estimator, check):
    check(estimator)


# Checks that scikit-learn runs on its own estimators and leaves out of the above.
@ignore_warnings_of_checks
@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_dataframe_column_names_consistency,
        estimator_checks.check_get_feature_names_out_error,
        estimator_checks.check_global_output_transform_pandas,
        estimator_checks.check_global_set_output_transform_polars,
        estimator_checks.check_n_features_in_after_fitting,
        estimator_checks.check_param_validation,
        estimator_checks.check_set_output_transform,
        estimator_checks.check_set_output_transform_pandas,
        estimator_checks.check_set_output_transform_polars,
        estimator_checks.check_transformer_get_feature_names_out,
        estimator_checks.check_transformer_get_feature_names_out_pandas,
    ],
    ids=lambda check: check.__name__,
)
@pytest.mark.parametrize("n_components", [1, 3])
def test_passes_check_of_scikit_learns_own_estimators(check, n_components):
    check("EMGaussianMixture", EMGaussianMixture(n_components))


# Documentation

METHODS = [
    name
    for name, member in vars(EMGaussianMixture).items()
    if callable(member) and not name.startswith("_")
]
# As in scikit-learn's own test of docstrings: what a value is called may stand in
# Returns, and methods may do with a summary, without examples and references.
NOT_ASKED = {"RT02", "GL01", "GL02"}
NOT_ASKED_OF_METHODS = NOT_ASKED | {"ES01", "SA01", "EX01"}


def complaints(name, not_asked):
    found = validate(f"skgen.{name}")["errors"]
    return [(code, text) for code, text in found if code not in not_asked]


def test_docstring_names_and_describes_every_parameter():
    assert complaints("EMGaussianMixture", NOT_ASKED) == []


@pytest.mark.parametrize("method", METHODS)
def test_docstring_of_method_names_and_describes_every_parameter(method):
    assert complaints(f"EMGaussianMixture.{method}", NOT_ASKED_OF_METHODS) == []


def test_docstring_lists_every_fitted_attribute():
    X, _ = overlapping()
    fitted = EMGaussianMixture().fit(pandas.DataFrame(X, columns=["a", "b"]))
    for name in vars(fitted):
        if name.endswith("_") and not name.startswith("_"):
            assert f"    {name} : " in EMGaussianMixture.__doc__, name


# Copies


@pytest.fixture(scope="module", params=COVARIANCE_TYPES)
def fitted(request):
    X, _ = overlapping()
    return EMGaussianMixture(3, covariance_type=request.param, random_state=0).fit(X)


def _skops(mixture):
    data = skops.io.dumps(mixture)
    untrusted = skops.io.get_untrusted_types(data=data)
    assert set(untrusted) <= {"skgen.mixture._em_gaussian_mixture.EMGaussianMixture"}
    return skops.io.loads(data, trusted=untrusted)


def _joblib(mixture):
    with TemporaryDirectory() as folder:
        path = joblib.dump(mixture, f"{folder}/mixture.joblib")
        return joblib.load(*path)


@pytest.mark.parametrize(
    "copied",
    [
        lambda mixture: pickle.loads(pickle.dumps(mixture)),
        lambda mixture: cloudpickle.loads(cloudpickle.dumps(mixture)),
        _joblib,
        copy.deepcopy,
        copy.copy,
        _skops,
    ],
    ids=["pickle", "cloudpickle", "joblib", "deepcopy", "copy", "skops"],
)
def test_copy_answers_as_the_original(copied, fitted):
    X, _ = overlapping(seed=1)
    again = copied(fitted)
    assert_array_equal(again.score_samples(X), fitted.score_samples(X))
    assert_array_equal(again.sample(10)[0], fitted.sample(10)[0])
    assert again.get_params() == fitted.get_params()


def test_clone_keeps_parameters_and_forgets_the_fit(fitted):
    again = clone(fitted)
    assert again.get_params() == fitted.get_params()
    assert not hasattr(again, "means_")


def test_parameters_of_fit_are_left_as_given():
    X, _ = overlapping()
    given = {"means_init": np.eye(2), "weights_init": np.array([0.5, 0.5])}
    mixture = EMGaussianMixture(2, **given).fit(X)
    assert mixture.means_init is given["means_init"]
    assert_array_equal(mixture.means_init, np.eye(2))


# Containers, memory layouts, types


def _memory_map(X, tmp_path):
    np.save(tmp_path / "X.npy", X)
    return np.load(tmp_path / "X.npy", mmap_mode="r")


def _read_only(X, tmp_path):
    X = X.copy()
    X.flags.writeable = False
    return X


LAYOUTS = {
    "read-only": _read_only,
    "memory map": _memory_map,
    "Fortran order": lambda X, _: np.asfortranarray(X),
    "strided": lambda X, _: np.repeat(X, 2, axis=0)[::2],
    "reversed": lambda X, _: np.ascontiguousarray(X[::-1])[::-1],
    "list": lambda X, _: X.tolist(),
    "pandas": lambda X, _: pandas.DataFrame(X),
    "polars": lambda X, _: polars.DataFrame(X),
}


@pytest.mark.filterwarnings("ignore:X .* feature names, but")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layout_of_rows_changes_nothing_but_rounding(layout, fitted, tmp_path):
    X, _ = overlapping()
    other = LAYOUTS[layout](X, tmp_path)
    again = clone(fitted).fit(other)
    assert_allclose(again.means_, fitted.means_, rtol=1e-6)
    assert_allclose(again.covariances_, fitted.covariances_, rtol=1e-6)
    assert_allclose(fitted.score_samples(other), fitted.score_samples(X), rtol=1e-10)
    assert_array_equal(fitted.predict(other), fitted.predict(X))


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_rows_and_weights_are_left_as_they_were(covariance_type):
    X, _ = overlapping()
    weights = np.arange(len(X), dtype=float)
    X_before, weights_before = X.copy(), weights.copy()
    mixture = EMGaussianMixture(2, covariance_type=covariance_type)
    mixture.fit(X, sample_weight=weights)
    mixture.predict_proba(X)
    mixture.score(X, sample_weight=weights)
    assert_array_equal(X, X_before)
    assert_array_equal(weights, weights_before)


def test_integer_rows_are_fitted_as_floats():
    X = np.random.default_rng(0).integers(0, 5, size=(60, 2))
    as_integers = EMGaussianMixture(random_state=0).fit(X)
    as_floats = EMGaussianMixture(random_state=0).fit(X.astype(float))
    assert_array_equal(as_integers.covariances_, as_floats.covariances_)


@pytest.mark.parametrize("library", [pandas, polars])
def test_set_output_gives_samples_and_responsibilities_in_the_container(library):
    X, _ = overlapping()
    table = library.DataFrame({"a": X[:, 0], "b": X[:, 1]})
    mixture = EMGaussianMixture(2, random_state=0)
    mixture.set_output(transform=library.__name__).fit(table)
    drawn, labels = mixture.sample(5)
    assert isinstance(drawn, library.DataFrame)
    assert list(drawn.columns) == ["a", "b"]
    assert isinstance(labels, np.ndarray)
    latent = mixture.transform(table)
    assert isinstance(latent, library.DataFrame)
    assert list(latent.columns) == ["emgaussianmixture0", "emgaussianmixture1"]
    assert_array_equal(latent.to_numpy(), mixture.predict_proba(table))


# Randomness


def global_state():
    name, keys, *rest = np.random.get_state()
    return name, keys.tolist(), rest


@pytest.mark.parametrize("random_state", [None, 0])
@pytest.mark.parametrize(
    "init_params", ["auto", "kmeans", "k-means++", "random", "random_from_data"]
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_global_random_state_is_left_alone(init_params, random_state):
    X, _ = overlapping()
    before = global_state()
    mixture = EMGaussianMixture(
        2, init_params=init_params, n_init=2, max_iter=3, random_state=random_state
    )
    mixture.fit(X).sample(5)
    mixture.sample(5, random_state=1)
    assert global_state() == before


def test_random_state_of_sample_overrides_the_estimators():
    X, _ = overlapping()
    mixture = EMGaussianMixture(2, random_state=0).fit(X)
    same = EMGaussianMixture(2, random_state=1).fit(X)
    drawn = mixture.sample(20, random_state=5)[0]
    assert_array_equal(drawn, mixture.sample(20, random_state=5)[0])
    assert_allclose(drawn, same.sample(20, random_state=5)[0], atol=1e-4)
    assert (drawn != mixture.sample(20)[0]).any()
    assert_array_equal(mixture.sample(20)[0], mixture.sample(20, random_state=0)[0])


def test_random_state_of_sample_does_not_advance_the_estimators():
    X, _ = overlapping()
    generator = np.random.RandomState(0)
    mixture = EMGaussianMixture(2, random_state=generator).fit(X)
    before = generator.get_state()[1].tolist(), generator.get_state()[2]
    mixture.sample(20, random_state=5)
    assert (generator.get_state()[1].tolist(), generator.get_state()[2]) == before
    first = mixture.sample(20)[0]
    assert (first != mixture.sample(20)[0]).any()


@pytest.mark.parametrize(
    "init_params", ["auto", "kmeans", "k-means++", "random", "random_from_data"]
)
def test_same_seed_gives_the_same_fit_to_the_last_bit(init_params):
    X, _ = overlapping()
    fits = [
        EMGaussianMixture(
            3, init_params=init_params, covariance_type="tied", random_state=3
        ).fit(X)
        for _ in range(2)
    ]
    assert_array_equal(fits[0].means_, fits[1].means_)
    assert fits[0].lower_bounds_ == fits[1].lower_bounds_


# Metadata


@pytest.fixture
def routing():
    with config_context(enable_metadata_routing=True):
        yield


def weighted_data():
    X, _ = overlapping()
    return X, np.random.default_rng(0).uniform(0.1, 3.0, len(X))


@pytest.mark.usefixtures("routing")
def test_weights_are_routed_through_a_pipeline():
    X, weights = weighted_data()
    mixture = EMGaussianMixture(2, random_state=0)
    mixture.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
    scaler = StandardScaler().set_fit_request(sample_weight=True)
    pipeline = Pipeline([("scale", scaler), ("mixture", mixture)])
    pipeline.fit(X, sample_weight=weights)

    scaled = StandardScaler().fit_transform(X, sample_weight=weights)
    alone = EMGaussianMixture(2, random_state=0).fit(scaled, sample_weight=weights)
    assert_array_equal(pipeline[-1].means_, alone.means_)
    assert pipeline.score(X, sample_weight=weights) == alone.score(
        scaled, sample_weight=weights
    )


@pytest.mark.usefixtures("routing")
def test_weights_are_routed_through_a_grid_search():
    X, weights = weighted_data()
    mixture = EMGaussianMixture(random_state=0)
    mixture.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
    search = GridSearchCV(mixture, {"n_components": [1, 2]}, cv=2)
    search.fit(X, sample_weight=weights)

    half = len(X) // 2
    alone = EMGaussianMixture(1).fit(X[half:], sample_weight=weights[half:])
    expected = alone.score(X[:half], sample_weight=weights[:half])
    assert_allclose(search.cv_results_["split0_test_score"][0], expected)


@pytest.mark.usefixtures("routing")
def test_weights_nobody_asked_for_are_refused():
    X, weights = weighted_data()
    search = GridSearchCV(EMGaussianMixture(), {"n_components": [1]}, cv=2)
    with pytest.raises(ValueError, match=r"sample_weight.* are passed but are not"):
        search.fit(X, sample_weight=weights)


def test_grid_search_maximises_the_held_out_likelihood():
    X, _ = overlapping(n=300, spread=6.0)
    X = np.random.default_rng(0).permutation(X)
    search = GridSearchCV(
        EMGaussianMixture(random_state=0), {"n_components": [1, 2, 3]}, cv=3
    ).fit(X)
    assert search.best_params_ == {"n_components": 3}


def test_fits_at_once_in_threads_do_not_disturb_one_another():
    X, _ = overlapping()
    mixtures = joblib.Parallel(n_jobs=2, prefer="threads")(
        joblib.delayed(EMGaussianMixture(2, random_state=0).fit)(X) for _ in range(6)
    )
    alone = EMGaussianMixture(2, random_state=0).fit(X)
    for mixture in mixtures:
        assert_array_equal(mixture.means_, alone.means_)
