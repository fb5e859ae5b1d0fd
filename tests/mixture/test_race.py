"""The default start: what it finds, what it does not depend on, what it survives."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.testing import assert_allclose
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score
from strategies import (
    COVARIANCE_TYPES,
    cigars,
    initial,
    overlapping,
    seeds,
    started,
    two_cigars,
    ugly,
)

from skgen.mixture import EMGaussianMixture


def bound(rows, n_components, weights=None, **settings):
    model = EMGaussianMixture(n_components, random_state=0, tol=1e-6, **settings)
    return model.fit(rows, sample_weight=weights).lower_bound_


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


@pytest.mark.parametrize("seed", range(6))
def test_elongated_clusters_reach_the_likelihood_of_the_truth(seed):
    rows, _, truth = cigars(seed, n_features=2 + seed % 4, n_components=3 + seed % 4)
    n_components = 3 + seed % 4
    found = EMGaussianMixture(n_components, random_state=seed).fit(rows).lower_bound_
    assert found >= truth


def test_same_seed_same_start():
    rows, _, _ = cigars(1)
    start = {"n_components": 5, "max_iter": 0}
    first, second = (EMGaussianMixture(random_state=3, **start) for _ in range(2))
    assert np.array_equal(first.fit(rows).means_, second.fit(rows).means_)


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
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


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
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


@settings(max_examples=2 * settings.default.max_examples)
@given(table=ugly(), seed=seeds)
@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_race_ends_in_a_mixture_of_any_table(covariance_type, table, seed):
    kept = slice(None) if table.weights is None else table.weights > 0.0
    weights = None if table.weights is None else table.weights[kept]
    found = started("auto", table.X[kept], 3, seed, weights, covariance_type)
    assert found.n_groups == 1
    assert_allclose(found.weights.sum(), 1.0)
    for array in (found.weights, found.means, found.covariances, found.factors):
        assert np.isfinite(array).all()


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_race_does_not_depend_on_order_where_candidates_tie(covariance_type):
    # Whitened, few rows in many columns are all equally far apart.
    X = np.random.default_rng(0).uniform(size=(9, 30))
    order = np.random.default_rng(1).permutation(9)
    one = started("auto", X, 3, covariance_type=covariance_type)
    other = started("auto", X[order], 3, covariance_type=covariance_type)
    assert_allclose(other.means, one.means, atol=1e-9)


def test_race_finds_clusters_across_one_another():
    X, labels = two_cigars(300)
    found = EMGaussianMixture(2, max_iter=0, random_state=0).fit_predict(X)
    assert adjusted_rand_score(found, labels) > 0.7


def test_race_prefers_no_component_that_is_an_accident():
    rng = np.random.default_rng(0)
    accident = rng.normal(size=(6, 2)) * 1e-6  # likely beyond measure, were it allowed
    found = started("auto", np.concatenate([rng.normal(size=(200, 2)), accident]), 2)
    assert found.weights.min() > 0.1


def test_table_larger_than_the_sketch_is_started_from_a_sample():
    X, labels = overlapping(n=30_000, spread=6.0)
    sketched = EMGaussianMixture(3, max_iter=0, random_state=0).fit(X)
    fitted = EMGaussianMixture(3, **initial(X, labels, "full")).fit(X)
    assert sketched.score(X) > fitted.score(X) - 0.05
