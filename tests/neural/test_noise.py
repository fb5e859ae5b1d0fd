"""Even normal points, `skgen.neural._noise`."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from strategies import seeds

from skgen.neural import normal_points
from skgen.neural._noise import MOST_DIMENSIONS


@given(n_points=st.integers(2, 200), n_dimensions=st.integers(1, 20), seed=seeds)
def test_means_are_0_and_variances_1(n_points, n_dimensions, seed):
    points = normal_points(n_points, n_dimensions, seed)
    assert points.shape == (n_points, n_dimensions)
    assert_allclose(points.mean(axis=0), 0.0, atol=1e-12)
    assert_allclose(np.square(points).mean(axis=0), 1.0)


@given(n_points=st.integers(1, 64), n_dimensions=st.integers(1, 5), seed=seeds)
def test_same_seed_gives_the_same_points(n_points, n_dimensions, seed):
    points = normal_points(n_points, n_dimensions, seed)
    assert_array_equal(normal_points(n_points, n_dimensions, seed), points)
    assert not np.array_equal(normal_points(n_points, n_dimensions, seed + 1), points)


def test_points_are_normal_and_more_even_than_chance():
    points = normal_points(1024, 3, 0)
    random = np.random.default_rng(0).normal(size=(1024, 3))
    for even, chance in zip(points.T, random.T):
        distance = stats.kstest(even, "norm").statistic
        assert distance < 0.3 * stats.kstest(chance, "norm").statistic
    assert_allclose(np.corrcoef(points.T), np.eye(3), atol=0.05)


@pytest.mark.parametrize("n_points", [1, 5])
def test_more_dimensions_than_sequences_know_are_random(n_points):
    points = normal_points(n_points, MOST_DIMENSIONS + 1, 0)
    assert points.shape == (n_points, MOST_DIMENSIONS + 1)
    assert np.isfinite(points).all()
