"""Quadrature and sums: `skgen.divergences._univariate` and what is below it.

`test_families` compares them with closed forms, pair by pair; here are the functionals
and the distributions that have none, and the hard cases.
"""

import numpy as np
import pytest
from scipy import integrate as scipy_integrate
from scipy import stats
from scipy.special import gammaln

from skgen.divergences import _families
from skgen.divergences._functionals import (
    CrossEntropy,
    Entropy,
    Jeffreys,
    JensenShannon,
    KullbackLeibler,
    Renyi,
)
from skgen.divergences._rays import CHUNKS, remainder
from skgen.divergences._univariate import Univariate, integrate

LOG_2 = np.log(2.0)
FUNCTIONALS = [KullbackLeibler(), Jeffreys(), JensenShannon(), Renyi(0.5), Renyi(2.0)]

# What each of them is for supports that have nothing in common.
DISJOINT = [np.inf, np.inf, LOG_2, np.inf, np.inf]


def named(value):
    return type(value).__name__


def by_number(functional, p, q=None):
    return integrate(functional, Univariate(p), None if q is None else Univariate(q))


def student_from_normal(df):
    """D(t ‖ N(0, 1)) from the variance df / (df − 2)."""
    entropy = stats.t(df).entropy()
    return 0.5 * np.log(2.0 * np.pi) + 0.5 * df / (df - 2.0) - entropy


# References


@pytest.mark.parametrize("df", [2.001, 2.1, 3.0, 30.0])
def test_heavy_tails_with_finite_divergence_have_it(df):
    found = by_number(KullbackLeibler(), stats.t(df), stats.norm())
    assert found.value == pytest.approx(student_from_normal(df), rel=1e-10)


@pytest.mark.parametrize(
    ("p", "q"),
    [
        (stats.t(2), stats.norm()),
        (stats.t(1.9), stats.norm()),
        (stats.cauchy(), stats.norm()),
        (stats.cauchy(), stats.laplace(1.0)),
        (stats.laplace(), stats.gumbel_r()),
        (stats.pareto(0.5), stats.expon()),
        (stats.t(3), stats.gumbel_l(2.0)),
        (stats.lognorm(1.0, scale=1e-12), stats.gumbel_l()),
    ],
)
def test_integrals_that_diverge_are_infinite(p, q):
    found = by_number(KullbackLeibler(), p, q)
    assert found.value == np.inf
    assert found.standard_error == 0.0


@pytest.mark.parametrize(
    ("p", "q"),
    [
        (stats.beta(0.2, 0.3), stats.beta(0.5, 0.5)),
        (stats.beta(0.1, 0.1), stats.beta(0.3, 0.4)),
        (stats.beta(2.0, 3.0), stats.beta(0.2, 0.3)),
        (stats.beta(0.5, 0.5, loc=3.0), stats.beta(0.2, 0.3, loc=3.0)),
        (stats.gamma(0.1), stats.gamma(0.2, scale=3.0)),
        (stats.gamma(0.02), stats.gamma(0.01, scale=3.0)),
        (stats.gamma(0.1, loc=5.0), stats.gamma(0.3, loc=5.0)),
        (stats.uniform(0.3, 0.1), stats.beta(0.1, 0.3)),
        (stats.pareto(0.05), stats.pareto(0.1)),
        (stats.lognorm(30.0), stats.lognorm(20.0)),
    ],
)
def test_poles_and_the_heaviest_tails_keep_ten_digits(p, q):
    found = by_number(KullbackLeibler(), p, q)
    assert found.value == pytest.approx(_families.kl(p, q), rel=1e-9)


def test_neighbours_are_not_lost_in_rounding():
    found = by_number(KullbackLeibler(), stats.norm(0.0, 1.0), stats.norm(1e-6, 1.0))
    assert found.value == pytest.approx(0.5e-12, rel=1e-8)


@pytest.mark.parametrize(
    "p",
    [
        stats.norm(3.0, 1e-9),
        stats.beta(0.2, 0.3),
        stats.t(0.5),
        stats.gamma(0.05),
        stats.skewnorm(3.0),
        stats.triang(0.3),
        stats.vonmises(3.0, loc=2.0),
    ],
)
def test_entropies_are_those_of_scipy(p):
    found = by_number(Entropy(), p)
    expected = p.entropy()
    assert found.value == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_cross_entropy_is_that_of_the_closed_form():
    p, q = stats.gamma(2.0, scale=1e-3), stats.norm(1.0, 2.0)
    expected = _families.cross_entropy(p, q)
    assert by_number(CrossEntropy(), p, q).value == pytest.approx(expected, rel=1e-11)


