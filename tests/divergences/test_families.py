"""Closed forms of scipy's families: `skgen.divergences._families` and what is below it.

Quadrature and sums of `_univariate` are the reference; they know no closed form.
"""

import numpy as np
import pytest
from scipy import stats
from scipy.special import polygamma

from skgen.divergences import _families
from skgen.divergences._functionals import KullbackLeibler, Renyi
from skgen.divergences._univariate import Univariate, integrate

CONTINUOUS = [
    (stats.norm,),
    (stats.uniform,),
    (stats.expon,),
    (stats.gamma, 2.3),
    (stats.gamma, 0.3),
    (stats.chi2, 3.0),
    (stats.erlang, 3),
    (stats.beta, 2.0, 3.0),
    (stats.beta, 0.4, 2.5),
    (stats.powerlaw, 0.6),
    (stats.arcsine,),
    (stats.laplace,),
    (stats.logistic,),
    (stats.gumbel_r,),
    (stats.gumbel_l,),
    (stats.halfnorm,),
    (stats.maxwell,),
    (stats.chi, 2.5),
    (stats.rayleigh,),
    (stats.weibull_min, 1.7),
    (stats.weibull_max, 1.7),
    (stats.gengamma, 1.3, 1.7),
    (stats.invgamma, 2.5),
    (stats.invweibull, 2.2),
    (stats.lognorm, 0.7),
    (stats.pareto, 2.5),
    (stats.cauchy,),
    (stats.halfcauchy,),
    (stats.t, 4.5),
]

# Location and scale of p and of q, ugly ones among them.
PLACES = [
    ((0.0, 2.0), (0.0, 1.0)),
    ((0.2, 0.5), (0.0, 1.0)),
    ((1e6, 1e-3), (1e6, 2e-3)),
    ((0.0, 1e-12), (0.0, 1.0)),
]

COUNTS = [
    stats.poisson(3.0),
    stats.poisson(0.2),
    stats.poisson(2.0, loc=1),
    stats.bernoulli(0.3),
    stats.bernoulli(0.9),
    stats.bernoulli(0.0),
    stats.bernoulli(1.0),
    stats.bernoulli(0.4, loc=2),
    stats.binom(7, 0.3),
    stats.binom(7, 0.8),
    stats.binom(4, 0.8),
    stats.geom(0.3),
    stats.geom(0.8, loc=-1),
    stats.geom(1.0),
    stats.nbinom(2.5, 0.3),
    stats.nbinom(2.5, 0.8),
    stats.randint(2, 7),
    stats.randint(0, 9, loc=1),
]

# Pairs within a family, whose Rényi divergences have a closed form.
RENYI = [
    (stats.norm(0.3, 2.0), stats.norm(-1.0, 1.5)),
    (stats.norm(1e6, 1e-3), stats.norm(1e6 + 1e-3, 2e-3)),
    (stats.expon(0.0, 2.0), stats.expon(0.0, 0.7)),
    (stats.expon(0.5, 2.0), stats.expon(0.0, 0.7)),
    (stats.expon(-0.5, 2.0), stats.expon(0.0, 0.7)),
    (stats.gamma(2.0, scale=2.0), stats.gamma(0.7, scale=1.0)),
    (stats.weibull_min(1.5, scale=2.0), stats.weibull_min(1.5)),
    (stats.halfnorm(scale=2.0), stats.halfnorm(scale=1.5)),
    (stats.invgamma(2.0, scale=2.0), stats.invgamma(0.7, scale=1.0)),
    (stats.beta(2.0, 3.0), stats.beta(0.7, 1.5)),
    (stats.uniform(0.2, 0.5), stats.uniform(0.0, 1.0)),
    (stats.uniform(0.2, 2.0), stats.uniform(0.0, 1.0)),
    (stats.uniform(2.0, 2.0), stats.uniform(0.0, 1.0)),
    (stats.laplace(0.0, 1.0), stats.laplace(1.0, 2.0)),
    (stats.laplace(3.0, 1.0), stats.laplace(-1.0, 1.0)),
    (stats.laplace(0.0, 2.0), stats.laplace(0.0, 1.5)),
    (stats.lognorm(0.7, scale=2.0), stats.lognorm(0.9)),
    (stats.pareto(2.5, scale=2.0), stats.pareto(0.6)),
    (stats.gumbel_r(1.0, 2.0), stats.gumbel_r(0.0, 2.0)),
    (stats.gumbel_l(1.0, 2.0), stats.gumbel_l(0.0, 2.0)),
    (stats.poisson(3.0), stats.poisson(5.0)),
    (stats.poisson(0.0), stats.poisson(5.0)),
    (stats.poisson(5.0), stats.poisson(0.0)),
    (stats.bernoulli(0.3), stats.bernoulli(0.8)),
    (stats.bernoulli(0.3), stats.bernoulli(1.0)),
    (stats.bernoulli(0.0), stats.bernoulli(1.0)),
    (stats.binom(7, 0.3), stats.binom(7, 0.8)),
    (stats.geom(0.3), stats.geom(0.8)),
    (stats.nbinom(2.5, 0.3), stats.nbinom(2.5, 0.8)),
    (stats.randint(2, 7), stats.randint(0, 9)),
    (stats.randint(2, 12), stats.randint(0, 9)),
]


