"""Sampling: intervals that cover, seeds that decide, models that are asked politely."""

import numpy as np
import pytest
from scipy.stats import binom, gaussian_kde, multivariate_t, wishart
from sklearn.base import BaseEstimator
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skgen.divergences import (
    DivergenceResult,
    cross_entropy,
    entropy,
    jeffreys_divergence,
    js_divergence,
    kl_divergence,
    renyi_divergence,
)

from .strategies import REFERENCE_MIXTURES, mixture_of, random_mixture

N_REPETITIONS = 200


class Opaque(BaseEstimator):
    """A model of which nothing is known but `score_samples` and `sample`."""

    def __init__(self, mixture=None, random_state=None):
        self.mixture = mixture
        self.random_state = random_state

    def fit(self, X, y=None):
        self.n_features_in_ = self.mixture.n_features
        return self

    def score_samples(self, X):
        return self.mixture.log_density(np.asarray(X))

    def sample(self, n_samples=1):
        generator = np.random.default_rng(self.random_state)
        return self.mixture.draw(n_samples, generator)


def opaque(mixture, random_state=None):
    return Opaque(mixture, random_state).fit(None)


def coverage(divergence, truth, **options):
    """Share of 95 % intervals that hold the truth, over seeds."""
    hits = 0
    for seed in range(N_REPETITIONS):
        low, high = divergence(
            confidence_level=0.95, random_state=seed, **options
        ).confidence_interval
        hits += low <= truth <= high
    return hits / N_REPETITIONS


@pytest.mark.parametrize("method", ["sobol", "monte_carlo"])
@pytest.mark.parametrize("name", REFERENCE_MIXTURES)
@pytest.mark.parametrize(
    "divergence",
    [kl_divergence, js_divergence, jeffreys_divergence, "renyi"],
    ids=lambda d: getattr(d, "__name__", d),
)
def test_intervals_of_95_percent_cover_the_truth_in_90_to_99(method, name, divergence):
    p, q, (there, back, js, renyi) = REFERENCE_MIXTURES[name]
    p, q = mixture_of(*p), mixture_of(*q)
    truths = {
        kl_divergence: there,
        js_divergence: js,
        jeffreys_divergence: there + back,
        "renyi": renyi,
    }
    function = divergence if divergence != "renyi" else renyi_half

    def ask(**options):
        return function(p, q, method=method, tol=0.02, **options)

    assert 0.9 <= coverage(ask, truths[divergence]) <= 0.99


def renyi_half(p, q, **options):
    return renyi_divergence(p, q, 0.5, **options)


@pytest.mark.parametrize("n_features", [5, 12])
def test_intervals_cover_the_truth_between_many_features_too(n_features):
    # independent features: divergences add up
    p, q, (there, *_) = REFERENCE_MIXTURES["overlapping"]
    p, q = (product_of(mixture_of(*m), n_features) for m in (p, q))

    def ask(**options):
        return kl_divergence(p, q, tol=0.02, **options)

    assert 0.9 <= coverage(ask, 2 * there) <= 0.99


@pytest.mark.parametrize("weight", [1e-6, 1e-3, 0.01])
def test_intervals_cover_where_a_light_component_far_away_decides(weight):
    d = 5
    p = type(random_mixture(1, d, seed=0)).of_covariances(
        np.array([1.0 - weight, weight]),
        np.array([np.zeros(d), np.full(d, 50.0 / np.sqrt(d))]),
        np.array([np.eye(d)] * 2),
    )
    q = type(p).of_covariances(np.ones(1), np.zeros((1, d)), np.eye(d)[None])
    # so far apart the components do not overlap, and sums over them are exact
    far = weight * (np.log(weight) + 50.0**2 / 2.0)
    there = far + (1.0 - weight) * np.log1p(-weight)

    def ask(**options):
        return kl_divergence(p, q, tol=0.02, **options)

    assert 0.9 <= coverage(ask, there) <= 0.99
    assert kl_divergence(q, p, random_state=0) == pytest.approx(-np.log1p(-weight))


