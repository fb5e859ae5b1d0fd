"""Closed forms between Gaussians, against scipy, torch and quadrature."""

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from torch import distributions as td

from skgen.divergences import (
    cross_entropy,
    entropy,
    jeffreys_divergence,
    kl_divergence,
    renyi_divergence,
)
from skgen.divergences._functionals import Renyi
from skgen.divergences._gaussian_mixtures import GaussianMixtureDensity
from skgen.divergences._gaussians import kl_between_components, log_products
from skgen.divergences._quadrature import quadrature

from .strategies import mixture_of, moved, random_mixture


def as_torch(mixture, k):
    return td.MultivariateNormal(
        torch.tensor(mixture.means[k]), torch.tensor(mixture.covariances[k])
    )


def test_divergences_of_all_pairs_of_components_are_torch_s():
    p, q = random_mixture(3, 4, seed=0), random_mixture(2, 4, seed=1)
    expected = [
        [float(td.kl_divergence(as_torch(p, a), as_torch(q, b))) for b in range(2)]
        for a in range(3)
    ]
    np.testing.assert_allclose(kl_between_components(p, q), expected, rtol=1e-10)


def test_gaussians_that_nearly_agree_keep_their_relative_accuracy():
    # D(N(0, 1) ‖ N(δ, 1)) = δ²/2 and D(N(0, 1) ‖ N(0, (1 + e)²)) = e² − …
    for delta in (1e-3, 1e-6, 1e-9, 1e-12):
        p = multivariate_normal([0.0, 0.0])
        assert kl_divergence(p, multivariate_normal([delta, 0.0])) == pytest.approx(
            delta**2 / 2, rel=1e-9
        )
        variance = (1.0 + delta) ** 2
        wide = multivariate_normal([0.0, 0.0], [[variance, 0.0], [0.0, 1.0]])
        assert kl_divergence(p, wide) == pytest.approx(delta**2, rel=1e-3 + 2 * delta)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("far", [[1e160, 0.0], [1e160, -1e160], [1e308, 1e308]])
def test_gaussians_too_far_apart_for_floats_are_infinitely_far_apart(far):
    covariance = 1e-4 * np.array([[1.0, 0.9], [0.9, 1.0]])
    p, q = (multivariate_normal(mean, covariance) for mean in (far, [0.0, 0.0]))
    assert kl_divergence(p, q) == np.inf


def test_affine_maps_of_wild_scales_change_no_divergence():
    p, q = random_mixture(1, 3, seed=0), random_mixture(1, 3, seed=1)
    matrix = np.diag([1e-6, 1.0, 1e6]) @ np.array([[1, 2, 0], [0, 1, 3], [0, 0, 1.0]])
    shift = np.array([1e-6, 10.0, -1e7])
    np.testing.assert_allclose(
        kl_divergence(moved(p, matrix, shift), moved(q, matrix, shift)),
        kl_divergence(p, q),
        rtol=1e-7,
    )


def test_overlaps_are_integrals_of_products():
    p, q = mixture_of([1.0], [0.3], [0.7]), mixture_of([1.0], [-1.0], [2.0])
    x = np.linspace(-20, 20, 200_001)[:, None]
    product = np.exp(p.log_density(x) + q.log_density(x))
    assert log_products(p, q)[0, 0] == pytest.approx(
        np.log(product.sum() * (x[1, 0] - x[0, 0])), abs=1e-10
    )


@pytest.mark.parametrize("alpha", [0.25, 0.5, 0.9, 1.5, 3.0])
def test_renyi_of_gaussians_agrees_with_quadrature(alpha):
    p, q = mixture_of([1.0], [0.3], [0.7]), mixture_of([1.0], [-1.0], [2.0])
    expected = quadrature(Renyi(alpha), p, q, tol=1e-6).value
    assert renyi_divergence(p, q, alpha) == pytest.approx(expected, rel=1e-9)


def test_renyi_is_infinite_where_its_integral_diverges():
    narrow, wide = mixture_of([1.0], [0.0], [1.0]), mixture_of([1.0], [0.0], [3.0])
    assert renyi_divergence(wide, narrow, 1.4) < np.inf  # 1.4 + (1 − 1.4) · 3 > 0
    assert renyi_divergence(wide, narrow, 1.5) == np.inf
    assert renyi_divergence(wide, narrow, 2.0) == np.inf
    two = mixture_of([0.5, 0.5], [0.0, 1.0], [3.0, 0.1])
    assert renyi_divergence(two, narrow, 2.0) == np.inf


