"""Regression by a mixture where inputs are missing, and by mixtures searched for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LinearRegression
from strategies import seeds

from skgen import GaussianMixtureRegressor
from skgen.mixture._conditional_patterns import patterns_of

# Small tables collapse components, which is said.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

TYPES = ["full", "tied", "diag", "spherical", "VEV"]
SLOPES = np.array([1.0, -2.0, 0.5])


def clusters(n=300, n_outputs=1, seed=0):
    """Three clusters, each with its own line, in inputs that are correlated."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    X = rng.normal(size=(n, 3)) @ rng.normal(size=(3, 3)) + 3.0 * labels[:, None]
    slopes = rng.normal(size=(3, n_outputs, 3))[labels]
    Y = np.einsum("nmd,nd->nm", slopes, X) + 0.3 * rng.normal(size=(n, n_outputs))
    return X, Y


def with_holes(X, share=0.2, seed=0):
    """The same with cells missing completely at random."""
    missing = np.random.default_rng(seed).random(X.shape) < share
    return np.where(missing, np.nan, X)


def with_every_pattern(X):
    """Rows of X with all the patterns of holes, twice."""
    bits = (np.arange(2 ** X.shape[1])[:, None] >> np.arange(X.shape[1])) & 1
    bits = np.concatenate([bits, bits[::-1]])
    return np.where(bits == 1, X[: len(bits)], np.nan)


def law_at(mixture, row, n_outputs):
    """p(y | observed cells) by the mixture's own marginal and conditional."""
    seen = np.flatnonzero(~np.isnan(row))
    outputs = np.arange(len(row), len(row) + n_outputs)
    marginal = mixture.marginal([*map(int, seen), *map(int, outputs)])
    if not len(seen):
        return marginal
    return marginal.conditional({i: float(row[j]) for i, j in enumerate(seen)})


@pytest.fixture(scope="module", params=TYPES)
def fitted(request):
    """Of two outputs, fitted to a table with holes."""
    X, Y = clusters(n_outputs=2)
    regressor = GaussianMixtureRegressor(
        3, covariance_type=request.param, tol=1e-5, random_state=0
    )
    return regressor.fit(with_holes(X), Y), with_every_pattern(X), Y[:16]


# Answers given some cells are those of the marginal mixture


def test_answers_given_some_cells_are_those_of_the_marginals_conditional(fitted):
    regressor, X, Y = fitted
    means, deviations = regressor.predict(X, return_std=True)
    assert_array_equal(means, regressor.predict(X))
    log_densities = regressor.log_density(X, Y)
    for i, row in enumerate(X):
        law = law_at(regressor.mixture_, row, 2)
        mean = law.weights_ @ law.means_
        variances = np.diagonal(law._covariance_matrices(), axis1=1, axis2=2)
        variance = law.weights_ @ (variances + (law.means_ - mean) ** 2)
        assert_allclose(means[i], mean, rtol=1e-8, atol=1e-10)
        assert_allclose(deviations[i], np.sqrt(variance), rtol=1e-8)
        assert_allclose(log_densities[i], law.score_samples(Y[i : i + 1])[0], rtol=1e-8)


def test_prediction_is_what_the_mixture_imputes(fitted):
    regressor, X, Y = fitted
    rows = np.column_stack([X, np.full_like(Y, np.nan)])
    imputed = regressor.mixture_.impute(rows)[:, X.shape[1] :]
    assert_allclose(regressor.predict(X), imputed, rtol=1e-10, atol=1e-10)


def test_log_density_is_what_y_adds_to_the_density_of_what_is_observed(fitted):
    regressor, X, Y = fitted
    score = regressor.mixture_.score_samples
    with_y = score(np.column_stack([X, Y]))
    without = score(np.column_stack([X, np.full_like(Y, np.nan)]))
    assert_allclose(regressor.log_density(X, Y), with_y - without, rtol=1e-8, atol=1e-9)


def test_a_row_without_any_cell_has_the_answer_of_the_marginal_of_y(fitted):
    regressor, X, _ = fitted
    mixture = regressor.mixture_
    nothing = np.full((1, X.shape[1]), np.nan)
    outputs = mixture.marginal([3, 4])
    mean = outputs.weights_ @ outputs.means_
    assert_allclose(regressor.predict(nothing)[0], mean, rtol=1e-10)
    at = [[0.5, -1.0]]
    found = regressor.log_density(nothing, at)
    assert_allclose(found, outputs.score_samples(at), rtol=1e-10)


