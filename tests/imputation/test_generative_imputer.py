"""`GenerativeImputer` is a transformer like any other, and adds nothing to a model."""

import copy
import pickle

import numpy as np
import pandas
import polars
import pytest
import skops.io
from numpy.testing import assert_allclose, assert_array_equal
from numpydoc.validate import validate
from pandas.testing import assert_frame_equal
from sklearn import config_context
from sklearn.base import BaseEstimator, DensityMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks, get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import check_is_fitted, validate_data

from skgen import EMGaussianMixture, GenerativeImputer
from skgen.mixture import GaussianMixtureEnsemble


class OneGaussian(DensityMixin, BaseEstimator):
    """One Gaussian; holes are filled by their mean given the other cells."""

    def __init__(self, ridge=1e-6):
        self.ridge = ridge

    def fit(self, X, y=None, sample_weight=None):
        X = self._validated(X, reset=True)
        filled = np.where(np.isnan(X), np.nan_to_num(np.nanmean(X, axis=0)), X)
        self.mean_ = np.average(filled, axis=0, weights=sample_weight)
        covariance = np.cov(filled.T, aweights=sample_weight, bias=True)
        self.covariance_ = covariance + self.ridge * np.eye(X.shape[1])
        return self

    def impute(self, X):
        check_is_fitted(self)
        X = self._validated(X, reset=False).copy()
        for row in X:
            row[:] = self._filled(row)
        return X

    def _filled(self, row):
        hole = np.isnan(row)
        known = self.covariance_[np.ix_(~hole, ~hole)]
        across = self.covariance_[np.ix_(hole, ~hole)]
        step = np.linalg.solve(known, (row - self.mean_)[~hole])
        filled = row.copy()
        filled[hole] = self.mean_[hole] + across @ step
        return filled

    def _validated(self, X, reset):
        return validate_data(
            self, X, reset=reset, dtype=np.float64, ensure_all_finite="allow-nan"
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class Frames(OneGaussian):
    """The same, which keeps data frames and takes strings."""

    def impute(self, X):
        return pandas.DataFrame(super().impute(X), columns=X.columns, index=X.index)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = tags.input_tags.categorical = True
        tags.non_deterministic = True
        return tags


def holes(n=80, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3)) @ rng.normal(size=(3, 3)) + [5.0, 0.0, -3.0]
    X[rng.random(X.shape) < 0.2] = np.nan
    X[np.isnan(X).all(axis=1), 0] = 0.0
    return X


def frame():
    return pandas.DataFrame(holes(), columns=["a", "b", "c"], index=range(100, 180))


# Contract


@parametrize_with_checks([GenerativeImputer(OneGaussian()), GenerativeImputer()])
def test_passes_scikit_learns_check(estimator, check):
    check(estimator)


@pytest.mark.filterwarnings("ignore:X .* feature names, but")
@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_dataframe_column_names_consistency,
        estimator_checks.check_global_output_transform_pandas,
        estimator_checks.check_global_set_output_transform_polars,
        estimator_checks.check_n_features_in_after_fitting,
        estimator_checks.check_set_output_transform,
        estimator_checks.check_set_output_transform_pandas,
        estimator_checks.check_set_output_transform_polars,
        estimator_checks.check_transformer_get_feature_names_out,
        estimator_checks.check_transformer_get_feature_names_out_pandas,
    ],
    ids=lambda check: check.__name__,
)
def test_passes_check_of_scikit_learns_own_estimators(check):
    check("GenerativeImputer", GenerativeImputer(OneGaussian()))


def test_tags_are_the_models_but_missing_cells_are_always_taken():
    tags = get_tags(GenerativeImputer(Frames()))
    assert tags.input_tags.string
    assert tags.input_tags.categorical
    assert tags.non_deterministic
    assert tags.input_tags.allow_nan
    assert not get_tags(GenerativeImputer(OneGaussian())).input_tags.string
    assert get_tags(GenerativeImputer(Ridge())).input_tags.allow_nan
    assert not get_tags(Ridge()).input_tags.allow_nan


def _skops(imputer):
    data = skops.io.dumps(imputer)
    return skops.io.loads(data, trusted=skops.io.get_untrusted_types(data=data))