def product_of(mixture, n_features):
    """Two independent copies of a mixture on a line, and noise."""
    k = mixture.n_components
    first, second = np.divmod(np.arange(k * k), k)
    means = np.zeros((k * k, n_features))
    means[:, 0], means[:, 1] = mixture.means[first, 0], mixture.means[second, 0]
    covariances = np.tile(np.eye(n_features), (k * k, 1, 1))
    covariances[:, 0, 0] = mixture.covariances[first, 0, 0]
    covariances[:, 1, 1] = mixture.covariances[second, 0, 0]
    weights = mixture.weights[first] * mixture.weights[second]
    return type(mixture).of_covariances(weights, means, covariances)


def test_entropies_by_sampling_agree_with_quadrature():
    p, q, _ = REFERENCE_MIXTURES["bimodal"]
    p, q = mixture_of(*p), mixture_of(*q)
    for method in ("sobol", "monte_carlo"):
        result = entropy(p, method=method, confidence_level=0.999, random_state=0)
        low, high = result.confidence_interval
        assert low <= entropy(p) <= high
        result = cross_entropy(
            q, p, method=method, confidence_level=0.999, random_state=0
        )
        low, high = result.confidence_interval
        assert low <= cross_entropy(q, p) <= high


def test_divergences_of_mixtures_that_are_alike_are_found_to_tol():
    p = random_mixture(10, 8, seed=0)
    close = type(p).of_covariances(p.weights, p.means + 1e-4, p.covariances)
    result = kl_divergence(p, close, confidence_level=0.95, random_state=0)
    assert 0.0 < result.value < 1e-5
    assert result.standard_error <= 5e-3 * result.value


def test_a_smaller_tol_means_a_smaller_error():
    p, q = random_mixture(5, 6, seed=0), random_mixture(5, 6, seed=1)
    for tol in (0.05, 0.01, 0.002):
        result = kl_divergence(p, q, tol=tol, confidence_level=0.9, random_state=0)
        assert result.standard_error <= tol * result.value


def test_the_seed_decides_and_the_global_generator_is_not_touched():
    p, q = random_mixture(3, 5, seed=0), random_mixture(3, 5, seed=1)
    np.random.seed(0)
    state = np.random.get_state()[1].copy()
    for method in ("sobol", "monte_carlo"):
        one, same, other = (
            kl_divergence(p, q, method=method, random_state=seed) for seed in (3, 3, 4)
        )
        assert one == same
        assert one != other
        kl_divergence(opaque(p), opaque(q), random_state=0, tol=0.05)
    np.testing.assert_array_equal(np.random.get_state()[1], state)


@pytest.mark.parametrize(
    "make",
    [np.random.RandomState, np.random.default_rng],
    ids=["RandomState", "Generator"],
)
def test_generators_are_seeds_too(make):
    p, q = random_mixture(3, 5, seed=0), random_mixture(3, 5, seed=1)
    one, same = (kl_divergence(p, q, random_state=make(0)) for _ in range(2))
    assert one == same
    generator = make(0)
    first, second = (kl_divergence(p, q, random_state=generator) for _ in range(2))
    assert (first, first != second) == (one, True)


# Models that only sample


def test_a_model_is_at_distance_zero_from_itself_exactly():
    model = opaque(random_mixture(3, 5, seed=0))
    for divergence in (kl_divergence, js_divergence, jeffreys_divergence, renyi_half):
        assert divergence(model, model) == 0.0
    again = opaque(random_mixture(3, 5, seed=0))
    assert kl_divergence(model, again, random_state=0) == 0.0


def test_opaque_models_are_compared_by_rows_of_theirs():
    p, q = random_mixture(3, 2, seed=0), random_mixture(3, 2, seed=1)
    result = kl_divergence(opaque(p), opaque(q), confidence_level=0.99, random_state=0)
    assert result.method == "monte_carlo"
    low, high = result.confidence_interval
    assert low <= kl_divergence(p, q) <= high


def test_models_need_not_be_estimators():
    class Plain:
        def __init__(self, mixture):
            self.score_samples = mixture.log_density
            self.sample = lambda n_samples: mixture.draw(
                n_samples, np.random.default_rng(0)
            )

    p, q = random_mixture(3, 2, seed=0), random_mixture(3, 2, seed=1)
    value = kl_divergence(Plain(p), Plain(q), random_state=0, tol=0.05)
    assert value == pytest.approx(kl_divergence(p, q), rel=0.3)