def test_complete_rows_have_the_same_answers_among_rows_with_holes(fitted):
    regressor, X, Y = fitted
    full = ~np.isnan(X).any(axis=1)
    assert_array_equal(regressor.predict(X)[full], regressor.predict(X[full]))
    assert_array_equal(
        regressor.log_density(X, Y)[full], regressor.log_density(X[full], Y[full])
    )


def test_draws_given_some_cells_have_the_moments_that_are_predicted(fitted):
    regressor, X, _ = fitted
    at, n = X[:8], 20_000
    drawn = regressor.sample_y(at, n, random_state=0)
    assert drawn.shape == (8, 2, n)
    means, deviations = regressor.predict(at, return_std=True)
    assert_allclose((drawn.mean(axis=2) - means) / deviations, 0.0, atol=6 / np.sqrt(n))
    assert_allclose(drawn.std(axis=2), deviations, rtol=0.05)
    assert_array_equal(drawn, regressor.sample_y(at, n, random_state=0))


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize("level", [0.05, 0.5])
def test_quantiles_given_some_cells_cut_off_their_share_of_draws(
    covariance_type, level
):
    X, y = clusters()
    regressor = GaussianMixtureRegressor(
        3, covariance_type=covariance_type, tol=1e-5, random_state=0
    ).fit(X, y)
    at = with_every_pattern(X)
    found = regressor.predict_quantile(at, level)
    drawn = regressor.sample_y(at, 20_000, random_state=1)[:, 0]
    assert_allclose((drawn < found[:, None]).mean(axis=1), level, atol=0.02)


def test_draws_of_a_row_do_not_depend_on_the_holes_of_others():
    X, y = clusters()
    regressor = GaussianMixtureRegressor(3, random_state=0).fit(X, y)
    holes = with_holes(X)
    full = ~np.isnan(holes).any(axis=1)
    complete = regressor.sample_y(X, 3, random_state=0)
    found = regressor.sample_y(holes, 3, random_state=0)
    assert_allclose(found[full], complete[full], rtol=1e-10)


@given(seed=seeds, share=st.floats(0.0, 1.0))
def test_what_is_missing_never_narrows_one_gaussian(seed, share):
    X, y = clusters(60, seed=seed)
    regressor = GaussianMixtureRegressor().fit(X, y)
    _, complete = regressor.predict(X, return_std=True)
    _, found = regressor.predict(with_holes(X, share, seed), return_std=True)
    assert (found >= complete * (1 - 1e-8)).all()


@given(seed=seeds, share=st.floats(0.0, 1.0))
def test_patterns_part_the_rows_by_what_they_lack(seed, share):
    X = with_holes(np.zeros((40, 11)), share, seed)
    patterns = patterns_of(X)
    rows = np.concatenate([rows for _, rows in patterns])
    assert_array_equal(np.sort(rows), np.arange(len(X)))
    assert len({tuple(seen) for seen, _ in patterns}) == len(patterns)
    for seen, rows in patterns:
        observed = np.isin(np.arange(X.shape[1]), seen)
        assert (~np.isnan(X[rows]) == observed).all()


# The fit


def test_rows_with_holes_are_worth_more_than_being_dropped():
    errors, dropped = [], []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(200, 3)) @ (np.eye(3) + 0.5)
        y = X @ SLOPES + 0.5 * rng.normal(size=len(X))
        holes = with_holes(X, 0.2, seed)
        full = ~np.isnan(holes).any(axis=1)
        regressor = GaussianMixtureRegressor().fit(holes, y)
        slopes = regressor.predict(np.eye(3)) - regressor.predict(np.zeros((3, 3)))
        errors.append(np.square(slopes - SLOPES).sum())
        alone = LinearRegression().fit(holes[full], y[full]).coef_
        dropped.append(np.square(alone - SLOPES).sum())
    assert np.mean(errors) < 0.8 * np.mean(dropped)