@pytest.mark.parametrize(
    "duplicate",
    [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x)), _skops],
    ids=["copy", "pickle", "skops"],
)
def test_a_stored_imputer_fills_the_same(duplicate):
    imputer = GenerativeImputer(OneGaussian()).fit(holes())
    assert_array_equal(
        duplicate(imputer).transform(holes()), imputer.transform(holes())
    )


NOT_ASKED = {"SA01", "EX01", "ES01", "RT02", "RT03", "GL08"}


@pytest.mark.parametrize("name", ["", ".fit", ".transform", ".get_metadata_routing"])
def test_docstring_names_and_describes_every_parameter(name):
    errors = validate(f"skgen.GenerativeImputer{name}")["errors"]
    assert [error for error in errors if error[0] not in NOT_ASKED] == []


# Behaviour


def test_transform_is_the_models_impute():
    X = holes()
    filled = GenerativeImputer(OneGaussian()).fit_transform(X)
    assert_array_equal(filled, OneGaussian().fit(X).impute(X))
    assert_array_equal(filled[~np.isnan(X)], X[~np.isnan(X)])
    assert np.isfinite(filled).all()


def test_the_model_given_stays_unfitted():
    model = OneGaussian()
    imputer = GenerativeImputer(model).fit(holes())
    assert not hasattr(model, "mean_")
    assert clone(imputer).estimator is not model
    assert not hasattr(clone(imputer), "estimator_")


def test_names_and_widths_are_the_models():
    imputer = GenerativeImputer(OneGaussian())
    assert not hasattr(imputer, "n_features_in_")
    with pytest.raises(NotFittedError, match="GenerativeImputer"):
        imputer.transform(holes())
    imputer.fit(frame())
    assert imputer.n_features_in_ == 3
    assert imputer.feature_names_in_.tolist() == ["a", "b", "c"]
    assert imputer.get_feature_names_out().tolist() == ["a", "b", "c"]
    assert not hasattr(imputer.fit(holes()), "feature_names_in_")
    assert imputer.get_feature_names_out().tolist() == ["x0", "x1", "x2"]


def test_set_output_chooses_the_container():
    imputer = GenerativeImputer(OneGaussian()).fit(frame())
    array = imputer.transform(frame())
    assert isinstance(array, np.ndarray)
    expected = pandas.DataFrame(array, columns=["a", "b", "c"], index=frame().index)
    imputer.set_output(transform="pandas")
    assert_frame_equal(imputer.transform(frame()), expected)
    imputer.set_output(transform="polars")
    assert imputer.transform(frame()).equals(polars.DataFrame(expected))


def test_a_container_that_the_model_keeps_is_kept():
    filled = GenerativeImputer(Frames()).fit_transform(frame())
    assert isinstance(filled, pandas.DataFrame)
    assert filled.index.equals(frame().index)


def test_a_pipeline_searches_over_the_models_parameters():
    X, y = holes(), np.arange(80.0)
    pipeline = make_pipeline(GenerativeImputer(OneGaussian()), LinearRegression())
    grid = {"generativeimputer__estimator__ridge": [1e-6, 1.0]}
    search = GridSearchCV(pipeline, grid, cv=3).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.predict(X).shape == (80,)


def test_some_columns_may_be_filled():
    some = ColumnTransformer(
        [("fill", GenerativeImputer(OneGaussian()), ["a", "b"])],
        remainder="passthrough",
    ).set_output(transform="pandas")
    filled = some.fit_transform(frame())
    assert filled.columns.tolist() == ["fill__a", "fill__b", "remainder__c"]
    assert not filled[["fill__a", "fill__b"]].isna().any(axis=None)


# The default model


def test_default_is_an_ensemble_of_gaussian_mixtures():
    X = holes()
    imputer = GenerativeImputer(random_state=3)
    filled = imputer.fit_transform(X)
    given = GenerativeImputer(GaussianMixtureEnsemble(random_state=3))
    assert_array_equal(filled, given.fit_transform(X))
    assert isinstance(imputer.estimator_, GaussianMixtureEnsemble)
    assert imputer.estimator is None
    assert imputer.get_params() == {"estimator": None, "random_state": 3}


def test_seed_of_the_default_determines_what_is_filled():
    X = holes()
    one, other = (GenerativeImputer(random_state=0).fit_transform(X) for _ in "12")
    assert_array_equal(one, other)
    different = GenerativeImputer(random_state=1).fit_transform(X)
    assert not np.array_equal(one, different)


