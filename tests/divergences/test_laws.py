"""Laws: what the mathematics says of divergences, whatever the distributions.

Kinds of distributions are tried one by one, from probability vectors, which are exact,
to mixtures of many features, which are sampled. Every comparison allows for what the
answer itself says of its error, and for rounding; see `kinds`.
"""

from functools import partial, reduce
from itertools import pairwise

import hypothesis
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats
from scipy.special import ndtr

from skgen.divergences import (
    cross_entropy,
    entropy,
    jeffreys_divergence,
    js_distance,
    js_divergence,
    kl_bounds,
    kl_divergence,
    renyi_divergence,
)
from skgen.divergences._approximations import APPROXIMATIONS
from skgen.divergences._discrete import over_vectors
from skgen.divergences._functionals import (
    Jeffreys,
    JensenShannon,
    KullbackLeibler,
    Renyi,
)
from skgen.divergences._gaussian_mixtures import GaussianMixtureDensity
from skgen.divergences._methods import Question, computed

from .kinds import (
    BLENDABLE,
    KINDS,
    NORMAL_MIXTURES,
    Told,
    finite,
    is_sampled,
    law,
    of,
    orders,
    orders_for,
    rounding,
    size,
    told,
)
from .strategies import (
    blend,
    marginal,
    mixture_of,
    moved,
    probability_vectors,
    product,
    random_mixture,
    rescaled,
)

DIVERGENCES = [kl_divergence, js_divergence, jeffreys_divergence]
LOG_2 = np.log(2.0)


# Signs and zeros


@law(2)
def test_no_divergence_is_negative_or_nan(p, q, data):
    alpha = data.draw(orders_for(p))
    functionals = [KullbackLeibler(), Jeffreys(), Renyi(alpha)]
    if getattr(p, "n_features", 1) < 3:
        functionals.append(JensenShannon())  # slow in three dimensions
    for functional in functionals:
        # before it is cut to where it must lie
        if isinstance(p, np.ndarray):
            estimate = over_vectors(functional, p, q)
        else:
            generator = np.random.default_rng(0)
            estimate = computed(Question(functional, p, q, 5e-3, generator), "auto")
        assert Told(0.0, 0.0) <= of(estimate, p, q)


@law(1)
def test_divergences_of_a_law_from_itself_are_zero(p, data):
    for divergence in DIVERGENCES:
        assert told(divergence, p, p).value <= rounding(p) ** 2
    # the logarithm of an integral that is 1 within rounding
    alpha = data.draw(orders_for(p))
    renyi = told(renyi_divergence, p, p, alpha=alpha)
    assert renyi.value <= renyi.margin / abs(1.0 - alpha)


@given(probability_vectors(1), st.floats(1e-7, 1.0), st.data())
def test_vectors_that_differ_have_divergences_above_zero(vectors, share, data):
    # a share of the largest probability goes elsewhere
    (p,) = vectors
    assume(len(p) > 1)
    q = p.copy()
    largest = np.argmax(p)
    other = data.draw(st.sampled_from([i for i in range(len(p)) if i != largest]))
    q[largest] -= share * p[largest]
    q[other] += share * p[largest]
    for divergence in DIVERGENCES:
        assert divergence(p, q) > 0.0
    assert renyi_divergence(p, q, data.draw(orders)) > 0.0


@law(1, [kind for kind in KINDS if kind not in ("vectors", "counts")])
def test_shifts_that_can_be_seen_have_divergences_above_zero(p, data):
    # D ≈ (shift)² × information / 2 is far above the errors of quadrature, 1e-10
    step = data.draw(st.floats(1e-3, 1.0)) * data.draw(st.sampled_from([-1.0, 1.0]))
    if isinstance(p, GaussianMixtureDensity):
        shift = step * np.sqrt(np.diag(p.covariance))
        q = moved(p, np.eye(p.n_features), shift)
    else:
        *_, scale = p.dist._parse_args(*p.args, **p.kwds)
        q = rescaled(p, step * scale, 1.0)
    assert kl_divergence(p, q, random_state=0) > 0.0
    assert kl_divergence(q, p, random_state=0) > 0.0