def test_a_model_with_a_seed_of_its_own_still_gives_fresh_rows():
    # its every call of `sample` returns the same rows
    p, q = random_mixture(3, 2, seed=0), random_mixture(3, 2, seed=1)
    model = opaque(p, random_state=0)
    results = [
        kl_divergence(model, q, random_state=s, tol=0.05, method="monte_carlo")
        for s in (0, 1)
    ]
    assert results[0] != results[1]
    assert model.random_state == 0


def test_models_that_cannot_be_sampled_may_stand_second_only():
    X = np.random.default_rng(0).normal(size=(100, 2))
    model = make_pipeline(StandardScaler(), GaussianMixture(random_state=0)).fit(X)
    kernel = KernelDensity(kernel="exponential").fit(X)
    p = random_mixture(2, 2, seed=0)
    for q in (model, kernel):
        assert kl_divergence(p, q, random_state=0) > 0.0
        with pytest.raises(ValueError, match="cannot be sampled"):
            kl_divergence(q, p)
        with pytest.raises(ValueError, match="cannot be sampled"):
            js_divergence(p, q)


def test_no_mass_of_q_where_p_has_some_makes_kl_infinite_without_a_warning():
    X = np.random.default_rng(0).normal(size=(100, 2))
    ball = KernelDensity(kernel="tophat", bandwidth=0.5).fit(X)
    p = random_mixture(2, 2, seed=0)
    assert kl_divergence(p, ball, method="monte_carlo", random_state=0) == np.inf
    assert kl_divergence(p, ball) == np.inf
    result = js_divergence(p, ball, tol=0.05, random_state=0)
    assert 0.0 < result < np.log(2)


def test_multivariate_families_of_scipy_are_sampled():
    p, q = wishart(5, np.eye(2)), wishart(6, np.eye(2))
    assert 0.0 < js_divergence(p, q, tol=0.1, random_state=0) < 0.2
    t = multivariate_t([0.0, 1.0], df=8)
    assert kl_divergence(t, random_mixture(1, 2, seed=0), tol=0.1, random_state=0) > 0


def test_an_error_above_tol_at_the_end_of_the_budget_is_told():
    t = multivariate_t([0.0, 0.0], df=2.5)  # log-densities of large variance
    p = random_mixture(1, 2, seed=0)
    with pytest.warns(RuntimeWarning, match=r"more than tol=0\.001 asks for"):
        result = kl_divergence(t, p, tol=1e-3, confidence_level=0.9, random_state=0)
    assert isinstance(result, DivergenceResult)
    assert result.standard_error > 1e-3 * result.value


def test_terms_whose_squares_overflow_do_no_harm():
    # Rényi of order 2 against tails that are much lighter: the integral diverges, and
    # what is sampled of it is huge at first, then overflows
    t, rng = multivariate_t([0.0, 0.0], df=4), np.random.default_rng(0)
    rng.normal(size=150)
    q = gaussian_kde((rng.normal(size=(80, 2)) @ [[1.0, 0.5], [0.0, 0.3]]).T)
    assert renyi_divergence(t, q, 2.0, random_state=0, tol=0.05) == np.inf


def test_scores_that_are_no_densities_are_refused():
    class Broken(Opaque):
        def score_samples(self, X):
            return np.full(len(X), np.nan)

    class Short(Opaque):
        def score_samples(self, X):
            return np.zeros(len(X) - 1)

    p = random_mixture(1, 2, seed=0)
    for cls, message in ((Broken, "NaN"), (Short, "one log-density for each")):
        with pytest.raises(ValueError, match=message):
            kl_divergence(p, cls(p).fit(None), method="sobol")


def test_discrete_and_continuous_distributions_are_not_compared():
    with pytest.raises(ValueError, match=r"discrete"):
        kl_divergence(mixture_of([0.5, 0.5], [0.0, 1.0], [1.0, 1.0]), binom(5, 0.5))
