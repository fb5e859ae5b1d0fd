"""Columns as normal scores, and back: `skgen.neural._marginals`."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from strategies import seeds, ugly

from skgen.neural import Marginals
from skgen.neural._marginals import (
    FAR,
    GRID,
    LIMIT,
    N_KNOTS,
    interpolate,
    location_scale,
    spiky_mixture,
)


def inflated_with_zeros(rng, n=1500):
    return np.where(rng.uniform(size=n) < 0.4, 0.0, rng.gamma(4.0, size=n))


def few_values(rng, n=1500):
    return rng.choice([3.0, 4.0, 5.0, 6.0, 7.0, 8.0], n)


def far_clusters(rng, n=1500):
    return rng.normal(size=n) * 0.01 + rng.integers(0, 6, n)


SPIKY = [inflated_with_zeros, few_values, far_clusters]
SMOOTH = {
    "normal": stats.norm(),
    "gamma": stats.gamma(1.5),
    "lognormal": stats.lognorm(0.8),
    "student": stats.t(3),
    "uniform": stats.uniform(),
    "beta": stats.beta(2, 6),
    "bimodal": None,
}


def learnt(make, seed=0, n=1500):
    """A curved map of one column, and the column."""
    column = make(np.random.default_rng(seed), n)
    marginals = Marginals.learn(column[:, None], np.ones(n), spikes=True)
    assert not marginals.is_smooth(0)
    return marginals, column


# Location and scale


@given(table=ugly())
def test_standardised_columns_have_mean_0_and_variance_1(table):
    weights = np.ones(len(table.X)) if table.weights is None else table.weights
    marginals = Marginals.learn(table.X, weights, spikes=False)
    cells, _ = marginals.scores(table.X)
    assert np.isfinite(cells).all()
    constant = marginals.constant | (marginals.scale < np.nanstd(table.X, axis=0) / 2)
    means = np.average(cells, axis=0, weights=weights)
    variances = np.average(np.square(cells - means), axis=0, weights=weights)
    # offsets of 10⁶ cost digits
    assert_allclose(means[~constant], 0.0, atol=1e-6)
    assert_allclose(variances[~constant], 1.0, rtol=1e-6)


@given(table=ugly(), powers=st.lists(st.integers(-60, 60), min_size=8, max_size=8))
def test_powers_of_two_change_only_the_scale(table, powers):
    factors = 2.0 ** np.array(powers[: table.X.shape[1]])
    X, weights = table.X, np.ones(len(table.X))
    expected_shift, expected_scale, constant = location_scale(X, weights)
    shift, scale, still_constant = location_scale(X * factors, weights)
    assert_array_equal(still_constant, constant)
    assert_array_equal(shift, expected_shift * factors)
    has_unit = ~constant | (shift != 0.0)  # a constant zero has none
    assert_array_equal(scale[has_unit], (expected_scale * factors)[has_unit])


@given(seed=seeds)
def test_weights_are_repetitions(seed):
    rng = np.random.default_rng(seed)
    X, counts = rng.normal(size=(20, 3)) * 10.0, rng.integers(0, 4, 20)
    counts[:2] = 1
    X[rng.uniform(size=X.shape) < 0.1] = np.nan
    X[:2] = 1.0, -2.0, 3.0
    X[1] += 1.0
    weighted = location_scale(X, counts.astype(float))[:2]
    repeated = location_scale(np.repeat(X, counts, axis=0), np.ones(counts.sum()))[:2]
    assert_allclose(weighted, repeated, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("size", [1e-300, 1e-30, 1e30, 1e300])
def test_huge_and_tiny_values_are_standardised(size):
    X = np.array([[1.0], [2.0], [4.0]]) * size
    shift, scale, _ = location_scale(X, np.ones(3))
    assert_allclose(shift / size, 7.0 / 3.0)
    assert_allclose(scale / size, np.std([1.0, 2.0, 4.0]))


@pytest.mark.parametrize("value", [0.0, 1.0, -1e30, 0.1])
def test_constant_columns_have_the_scale_of_their_value(value):
    shift, scale, constant = location_scale(np.full((7, 1), value), np.ones(7))
    assert_allclose(shift, value)
    assert_allclose(scale, abs(value) or 1.0)
    assert constant.all()


@pytest.mark.parametrize("far", [1e3, 1e6, -1e30])
def test_a_few_cells_far_away_do_not_blur_a_column(far):
    X = np.random.default_rng(0).normal(size=(300, 1))
    X[0] = far
    shift, scale, constant = location_scale(X, np.ones(300))
    assert abs(shift) < 4.0
    assert scale < 12.0
    assert not constant


def test_columns_that_are_mostly_one_value_have_their_standard_deviation():
    X = np.r_[np.zeros(90), np.ones(10)][:, None]
    assert_allclose(location_scale(X, np.ones(100))[1], 0.3)


def test_smooth_columns_are_affine_to_the_last_digit():
    X = np.random.default_rng(0).normal(3.0, 5.0, (400, 2))
    marginals = Marginals.learn(X, np.ones(400), spikes=True)
    scores, log_derivative = marginals.scores(X)
    assert_array_equal(scores, (X - marginals.shift) / marginals.scale)
    assert_array_equal(log_derivative, np.tile(-np.log(marginals.scale), (400, 1)))


# Curved maps


@pytest.mark.parametrize("make", SPIKY)
def test_spiky_columns_are_recognised(make):
    marginals, column = learnt(make)
    scores, log_derivative = marginals.scores(column[:, None])
    told = (log_derivative - 0.5 * np.square(scores)).mean() - 0.5 * np.log(2.0 * np.pi)
    assert told > stats.norm(column.mean(), column.std()).logpdf(column).mean() + 0.1


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("seed", range(3))
def test_smooth_columns_are_left_smooth(name, seed):
    rng = np.random.RandomState(seed)
    if name == "bimodal":
        column = rng.randn(1500) + 5.0 * rng.randint(0, 2, 1500)
    else:
        column = SMOOTH[name].rvs(1500, random_state=rng)
    assert Marginals.learn(column[:, None], np.ones(1500), spikes=True).is_smooth(0)


def test_short_columns_are_left_smooth():
    column = few_values(np.random.default_rng(0), 100)
    assert spiky_mixture((column - 5.5) / 1.7, np.ones(100)) is None


@pytest.mark.parametrize("make", SPIKY)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_knots_invert_scores(make, dtype):
    marginals, column = learnt(make)
    scores, _ = marginals.scores(column[:, None])
    knots = torch.as_tensor(marginals.knots(0), dtype=dtype)
    assert (knots.diff() > 0.0).all()
    cells = interpolate(knots, torch.as_tensor(scores[:, 0], dtype=dtype)).numpy()
    standardised = (column - marginals.shift) / marginals.scale
    error = np.abs(cells - standardised)
    assert error.mean() < 1e-4
    # in gaps, where cells are few, knots are far apart
    following = np.searchsorted(knots.numpy(), standardised)
    gap = knots.diff().numpy()[following - 1]
    assert (error < np.maximum(0.1 * GRID, 0.25 * gap)).all()


@pytest.mark.parametrize("make", SPIKY)
def test_knots_have_the_scores_they_stand_for(make):
    marginals, _ = learnt(make)
    knots = marginals.knots(0)
    cells = knots[:, None] * marginals.scale + marginals.shift
    target = np.linspace(-LIMIT, LIMIT, N_KNOTS)
    scores, log_derivative = marginals.scores(cells)
    slope = np.exp(log_derivative[:, 0]) * marginals.scale
    error = np.abs(scores[:, 0] - target) / slope  # standard deviations of the column
    assert error.max() < 0.1 * GRID


def test_interpolation_is_affine_beyond_the_knots():
    marginals, _ = learnt(few_values)
    knots = torch.as_tensor(marginals.knots(0))
    far = interpolate(knots, torch.tensor([9.0, 10.0, 11.0, -9.0, -10.0, -11.0]))
    assert_allclose(far[:3].diff(n=2), 0.0, atol=1e-6)
    assert_allclose(far[3:].diff(n=2), 0.0, atol=1e-6)
    assert far[2] > knots[-1]
    assert far[5] < knots[0]


@pytest.mark.parametrize("make", SPIKY)
def test_scores_increase_with_the_derivative_told(make):
    marginals, column = learnt(make)
    spread = np.ptp(column)
    grid = np.linspace(column.min() - spread / 10, column.max() + spread / 10, 3000)
    scores, log_derivative = marginals.scores(grid[:, None])
    # where there are gaps between clusters, scores are flat to the last digits
    assert (np.diff(scores[:, 0]) >= -1e-9).all()
    step = 1e-6 * spread
    above, below = (marginals.scores(grid[:, None] + h)[0] for h in (step, -step))
    numerical = np.log(np.maximum(above - below, 1e-300) / (2.0 * step))
    # elsewhere differences of scores lose digits
    seen = (np.abs(scores) < 6.0) & (log_derivative + np.log(spread) > -4.0)
    assert seen.mean() > 0.1
    assert_allclose(log_derivative[seen], numerical[seen], atol=1e-3)


@pytest.mark.parametrize("make", SPIKY)
def test_density_integrates_to_one(make):
    marginals, column = learnt(make)

    grid = np.linspace(column.min() - 5.0, column.max() + 5.0, 100_001)
    scores, log_derivative = marginals.scores(grid[:, None])
    density = stats.norm.pdf(scores) * np.exp(log_derivative)
    assert np.trapezoid(density[:, 0], grid) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("distance", [1e1, 1e2, 1e3])
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_far_cells_keep_the_density_of_the_mixture(distance, sign):
    """Far from all rows the score's density is still that of the mixture."""
    marginals, _ = learnt(few_values)
    x = sign * distance
    scores, log_derivative = marginals.scores(np.array([[x]]))
    log_weights, means, scales = (
        getattr(marginals, name)[0] for name in ("log_weights", "means", "scales")
    )
    standardised = (x - marginals.shift[0]) / marginals.scale[0]
    each = stats.norm.logpdf(standardised, means, scales) + log_weights
    expected = np.logaddexp.reduce(each) - np.log(marginals.scale[0])
    told = log_derivative[0, 0] + stats.norm.logpdf(scores[0, 0])
    assert_allclose(told, expected, rtol=1e-9)


