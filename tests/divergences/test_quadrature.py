"""Quadrature under mixtures: references to the last digit, and honest errors."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal, multivariate_t, uniform
from sklearn.neighbors import KernelDensity

from skgen.divergences import (
    cross_entropy,
    entropy,
    jeffreys_divergence,
    js_divergence,
    kl_divergence,
    renyi_divergence,
)

from .strategies import REFERENCE_MIXTURES, mixture_of, moved, random_mixture


@pytest.mark.parametrize("name", REFERENCE_MIXTURES)
def test_divergences_of_mixtures_are_those_of_fine_quadrature(name):
    p, q, (there, back, js, renyi) = REFERENCE_MIXTURES[name]
    p, q = mixture_of(*p), mixture_of(*q)
    assert kl_divergence(p, q) == pytest.approx(there, abs=1e-12)
    assert kl_divergence(q, p) == pytest.approx(back, abs=1e-12)
    assert jeffreys_divergence(p, q) == pytest.approx(there + back, abs=2e-12)
    assert js_divergence(p, q) == pytest.approx(js, abs=1e-12)
    assert renyi_divergence(p, q, 0.5) == pytest.approx(renyi, abs=1e-12)


@pytest.mark.parametrize("n_features", [1, 2, 3])
def test_product_with_what_p_and_q_share_adds_nothing(n_features):
    # a one-dimensional pair, the other features independent and common
    p, q, (expected, *_) = REFERENCE_MIXTURES["overlapping"]
    mixtures = []
    for weights, means, variances in (p, q):
        covariances = np.tile(np.eye(n_features), (len(weights), 1, 1))
        covariances[:, 0, 0] = variances
        padded = np.zeros((len(weights), n_features))
        padded[:, 0] = means
        mixtures.append(
            type(mixture_of(*p)).of_covariances(np.array(weights), padded, covariances)
        )
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(n_features,) * 2))[0]
    mixtures = [moved(m, rotation, np.ones(n_features)) for m in mixtures]
    result = kl_divergence(*mixtures, confidence_level=0.95)
    assert result.method == "quadrature"
    assert result.value == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("n_features", [1, 2])
@pytest.mark.parametrize("seed", range(6))
def test_the_error_told_is_not_smaller_than_the_error_made(n_features, seed):
    p = random_mixture(3, n_features, seed, spread=3.0)
    q = random_mixture(2, n_features, seed + 100, spread=3.0)
    x_low, x_high = -40.0, 40.0
    result = kl_divergence(p, q, confidence_level=0.95)
    if n_features == 1:
        x = np.linspace(x_low, x_high, 400_001)[:, None]
        volume = x[1, 0] - x[0, 0]
    else:
        axis = np.linspace(-16, 16, 1601)
        x = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
        volume = (axis[1] - axis[0]) ** 2
    log_p, log_q = p.log_density(x), q.log_density(x)
    fine = float(np.sum(np.exp(log_p) * (log_p - log_q)) * volume)
    assert abs(result.value - fine) <= result.standard_error + 1e-8 * max(1.0, fine)


def test_an_integral_that_the_budget_ends_tells_its_error():
    # two independent copies of a pair, of which a single one is quickly told
    wide, narrow = [0.0], [[0.0], [0.0]]
    p = random_mixture(9, 2, seed=0, spread=0.0)
    one = type(p).of_covariances(p.weights, p.means, np.tile(np.eye(2), (9, 1, 1)))
    two = type(p).of_covariances(
        np.array([0.5, 0.5]),
        np.array([[0.0, 0.0], [0.0, 0.0]]),
        np.array([np.diag([2.0, 1.0]), np.diag([2.0, 0.01])]),
    )
    line = mixture_of([1.0], wide, [1.0])
    parts = kl_divergence(line, mixture_of([1.0], wide, [2.0]))
    parts += kl_divergence(line, mixture_of([0.5, 0.5], np.ravel(narrow), [1.0, 0.01]))
    result = kl_divergence(one, two, confidence_level=0.95)
    assert result.method == "quadrature"
    assert 1e-12 < abs(result.value - parts) <= result.standard_error


def test_a_narrow_component_within_a_wide_one_is_not_overlooked():
    p = mixture_of([1.0], [0.0], [1.0])
    q = mixture_of([0.5, 0.5], [0.0, 0.777], [1.0, 1e-6])
    x = np.linspace(-10, 10, 4_000_001)[:, None]
    log_p, log_q = p.log_density(x), q.log_density(x)
    fine = float(np.sum(np.exp(log_p) * (log_p - log_q)) * (x[1, 0] - x[0, 0]))
    assert kl_divergence(p, q) == pytest.approx(fine, abs=1e-7)


def test_mixtures_far_from_the_origin_lose_no_more_than_their_rounding():
    p, q, (expected, *_) = REFERENCE_MIXTURES["overlapping"]
    p, q = mixture_of(*p), mixture_of(*q)
    far = np.array([1e6])
    out = kl_divergence(moved(p, np.eye(1), far), moved(q, np.eye(1), far))
    assert out == pytest.approx(expected, abs=1e-9)
    tiny = np.array([[1e-150]])
    zero = np.zeros(1)
    assert kl_divergence(moved(p, tiny, zero), moved(q, tiny, zero)) == pytest.approx(
        expected, abs=1e-11
    )


def test_a_mixture_is_compared_with_densities_that_are_none():
    p, q = random_mixture(2, 2, seed=0), multivariate_t([0.0, 0.0], df=5)
    result = kl_divergence(p, q, confidence_level=0.95)
    assert result.method == "quadrature"
    sampled = kl_divergence(p, q, method="sobol", tol=1e-3, random_state=0)
    assert result.value == pytest.approx(sampled, rel=5e-3)


def test_a_density_that_ends_is_infinitely_far_from_one_that_does_not():
    p = mixture_of([0.5, 0.5], [-1.0, 1.0], [1.0, 1.0])
    assert kl_divergence(p, uniform(-5, 10)) == np.inf
    assert cross_entropy(p, uniform(-5, 10)) == np.inf
    assert kl_divergence(uniform(-5, 10), p) < np.inf


def test_equal_mixtures_are_at_distance_zero_exactly():
    p = random_mixture(3, 2, seed=0)
    for divergence in (kl_divergence, js_divergence, jeffreys_divergence):
        assert divergence(p, p) == 0.0


def test_a_kernel_density_is_a_mixture_of_its_rows():
    X = np.random.default_rng(0).normal(size=(20, 1))
    kernel = KernelDensity(bandwidth=0.4).fit(X)
    p = mixture_of(np.full(20, 1 / 20), X[:, 0], np.full(20, 0.16))
    assert kl_divergence(kernel, p) == pytest.approx(0.0, abs=1e-12)
    assert entropy(kernel) == pytest.approx(entropy(p), rel=1e-12)


def test_quadrature_by_name_says_where_it_ends():
    p, q = random_mixture(2, 4, seed=0), random_mixture(2, 4, seed=1)
    with pytest.raises(ValueError, match=r"'quadrature' does not apply.*more than 3"):
        kl_divergence(p, q, method="quadrature")


@pytest.mark.parametrize("step", [1e-3, 1e-6, 1e-9])
def test_mixtures_that_nearly_agree_keep_the_relative_accuracy_of_divergences(step):
    p = mixture_of([0.4, 0.6], [-1.0, 1.5], [0.5, 1.0])
    q = mixture_of([0.4, 0.6], [-1.0 + step, 1.5 + step], [0.5, 1.0])
    x = np.linspace(-14.0, 16.0, 200_001)[:, None]
    log_p, log_q = p.log_density(x), q.log_density(x)
    leading = np.sum(np.exp(log_p) * (log_q - log_p) ** 2) * (x[1, 0] - x[0, 0]) / 2
    tolerance = 3 * step + 1e-5
    assert kl_divergence(p, q) == pytest.approx(leading, rel=tolerance)
    assert jeffreys_divergence(p, q) == pytest.approx(2 * leading, rel=tolerance)
    assert js_divergence(p, q) == pytest.approx(leading / 4, rel=tolerance)
    assert renyi_divergence(p, q, 0.5) == pytest.approx(leading / 2, rel=tolerance)
    assert renyi_divergence(p, q, 2.0) == pytest.approx(2 * leading, rel=tolerance)


def test_what_the_ball_of_points_leaves_out_is_in_the_error():
    # of a Gaussian against Student's t in three features: the radial integral
    p, q = multivariate_normal(np.zeros(3)), multivariate_t(np.zeros(3), df=3)
    result = kl_divergence(p, q, confidence_level=0.95)
    assert abs(result.value - 0.16465346588) <= max(result.standard_error, 1e-11)


def test_errors_near_the_order_one_grow_as_rounding_errors_do():
    p, q, (kl, *_) = REFERENCE_MIXTURES["overlapping"]
    p, q = mixture_of(*p), mixture_of(*q)
    result = renyi_divergence(p, q, 1.0 + 1e-10, confidence_level=0.95)
    assert abs(result.value - kl) <= result.standard_error
    assert result.standard_error < 1e-4
