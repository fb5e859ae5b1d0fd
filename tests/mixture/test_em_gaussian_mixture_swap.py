"""Contract: whoever swaps the import of scikit-learn's mixture loses nothing.

First scikit-learn's own tests of ``GaussianMixture``, run on ours; then both classes
side by side.
"""

import inspect
import re
import warnings

import numpy as np
import pytest
import sklearn.mixture.tests.test_gaussian_mixture as their_module
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture as Theirs
from strategies import COVARIANCE_TYPES, initial, overlapping

from skgen import EMGaussianMixture

THEIR_DEFAULTS = {
    "tol": 1e-3,
    "reg_covar": 1e-6,
    "max_iter": 100,
    "init_params": "kmeans",
    "acceleration": None,
}

# scikit-learn's tests

PRIVATE = "tests private functions of scikit-learn"
ARRAY_API = "tests dispatch to other array libraries, which we do not offer"
ROUNDING = (
    "a component of one row and no regularisation: its variance, a rounding error, "
    "happens to be positive in scikit-learn; ours raises the error for collapse"
)
LEFT_OUT = {
    "test_suffstat_sk_full": PRIVATE,
    "test_suffstat_sk_tied": PRIVATE,
    "test_suffstat_sk_diag": PRIVATE,
    "test_gaussian_suffstat_sk_spherical": PRIVATE,
    "test_compute_log_det_cholesky": PRIVATE,
    "test_gaussian_mixture_log_probabilities": PRIVATE,
    "test_gaussian_mixture_precisions_init": PRIVATE,
    "test_gaussian_mixture_all_init_does_not_estimate_gaussian_parameters": PRIVATE,
    "test_gaussian_mixture_array_api_compliance": ARRAY_API,
    "test_gaussian_mixture_raises_where_array_api_not_implemented": ARRAY_API,
    "test_gaussian_mixture_setting_best_params": ROUNDING,
}

START = "compares with a k-means start, made outside of the estimator"
TOO_EARLY = "wants a start from which 5 iterations do not suffice"
MANY_STARTS = "165 fits, where our start takes its time"
WITH_THEIR_DEFAULTS = {
    "test_gaussian_mixture_precisions_init_diag": START,
    "test_init": MANY_STARTS,
    "test_warm_start": TOO_EARLY,
}

THEIR_TESTS = {
    name: test for name, test in vars(their_module).items() if name.startswith("test_")
}


class GaussianMixture(EMGaussianMixture):
    """Ours, under the name that error messages in their tests have."""


def with_their_defaults(n_components=1, **parameters):
    return GaussianMixture(n_components, **{**THEIR_DEFAULTS, **parameters})


@pytest.fixture
def our_defaults(monkeypatch):
    monkeypatch.setattr(their_module, "GaussianMixture", GaussianMixture)


@pytest.fixture
def their_defaults(monkeypatch):
    monkeypatch.setattr(their_module, "GaussianMixture", with_their_defaults)


def _on_ours(name, test):
    defaults = "their_defaults" if name in WITH_THEIR_DEFAULTS else "our_defaults"
    marked = pytest.mark.usefixtures(defaults)(test)
    if name == "test_regularisation":  # ten components on rows in two places
        empty = "ignore:Components .* are empty:sklearn.exceptions.ConvergenceWarning"
        marked = pytest.mark.filterwarnings(empty)(marked)
    return marked


globals().update(
    {
        name: _on_ours(name, test)
        for name, test in THEIR_TESTS.items()
        if name not in LEFT_OUT
    }
)


def test_tables_of_exceptions_name_tests_that_exist():
    assert set(THEIR_TESTS) >= set(LEFT_OUT) | set(WITH_THEIR_DEFAULTS)


# Side by side

PARAMETERS = ["weights_", "means_", "covariances_", "precisions_cholesky_"]


