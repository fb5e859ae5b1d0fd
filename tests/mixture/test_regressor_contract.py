"""Contract: `GaussianMixtureRegressor` is a scikit-learn estimator in every respect."""

import copy
import pickle

import numpy as np
import pandas
import pytest
from numpy.testing import assert_allclose
from numpydoc.validate import validate
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_checks, get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

import skgen
from skgen import GaussianMixtureRegressor

# The checks' tables are tiny: components collapse, and say so. Some checks hand in a
# data frame and an array by turns.
ignore_warnings_of_checks = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:X .* feature names, but",
)


@ignore_warnings_of_checks
@parametrize_with_checks(
    [
        GaussianMixtureRegressor(),
        GaussianMixtureRegressor(covariance_type="tied"),
        GaussianMixtureRegressor(2),
        GaussianMixtureRegressor(2, covariance_type="tied"),
        GaussianMixtureRegressor(3, random_state=0),
        GaussianMixtureRegressor(2, covariance_type="VEI"),
        GaussianMixtureRegressor(range(1, 3), covariance_type=["full", "EEI"]),
    ]
)
def test_passes_scikit_learns_check(estimator, check):
    check(estimator)


# Checks that scikit-learn runs on its own estimators and leaves out of the above.
@ignore_warnings_of_checks
@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_dataframe_column_names_consistency,
        estimator_checks.check_n_features_in_after_fitting,
        estimator_checks.check_param_validation,
    ],
    ids=lambda check: check.__name__,
)
def test_passes_check_of_scikit_learns_own_estimators(check):
    check("GaussianMixtureRegressor", GaussianMixtureRegressor(2))


METHODS = [
    name
    for name, member in vars(GaussianMixtureRegressor).items()
    if callable(member) and not name.startswith("_")
]
NOT_ASKED = {"RT02", "GL01", "GL02"}
NOT_ASKED_OF_METHODS = NOT_ASKED | {"ES01", "SA01", "EX01"}


def complaints(name, not_asked):
    found = validate(f"skgen.{name}")["errors"]
    return [(code, text) for code, text in found if code not in not_asked]


def test_docstring_names_and_describes_every_parameter():
    assert complaints("GaussianMixtureRegressor", NOT_ASKED) == []


@pytest.mark.parametrize(
    "method",
    [
        *(f"GaussianMixtureRegressor.{name}" for name in METHODS),
        "EMGaussianMixture.conditional",
        "EMGaussianMixture.marginal",
        "EMGaussianMixture.bootstrap",
        "mixture.MixtureBootstrap",
        "mixture.MixtureBootstrap.interval",
        "mixture.MixtureBootstrap.standard_errors",
    ],
)
def test_docstring_of_method_names_and_describes_every_parameter(method):
    assert complaints(method, NOT_ASKED_OF_METHODS) == []


def test_docstring_lists_every_fitted_attribute():
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    fitted = GaussianMixtureRegressor().fit(X, y)
    for name in vars(fitted):
        if name.endswith("_") and not name.startswith("_"):
            assert f"    {name} : " in GaussianMixtureRegressor.__doc__, name


def test_tags_say_that_inputs_may_be_missing():
    tags = get_tags(GaussianMixtureRegressor())
    assert tags.input_tags.allow_nan
    assert tags.target_tags.multi_output


def test_it_is_a_public_name():
    assert "GaussianMixtureRegressor" in skgen.__all__


@pytest.mark.parametrize(
    "copied",
    [lambda fitted: pickle.loads(pickle.dumps(fitted)), copy.deepcopy, copy.copy],
    ids=["pickle", "deepcopy", "copy"],
)
def test_copy_answers_as_the_original(copied):
    X, y = load_diabetes(return_X_y=True)
    fitted = GaussianMixtureRegressor(2, random_state=0).fit(X, y)
    again = copied(fitted)
    assert_allclose(again.predict(X), fitted.predict(X), rtol=1e-12)
    assert_allclose(again.sample_y(X, 2), fitted.sample_y(X, 2), rtol=1e-12)


def test_clone_keeps_parameters_and_forgets_the_fit():
    X, y = load_diabetes(return_X_y=True)
    fitted = GaussianMixtureRegressor(2, random_state=0).fit(X, y)
    again = clone(fitted)
    assert again.get_params() == fitted.get_params()
    assert not hasattr(again, "mixture_")


def test_parameters_reach_the_mixture_as_they_are():
    X, y = load_diabetes(return_X_y=True)
    given = {
        "n_components": 2,
        "covariance_type": "tied",
        "criterion": "icl",
        "tol": 1e-4,
        "reg_covar": 1e-6,
        "max_iter": 50,
        "n_init": 2,
        "init_params": "k-means++",
        "n_factors": 2,
        "random_state": 7,
    }
    regressor = GaussianMixtureRegressor(**given).fit(X, y)
    for name, value in given.items():
        assert getattr(regressor.mixture_, name) == value
    assert set(regressor.get_params()) == set(given)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_number_of_components_can_be_searched_for_in_a_pipeline():
    X, y = load_diabetes(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), GaussianMixtureRegressor(random_state=0))
    grid = {"gaussianmixtureregressor__n_components": [1, 2]}
    search = GridSearchCV(pipeline, grid, cv=3, error_score="raise").fit(X, y)
    assert search.best_score_ > 0.4


def test_log_density_given_x_can_be_searched_by():
    X, y = load_diabetes(return_X_y=True)

    def log_likelihood(regressor, X, y):
        return regressor.log_density(X, y).mean()

    search = GridSearchCV(
        GaussianMixtureRegressor(random_state=0),
        {"covariance_type": ["full", "spherical"]},
        scoring=log_likelihood,
        cv=3,
    ).fit(X, y)
    assert search.best_params_ == {"covariance_type": "full"}


def test_one_regressor_for_each_output_works():
    X, y = load_diabetes(return_X_y=True)
    Y = np.column_stack([y, -y])
    found = MultiOutputRegressor(GaussianMixtureRegressor()).fit(X, Y).predict(X)
    assert found.shape == Y.shape


def test_names_of_inputs_and_output_are_the_mixtures():
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    X = X[["bmi", "bp"]]

    def names(X, y):
        mixture = GaussianMixtureRegressor().fit(X, y).mixture_
        return list(getattr(mixture, "feature_names_in_", []))

    assert names(X, y) == ["bmi", "bp", "target"]
    assert names(X, y.to_numpy()) == ["bmi", "bp", "y"]
    assert names(X, pandas.DataFrame({"a": y, "b": -y})) == ["bmi", "bp", "a", "b"]
    assert names(X, np.column_stack([y, y**2])) == ["bmi", "bp", "y0", "y1"]
    assert names(X.to_numpy(), y) == []
    assert names(X, X["bmi"] + y.rename("bmi")) == []