def placed(family, location, scale):
    distribution, *shapes = family
    return distribution(*shapes, loc=location, scale=scale)


def by_number(functional, p, q):
    return integrate(functional, Univariate(p), Univariate(q)).value


def assert_agrees(found, p, q, functional):
    expected = by_number(functional, p, q)
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-12), (
        f"{_families.describe(p)} ‖ {_families.describe(q)}"
    )


# References


@pytest.mark.parametrize(
    ("p", "q", "expected"),
    [
        (stats.norm(0, 1), stats.norm(1, 2), 0.443147180559945),
        (
            stats.gamma(2, scale=1 / 3),
            stats.gamma(4, scale=1 / 1.5),
            2.718779521270902,
        ),
        (stats.beta(2, 3), stats.beta(1, 1.5), 0.121108208346502),
        (stats.dirichlet([1, 2, 3]), stats.dirichlet([3, 2, 1]), 3.0),
        (stats.poisson(3), stats.poisson(5), 0.467523128702029),
        (stats.expon(scale=1 / 2), stats.expon(scale=2), 0.636294361119891),
        (stats.laplace(0, 1), stats.laplace(1, 2), 0.377086901145667),
    ],
)
def test_published_closed_forms_come_out(p, q, expected):
    assert _families.kl(p, q) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("place", PLACES, ids=str)
@pytest.mark.parametrize("family", CONTINUOUS, ids=lambda each: each[0].name)
def test_quadrature_agrees_with_every_closed_form(family, place):
    p = placed(family, *place[0])
    for other in CONTINUOUS:
        q = placed(other, *place[1])
        found = _families.kl(p, q)
        if found is not None:
            assert_agrees(found, p, q, KullbackLeibler())


@pytest.mark.parametrize("p", COUNTS, ids=_families.describe)
def test_sums_agree_with_every_closed_form(p):
    for q in COUNTS:
        found = _families.kl(p, q)
        if found is not None:
            assert_agrees(found, p, q, KullbackLeibler())


@pytest.mark.parametrize("alpha", [0.3, 0.999, 1.001, 1.7, 20.0])
@pytest.mark.parametrize(("p", "q"), RENYI)
def test_renyi_divergences_agree_with_numbers(p, q, alpha):
    found = _families.renyi(p, q, alpha)
    functional = Renyi(alpha)
    expected = by_number(functional, p, q)
    # there log I is nearly 0 and loses digits when divided by α − 1
    tolerance = 1e-9 if abs(alpha - 1.0) > 0.1 else 1e-8
    assert found == pytest.approx(expected, rel=tolerance, abs=1e-10)


def test_renyi_divergence_keeps_its_digits_near_1():
    p, q = stats.gamma(2.0, scale=3.0), stats.gamma(2.5, scale=1.0)
    near = _families.renyi(p, q, 1.0 + 1e-13)
    assert near == pytest.approx(_families.kl(p, q), rel=1e-11)


@pytest.mark.parametrize("family", CONTINUOUS, ids=lambda each: each[0].name)
def test_entropies_are_those_of_scipy(family):
    for location, scale in [(0.0, 1.0), (-3.0, 0.2), (1e9, 1e-9)]:
        p = placed(family, location, scale)
        expected = p.entropy()
        assert _families.entropy(p) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    "p",
    [stats.gamma(1e9), stats.beta(1e8, 2e8), stats.chi2(1e10), stats.gamma(1e-3)],
    ids=_families.describe,
)
def test_entropies_of_extreme_shapes_do_not_cancel(p):
    assert _families.entropy(p) == pytest.approx(p.entropy(), rel=1e-13)


def test_entropies_of_counts_with_closed_form_are_those_of_scipy():
    for p in [stats.bernoulli(0.3), stats.geom(0.2), stats.randint(2, 9)]:
        assert _families.entropy(p) == pytest.approx(p.entropy(), rel=1e-12)


def test_cross_entropy_is_entropy_and_divergence():
    p, q = stats.gamma(2.0, scale=3.0), stats.norm(1.0, 2.0)
    expected = _families.entropy(p) + _families.kl(p, q)
    assert _families.cross_entropy(p, q) == pytest.approx(expected, rel=1e-13)