def test_renyi_of_mixtures_is_infinite_where_only_a_slanted_direction_shows_it():
    covariances = np.array([[[1.0, 0.0], [0.0, 1.0]], [[9.0, 8.0], [8.0, 9.0]]])
    halves, means = np.full(2, 0.5), np.zeros((2, 2))
    p = GaussianMixtureDensity.of_covariances(halves, means, covariances)
    narrow = np.diag([2.0, 1.0])[None]
    q = GaussianMixtureDensity.of_covariances(np.ones(1), means[:1], narrow)
    # 1.1 q's covariance less 0.1 p's has a negative eigenvalue if it is the second's
    borderline = 1.1 * narrow[0] - 0.1 * covariances[1]
    assert np.linalg.eigvalsh(borderline)[0] < 0.0
    assert renyi_divergence(p, q, 1.1) == np.inf


def test_entropy_is_scipy_s_and_cross_entropy_adds_the_divergence():
    p = multivariate_normal([1.0, -1.0], [[2.0, 0.5], [0.5, 1.0]])
    q = multivariate_normal([0.0, 0.0], [[1.0, 0.0], [0.0, 3.0]])
    assert entropy(p) == pytest.approx(p.entropy(), rel=1e-14)
    assert cross_entropy(p, q) == pytest.approx(
        entropy(p) + kl_divergence(p, q), rel=1e-14
    )
    assert jeffreys_divergence(p, q) == kl_divergence(p, q) + kl_divergence(q, p)


def test_cross_entropy_of_a_mixture_to_a_gaussian_is_exact():
    p, q = random_mixture(4, 6, seed=0), random_mixture(1, 6, seed=1)
    result = cross_entropy(p, q, confidence_level=0.95)
    assert result.exact
    sampled = cross_entropy(p, q, method="sobol", random_state=0, tol=1e-3)
    assert result.value == pytest.approx(sampled, rel=5e-3)


# Singular covariances


def flat(mean, covariance):
    return multivariate_normal(mean, covariance, allow_singular=True)


def test_gaussians_on_one_line_are_compared_along_it():
    line = np.array([[1.0, 1.0], [1.0, 1.0]])
    expected = kl_divergence(
        multivariate_normal(0.0, 1.0), multivariate_normal(1.0, 4.0)
    )
    out = kl_divergence(flat([0, 0], line), flat([1, 1], 4 * line))
    assert out == pytest.approx(expected, rel=1e-9)
    itself = flat([0, 0], line)
    assert kl_divergence(itself, itself) == pytest.approx(0.0, abs=1e-20)
    same = kl_divergence(flat([0, 0], line), flat([0, 0], line))
    assert same == pytest.approx(0.0, abs=1e-20)


@pytest.mark.parametrize(
    ("p", "q"),
    [
        (flat([0, 0], [[1, 1], [1, 1]]), flat([1, 2], [[1, 1], [1, 1]])),
        (flat([0, 0], [[1, 1], [1, 1]]), flat([0, 0], [[1, -1], [-1, 1]])),
        (flat([0, 0], [[1, 1], [1, 1]]), flat([0, 0], np.eye(2))),
        (flat([0, 0], np.eye(2)), flat([0, 0], [[1, 1], [1, 1]])),
        (flat([0, 0], [[1, 0], [0, 0]]), flat([0, 0], [[0, 0], [0, 1]])),
    ],
    ids=["beside", "across", "line in plane", "plane in line", "axes"],
)
def test_gaussians_on_different_flats_are_infinitely_far_apart(p, q):
    assert kl_divergence(p, q) == np.inf


def test_a_singular_gaussian_is_infinitely_far_from_any_mixture():
    line, mixture = flat([0, 0], [[1, 1], [1, 1]]), random_mixture(2, 2, seed=0)
    assert kl_divergence(line, mixture) == np.inf
    assert kl_divergence(mixture, line) == np.inf


def test_a_singular_gaussian_has_no_density_to_sample():
    with pytest.raises(ValueError, match="p has a covariance that is not positive"):
        entropy(flat([0, 0], [[1, 1], [1, 1]]))
