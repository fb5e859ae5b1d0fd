"""Laws and behaviour of starts: responsibilities, the sketch, the race."""

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import adjusted_rand_score
from strategies import (
    COVARIANCE_TYPES,
    initial,
    overlapping,
    seeds,
    two_cigars,
    ugly,
    well_posed,
)

from skgen import EMGaussianMixture
from skgen.em import Workers
from skgen.gaussian import STRUCTURES, Expectation, Frame, Regularisation, Rows
from skgen.mixture._candidates import Sketch, principal_axes
from skgen.mixture._starts import RESPONSIBILITIES, initial_parameters

AUTO = Regularisation(floor=1e-6)


def rows_of(X, weights=None):
    return Rows(X, weights, Frame.of(X, weights))


def start(name, X, k, seed=0, weights=None, covariance_type="full"):
    structure = STRUCTURES[covariance_type]
    frame = Frame.of(X, weights, isotropic=structure.isotropic)
    with Workers() as workers:
        expectation = Expectation(Rows(X, weights, frame), structure, workers)
        generator = np.random.RandomState(seed)
        return initial_parameters(name, expectation, k, generator, AUTO)


@pytest.mark.parametrize("name", RESPONSIBILITIES)
def test_responsibilities_of_a_block_are_those_of_its_rows(name):
    X, _ = overlapping()
    given = RESPONSIBILITIES[name](rows_of(X), 3, np.random.RandomState(0))
    whole = given(slice(0, len(X)))
    again = RESPONSIBILITIES[name](rows_of(X), 3, np.random.RandomState(0))
    parts = [again(slice(i, i + 50)) for i in range(0, len(X), 50)]
    assert_allclose(np.concatenate(parts, axis=1), whole)


@pytest.mark.parametrize("name", ["k-means++", "random_from_data"])
def test_components_start_from_one_row_each(name):
    X, _ = overlapping()
    given = RESPONSIBILITIES[name](rows_of(X), 4, np.random.RandomState(0))
    whole = given(slice(0, len(X)))
    assert_array_equal(whole.sum(axis=1), np.ones(4))
    assert whole.sum(axis=0).max() == 1.0


@pytest.mark.parametrize("name", ["random", "kmeans"])
def test_responsibilities_of_each_row_sum_to_one(name):
    X, _ = overlapping()
    given = RESPONSIBILITIES[name](rows_of(X), 4, np.random.RandomState(0))
    assert_allclose(given(slice(0, len(X))).sum(axis=0), 1.0)


# The sketch


@given(table=ugly(), seed=seeds)
def test_sketch_of_a_small_table_holds_all_weight_once_a_row(table, seed):
    kept = slice(None) if table.weights is None else table.weights > 0.0
    weights = None if table.weights is None else table.weights[kept]
    rows = rows_of(table.X[kept], weights)
    sketch = Sketch.of(rows, 1000, np.random.RandomState(seed))
    assert len(np.unique(sketch.rows, axis=0)) == len(sketch.rows)
    assert_allclose(sketch.weights.sum(), rows.total)
    assert 1.0 <= sketch.effective_size <= len(sketch.rows) * (1 + 1e-12)


@given(table=well_posed(weighted=False), seed=seeds)
def test_sketch_does_not_depend_on_order_or_on_repetition(table, seed):
    rng = np.random.default_rng(seed)
    times = rng.integers(1, 4, len(table.X))
    order = rng.permutation(times.sum())
    frame = Frame.of(table.X, times.astype(float))
    generator = np.random.RandomState(0)
    weighted = Sketch.of(Rows(table.X, times.astype(float), frame), 1000, generator)
    repeated = np.repeat(table.X, times, axis=0)[order]
    shuffled = Sketch.of(Rows(repeated, None, frame), 1000, generator)
    assert_array_equal(weighted.rows, shuffled.rows)
    assert_allclose(weighted.weights, shuffled.weights)