@pytest.mark.parametrize("make", SPIKY)
@pytest.mark.parametrize("factor", [1.0, 1.5, 1e3, 1e12, 1e140])
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_maps_are_straight_lines_further_out(make, factor, sign):
    """Beyond FAR standard deviations: finite, and as steep as there."""
    marginals, _ = learnt(make)
    standardised = sign * FAR * np.array([[1.0], [factor]])
    cells = standardised * marginals.scale + marginals.shift
    scores, log_derivative = marginals.scores(cells)
    assert_allclose(log_derivative[1], log_derivative[0], rtol=1e-6)
    slope = np.exp(log_derivative[0]) * marginals.scale
    line = scores[0] + slope * (standardised[1] - standardised[0])
    assert np.isfinite(line).all()
    assert_allclose(scores[1], line, rtol=1e-6)


@pytest.mark.parametrize("make", SPIKY)
@pytest.mark.parametrize("power", [-40, 3, 200])
def test_curved_maps_do_not_depend_on_the_unit(make, power):
    marginals, column = learnt(make)
    scaled = (column * 2.0**power)[:, None]
    other = Marginals.learn(scaled, np.ones(len(column)), spikes=True)
    scores, log_derivative = marginals.scores(column[:, None])
    scaled_scores, scaled_log_derivative = other.scores(scaled)
    assert_array_equal(scaled_scores, scores)
    assert_allclose(
        scaled_log_derivative, log_derivative - power * np.log(2.0), atol=1e-10
    )


def test_cells_that_are_missing_stay_missing_and_change_nothing():
    rng = np.random.default_rng(0)
    column = few_values(rng)
    marginals = Marginals.learn(column[:, None], np.ones(1500), spikes=True)
    holes = np.full((3000, 1), np.nan)
    holes[:1500, 0] = column
    same = Marginals.learn(holes, np.ones(3000), spikes=True)
    assert_allclose(same.means, marginals.means)
    assert_allclose(same.scales, marginals.scales)
    scores, _ = same.scores(holes)
    assert_array_equal(np.isnan(scores), np.isnan(holes))
    assert_allclose(scores[:1500], marginals.scores(column[:, None])[0], atol=1e-9)


def test_each_column_has_its_own_map():
    rng = np.random.default_rng(0)
    X = np.column_stack(
        [rng.normal(size=1500), few_values(rng), rng.gamma(2.0, size=1500)]
    )
    marginals = Marginals.learn(X, np.ones(1500), spikes=True)
    assert [marginals.is_smooth(j) for j in range(3)] == [True, False, True]
    alone = Marginals.learn(X[:, [1]], np.ones(1500), spikes=True)
    assert_allclose(marginals.scores(X)[0][:, 1], alone.scores(X[:, [1]])[0][:, 0])