MATRICES = [np.array([[2.0, 0.5], [0.5, 1.0]]), np.array([[1.0, -0.3], [-0.3, 3.0]])]


def mean_log_ratio(p, q, log_density, n=40_000):
    """Monte Carlo: mean and standard error of log p − log q under p."""
    draws = p.rvs(n, random_state=0)
    ratios = np.array([log_density(p, x) - log_density(q, x) for x in draws])
    return ratios.mean(), ratios.std() / np.sqrt(n)


@pytest.mark.parametrize(
    ("p", "q"),
    [
        (stats.dirichlet([1.0, 2.0, 3.0]), stats.dirichlet([0.5, 2.5, 1.0])),
        (stats.wishart(4.5, MATRICES[0]), stats.wishart(3.0, MATRICES[1])),
        (stats.wishart(3.0, MATRICES[1]), stats.wishart(5.0, MATRICES[1])),
        (stats.invwishart(6.5, MATRICES[0]), stats.invwishart(5.0, MATRICES[1])),
    ],
    ids=["dirichlet", "wishart", "wishart_df", "invwishart"],
)
def test_samples_agree_with_divergences_of_vectors_and_matrices(p, q):
    mean, error = mean_log_ratio(p, q, lambda law, x: float(law.logpdf(x)), 5000)
    assert abs(_families.kl(p, q) - mean) < 4.0 * error


def test_sums_agree_with_multinomial_divergences():
    p, q = stats.multinomial(3, [0.2, 0.3, 0.5]), stats.multinomial(3, [0.6, 0.3, 0.1])
    counts = [[a, b, 3 - a - b] for a in range(4) for b in range(4 - a)]
    expected = sum(p.pmf(x) * (p.logpmf(x) - q.logpmf(x)) for x in counts)
    assert _families.kl(p, q) == pytest.approx(expected, rel=1e-12)


def test_inverse_wishart_of_one_dimension_is_inverse_gamma():
    p, q = stats.invwishart(5.0, 2.0), stats.invwishart(3.0, 0.7)
    same_p = stats.invgamma(2.5, scale=1.0)
    same_q = stats.invgamma(1.5, scale=0.35)
    expected = _families.kl(same_p, same_q)
    assert _families.kl(p, q) == pytest.approx(expected, rel=1e-12)


# Laws


@pytest.mark.parametrize(
    "p",
    [
        *(placed(family, 3.0, 0.7) for family in CONTINUOUS),
        *COUNTS,
        stats.vonmises(2.0, loc=1.0),
        stats.dirichlet([1.0, 2.0]),
        stats.wishart(3.0, MATRICES[0]),
        stats.multinomial(3, [0.2, 0.8]),
    ],
)
def test_a_distribution_is_exactly_0_from_itself(p):
    assert _families.kl(p, p) == 0.0


@pytest.mark.parametrize(
    ("make", "curvature"),
    [
        (lambda t: stats.norm(t, 1.0), 1.0),
        (lambda t: stats.norm(0.0, 1.0 + t), 2.0),
        (lambda t: stats.expon(scale=1.0 + t), 1.0),
        (lambda t: stats.gamma(3.0, scale=1.0 + t), 3.0),
        (lambda t: stats.lognorm(1.0 + t), 2.0),
        (lambda t: stats.laplace(0.0, 1.0 + t), 1.0),
        (lambda t: stats.laplace(t, 1.0), 1.0),
        (lambda t: stats.pareto(1.0 + t), 1.0),
        (lambda t: stats.cauchy(t), 0.5),
        (lambda t: stats.gumbel_r(t), 1.0),
        (
            lambda t: stats.gumbel_r(0.0, 1.0 + t),
            np.pi**2 / 6 + (1 - np.euler_gamma) ** 2,
        ),
        (lambda t: stats.weibull_min(2.0, scale=1.0 + t), 4.0),
        (lambda t: stats.gamma(1.0 + t), np.pi**2 / 6),
        (lambda t: stats.beta(1.0 + t, 1.0), 1.0),
        (lambda t: stats.poisson(1.0 + t), 1.0),
        (lambda t: stats.bernoulli(0.25 + t), 16.0 / 3.0),
        (lambda t: stats.geom(0.5 + t), 8.0),
    ],
)
def test_close_neighbours_are_as_far_as_fisher_information_says(make, curvature):
    step = 2.0**-24
    found = _families.kl(make(0.0), make(step))
    assert found == pytest.approx(0.5 * curvature * step**2, rel=1e-6)