def test_jensen_shannon_agrees_with_plain_quadrature():
    p, q = stats.norm(0.0, 1.0), stats.laplace(1.0, 0.5)

    def integrand(x):
        densities = np.array([p.pdf(x), q.pdf(x)])
        return 0.5 * np.sum(densities * np.log(densities / densities.mean()))

    expected, _ = scipy_integrate.quad(
        integrand, -30.0, 30.0, points=[0.0, 1.0], limit=400, epsabs=1e-13
    )
    found = by_number(JensenShannon(), p, q)
    assert found.value == pytest.approx(expected, rel=1e-10)
    assert found.method == "quadrature"
    assert not found.exact


def test_jeffreys_is_both_directions():
    p, q = stats.skewnorm(2.0), stats.norm(0.3, 1.5)
    both = by_number(KullbackLeibler(), p, q).value
    both += by_number(KullbackLeibler(), q, p).value
    assert by_number(Jeffreys(), p, q).value == pytest.approx(both, rel=1e-10)


def test_counts_without_closed_form_are_summed():
    p, q = stats.poisson(4.0), stats.nbinom(2.5, 0.3)
    k = np.arange(200)
    expected = np.sum(p.pmf(k) * (p.logpmf(k) - q.logpmf(k)))
    found = by_number(KullbackLeibler(), p, q)
    assert found.value == pytest.approx(expected, rel=1e-12)
    assert found.method == "summation"


def test_sums_of_heavy_tails_go_on_until_terms_die_out():
    p, q = stats.poisson(1.0), stats.zipf(3.0, loc=-1)
    k = np.arange(60)
    log_q = -3.0 * np.log(k + 1.0) - np.log(1.2020569031595942)
    log_p = -1.0 - gammaln(k + 1.0)
    expected = np.sum(np.exp(log_p) * (log_p - log_q))
    found = integrate(CrossEntropy(), Univariate(p), Univariate(q)).value
    assert found - p.entropy() == pytest.approx(expected, rel=1e-12)


# Laws


@pytest.mark.parametrize(
    ("functional", "expected"), list(zip(FUNCTIONALS, DISJOINT)), ids=named
)
@pytest.mark.parametrize(
    ("p", "q"),
    [
        (stats.uniform(0.0, 1.0), stats.uniform(2.0, 1.0)),
        (stats.uniform(0.0, 1.0), stats.uniform(1.0, 1.0)),
        (stats.expon(), stats.weibull_max(2.0)),
        (stats.randint(0, 3), stats.randint(5, 9)),
        (stats.bernoulli(0.3), stats.bernoulli(0.3, loc=0.5)),
    ],
)
def test_disjoint_supports_are_as_far_as_can_be(p, q, functional, expected):
    found = by_number(functional, p, q).value
    assert found == (np.inf if expected == np.inf else pytest.approx(expected))


@pytest.mark.parametrize(
    "functional", FUNCTIONALS, ids=lambda each: type(each).__name__
)
@pytest.mark.parametrize(
    "p", [stats.norm(1e9, 1e-3), stats.beta(0.3, 0.2), stats.cauchy(), stats.poisson(9)]
)
def test_a_distribution_is_nowhere_from_itself(p, functional):
    assert by_number(functional, p, p).value == pytest.approx(0.0, abs=1e-13)


def test_a_common_map_changes_nothing():
    p, q = stats.skewnorm(2.0), stats.t(5)
    moved_p, moved_q = (law.dist(*law.args, 1e8, 1e-4) for law in (p, q))
    expected = by_number(JensenShannon(), p, q).value
    found = by_number(JensenShannon(), moved_p, moved_q).value
    assert found == pytest.approx(expected, rel=1e-10)


def test_distributions_far_apart_are_seen():
    p, q = stats.norm(0.0, 1.0), stats.norm(1e8, 1e-3)
    assert by_number(JensenShannon(), p, q).value == pytest.approx(LOG_2, rel=1e-12)
    expected = _families.kl(p, q)
    assert by_number(KullbackLeibler(), p, q).value == pytest.approx(expected)


def test_the_error_told_is_not_too_small_where_tails_are_extrapolated():
    found = by_number(KullbackLeibler(), stats.t(2.001), stats.norm())
    assert abs(found.value - student_from_normal(2.001)) < 3.0 * found.standard_error


# Behaviour


def test_probability_outside_the_other_support_is_infinitely_far():
    beyond = stats.uniform(0.0, 1.0 + 1e-12)
    assert by_number(KullbackLeibler(), beyond, stats.uniform()).value == np.inf
    far = by_number(KullbackLeibler(), stats.poisson(3.0), stats.binom(1000, 0.003))
    assert far.value == np.inf


