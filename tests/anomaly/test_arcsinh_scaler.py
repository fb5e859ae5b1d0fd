"""The scale of columns on which heavy tails and units do not matter."""

import numpy as np
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from numpydoc.validate import validate
from sklearn.exceptions import NotFittedError
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks
from strategies import seeds, ugly

from skgen.anomaly import ArcsinhScaler


def heavy(n=200, d=3, seed=0):
    """Columns with tails of all kinds."""
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.standard_t(1 + j, n) for j in range(d)])


# Contract


@parametrize_with_checks([ArcsinhScaler()])
def test_passes_scikit_learns_check(estimator, check):
    check(estimator)


@pytest.mark.filterwarnings("ignore:X .* feature names, but")
@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_dataframe_column_names_consistency,
        estimator_checks.check_global_output_transform_pandas,
        estimator_checks.check_set_output_transform,
        estimator_checks.check_set_output_transform_pandas,
        estimator_checks.check_set_output_transform_polars,
        estimator_checks.check_transformer_get_feature_names_out,
        estimator_checks.check_transformer_get_feature_names_out_pandas,
    ],
    ids=lambda check: check.__name__,
)
def test_passes_check_of_scikit_learns_own_estimators(check):
    check("ArcsinhScaler", ArcsinhScaler())


@pytest.mark.parametrize(
    "name", ["", ".fit", ".transform", ".inverse_transform", ".log_slopes"]
)
def test_docstring_names_and_describes_every_parameter(name):
    found = validate(f"skgen.anomaly.ArcsinhScaler{name}")["errors"]
    not_asked = {"RT02", "GL01", "GL02"} | ({"ES01", "SA01", "EX01"} if name else set())
    assert [(code, text) for code, text in found if code not in not_asked] == []


# Laws


def test_columns_have_mean_0_and_variance_1_afterwards():
    scaled = ArcsinhScaler().fit_transform(heavy())
    assert_allclose(scaled.mean(axis=0), 0.0, atol=1e-12)
    assert_allclose(scaled.std(axis=0), 1.0)


def test_scale_is_median_and_interquartile_range():
    X = heavy(n=401)
    scaler = ArcsinhScaler().fit(X)
    low, middle, high = np.quantile(X, [0.25, 0.5, 0.75], axis=0)
    assert_array_equal(scaler.center_, middle)
    assert_allclose(scaler.scale_, (high - low) / 1.3489795, rtol=1e-6)


@given(table=ugly())
def test_inverse_of_the_scaled_rows_are_the_rows(table):
    scaler = ArcsinhScaler().fit(table.X, sample_weight=table.weights)
    scaled = scaler.transform(table.X)
    assert np.isfinite(scaled).all()
    again = scaler.inverse_transform(scaled)
    largest = np.abs(table.X).max(axis=0)
    assert (np.abs(again - table.X) <= 1e-9 * largest).all()


@given(table=ugly())
def test_order_of_values_is_kept(table):
    scaled = ArcsinhScaler().fit_transform(table.X, sample_weight=table.weights)
    for column, moved in zip(table.X.T, scaled.T):
        assert (np.diff(moved[np.argsort(column, kind="stable")]) >= 0.0).all()


@given(seed=seeds)
def test_log_slopes_are_the_derivatives(seed):
    X = heavy(n=40, seed=seed)
    scaler = ArcsinhScaler().fit(X)
    step = 1e-5 * (scaler.scale_ + np.abs(X - scaler.center_))
    rise = scaler.transform(X + step) - scaler.transform(X - step)
    assert_allclose(scaler.log_slopes(X), np.log(rise / (2.0 * step)), atol=1e-6)


@given(
    seed=seeds,
    unit=st.sampled_from([1e-300, 1e-100, 1e-12, 1.0, 1e12, 1e100, 1e300]),
    shift=st.sampled_from([0.0, 1.0, -1e6]),
)
def test_units_and_origins_of_columns_do_not_matter(seed, unit, shift):
    X = heavy(seed=seed, d=2) @ np.diag([1.0, 1e-2])
    expected = ArcsinhScaler().fit_transform(X)
    moved = (X + shift) * unit
    assert_allclose(ArcsinhScaler().fit_transform(moved), expected, atol=1e-6)