@law(2)
def test_no_code_is_shorter_than_the_entropy(p, q, data):
    h, codes = told(entropy, p), told(cross_entropy, p, q)
    finite(h)
    assert h <= codes


@law(2)
def test_kl_is_cross_entropy_less_entropy(p, q, data):
    h, codes = told(entropy, p), told(cross_entropy, p, q)
    finite(h)
    excess = codes - h
    # the two are sums of logarithms of units, that cancel
    excess.margin += rounding(p, q) * (size(h.value) + size(codes.value))
    assert told(kl_divergence, p, q).equals(excess)


# Asymmetry


def test_kl_is_not_symmetric():
    p, q = [0.5, 0.5], [0.9, 0.1]
    assert kl_divergence(p, q) == pytest.approx(np.log(5 / 3), rel=1e-14)
    assert kl_divergence(q, p) == pytest.approx(
        0.9 * np.log(1.8) + 0.1 * np.log(0.2), rel=1e-14
    )
    narrow, wide = stats.norm(0, 1), stats.norm(0, 2)
    assert kl_divergence(narrow, wide) < 0.5 * kl_divergence(wide, narrow)


def test_asymmetric_pairs_are_easily_found():
    def is_asymmetric(pair):
        there, back = kl_divergence(*pair), kl_divergence(*pair[::-1])
        return max(there, back) < np.inf and abs(there - back) > 0.1

    p, q = hypothesis.find(probability_vectors(2), is_asymmetric)
    assert kl_divergence(p, q) != kl_divergence(q, p)


def test_asymmetry_is_the_rule():
    rng = np.random.default_rng(0)
    p, q = rng.dirichlet(np.ones(4), (2, 1000))
    there, back = kl_divergence(p, q), kl_divergence(q, p)
    assert (abs(there - back) > 1e-6 * (there + back)).mean() > 0.99


@law(2, ["Gaussians"])
def test_gaussians_of_one_covariance_are_the_exception(p, q, data):
    q = GaussianMixtureDensity.of_covariances(q.weights, q.means, p.covariances)
    assert told(kl_divergence, p, q).equals(told(kl_divergence, q, p))


# Convexity


@law(4, BLENDABLE)
def test_divergences_are_jointly_convex(p1, p2, q1, q2, data):
    share = data.draw(st.floats(0.01, 0.99))
    p, q = blend(share, p1, p2), blend(share, q1, q2)
    for divergence in [kl_divergence, js_divergence]:
        chord = share * told(divergence, p1, q1)
        chord += (1.0 - share) * told(divergence, p2, q2)
        assert told(divergence, p, q) <= chord


@given(probability_vectors(4), st.floats(0.0, 1.0), st.sampled_from([0.1, 0.5, 1.0]))
def test_renyi_of_orders_up_to_one_is_jointly_convex(vectors, share, alpha):
    # van Erven and Harremoës (2014), theorem 11
    p1, p2, q1, q2 = vectors
    chord = share * told(renyi_divergence, p1, q1, alpha=alpha)
    chord += (1.0 - share) * told(renyi_divergence, p2, q2, alpha=alpha)
    finite(chord)
    mixed = blend(share, p1, p2), blend(share, q1, q2)
    assert told(renyi_divergence, *mixed, alpha=alpha) <= chord


# Products and maps