@pytest.mark.parametrize("shape", [0.01, 1.0, 40.0, 60.0, 1e4, 1e8])
def test_gamma_shapes_of_any_size_keep_their_digits(shape):
    # both shape and scale move, so that the mean stays
    p = stats.gamma(shape, scale=1.0 / shape)
    q = stats.gamma(shape * (1.0 + 2.0**-20), scale=1.0 / shape / (1.0 + 2.0**-20))
    # ψ'(a) − 1/a, by its series for large a
    large = (1.0 + 1.0 / (3.0 * shape)) / (2.0 * shape**2)
    curvature = polygamma(1, shape) - 1.0 / shape if shape < 100.0 else large
    expected = 0.5 * curvature * (shape * 2.0**-20) ** 2
    assert _families.kl(p, q) == pytest.approx(expected, rel=1e-5)


def test_a_batch_is_a_loop():
    rng = np.random.default_rng(0)
    shapes, scales = rng.gamma(2.0, size=(3, 1)), rng.gamma(2.0, size=4)
    p, q = stats.gamma(shapes, scale=scales), stats.gamma(1.5, scale=2.0)
    found = _families.kl(p, q)
    assert found.shape == (3, 4)
    for i, shape in enumerate(shapes[:, 0]):
        for j, scale in enumerate(scales):
            single = _families.kl(stats.gamma(shape, scale=scale), q)
            assert found[i, j] == pytest.approx(single, rel=1e-14)


def test_a_batch_has_the_shape_of_both_even_where_only_one_matters():
    p, q = stats.uniform([0.0, 0.1, 0.2], 0.5), stats.uniform(0.0, [[1.0], [2.0]])
    assert _families.kl(p, q).shape == (2, 3)
    assert _families.entropy(stats.norm([0.0, 1.0], 1.0)).shape == (2,)
    assert _families.renyi(p, q, 0.5).shape == (2, 3)


# Behaviour


def test_one_element_without_closed_form_makes_a_batch_none():
    p = stats.poisson(2.0, loc=[0, 1])
    assert _families.kl(p, stats.poisson(2.0)) is None


@pytest.mark.parametrize(
    ("p", "q"),
    [
        (stats.norm(), stats.t(3)),
        (stats.t(3), stats.t(4)),
        (stats.logistic(), stats.logistic(1)),
        (stats.binom(3, 0.5), stats.binom(4, 0.5)),
        (stats.gamma(2.0, loc=1.0), stats.gamma(2.0)),
        (stats.norm(), stats.skewnorm(1.0)),
        (stats.dirichlet([1.0, 1.0]), stats.wishart(3.0, MATRICES[0])),
        (stats.multivariate_normal([0.0]), stats.multivariate_normal([0.0])),
    ],
)
def test_what_has_no_closed_form_is_none(p, q):
    assert _families.kl(p, q) is None


def test_a_mean_of_infinity_is_not_unknown():
    assert _families.kl(stats.t(1.5), stats.norm()) == np.inf
    assert _families.kl(stats.cauchy(), stats.norm()) == np.inf
    assert _families.kl(stats.lognorm(1.0), stats.gumbel_l()) == np.inf


def test_a_support_that_agrees_but_for_rounding_is_the_same():
    inside, outside = stats.uniform(0.1, 0.2), stats.uniform(0.0, 0.3)
    assert inside.support()[1] > outside.support()[1]
    assert _families.kl(inside, outside) == pytest.approx(np.log(1.5))


def test_the_smallest_excess_of_support_counts_where_nothing_was_rounded():
    p, q = stats.uniform(0.0, 1.0), stats.uniform(0.0, 1.0 - 2.0**-53)
    assert _families.kl(p, q) == np.inf


def test_a_circle_is_not_a_line():
    p, q = stats.vonmises(2.0, loc=3.0), stats.vonmises(1.0, loc=-3.0)
    assert _families.kl(p, q) < _families.kl(p, stats.vonmises(1.0, loc=2.0))
    assert_agrees(_families.kl(p, q), p, q, KullbackLeibler())


def test_densities_and_probabilities_are_not_compared():
    with pytest.raises(ValueError, match=r"norm\(\) and poisson\(3\)"):
        _families.kl(stats.norm(), stats.poisson(3))


@pytest.mark.parametrize(
    "invalid",
    [stats.norm(0.0, -1.0), stats.gamma(-2.0), stats.norm(np.nan), stats.poisson(-1)],
)
def test_invalid_parameters_are_named(invalid):
    name = invalid.dist.name
    with pytest.raises(ValueError, match=rf"the parameters of {name}\(.* are invalid"):
        _families.entropy(invalid)


def test_dimensions_must_agree():
    p, q = stats.dirichlet([1.0, 1.0]), stats.dirichlet([1.0, 1.0, 1.0])
    with pytest.raises(ValueError, match="same dimension to be compared; got 2 and 3"):
        _families.kl(p, q)