def test_random_state_is_not_a_given_models_own():
    X = holes()
    model = EMGaussianMixture(2, random_state=0)
    one, other = (
        GenerativeImputer(model, random_state=seed).fit_transform(X) for seed in (0, 1)
    )
    assert_array_equal(one, other)


def test_pipeline_with_the_default_predicts():
    X, y = holes(), np.arange(80.0)
    pipeline = make_pipeline(GenerativeImputer(random_state=0), LinearRegression())
    predicted = clone(pipeline).fit(X, y).predict(X)
    assert np.isfinite(predicted).all()
    stored = pickle.loads(pickle.dumps(pipeline.fit(X, y)))
    assert_array_equal(stored.predict(X), predicted)


def test_new_rows_are_filled_too():
    imputer = GenerativeImputer(random_state=0).set_output(transform="pandas")
    imputer.fit(frame())
    new = frame().iloc[:4].copy()
    new["b"] = np.nan
    filled = imputer.transform(new)
    assert filled.index.equals(new.index)
    assert not filled.isna().any(axis=None)


def test_weights_reach_the_default(weights):
    one = GenerativeImputer(random_state=0).fit(holes(), sample_weight=weights)
    other = GaussianMixtureEnsemble(random_state=0)
    other.fit(holes(), sample_weight=weights)
    assert_array_equal(one.estimator_.means_, other.means_)


def test_default_fills_half_of_breast_cancer_better_than_regressions_in_turn():
    """IterativeImputer() has 0.293, MIWAE 0.267."""
    X = load_breast_cancer().data
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    hidden = np.zeros(X.size, dtype=bool)
    rng = np.random.RandomState(0)
    hidden[rng.choice(X.size, X.size // 2, replace=False)] = True
    hidden = hidden.reshape(X.shape)
    imputer = GenerativeImputer(random_state=0)
    filled = imputer.fit_transform(np.where(hidden, np.nan, X))
    assert np.square(filled - X)[hidden].mean() <= 0.215


# Metadata


@pytest.fixture
def weights():
    return np.random.default_rng(1).random(80)


def test_parameters_of_fit_reach_the_model(weights):
    imputer = GenerativeImputer(OneGaussian()).fit(holes(), sample_weight=weights)
    expected = OneGaussian().fit(holes(), sample_weight=weights)
    assert_allclose(imputer.estimator_.mean_, expected.mean_)


def test_requested_weights_are_routed_to_the_model(weights):
    expected = OneGaussian().fit(holes(), sample_weight=weights)
    with config_context(enable_metadata_routing=True):
        model = OneGaussian().set_fit_request(sample_weight=True)
        final = LinearRegression().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(GenerativeImputer(model), final)
        pipeline.fit(holes(), np.arange(80.0), sample_weight=weights)
    assert_allclose(pipeline[0].estimator_.mean_, expected.mean_)


def test_weights_that_are_not_requested_are_refused(weights):
    with (
        config_context(enable_metadata_routing=True),
        pytest.raises(ValueError, match=r"sample_weight.* not explicitly set"),
    ):
        GenerativeImputer(OneGaussian()).fit(holes(), sample_weight=weights)


# What is refused


def test_a_model_without_impute_is_refused():
    with pytest.raises(
        TypeError, match=r"methods fit and impute, got Ridge, which lacks impute: pass"
    ):
        GenerativeImputer(Ridge()).fit(holes())


def test_what_is_no_model_is_refused():
    with pytest.raises(TypeError, match="got str, which lacks fit and impute"):
        GenerativeImputer("mean").fit(holes())


def test_a_class_in_place_of_a_model_is_refused():
    with pytest.raises(TypeError, match=r"got the class OneGaussian: pass OneGaussian"):
        GenerativeImputer(OneGaussian).fit(holes())


@pytest.mark.parametrize("name", ["n_features_in_", "feature_names_in_"])
def test_attributes_of_the_model_are_not_there_before_fit(name):
    imputer = GenerativeImputer(OneGaussian())
    assert not hasattr(imputer, name)
    with pytest.raises(AttributeError, match=f"'GenerativeImputer' .* '{name}'"):
        getattr(imputer, name)