@law(4, ["vectors", "Gaussians", "mixtures on a line"], share=0.1)
def test_divergences_of_products_add_up(p1, q1, p2, q2, data):
    p, q = product(p1, p2), product(q1, q2)
    if isinstance(p, np.ndarray):  # products of tiny numbers round to 0
        assume(np.array_equal(p > 0.0, product(p1 > 0.0, p2 > 0.0)))
        assume(np.array_equal(q > 0.0, product(q1 > 0.0, q2 > 0.0)))
    for divergence in (kl_divergence, jeffreys_divergence, cross_entropy):
        parts = told(divergence, p1, q1) + told(divergence, p2, q2)
        assert told(divergence, p, q).equals(parts)
    assert told(entropy, p).equals(told(entropy, p1) + told(entropy, p2))
    alpha = data.draw(st.sampled_from([0.2, 0.5, 2.0]))
    parts = told(renyi_divergence, p1, q1, alpha=alpha)
    parts += told(renyi_divergence, p2, q2, alpha=alpha)
    # one spectrum holds what had two: its small numbers err by its largest
    parts.margin += 1e-10 * size(parts.value)
    assert told(renyi_divergence, p, q, alpha=alpha).equals(parts)


@law(2, NORMAL_MIXTURES)
def test_invertible_maps_change_no_divergence_and_shift_entropies(p, q, data):
    d = p.n_features
    turn = np.linalg.qr(np.random.default_rng(d).normal(size=(d, d)))[0]
    units = 10.0 ** data.draw(hnp.arrays(int, d, elements=st.integers(-6, 6)))
    own_units = np.sqrt(np.diag(p.covariance))
    matrix = units[:, None] * turn / own_units
    far = data.draw(st.sampled_from([0.0, 1.0, 1e4]))
    moved_p, moved_q = (moved(each, matrix, far * units) for each in (p, q))
    # means lose digits to the shift, which count in standard deviations
    lost = 8.0 * far * np.finfo(float).eps * np.sqrt(stretch(moved_p, moved_q, units))
    for divergence in (kl_divergence, jeffreys_divergence):
        after = told(divergence, moved_p, moved_q)
        after.margin += lost * size(after.value)
        assert told(divergence, p, q).equals(after)
    h = told(entropy, p)
    h.value += np.log(units / own_units).sum()
    assert told(entropy, moved_p).equals(h)


def stretch(p, q, units):
    """The largest precision in any direction."""
    precisions = [
        np.linalg.norm(units[:, None] * root, 2) ** 2
        for each in (p, q)
        for root in each.precision_roots
    ]
    return max(precisions)


@law(2, ["families"])
def test_a_common_location_and_scale_changes_no_divergence(p, q, data):
    scale = data.draw(st.sampled_from([1e-6, 0.3, 1e6]))
    moved_p, moved_q = (rescaled(each, 0.0, scale) for each in (p, q))
    value = told(kl_divergence, p, q)
    assert told(kl_divergence, moved_p, moved_q).equals(value)
    h = told(entropy, p)
    h.value += np.log(scale)
    assert told(entropy, moved_p).equals(h)


# Data processing


@given(probability_vectors(2), orders, st.data())
def test_merging_outcomes_raises_no_divergence(vectors, alpha, data):
    p, q = vectors
    labels = data.draw(st.lists(st.integers(0, 3), min_size=len(p), max_size=len(p)))
    merged = [np.bincount(labels, each, minlength=4) for each in (p, q)]
    for divergence in DIVERGENCES:
        assert told(divergence, *merged) <= told(divergence, p, q)
    before = told(renyi_divergence, p, q, alpha=alpha)
    before.margin /= abs(1.0 - alpha)
    assert told(renyi_divergence, *merged, alpha=alpha) <= before


@law(2, ["Gaussians", "mixtures on a plane", "mixtures of many features"])
def test_dropping_features_raises_no_divergence(p, q, data):
    assume(p.n_features > 1)
    every = list(range(p.n_features))
    kept = data.draw(st.lists(st.sampled_from(every), min_size=1, unique=True))
    assume(len(kept) != 3)  # a second and more
    fewer = marginal(p, kept), marginal(q, kept)
    assert told(kl_divergence, *fewer) <= told(kl_divergence, p, q)