@pytest.mark.skipif(not hasattr(stats, "Binomial"), reason="scipy before 1.16")
def test_distributions_of_the_new_infrastructure_are_as_good():
    p = stats.Normal(mu=0.3, sigma=2.0)
    found = by_number(KullbackLeibler(), p, stats.norm(-1.0, 1.5)).value
    expected = _families.kl(stats.norm(0.3, 2.0), stats.norm(-1.0, 1.5))
    assert found == pytest.approx(expected, rel=1e-12)
    binomial = stats.Binomial(n=5, p=0.3)
    found = by_number(KullbackLeibler(), binomial, stats.binom(5, 0.6)).value
    expected = _families.kl(stats.binom(5, 0.3), stats.binom(5, 0.6))
    assert found == pytest.approx(expected, rel=1e-12)


def test_a_family_of_ones_own_needs_no_more_than_a_density():
    class Tent(stats.rv_continuous):
        def _pdf(self, x):
            return 1.0 - np.abs(x)

    p = Tent(a=-1.0, b=1.0, name="tent")()
    found = by_number(KullbackLeibler(), p, stats.uniform(-1.0, 2.0))
    assert found.value == pytest.approx(LOG_2 - 0.5, rel=1e-9)


def test_sums_of_too_many_terms_are_refused():
    with pytest.raises(ValueError, match="more than 10000000 terms: use a sample"):
        by_number(Entropy(), stats.randint(0, 2 * 10**7))
    with pytest.raises(ValueError, match="more than 10000000 terms"):
        by_number(Entropy(), stats.zipf(1.2))


@pytest.mark.parametrize(
    ("p", "q"),
    [
        (stats.skellam(3.0, 5.0), stats.skellam(4.0, 4.0)),
        (stats.hypergeom(50, 10, 20), stats.binom(10, 0.4)),
        (stats.betabinom(9, 2.0, 3.0), stats.binom(9, 0.4)),
        (stats.rv_discrete(values=([1, 3], [0.3, 0.7]))(), stats.poisson(2.0)),
    ],
)
def test_counts_whose_quantiles_are_a_search_are_summed_all_the_same(p, q):
    k = np.arange(-100.0, 100.0)
    k = k[p.pmf(k) > 0.0]
    expected = np.sum(p.pmf(k) * (p.logpmf(k) - q.logpmf(k)))
    found = by_number(KullbackLeibler(), p, q)
    assert found.value == pytest.approx(expected, rel=1e-10)


def test_densities_and_probabilities_are_not_compared():
    with pytest.raises(ValueError, match="there is nothing to compare"):
        by_number(KullbackLeibler(), stats.norm(), stats.poisson(3))


def test_a_density_that_underflows_where_it_matters_is_told():
    class Sharp(stats.rv_continuous):
        def _pdf(self, x):
            return 1e9 * np.exp(-1e9 * x)

    q = Sharp(a=0.0, name="sharp")()
    with pytest.raises(ValueError, match=r"infinite or NaN inside its support"):
        by_number(KullbackLeibler(), stats.uniform(), q)


@pytest.mark.parametrize("rate", [0.3, 0.01, 1e-4])
def test_remainders_of_exponential_decays_are_exact(rate):
    edges = np.linspace(0.0, 100.0, CHUNKS + 1)
    chunks = -np.diff(np.exp(-rate * edges)) / rate
    rest, _ = remainder(chunks, 1.0)
    assert rest == pytest.approx(np.exp(-rate * 100.0) / rate, rel=1e-6)


def test_remainders_of_algebraic_decays_are_told_apart_from_divergence():
    edges = 1.0 + np.arange(CHUNKS + 1.0)
    finite, infinite = -np.diff(1.0 / edges), np.diff(np.log(edges))
    rest, error = remainder(finite, 1.0)
    assert abs(rest - 1.0 / edges[-1]) < error
    assert remainder(infinite, 1.0)[0] == np.inf


def test_densities_that_vanish_to_all_orders_at_their_end_are_integrated():
    # next to its end genextreme's log-density is −d^(1/c), steeper than any power
    for shape in (-0.2, -0.5):
        frozen = stats.genextreme(shape)
        estimate = integrate(Entropy(), Univariate(frozen))
        assert estimate.value == pytest.approx(float(frozen.entropy()), rel=1e-12)
        assert estimate.standard_error < 1e-12


def test_quantiles_that_scipy_cannot_hold_are_done_without():
    frozen = stats.ncf(27, 27, 0.4)  # an OverflowError far in its upper tail
    estimate = integrate(Entropy(), Univariate(frozen))
    assert estimate.value == pytest.approx(float(frozen.entropy()), rel=1e-8)