@pytest.mark.parametrize("weighted", [False, True])
def test_sketch_of_a_large_table_is_a_sample_in_proportion_to_weights(weighted):
    X = np.arange(20_000.0)[:, None]
    weights = np.where(X[:, 0] < 10_000, 3.0, 1.0) if weighted else None
    rows = rows_of(X, weights)
    sketch = Sketch.of(rows, 4000, np.random.RandomState(0))
    assert sketch.weights.sum() == 4000
    middle = (10_000 - rows.frame.center[0]) / rows.frame.scale[0]
    share = sketch.weights[sketch.rows[:, 0] < middle].sum() / 4000
    assert share == pytest.approx(0.75 if weighted else 0.5, abs=0.03)


def test_principal_axes_are_those_of_the_covariance():
    X, _ = two_cigars()
    sketch = Sketch(X, np.ones(len(X)))
    spread, axes = principal_axes(sketch)
    assert_allclose((axes * spread**2) @ axes.T, np.cov(X.T, bias=True))


# The race


@settings(max_examples=2 * settings.default.max_examples)
@given(table=ugly(), seed=seeds)
@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_race_ends_in_a_mixture_of_any_table(covariance_type, table, seed):
    kept = slice(None) if table.weights is None else table.weights > 0.0
    weights = None if table.weights is None else table.weights[kept]
    found = start("auto", table.X[kept], 3, seed, weights, covariance_type)
    assert found.n_groups == 1
    assert_allclose(found.weights.sum(), 1.0)
    for array in (found.weights, found.means, found.covariances, found.factors):
        assert np.isfinite(array).all()


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_race_does_not_depend_on_order_where_candidates_tie(covariance_type):
    # Whitened, few rows in many columns are all equally far apart.
    X = np.random.default_rng(0).uniform(size=(9, 30))
    order = np.random.default_rng(1).permutation(9)
    one = start("auto", X, 3, covariance_type=covariance_type)
    other = start("auto", X[order], 3, covariance_type=covariance_type)
    assert_allclose(other.means, one.means, atol=1e-9)


def test_race_finds_clusters_across_one_another():
    X, labels = two_cigars(300)
    found = EMGaussianMixture(2, max_iter=0, random_state=0).fit_predict(X)
    assert adjusted_rand_score(found, labels) > 0.7


def test_race_prefers_no_component_that_is_an_accident():
    rng = np.random.default_rng(0)
    accident = rng.normal(size=(6, 2)) * 1e-6  # likely beyond measure, were it allowed
    found = start("auto", np.concatenate([rng.normal(size=(200, 2)), accident]), 2)
    assert found.weights.min() > 0.1


def test_single_component_starts_as_the_whole():
    X, _ = overlapping()
    for name in ("auto", *RESPONSIBILITIES):
        found = start(name, X, 1)
        assert_allclose(found.means, 0.0, atol=1e-12)
        assert_allclose(found.covariances[0], np.corrcoef(X.T), rtol=1e-9)


def test_table_larger_than_the_sketch_is_started_from_a_sample():
    X, labels = overlapping(n=30_000, spread=6.0)
    started = EMGaussianMixture(3, max_iter=0, random_state=0).fit(X)
    fitted = EMGaussianMixture(3, **initial(X, labels, "full")).fit(X)
    assert started.score(X) > fitted.score(X) - 0.05


def test_rows_start_with_the_nearest_mean_that_the_user_gave():
    X, labels = overlapping(n=300, spread=8.0)
    means = np.array([X[labels == k].mean(axis=0) for k in range(labels.max() + 1)])
    means = means[::-1].copy()
    mixture = EMGaussianMixture(len(means), means_init=means, max_iter=0).fit(X)
    assert_allclose(mixture.means_, means)
    scale = X.std(axis=0)
    distance = np.square((X[:, None] - means) / scale).sum(axis=2)
    nearest = distance.argmin(axis=1)
    for k in range(len(means)):
        mine = X[nearest == k]
        assert_allclose(mixture.weights_[k], len(mine) / len(X))
        assert_allclose(mixture.covariances_[k], np.cov(mine.T, bias=True))