@law(2, ["families", "mixtures on a line"])
def test_knowing_only_the_side_of_a_threshold_raises_no_divergence(p, q, data):
    u = data.draw(st.sampled_from([0.001, 0.1, 0.5, 0.9, 0.999]))
    threshold = quantile(data.draw(st.sampled_from([p, q])), u)
    sides = [sides_of(each, threshold) for each in (p, q)]
    # smaller ones may be rounding errors of scipy's
    assume(min(side.min() for side in sides) > 1e-10)
    for divergence in (kl_divergence, js_divergence):
        coarse = told(divergence, *sides)
        coarse.margin += 1e-8 * size(coarse.value)
        assert coarse <= told(divergence, p, q)


def quantile(distribution, u):
    if hasattr(distribution, "ppf"):
        return distribution.ppf(u)
    return distribution.mean[0] + (u - 0.5) * np.sqrt(distribution.covariance[0, 0])


def sides_of(distribution, threshold):
    """The probabilities below and above a threshold."""
    if hasattr(distribution, "cdf"):
        return np.array([distribution.cdf(threshold), distribution.sf(threshold)])
    deviations = np.sqrt(distribution.covariances[:, 0, 0])
    z = (threshold - distribution.means[:, 0]) / deviations
    return np.array([distribution.weights @ ndtr(z), distribution.weights @ ndtr(-z)])


# Bounds


@given(probability_vectors(2))
def test_total_variation_bounds_divergences(vectors):
    p, q = vectors
    variation = 0.5 * np.abs(p - q).sum()
    # Pinsker: Cover and Thomas (2006), lemma 11.6.1
    assert Told(2.0 * variation**2, 0.0) <= told(kl_divergence, p, q)
    # and of both halves of JS; Lin (1991), theorem 3
    js = told(js_divergence, p, q)
    assert Told(0.5 * variation**2, 0.0) <= js
    assert js <= Told(variation * LOG_2, 0.0)


@law(2, ["families", "mixtures on a line"])
def test_pinsker_holds_for_densities(p, q, data):
    thresholds = [quantile(each, u) for each in (p, q) for u in (0.05, 0.3, 0.7, 0.95)]
    shares = [[sides_of(each, x)[0] for x in sorted(thresholds)] for each in (p, q)]
    steps = [np.diff(share, prepend=0.0, append=1.0) for share in shares]
    variation = 0.5 * np.abs(steps[0] - steps[1]).sum()  # at least this
    assert Told(2.0 * variation**2, 1e-9) <= told(kl_divergence, p, q)


@law(2, NORMAL_MIXTURES)
def test_bounds_bracket_the_divergence(p, q, data):
    value = told(kl_divergence, p, q)
    lower, upper = (Told(bound, value.margin) for bound in kl_bounds(p, q))
    assert lower <= value
    assert value <= upper
    for name in ("durrieu_upper", "variational_upper"):
        assert value <= Told(APPROXIMATIONS[name](p, q), value.margin)
    assert Told(APPROXIMATIONS["durrieu_lower"](p, q), value.margin) <= value


# Jensen-Shannon


@law(2, [kind for kind in KINDS if kind != "Gaussians"])
def test_js_is_symmetric_and_at_most_log_2(p, q, data):
    value = told(js_divergence, p, q)
    assert value.equals(told(js_divergence, q, p))
    assert 0.0 <= value.value <= LOG_2


@law(2, BLENDABLE)
def test_js_is_the_mean_divergence_from_the_midpoint(p, q, data):
    middle = blend(0.5, p, q)
    parts = 0.5 * told(kl_divergence, p, middle) + 0.5 * told(kl_divergence, q, middle)
    assert told(js_divergence, p, q).equals(parts)


@law(3, [kind for kind in KINDS if kind != "Gaussians"])
def test_js_distance_obeys_the_triangle_inequality(p, q, r, data):
    p_to_r, p_to_q, q_to_r = (
        told(js_distance, *pair) for pair in ((p, r), (p, q), (q, r))
    )
    # the square root of a rounding error
    p_to_r.margin += 2e-8
    assert p_to_r <= p_to_q + q_to_r
    assert p_to_r.value**2 == pytest.approx(told(js_divergence, p, r).value)