def test_float32_with_holes_is_fitted_and_answered():
    X, y = clusters()
    X = with_holes(X)
    wide = GaussianMixtureRegressor(tol=1e-10).fit(X, y)
    narrow = GaussianMixtureRegressor(tol=1e-10).fit(X.astype(np.float32), y)
    found = narrow.predict(X.astype(np.float32))
    assert_allclose(found, wide.predict(X), rtol=1e-3, atol=1e-3)


# Behaviour


@pytest.mark.parametrize("far", [1e5, -1e30, 1e150, 1e308])
def test_rows_with_holes_however_far_out_have_finite_answers(fitted, far):
    regressor, X, Y = fitted
    at = np.where(np.isnan(X), np.nan, far)
    for answer in (
        *regressor.predict(at, return_std=True),
        regressor.log_density(at, Y),
        regressor.sample_y(at, 3),
    ):
        assert np.isfinite(answer).all()


@pytest.mark.parametrize("n_outputs", [1, 2])
def test_outputs_must_be_observed(n_outputs):
    X, Y = clusters(50, n_outputs)
    regressor = GaussianMixtureRegressor().fit(X, Y)
    Y[3, 0] = np.nan
    with pytest.raises(ValueError, match="y contains NaN"):
        GaussianMixtureRegressor().fit(X, Y)
    with pytest.raises(ValueError, match="y contains NaN"):
        regressor.log_density(X, Y)


def test_infinity_is_no_missing_input():
    X, y = clusters(50)
    regressor = GaussianMixtureRegressor().fit(X, y)
    X[0, 0], X[1, 1] = np.inf, np.nan
    for ask in (regressor.predict, regressor.sample_y, lambda X: regressor.fit(X, y)):
        with pytest.raises(ValueError, match="contains infinity"):
            ask(X)


def test_a_column_that_is_observed_nowhere_is_refused():
    X, y = clusters(50)
    X[:, 1] = np.nan
    with pytest.raises(ValueError, match=r"columns \[1\] hold NaN alone: drop them"):
        GaussianMixtureRegressor().fit(X, y)


# Searches and structures


def test_number_of_components_and_model_are_found_by_the_joint_density():
    X, y = clusters(400)
    regressor = GaussianMixtureRegressor(
        range(1, 4), covariance_type=["EEE", "VVV"], tol=1e-5, random_state=0
    ).fit(X, y)
    mixture = regressor.mixture_
    assert (mixture.n_components_, mixture.covariance_type_) == (3, "VVV")
    assert len(mixture.selection_["criterion"]) == 6
    alone = GaussianMixtureRegressor(3, tol=1e-5, random_state=0).fit(X, y)
    assert_allclose(regressor.score(X, y), alone.score(X, y), atol=0.02)


def test_everything_can_be_found_automatically():
    X, y = clusters(150)
    regressor = GaussianMixtureRegressor(
        "auto", covariance_type="auto", tol=1e-3, random_state=0
    ).fit(X[:, :1], y)
    selection = regressor.mixture_.selection_
    assert set(selection["n_components"]) == set(range(1, 10))
    assert len(set(selection["covariance_type"])) == 14
    assert np.isfinite(regressor.predict(X[:, :1])).all()


def test_factor_covariances_of_enough_factors_predict_as_full_ones():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(500, 2))
    rows = scores @ rng.normal(size=(2, 6)) + 0.2 * rng.normal(size=(500, 6))
    X, y = rows[:, :-1], rows[:, -1]
    found = GaussianMixtureRegressor(covariance_type="factor", n_factors=2).fit(X, y)
    full = GaussianMixtureRegressor().fit(X, y)
    assert_allclose(found.score(X, y), full.score(X, y), atol=0.01)
    assert found.mixture_.factor_loadings_.shape == (1, 6, 2)


@pytest.mark.parametrize(
    "option", [{"n_components": "many"}, {"covariance_type": "XYZ"}, {"n_factors": 0}]
)
def test_errors_name_the_regressors_own_options(option):
    X, y = clusters(50)
    with pytest.raises(ValueError, match=f"'{next(iter(option))}' parameter"):
        GaussianMixtureRegressor(**option).fit(X, y)


def test_more_factors_than_columns_are_refused():
    X, y = clusters(50)
    with pytest.raises(ValueError, match="n_factors"):
        GaussianMixtureRegressor(covariance_type="factor", n_factors=4).fit(X, y)
