"""Laws and behaviour of starts from given or drawn responsibilities."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from strategies import overlapping, started

from skgen import EMGaussianMixture
from skgen.gaussian import Frame, Rows
from skgen.mixture._starts import RESPONSIBILITIES


def rows_of(X, weights=None):
    return Rows(X, weights, Frame.of(X, weights))


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


def test_single_component_starts_as_the_whole():
    X, _ = overlapping()
    for name in ("auto", *RESPONSIBILITIES):
        found = started(name, X, 1)
        assert_allclose(found.means, 0.0, atol=1e-12)
        assert_allclose(found.covariances[0], np.corrcoef(X.T), rtol=1e-9)


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