# Rényi


@law(2, share=0.6)
def test_renyi_grows_with_its_order_through_kl(p, q, data):
    alphas = [0.1, 0.5, 0.9, 1.0, 1.1, 2.0][: 4 if is_sampled(p) else 6]
    values = []
    for alpha in alphas:
        try:
            values.append(told(renyi_divergence, p, q, alpha=alpha))
        except RuntimeWarning:  # the integral is close to where it diverges
            assert alpha > 1.0
            break
    assert values[3].equals(told(kl_divergence, p, q))
    for low, high in pairwise(values):
        assert low <= high


@law(2, ["vectors", "Gaussians", "mixtures on a line"])
def test_renyi_tends_to_kl_as_the_order_tends_to_one(p, q, data):
    # (α − 1) D_α is a cumulant generating function and smooth at α = 1: a hundredth of
    # the step leaves a hundredth of the gap once steps are small, half at any rate
    value = told(kl_divergence, p, q)
    finite(value)
    step = 0.01 / (1.0 + value.value)
    for side in (-1.0, 1.0):
        far, near = (
            told(renyi_divergence, p, q, alpha=1.0 + side * step) - value
            for step in (step, 0.01 * step)
        )
        finite(far)
        # the logarithm of an integral of about 1, over α − 1
        margin = near.margin / (0.01 * step)
        assert abs(near.value) <= 0.5 * abs(far.value) + far.margin + margin


@law(2)
def test_renyi_of_p_and_q_is_that_of_q_and_p_of_the_other_order(p, q, data):
    alpha = data.draw(st.sampled_from([0.1, 0.3, 0.5, 0.9]))
    there = (1.0 - alpha) * told(renyi_divergence, p, q, alpha=alpha)
    back = alpha * told(renyi_divergence, q, p, alpha=1.0 - alpha)
    assert there.equals(back)


# Batches, units, order


@given(st.integers(1, 6).flatmap(lambda k: probability_vectors(6, k)), st.data())
def test_batches_are_loops_and_permutations_and_scales_change_nothing(vectors, data):
    p, q = np.array(vectors).reshape(2, 3, -1)
    order = data.draw(st.permutations(range(p.shape[1])))
    factors = np.array([[1e-3], [7.0], [1e200]])
    half = partial(renyi_divergence, alpha=0.5)
    for divergence in [*DIVERGENCES, cross_entropy, half]:
        batch = divergence(p, q)
        loop = [divergence(a, b) for a, b in zip(p, q)]
        np.testing.assert_allclose(batch, loop, rtol=1e-13, atol=1e-15)
        np.testing.assert_allclose(
            divergence(p[:, order], q[:, order]), batch, rtol=1e-12, atol=1e-15
        )
        np.testing.assert_allclose(
            divergence(p * factors, q * 3.0, normalize=True), batch, atol=1e-14
        )


@law(2)
def test_the_base_changes_units_and_nothing_else(p, q, data):
    base = data.draw(st.sampled_from([2, 10.0, 1.5]))
    for divergence in (kl_divergence, cross_entropy):
        in_nats = told(divergence, p, q)
        in_base = told(divergence, p, q, base=base)
        if np.isfinite(in_nats.value):
            assert in_base.value * np.log(base) == pytest.approx(in_nats.value)
        else:
            assert in_base.value == in_nats.value


# Intervals

N_SEEDS = 300


def factors(shift=None):
    """Three mixtures on a line, and three others or the same slightly moved."""
    p = [random_mixture(2, 1, seed, spread=2.0) for seed in range(3)]
    if shift is None:
        return p, [random_mixture(2, 1, seed, spread=2.0) for seed in range(10, 13)]
    return p, [moved(each, np.eye(1), np.array([shift])) for each in p]


def image(parts):
    """An affine image, in five dimensions, of their product and two of noise."""
    noise = mixture_of([1.0], [0.0], [1.0])
    whole = reduce(product, [*parts, noise, noise])
    return moved(whole, MATRIX, np.arange(5.0))