@given(seed=seeds)
def test_weights_are_repetitions(seed):
    rng = np.random.default_rng(seed)
    X, times = heavy(n=30, seed=seed).round(1), rng.integers(0, 4, 30)
    times[0] = 1
    weighted = ArcsinhScaler().fit(X, sample_weight=times)
    repeated = ArcsinhScaler().fit(np.repeat(X, times, axis=0))
    for name in ("center_", "scale_", "mean_", "deviation_"):
        assert_allclose(getattr(weighted, name), getattr(repeated, name), rtol=1e-9)
    by_unit = ArcsinhScaler().fit(X, sample_weight=times * 1e-200)
    assert_allclose(by_unit.transform(X), weighted.transform(X), atol=1e-9)


def test_a_row_of_weight_0_is_as_good_as_none_where_the_rest_is_constant():
    X = np.array([[1.0], [1.0], [1.0], [5.0]])
    weighted = ArcsinhScaler().fit(X, sample_weight=[1.0, 1.0, 1.0, 0.0])
    removed = ArcsinhScaler().fit(X[:3])
    assert_allclose(weighted.transform([[2.0]]), removed.transform([[2.0]]))


# Behaviour


@pytest.mark.parametrize("value", [0.0, 5.0, -1e9, 1e-12, 1e300, -1e-280])
def test_a_constant_column_is_0_and_anything_else_lies_far_out(value):
    scaler = ArcsinhScaler().fit(np.full((20, 1), value))
    assert_array_equal(scaler.transform([[value]]), [[0.0]])
    other = value * 1.001 if value else 1e-6
    assert np.abs(scaler.transform([[other], [-2 * value - 1.0]])).min() > 20.0


def test_half_a_column_of_one_value_is_scaled_by_its_standard_deviation():
    X = np.array([[0.0]] * 8 + [[1.0]] * 2)
    assert_allclose(ArcsinhScaler().fit(X).scale_, X.std())


@pytest.mark.parametrize("far", [1e10, 1e200, 1.7e308])
def test_rows_far_out_have_finite_coordinates(far):
    scaler = ArcsinhScaler().fit(heavy())
    scaled = scaler.transform([[far, -far, 0.0]])
    assert np.isfinite(scaled).all()
    assert np.isfinite(scaler.inverse_transform(scaled)).all()
    assert np.isfinite(scaler.log_slopes(np.array([[far, -far, 0.0]]))).all()


def test_rows_at_both_ends_of_the_floats_can_be_fitted():
    X = heavy(d=1)
    X[0], X[1] = 1.7e308, -1.7e308
    scaled = ArcsinhScaler().fit_transform(X)
    assert np.isfinite(scaled).all()
    assert scaled.argmax() == 0
    assert scaled.argmin() == 1


def test_a_column_of_nothing_but_ends_of_the_floats_can_be_fitted():
    X = np.array([[1.7e308], [-1.7e308]] * 5)
    scaled = ArcsinhScaler().fit_transform(X)
    assert np.isfinite(scaled).all()
    assert (scaled[::2] > scaled[1::2]).all()


def test_unfitted_scaler_says_so():
    for question in ("transform", "inverse_transform", "log_slopes"):
        with pytest.raises(NotFittedError, match="ArcsinhScaler"):
            getattr(ArcsinhScaler(), question)(heavy())


def test_inverse_takes_back_a_data_frame():
    table = pandas.DataFrame(heavy(), columns=["a", "b", "c"])
    scaler = ArcsinhScaler().set_output(transform="pandas").fit(table)
    scaled = scaler.transform(table)
    assert scaled.columns.tolist() == ["a", "b", "c"]
    assert_allclose(scaler.inverse_transform(scaled), table, rtol=1e-9)
