"""The default start: what it finds, what it does not depend on, what it survives."""

import warnings

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score

from skgen.gaussian import Frame, Rows
from skgen.mixture import EMGaussianMixture
from skgen.mixture._candidates import Sketch, agglomerations, candidates, views

STRUCTURES = ["full", "tied", "diag", "spherical"]


def cigars(seed, *, n_features=4, n_components=5, n_samples=500, aspect=30.0):
    """Parallel cigars in a random direction: rows, labels, likelihood of the truth."""
    rng = np.random.RandomState(seed)
    turn = np.linalg.qr(rng.randn(n_features, n_features))[0]
    widths = np.r_[aspect, np.ones(n_features - 1)]
    labels = rng.choice(n_components, n_samples)
    means = np.zeros((n_components, n_features))
    means[:, 0] = rng.uniform(-aspect, aspect, n_components)
    means[:, -1] = 8.0 * np.arange(n_components)
    rows = (means[labels] + rng.randn(n_samples, n_features) * widths) @ turn
    covariance = (turn.T * widths**2) @ turn
    joint = [
        multivariate_normal(mean @ turn, covariance).logpdf(rows) for mean in means
    ]
    truth = logsumexp(joint, axis=0).mean() - np.log(n_components)
    return rows, labels, truth


def sketch_of(rows, weights=None, n_wanted=2000, seed=0):
    weighted = Rows(rows, weights, Frame.of(rows, weights))
    return Sketch.of(weighted, n_wanted, np.random.RandomState(seed))


def bound(rows, n_components, weights=None, **settings):
    model = EMGaussianMixture(n_components, random_state=0, tol=1e-6, **settings)
    return model.fit(rows, sample_weight=weights).lower_bound_


# Behaviour: what the start finds


@pytest.mark.parametrize("seed", range(6))
def test_elongated_clusters_reach_the_likelihood_of_the_truth(seed):
    rows, _, truth = cigars(seed, n_features=2 + seed % 4, n_components=3 + seed % 4)
    n_components = 3 + seed % 4
    found = EMGaussianMixture(n_components, random_state=seed).fit(rows).lower_bound_
    assert found >= truth


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


# Laws


def test_same_seed_same_start():
    rows, _, _ = cigars(1)
    start = {"n_components": 5, "max_iter": 0}
    first, second = (EMGaussianMixture(random_state=3, **start) for _ in range(2))
    assert np.array_equal(first.fit(rows).means_, second.fit(rows).means_)


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


def test_sketch_has_distinct_sorted_rows_of_the_same_total_weight():
    rows = load_iris().data
    sketch = sketch_of(rows)
    assert len(sketch.rows) == len(np.unique(rows, axis=0))
    assert np.array_equal(np.lexsort(sketch.rows.T[::-1]), np.arange(len(sketch.rows)))
    assert sketch.weights.sum() == len(rows)


def test_sketch_samples_by_weight():
    rows = np.arange(1000.0)[:, None]
    weights = np.where(rows[:, 0] < 500, 3.0, 1.0)
    sketch = sketch_of(rows, weights, n_wanted=400)
    frame = Frame.of(rows, weights)
    heavy = sketch.rows[:, 0] * frame.scale + frame.center < 499.5
    assert sketch.weights.sum() == 400
    assert sketch.weights[heavy].sum() == pytest.approx(300, abs=40)


@pytest.mark.parametrize("covariance_type", STRUCTURES)
@pytest.mark.parametrize("name", ["iris", "cigars"])
def test_start_does_not_depend_on_order_units_or_repetition(name, covariance_type):
    rng = np.random.RandomState(0)
    rows = load_iris().data if name == "iris" else cigars(2, n_components=4)[0]
    units = np.array([3.0, 1e-5, 7.0, 1e4])
    if covariance_type == "spherical":
        units[:] = 3.0
    weights = rng.randint(0, 3, len(rows))
    settings = {"n_components": 4, "covariance_type": covariance_type}
    expected = bound(rows, **settings)
    permuted = bound(rng.permutation(rows), **settings)
    rescaled = bound(rows * units + units, **settings) + np.log(units).sum()
    assert permuted == pytest.approx(expected, abs=1e-6)
    assert rescaled == pytest.approx(expected, abs=1e-6)
    assert bound(rows, weights=weights, **settings) == pytest.approx(
        bound(np.repeat(rows, weights, axis=0), **settings), abs=1e-6
    )


# Behaviour: awkward inputs


def awkward(kind, n_samples, n_features):
    rows = np.random.RandomState(0).randn(n_samples, n_features)
    if kind == "duplicates":
        rows = np.repeat(rows[: max(1, n_samples // 4)], 8, axis=0)[:n_samples]
    if kind == "constant column":
        rows[:, 0] = 3.0
    if kind == "one distinct row":
        rows[:] = 1.5
    if kind == "lattice":
        rows = np.round(rows)
    return rows


@pytest.mark.parametrize("covariance_type", STRUCTURES)
@pytest.mark.parametrize(
    "kind", ["noise", "duplicates", "constant column", "one distinct row", "lattice"]
)
@pytest.mark.parametrize(
    "shape",
    [(2, 1, 2), (3, 2, 3), (5, 1, 2), (6, 3, 5), (40, 1, 40), (10, 128, 3)],
)
def test_start_survives(shape, kind, covariance_type):
    *size, n_components = shape
    model = EMGaussianMixture(
        n_components, covariance_type=covariance_type, random_state=0, max_iter=2
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(awkward(kind, *size))
    assert np.isfinite(model.means_).all()
    assert model.weights_.sum() == pytest.approx(1.0)


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