MATRIX = np.random.default_rng(0).normal(size=(5, 5))


@pytest.mark.parametrize(
    ("divergence", "shift"),
    [(entropy, None), (cross_entropy, None), (kl_divergence, 0.01)],
    ids=["entropy", "cross-entropy", "KL of a perturbed mixture"],
)
def test_intervals_of_95_percent_cover_the_truth_of_products(divergence, shift):
    pairs = list(zip(*factors(shift)))
    n_given = 1 if divergence is entropy else 2
    # divergences of products add up, and maps shift entropies
    truth = sum(divergence(*pair[:n_given]) for pair in pairs)
    if shift is None:
        noise = 2 * entropy(mixture_of([1.0], [0.0], [1.0]))
        truth += noise + np.linalg.slogdet(MATRIX)[1]
    else:
        assert 0.0 < truth < 1e-3
    images = [image(parts) for parts in zip(*pairs)][:n_given]
    hits = 0
    for seed in range(N_SEEDS):
        result = divergence(*images, tol=0.05, confidence_level=0.95, random_state=seed)
        assert result.method == "sobol"
        low, high = result.confidence_interval
        hits += low <= truth <= high
    assert 0.9 <= hits / N_SEEDS <= 0.99


# What the laws have found


def test_renyi_of_vectors_that_are_far_apart_keeps_its_digits():
    # Σ p^α q^(1-α) is far below 1, and a 1 was added to and taken from it
    expected = 0.9 * np.log(1e-12) / (0.1 - 1.0)
    value = renyi_divergence([1.0, 0.0], [1e-12, 1.0], 0.1)
    assert value == pytest.approx(expected, rel=1e-12)
    # q / p − 1 is −1 to the last digit
    value = renyi_divergence([1.0, 0.0], [1e-200, 1.0], 1.0 - 1e-4)
    assert value == pytest.approx(200 * np.log(10), rel=1e-12)
    # (p / q)^α overflows
    value = renyi_divergence([1.0, 0.0], [1e-200, 1.0], 4.0)
    assert value == pytest.approx(200 * np.log(10), rel=1e-12)


def test_densities_that_scipy_rounds_to_zero_are_none_the_less_there():
    # scipy takes logarithms of densities that have underflown
    far, laplace = stats.poisson(1000), stats.dlaplace(1.0)
    expected = 1000.0 - np.log(np.tanh(0.5)) - entropy(far)
    assert kl_divergence(far, laplace) == pytest.approx(expected, rel=1e-12)
    p, q = stats.gennorm(1.0, 0.0, 100.0), stats.laplace(0.0, 1.0)
    # gennorm(1) is the Laplace distribution
    assert kl_divergence(p, q) == pytest.approx(99.0 - np.log(100.0), rel=1e-9)


def test_an_integral_that_overflows_is_no_divergence_of_zero():
    p, q = stats.loggamma(4.6, loc=0.66), stats.loggamma(4.6)
    log_ratio = np.log(2.0 * np.exp(-0.66) - 1.0)
    expected = -4.6 * (2.0 * 0.66 + log_ratio)  # of gamma laws, with x = log of them
    assert renyi_divergence(p, q, 2.0) == pytest.approx(expected, rel=1e-9)
    # the tail of p is exponential, that of q falls faster than any exponential
    p, q = stats.exponnorm(1.0, 10.001, 0.001), stats.loggamma(1.0, 9.999, 0.0003)
    assert renyi_divergence(p, q, 2.0, random_state=0) == np.inf


def test_a_quantile_that_scipy_cannot_find_does_no_harm():
    p, q = stats.logser(0.821763333663631), stats.randint(0, 27)
    k = np.arange(1, 2000)
    expected = -np.sum(p.pmf(k) * p.logpmf(k))
    assert entropy(p) == pytest.approx(expected, rel=1e-12)
    assert 0.0 < js_divergence(p, q) < LOG_2