def side_by_side(X, **parameters):
    """Both classes with the same parameters, fitted."""
    parameters = {**THEIR_DEFAULTS, "max_iter": 5, "tol": 0.0, **parameters}
    theirs = {k: v for k, v in parameters.items() if k != "acceleration"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return EMGaussianMixture(**parameters).fit(X), Theirs(**theirs).fit(X)


@pytest.fixture(params=COVARIANCE_TYPES)
def covariance_type(request):
    return request.param


@pytest.fixture
def fitted(covariance_type):
    X, labels = overlapping(seed=1)
    given = initial(X, labels, covariance_type)
    ours, theirs = side_by_side(
        X, n_components=3, covariance_type=covariance_type, random_state=0, **given
    )
    return X, ours, theirs


@pytest.mark.parametrize("d", [1, 3])
def test_every_em_step_is_theirs(covariance_type, d):
    X, labels = overlapping(n=200, d=d, seed=d)
    given = initial(X, labels, covariance_type)
    for n_steps in range(1, 11):
        ours, theirs = side_by_side(
            X,
            n_components=3,
            covariance_type=covariance_type,
            max_iter=n_steps,
            **given,
        )
        for name in [*PARAMETERS, "precisions_"]:
            assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-8)
        # Theirs is the bound before a step's M-step, ours the one after.
        assert_allclose(ours.lower_bounds_[:-1], theirs.lower_bounds_[1:], rtol=1e-8)
        assert ours.n_iter_ == theirs.n_iter_ == n_steps


@pytest.mark.parametrize(
    "init_params", ["kmeans", "k-means++", "random", "random_from_data"]
)
def test_named_start_is_theirs(init_params, covariance_type):
    X, _ = overlapping(seed=3)
    ours, theirs = side_by_side(
        X,
        n_components=3,
        covariance_type=covariance_type,
        init_params=init_params,
        max_iter=0,
        random_state=7,
    )
    # Their weights do not sum to one where a component starts from a single row.
    assert_allclose(ours.weights_, theirs.weights_ / theirs.weights_.sum(), rtol=1e-8)
    assert_allclose(ours.means_, theirs.means_, rtol=1e-8)
    if covariance_type != "tied" or init_params in ("kmeans", "random"):
        assert_allclose(ours.covariances_, theirs.covariances_, rtol=1e-6, atol=1e-20)


def test_fit_with_their_settings_ends_where_theirs_ends(covariance_type):
    X, _ = overlapping(n=400, seed=5, spread=4.0)
    ours, theirs = side_by_side(
        X,
        n_components=3,
        covariance_type=covariance_type,
        max_iter=1000,
        tol=1e-12,
        random_state=0,
    )
    for name in PARAMETERS:
        assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-4)


@pytest.mark.parametrize(
    "method", ["predict", "predict_proba", "score_samples", "score", "bic", "aic"]
)
def test_answers_are_theirs(method, fitted):
    X, ours, theirs = fitted
    assert_allclose(
        getattr(ours, method)(X), getattr(theirs, method)(X), rtol=1e-7, atol=1e-12
    )


def test_sample_is_theirs(fitted):
    _, ours, theirs = fitted
    for ours_drawn, theirs_drawn in zip(ours.sample(50), theirs.sample(50)):
        assert_allclose(ours_drawn, theirs_drawn, rtol=1e-8)


def test_every_parameter_and_attribute_of_theirs_is_there(fitted):
    _, ours, theirs = fitted
    assert ours.get_params().keys() >= theirs.get_params().keys()
    assert vars(ours).keys() >= {k for k in vars(theirs) if k[0] != "_"}
    methods = {name for name in dir(theirs) if name[0] != "_"}
    assert set(dir(ours)) >= methods


def test_signatures_take_what_theirs_take():
    for name in ["fit", "fit_predict", "predict", "score_samples", "score", "sample"]:
        theirs = inspect.signature(getattr(Theirs, name)).parameters
        ours = inspect.signature(getattr(EMGaussianMixture, name)).parameters
        assert list(ours)[: len(theirs)] == list(theirs), name


def failure(call):
    with pytest.raises(Exception) as caught:
        call()
    return type(caught.value), str(caught.value)


