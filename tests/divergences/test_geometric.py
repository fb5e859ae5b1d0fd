"""Rényi divergences between mixtures far apart."""

import numpy as np
import pytest
from scipy.special import logsumexp

from skgen.divergences import renyi_divergence
from skgen.divergences._geometric import between

from .strategies import mixture_of, random_mixture


@pytest.mark.parametrize("alpha", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("shift", [3.0, 30.0])
def test_divergences_of_mixtures_far_apart_are_those_of_fine_sums(alpha, shift):
    p = mixture_of([0.5, 0.5], [0.0, 1.0], [1.0, 2.0])
    q = mixture_of([0.3, 0.7], [shift, shift + 1.0], [0.5, 1.0])
    x = np.linspace(-60.0, 100.0, 1_600_001)[:, None]
    powers = alpha * p.log_density(x) + (1.0 - alpha) * q.log_density(x)
    fine = (logsumexp(powers) + np.log(x[1, 0] - x[0, 0])) / (alpha - 1.0)
    assert renyi_divergence(p, q, alpha) == pytest.approx(fine, rel=1e-9)
    result = renyi_divergence(
        p, q, alpha, method="sobol", confidence_level=0.9999, random_state=0
    )
    low, high = result.confidence_interval
    assert low <= fine <= high
    assert result.standard_error < 0.01 * fine


def test_distances_without_end_are_told_and_not_infinite():
    p, q = mixture_of([0.5, 0.5], [0, 1], [1, 1]), mixture_of([1.0], [1e4], [1.0])
    # the nearer component, and its weight, decide
    expected = 0.25 * 9999.0**2 + np.log(2.0)
    assert renyi_divergence(p, q, 0.5) == pytest.approx(expected, rel=1e-9)


def test_points_between_see_many_features_too():
    p, q = random_mixture(3, 8, seed=0), random_mixture(2, 8, seed=1)
    far = type(q).of_covariances(q.weights, q.means + 10.0, q.covariances)
    values = [renyi_divergence(p, far, 0.5, random_state=s, tol=1e-3) for s in (0, 1)]
    assert values[0] == pytest.approx(values[1], rel=5e-3)
    both = [
        renyi_divergence(*pair, 0.5, random_state=0) for pair in ((p, far), (far, p))
    ]
    assert both[0] == pytest.approx(both[1], rel=0.02)


def test_close_mixtures_keep_points_of_their_own():
    p, q = random_mixture(3, 2, seed=0), random_mixture(3, 2, seed=0)
    assert between(p, q, 0.5) is None
