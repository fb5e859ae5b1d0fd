"""Regression by a mixture: laws, references and behaviour."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.integrate import quad
from scipy.special import ndtr
from sklearn.datasets import load_diabetes, load_linnerud
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression
from strategies import COVARIANCE_TYPES, seeds, well_posed

from skgen import GaussianMixtureRegressor

# Small tables collapse components, which is said.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def bent(n=400, seed=0):
    """A broken line, with noise that grows."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-2, 2, size=(n, 1))
    y = np.abs(X[:, 0]) + (0.1 + 0.1 * (X[:, 0] > 0)) * rng.normal(size=n)
    return X, y


def conditional_of_each(regressor, X):
    """The mixture's own conditional at every row, one by one."""
    return [
        regressor.mixture_.conditional(dict(enumerate(map(float, row)))) for row in X
    ]


# One component is least squares


@given(table=well_posed(), seed=seeds)
def test_one_component_is_ordinary_least_squares(table, seed):
    rng = np.random.default_rng(seed)
    y = table.X @ rng.normal(size=table.X.shape[1]) + rng.normal(size=len(table.X))
    found = GaussianMixtureRegressor().fit(table.X, y, table.weights)
    expected = LinearRegression().fit(table.X, y, table.weights)
    at = table.X + rng.normal(size=table.X.shape)
    assert_allclose(found.predict(at), expected.predict(at), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("covariance_type", ["full", "tied"])
@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_one_component_is_ordinary_least_squares_on_real_tables(
    offset, covariance_type
):
    X, y = load_diabetes(return_X_y=True, scaled=False)
    X = X + offset
    found = GaussianMixtureRegressor(covariance_type=covariance_type).fit(X, y)
    expected = LinearRegression().fit(X, y)
    assert_allclose(found.predict(X), expected.predict(X), rtol=1e-8)
    _, deviations = found.predict(X, return_std=True)
    residuals = y - expected.predict(X)
    assert_allclose(deviations, np.full(len(X), residuals.std()), rtol=1e-8)


def test_one_component_is_least_squares_of_each_output():
    X, Y = load_linnerud(return_X_y=True)
    found = GaussianMixtureRegressor().fit(X, Y)
    expected = LinearRegression().fit(X, Y).predict(X)
    means, deviations = found.predict(X, return_std=True)
    assert_allclose(means, expected, rtol=1e-8)
    assert_allclose(deviations[0], (Y - expected).std(axis=0), rtol=1e-8)


# What is said of many rows is what the mixture's conditional says of each


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_answers_are_those_of_the_conditional_at_each_row(covariance_type, n_outputs):
    X, y = load_diabetes(return_X_y=True)
    X, Y = X[:, 2:5], np.column_stack([y, X[:, 5] * y])[:, :n_outputs]
    regressor = GaussianMixtureRegressor(
        3, covariance_type=covariance_type, random_state=0
    ).fit(X, Y)
    at, outputs = X[:20] * 1.5, Y[:20]
    means, deviations = regressor.predict(at, return_std=True)
    assert_array_equal(means, regressor.predict(at))
    log_densities = regressor.log_density(at, outputs)
    for i, law in enumerate(conditional_of_each(regressor, at)):
        mean = law.weights_ @ law.means_
        variances = np.diagonal(law._covariance_matrices(), axis1=1, axis2=2)
        variance = law.weights_ @ (variances + (law.means_ - mean) ** 2)
        assert_allclose(means[i], mean, rtol=1e-8)
        assert_allclose(deviations[i], np.sqrt(variance), rtol=1e-8)
        expected = law.score_samples(outputs[i : i + 1])
        assert_allclose(log_densities[i : i + 1], expected, rtol=1e-8)


def test_log_density_given_x_is_the_difference_of_two():
    X, y = bent()
    regressor = GaussianMixtureRegressor(3, random_state=0).fit(X, y)
    mixture = regressor.mixture_
    joint = mixture.score_samples(np.column_stack([X, y]))
    expected = joint - mixture.marginal(0).score_samples(X)
    assert_allclose(regressor.log_density(X, y), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_density_integrates_to_one_and_its_moments_are_those_predicted(
    covariance_type,
):
    X, y = bent()
    regressor = GaussianMixtureRegressor(
        2, covariance_type=covariance_type, random_state=0
    ).fit(X, y)
    at = np.array([[0.7]])
    mean, deviation = (each[0] for each in regressor.predict(at, return_std=True))

    def density(value):
        return np.exp(regressor.log_density(at, [value]))[0]

    low, high = mean - 12 * deviation, mean + 12 * deviation
    moments = [
        quad(lambda v, p=p: v**p * density(v), low, high, points=[mean])[0]
        for p in (0, 1, 2)
    ]
    expected = [1.0, mean, mean**2 + deviation**2]
    assert_allclose(moments, expected, rtol=1e-6)


# Quantiles


@given(seed=seeds, k=st.integers(1, 4), level=st.floats(1e-6, 1 - 1e-6))
def test_the_share_of_the_density_below_a_quantile_is_its_level(seed, k, level):
    X, y = bent(80, seed)
    regressor = GaussianMixtureRegressor(k, random_state=seed).fit(X, y)
    at = X[:5] * 2
    found = regressor.predict_quantile(at, level)
    for value, law in zip(found, conditional_of_each(regressor, at)):
        standard = (value - law.means_[:, 0]) / np.sqrt(law.covariances_[:, 0, 0])
        assert_allclose(law.weights_ @ ndtr(standard), level, rtol=1e-6, atol=1e-9)


def test_quantiles_rise_with_the_level_and_are_columns_of_levels():
    X, y = bent()
    regressor = GaussianMixtureRegressor(3, random_state=0).fit(X, y)
    levels = [0.01, 0.3, 0.5, 0.9]
    found = regressor.predict_quantile(X, levels)
    assert found.shape == (len(X), 4)
    assert (np.diff(found, axis=1) > 0).all()
    assert_array_equal(found[:, 2], regressor.predict_quantile(X, 0.5))


def test_bands_hold_their_share_of_new_rows():
    regressor = GaussianMixtureRegressor(4, random_state=0).fit(*bent(2000))
    X, y = bent(4000, seed=1)
    low, high = regressor.predict_quantile(X, [0.05, 0.95]).T
    for side in (X[:, 0] < 0, X[:, 0] > 0):
        inside = ((low <= y) & (y <= high))[side]
        assert_allclose(inside.mean(), 0.9, atol=0.03)


@pytest.mark.parametrize("level", [0.0, 1.0, -0.1, np.nan, "median", None, [], [[0.5]]])
def test_levels_must_lie_between_0_and_1(level):
    X, y = bent(50)
    regressor = GaussianMixtureRegressor().fit(X, y)
    with pytest.raises(ValueError, match="quantile must be a number strictly between"):
        regressor.predict_quantile(X, level)


def test_quantiles_are_of_one_output():
    X, Y = load_linnerud(return_X_y=True)
    regressor = GaussianMixtureRegressor().fit(X, Y)
    with pytest.raises(ValueError, match="requires one output; got a regressor of 3"):
        regressor.predict_quantile(X, 0.5)


# Draws


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_draws_have_the_moments_that_are_predicted(covariance_type):
    X, y = bent()
    Y = np.column_stack([y, X[:, 0] ** 2 - y])
    regressor = GaussianMixtureRegressor(
        2, covariance_type=covariance_type, random_state=0
    ).fit(X, Y)
    at, n = np.array([[-1.0], [0.2], [1.5]]), 40_000
    drawn = regressor.sample_y(at, n, random_state=0)
    assert drawn.shape == (3, 2, n)
    means, deviations = regressor.predict(at, return_std=True)
    error = 6 / np.sqrt(n)
    assert_allclose((drawn.mean(axis=2) - means) / deviations, 0.0, atol=error)
    assert_allclose(drawn.std(axis=2), deviations, rtol=0.05)
    for draws, law in zip(drawn, conditional_of_each(regressor, at)):
        cross = law._covariance_matrices()[:, 0, 1] + law.means_.prod(axis=1)
        covariance = law.weights_ @ cross - np.prod(law.weights_ @ law.means_)
        unit = draws.std(axis=1).prod()
        assert_allclose(np.cov(draws)[0, 1] / unit, covariance / unit, atol=0.03)


def test_draws_have_the_shape_of_y():
    X, y = bent(50)
    flat = GaussianMixtureRegressor(random_state=0).fit(X, y)
    assert flat.sample_y(X[:3]).shape == (3, 1)
    assert flat.sample_y(X[:3], 4).shape == (3, 4)
    column = GaussianMixtureRegressor().fit(X, y[:, None])
    assert column.sample_y(X[:3], 4).shape == (3, 1, 4)
    assert_array_equal(flat.sample_y(X, 2), flat.sample_y(X, 2, random_state=0))
    assert (flat.sample_y(X, 2) != flat.sample_y(X, 2, random_state=1)).all()
    with pytest.raises(ValueError, match="n_samples must be at least 1; got 0"):
        flat.sample_y(X, 0)


# Behaviour


def test_predictions_have_the_shape_of_y():
    X, y = bent(50)
    flat, column = GaussianMixtureRegressor(), GaussianMixtureRegressor()
    flat.fit(X, y)
    column.fit(X, y[:, None])
    assert flat.predict(X).shape == (50,)
    assert column.predict(X).shape == (50, 1)
    assert [each.shape for each in column.predict(X, return_std=True)] == [(50, 1)] * 2
    assert column.predict_quantile(X, 0.5).shape == (50,)
    assert_array_equal(column.predict(X)[:, 0], flat.predict(X))


def test_a_broken_line_takes_two_components():
    X, y = bent()
    straight = GaussianMixtureRegressor().fit(X, y).score(X, y)
    broken = GaussianMixtureRegressor(2, random_state=0).fit(X, y).score(X, y)
    assert straight < 0.1
    assert broken > 0.9


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
@pytest.mark.parametrize("far", [1e5, -1e30, 1e150, 1e308])
def test_rows_however_far_out_have_finite_answers(covariance_type, far):
    X, y = bent()
    regressor = GaussianMixtureRegressor(
        3, covariance_type=covariance_type, random_state=0
    ).fit(X, y)
    at = np.array([[far]])
    for answer in (
        *regressor.predict(at, return_std=True),
        regressor.predict_quantile(at, [0.01, 0.99]),
        regressor.log_density(at, [1.0]),
        regressor.sample_y(at, 3),
    ):
        assert np.isfinite(answer).all()


def test_far_out_the_prediction_follows_the_component_that_reaches_furthest():
    X, y = bent()
    regressor = GaussianMixtureRegressor(2, random_state=0).fit(X, y)
    widest = regressor.mixture_.covariances_[:, 0, 0].argmax()
    law = regressor.mixture_.conditional({0: 1e6})
    assert_allclose(law.weights_[widest], 1.0)
    mean, deviation = regressor.predict([[1e6]], return_std=True)
    assert_allclose(mean, law.means_[widest], rtol=1e-9)
    low, high = regressor.predict_quantile([[1e6]], [0.16, 0.84])[0]
    assert_allclose(high - low, 2 * deviation[0], rtol=0.02)


def test_a_rows_answer_does_not_depend_on_the_others():
    X, y = bent(3000)
    regressor = GaussianMixtureRegressor(3, random_state=0).fit(X, y)
    together = regressor.predict(X)
    assert_allclose(together[1234], regressor.predict(X[1234:1235])[0], rtol=1e-12)


def test_weights_count_as_rows_do():
    X, y = bent(60)
    counts = np.random.default_rng(0).integers(0, 4, len(X))
    weighted = GaussianMixtureRegressor().fit(X, y, sample_weight=counts)
    repeated = GaussianMixtureRegressor().fit(
        np.repeat(X, counts, axis=0), np.repeat(y, counts)
    )
    assert_allclose(weighted.predict(X), repeated.predict(X), rtol=1e-8)


def test_constant_output_is_predicted():
    X, _ = bent(50)
    regressor = GaussianMixtureRegressor().fit(X, np.full(50, 3.0))
    assert_allclose(regressor.predict(X), np.full(50, 3.0))


def test_collinear_inputs_are_no_hindrance():
    X, y = bent()
    twice = np.column_stack([X, 2 * X])
    found = GaussianMixtureRegressor(2, random_state=0).fit(twice, y)
    once = GaussianMixtureRegressor(2, random_state=0).fit(X, y)
    assert found.score(twice, y) > once.score(X, y) - 0.05


def test_inputs_without_variance_of_their_own_have_no_slope_of_their_own():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(8, 12))
    y = X @ rng.normal(size=12)
    found = GaussianMixtureRegressor().fit(X, y)
    # least squares of minimal norm, of columns of one unit as the mixture has them
    unit = X.std(axis=0)
    expected = LinearRegression().fit(X / unit, y)
    at = rng.normal(size=(20, 12))
    assert_allclose(found.predict(at), expected.predict(at / unit), rtol=1e-5)


def test_units_do_not_matter():
    X, y = bent()
    one = GaussianMixtureRegressor(2, random_state=0).fit(X, y)
    other = GaussianMixtureRegressor(2, random_state=0).fit(X * 1e20, y * 1e-20)
    assert_allclose(other.predict(X * 1e20) * 1e20, one.predict(X), rtol=1e-6)
    assert_allclose(
        other.predict_quantile(X * 1e20, 0.1) * 1e20,
        one.predict_quantile(X, 0.1),
        rtol=1e-6,
        atol=1e-8,
    )


@pytest.mark.filterwarnings("default::sklearn.exceptions.ConvergenceWarning")
def test_complaints_of_the_mixture_point_at_the_users_line():
    X, y = bent()
    with pytest.warns(ConvergenceWarning, match="did not converge") as caught:
        GaussianMixtureRegressor(3, max_iter=1, random_state=0).fit(X, y)
    assert caught[0].filename == __file__


def test_number_of_outputs_must_be_that_of_the_fit():
    X, y = bent(50)
    regressor = GaussianMixtureRegressor().fit(X, y)
    with pytest.raises(ValueError, match="y must have 1 outputs, as in fit; got 2"):
        regressor.log_density(X, np.column_stack([y, y]))