@pytest.mark.parametrize(
    "parameters",
    [
        {"n_components": 0},
        {"n_components": 1.5},
        {"covariance_type": "round"},
        {"tol": -1.0},
        {"reg_covar": -1.0},
        {"max_iter": -1},
        {"n_init": 0},
        {"weights_init": [0.5, 0.4]},
        {"weights_init": [1.5, -0.5]},
        {"weights_init": [0.3, 0.3, 0.4]},
        {"means_init": [[0.0, 1.0]]},
        {"means_init": [[0.0, np.nan], [0.0, 1.0]]},
        {"precisions_init": np.ones((3, 2, 2))},
        {"precisions_init": -np.ones((2, 2, 2))},
        {"precisions_init": -np.ones((2, 2)), "covariance_type": "diag"},
        {"precisions_init": -np.ones(2), "covariance_type": "spherical"},
        {"precisions_init": -np.ones((2, 2)), "covariance_type": "tied"},
        {"n_components": 1000},
    ],
    ids=str,
)
def test_mistake_in_parameters_is_reported_in_their_words(parameters):
    X, _ = overlapping()
    parameters = {"n_components": 2, **parameters}

    def words(cls):
        kind, text = failure(lambda: cls(**parameters).fit(X))
        text = text.replace(cls.__name__, "GaussianMixture")
        # What is allowed differs by what we add.
        return kind, re.split(r" must be ", text)[0]

    assert words(EMGaussianMixture) == words(Theirs)


@pytest.mark.parametrize(
    "X",
    [
        np.array([[0.0, np.inf], [1.0, 1.0], [2.0, 2.0]]),
        np.arange(5.0),
        np.empty((0, 2)),
        np.empty((5, 0)),
        np.ones((1, 2)),
        np.array([["a", "b"], ["c", "d"]]),
        np.ones((3, 2)) * 1j,
        np.ones((3, 2, 2)),
        None,
    ],
    ids=[
        "inf",
        "1d",
        "empty",
        "0 columns",
        "1 row",
        "text",
        "complex",
        "3d",
        "-",
    ],
)
def test_mistake_in_rows_is_reported_in_their_words(X):
    def words(cls):
        kind, text = failure(lambda: cls().fit(X))
        return kind, text.replace(cls.__name__, "GaussianMixture")

    assert words(EMGaussianMixture) == words(Theirs)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "score_samples", "bic"])
def test_mistake_in_new_rows_is_reported_in_their_words(method, fitted):
    X, ours, theirs = fitted
    for wrong in (X[:, :1], X[0], X * np.inf):
        kind, text = failure(lambda: getattr(ours, method)(wrong))  # noqa: B023
        text = text.replace("EMGaussianMixture", "GaussianMixture")
        assert (kind, text) == failure(lambda: getattr(theirs, method)(wrong))  # noqa: B023


def test_collapse_without_regularisation_is_reported_in_their_words(covariance_type):
    X = np.repeat(np.eye(3), 5, axis=0)
    parameters = {"n_components": 3, "reg_covar": 0.0, "random_state": 0}
    ours = EMGaussianMixture(covariance_type=covariance_type, **parameters)
    theirs = Theirs(covariance_type="full", **parameters)  # others round to above 0
    assert failure(lambda: ours.fit(X)) == failure(lambda: theirs.fit(X))


def test_running_out_of_iterations_is_reported_in_their_words():
    X, _ = overlapping()
    words = []
    for cls in (EMGaussianMixture, Theirs):
        mixture = cls(3, max_iter=1, init_params="random", random_state=0)
        with pytest.warns(ConvergenceWarning) as caught:
            mixture.fit(X)
        assert mixture.n_iter_ == 1
        words.append([str(warning.message) for warning in caught])
    assert words[0] == words[1]


def test_result_of_fit_predict_is_array_of_integers(fitted):
    X, ours, _ = fitted
    assert_array_equal(ours.predict(X), ours.predict_proba(X).argmax(axis=1))
    assert ours.predict(X).dtype == np.int64
