"""Laws of the sketch, and of the clusterings that may start a mixture."""

import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_allclose
from sklearn.metrics import adjusted_rand_score
from strategies import cigars, seeds, two_cigars, ugly

from skgen.gaussian import Frame, Rows
from skgen.mixture._candidates import (
    Sketch,
    agglomerations,
    candidates,
    principal_axes,
    views,
)


def rows_of(X, weights=None):
    return Rows(X, weights, Frame.of(X, weights))


def sketch_of(rows, weights=None, n_wanted=2000, seed=0):
    weighted = Rows(rows, weights, Frame.of(rows, weights))
    return Sketch.of(weighted, n_wanted, np.random.RandomState(seed))


def test_neighbours_view_makes_parallel_cigars_round():
    rows, labels, _ = cigars(0)
    sketch = sketch_of(rows)
    order = np.lexsort(rows.T[::-1])
    view = views(sketch, np.random.RandomState(0))["neighbours"]
    within = sum(np.cov(view[labels[order] == k].T) for k in range(5))
    assert np.linalg.cond(within) < 20.0
    assert np.linalg.cond(np.cov(rows[labels == 0].T)) > 300.0


def test_agglomeration_finds_clusters_of_unlike_shapes():
    rng = np.random.RandomState(0)
    cross = [rng.randn(200, 2) * [9, 0.3] + [0, 4], rng.randn(200, 2) * [0.3, 9] + 30]
    rows, labels = np.vstack(cross), np.repeat([0, 1], 200)
    found = agglomerations([rows / rows.std(axis=0)], np.ones(400), 2, rng)[0]
    assert adjusted_rand_score(labels, found) > 0.95


@pytest.mark.parametrize("n_wanted", [20, 2000])
def test_sketch_does_not_depend_on_order_or_repetition(n_wanted):
    rng = np.random.RandomState(0)
    rows = rng.randint(0, 4, (200, 3)).astype(float)
    weights = rng.randint(1, 4, 200)
    expected = sketch_of(rows, weights.astype(float), n_wanted)
    repeated = np.repeat(rows, weights, axis=0)
    found = sketch_of(rng.permutation(repeated), None, n_wanted)
    np.testing.assert_allclose(found.rows, expected.rows, atol=1e-12)
    assert np.array_equal(found.weights, expected.weights)


@pytest.mark.parametrize("n_merged", [0, 3])
def test_every_candidate_labels_every_row_with_a_component(n_merged):
    sketch = sketch_of(np.random.RandomState(0).randn(60, 3))
    labels = candidates(sketch, 4, n_merged, 5, np.random.RandomState(0))
    assert labels.shape == (n_merged + 5, 60)
    assert labels.min() >= 0
    assert labels.max() == 3


def test_one_candidate_where_components_outnumber_distinct_rows():
    sketch = sketch_of(np.repeat(np.eye(3), 5, axis=0))
    labels = candidates(sketch, 4, 12, 4, np.random.RandomState(0))
    assert labels.shape == (1, 3)


@given(table=ugly(), seed=seeds)
def test_sketch_of_a_small_table_holds_all_weight_once_a_row(table, seed):
    kept = slice(None) if table.weights is None else table.weights > 0.0
    weights = None if table.weights is None else table.weights[kept]
    rows = rows_of(table.X[kept], weights)
    sketch = Sketch.of(rows, 1000, np.random.RandomState(seed))
    assert len(np.unique(sketch.rows, axis=0)) == len(sketch.rows)
    assert_allclose(sketch.weights.sum(), rows.total)
    assert 1.0 <= sketch.effective_size <= len(sketch.rows) * (1 + 1e-12)


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
