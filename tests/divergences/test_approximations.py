"""Bounds that bracket, approximations that are what the papers say."""

import numpy as np
import pytest
from scipy.stats import norm

from skgen.divergences import kl_bounds, kl_divergence
from skgen.divergences._approximations import APPROXIMATIONS, variational_upper

from .strategies import REFERENCE_MIXTURES, mixture_of, random_mixture


@pytest.mark.parametrize("seed", range(20))
def test_bounds_bracket_the_divergence(seed):
    rng = np.random.default_rng(seed)
    n_features = int(rng.integers(1, 3))
    k, m = rng.integers(1, 6, size=2)
    spread = 3.0 ** rng.normal()
    p = random_mixture(k, n_features, seed, spread)
    q = random_mixture(m, n_features, seed + 1000, spread)
    value = kl_divergence(p, q)
    lower, upper = kl_bounds(p, q)
    assert 0.0 <= lower <= value + 1e-9
    assert value <= upper + 1e-9
    assert variational_upper(p, q) >= value - 1e-9
    assert APPROXIMATIONS["durrieu_lower"](p, q) <= value + 1e-9
    assert APPROXIMATIONS["durrieu_upper"](p, q) >= value - 1e-9


def test_bounds_of_single_gaussians_are_the_divergence():
    lower, upper = kl_bounds(norm(0, 1), norm(1, 2))
    assert lower == upper == pytest.approx(0.443147180559945, rel=1e-14)


def test_bounds_of_one_mixture_with_itself_are_zero():
    p = random_mixture(4, 3, seed=0)
    assert kl_bounds(p, p) == (0.0, pytest.approx(0.0, abs=1e-12))


def test_bounds_of_components_far_apart_meet():
    # far apart, a mixture is its components, and every approximation is exact
    p = mixture_of([0.3, 0.7], [-1000.0, 1000.0], [1.0, 2.0])
    q = mixture_of([0.6, 0.4], [-1000.0, 1001.0], [1.5, 1.0])
    value = kl_divergence(p, q)
    _, upper = kl_bounds(p, q)
    assert upper == pytest.approx(value, rel=1e-9)
    for name in ("variational", "variational_upper", "unscented"):
        assert kl_divergence(p, q, method=name) == pytest.approx(value, rel=0.5)
    assert kl_divergence(p, q, method="variational") == pytest.approx(value, rel=1e-9)


def test_bounds_in_bits_are_those_in_nats():
    p, q = random_mixture(2, 2, seed=0), random_mixture(2, 2, seed=1)
    np.testing.assert_allclose(
        kl_bounds(p, q, base=2), np.array(kl_bounds(p, q)) / np.log(2)
    )


def test_the_variational_approximation_is_zero_for_equal_mixtures():
    p = random_mixture(4, 3, seed=0)
    assert kl_divergence(p, p, method="variational") == pytest.approx(0.0, abs=1e-14)


def test_the_unscented_approximation_is_exact_for_quadratic_integrands():
    p, q = random_mixture(1, 5, seed=0), random_mixture(1, 5, seed=1)
    assert kl_divergence(p, q, method="unscented") == pytest.approx(
        kl_divergence(p, q), rel=1e-9
    )


def test_moment_matching_is_blind_to_what_moments_do_not_see():
    p, q, _ = REFERENCE_MIXTURES["bimodal"]
    p, q = mixture_of(*p), mixture_of(*q)
    assert kl_divergence(p, q, method="moment_matching") == pytest.approx(0, abs=1e-14)
    assert kl_divergence(p, q) > 0.17


def test_an_approximation_claims_no_error():
    p, q = random_mixture(2, 2, seed=0), random_mixture(2, 2, seed=1)
    result = kl_divergence(p, q, method="unscented", confidence_level=0.95)
    assert np.isnan(result.standard_error)
    assert np.isnan(result.confidence_interval).all()
    assert not result.exact


def test_what_is_no_mixture_has_no_bounds():
    with pytest.raises(TypeError, match="q must be a Gaussian or a mixture"):
        kl_bounds(norm(0, 1), [0.5, 0.5])
    with pytest.raises(ValueError, match="2 features in p and 3 in q"):
        kl_bounds(random_mixture(1, 2, seed=0), random_mixture(1, 3, seed=0))
