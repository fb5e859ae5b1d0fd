"""`reduce_mixture`: fewer components, as close to the original as can be."""

import copy
import pickle

import numpy as np
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from numpydoc.validate import validate
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.exceptions import NotFittedError
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
from sklearn.neighbors import KernelDensity
from strategies import COVARIANCE_TYPES, overlapping, seeds

from skgen import EMGaussianMixture, reduce_mixture
from skgen.divergences import kl_divergence

METHODS = ["runnalls", "salmond"]


def matrices(mixture):
    """Covariance matrices of the components, whatever their structure."""
    k, d = mixture.means_.shape
    covariances = np.asarray(mixture.covariances_)
    if mixture.covariance_type == "tied":
        return np.array([covariances] * k)
    if mixture.covariance_type == "full":
        return covariances
    return np.array([np.eye(d) * variances for variances in covariances])


def moments(mixture, center=0.0):
    """Mean, less a center, and covariance of a whole mixture."""
    weights = mixture.weights_ / mixture.weights_.sum()
    means = mixture.means_ - center
    shifts = means - weights @ means
    between = (weights[:, None] * shifts).T @ shifts
    return weights @ means, np.tensordot(weights, matrices(mixture), 1) + between


def assert_same_moments(reduced, mixture, tolerance=1e-9):
    center = mixture.means_[mixture.weights_.argmax()]
    (mean, covariance), (found_mean, found) = (
        moments(each, center) for each in (mixture, reduced)
    )
    deviations = np.sqrt(np.diagonal(covariance))
    # means far from the origin are rounded there
    rounding = 1e-15 * np.abs(mixture.means_).max(axis=0) / deviations
    assert (np.abs(found_mean - mean) / deviations <= tolerance + 4 * rounding).all()
    errors = np.abs(found - covariance) / deviations[:, None] / deviations
    assert (errors <= tolerance + 8 * (rounding[:, None] + rounding)).all()


def random_mixture(seed, k=60, d=2, spread=3.0, **parameters):
    """A mixture of components of all shapes, some of them heavy."""
    rng = np.random.default_rng(seed)
    roots = rng.normal(size=(k, d, d)) * 0.6
    covariances = roots @ np.swapaxes(roots, 1, 2) + 0.05 * np.eye(d)
    return EMGaussianMixture.from_parameters(
        rng.dirichlet(np.ones(k)),
        rng.normal(size=(k, d)) * spread,
        covariances,
        **parameters,
    )


def changed(mixture, weights=None, means=None, covariances=None):
    return EMGaussianMixture.from_parameters(
        mixture.weights_ if weights is None else weights,
        mixture.means_ if means is None else means,
        mixture.covariances_ if covariances is None else covariances,
    )


def pruned(mixture, k):
    """The heaviest components, weights renormalised."""
    kept = np.argsort(-mixture.weights_)[:k]
    weights = mixture.weights_[kept] / mixture.weights_[kept].sum()
    means, covariances = mixture.means_[kept], mixture.covariances_[kept]
    return EMGaussianMixture.from_parameters(weights, means, covariances)


def divergence(mixture, other, n=200_000):
    """D(mixture ‖ other) from rows: an estimate that knows nothing of the code."""
    X, _ = mixture.sample(n, random_state=0)
    return np.mean(mixture.score_samples(X) - other.score_samples(X))


# References


def cost_by_the_book(method, w, m, P, i, j, whole):
    """Costs as the papers print them."""
    weight = w[i] + w[j]
    a, b = w[i] / weight, w[j] / weight
    shift = m[i] - m[j]
    if method == "salmond":
        return weight * a * b * shift @ np.linalg.solve(whole, shift)
    merged = a * P[i] + b * P[j] + a * b * np.outer(shift, shift)
    logs = [np.linalg.slogdet(each)[1] for each in (merged, P[i], P[j])]
    return 0.5 * (weight * logs[0] - w[i] * logs[1] - w[j] * logs[2])


def merged_by_the_book(mixture, k, method):
    """The greedy algorithm with every cost computed anew in each round."""
    w, m, P = (list(a) for a in (mixture.weights_, mixture.means_, matrices(mixture)))
    _, whole = moments(mixture)
    while len(w) > k:
        pairs = [(i, j) for i in range(len(w)) for j in range(i)]
        i, j = min(
            pairs, key=lambda pair: cost_by_the_book(method, w, m, P, *pair, whole)
        )
        weight = w[i] + w[j]
        a, b = w[i] / weight, w[j] / weight
        shift = m[i] - m[j]
        P[j] = a * P[i] + b * P[j] + a * b * np.outer(shift, shift)
        m[j], w[j] = a * m[i] + b * m[j], weight
        del w[i], m[i], P[i]
    order = np.argsort(-np.array(w))
    return tuple(np.array(part)[order] for part in (w, m, P))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("seed", "d", "k"), [(0, 1, 4), (1, 2, 5), (2, 3, 3)])
def test_merges_are_those_of_the_paper(method, seed, d, k):
    mixture = random_mixture(seed, k=14, d=d)
    reduced = reduce_mixture(mixture, k, method=method, refine=False, random_state=0)
    weights, means, covariances = merged_by_the_book(mixture, k, method)
    assert_allclose(reduced.weights_, weights)
    assert_allclose(reduced.means_, means, atol=1e-12)
    assert_allclose(reduced.covariances_, covariances, atol=1e-12)


def test_one_component_is_the_gaussian_of_the_same_moments():
    mixture = random_mixture(0, k=9, d=3)
    mean, covariance = moments(mixture)
    reduced = reduce_mixture(mixture, 1, random_state=0)
    assert_allclose(reduced.means_, [mean])
    assert_allclose(reduced.covariances_, [covariance])


@pytest.mark.parametrize("d", [1, 2, 5])
def test_divergence_agrees_with_one_from_rows(d):
    mixture = random_mixture(3, k=12, d=d)
    reduced = reduce_mixture(mixture, 3, random_state=0)
    expected = divergence(mixture, reduced)
    assert_allclose(reduced.kl_divergence_.value, expected, rtol=0.03)


@pytest.mark.parametrize("k", [6, 12, 24])
def test_beats_pruning_and_salmonds_merges(k):
    mixture = random_mixture(0)
    ours = reduce_mixture(mixture, k, random_state=0).kl_divergence_
    runnalls = reduce_mixture(mixture, k, refine=False, random_state=0).kl_divergence_
    salmond = reduce_mixture(
        mixture, k, method="salmond", refine=False, random_state=0
    ).kl_divergence_
    assert ours.value < 0.8 * runnalls.value < 0.8 * salmond.value
    assert ours.value < 0.25 * divergence(mixture, pruned(mixture, k))


@pytest.mark.parametrize("seed", range(3))
def test_is_as_good_as_em_on_twenty_thousand_rows(seed):
    mixture = random_mixture(seed)
    X, _ = mixture.sample(20_000, random_state=seed)
    refitted = EMGaussianMixture(6, random_state=seed).fit(X)
    reduced = reduce_mixture(mixture, 6, random_state=seed)
    assert reduced.kl_divergence_.value < 1.05 * divergence(mixture, refitted)


# Laws


def _as_it_is(w, m, P, rng):
    return w, m, P


def _far_away(w, m, P, rng):
    return w, m + 1e8 * rng.normal(size=m.shape[1]), P


def _in_wild_units(w, m, P, rng):
    units = 10.0 ** rng.integers(-60, 60, size=m.shape[1])
    return w, m * units, P * units[:, None] * units


def _with_duplicates(w, m, P, rng):
    half = np.arange(len(w)) // 2
    return w, m[half], P[half]


def _with_next_to_no_weight(w, m, P, rng):
    w = w * 10.0 ** rng.integers(-12, 1, size=len(w))
    return w / w.sum(), m, P


def _with_no_weight(w, m, P, rng):
    w = w.copy()
    w[: len(w) // 3] = 0.0
    return w / w.sum(), m, P


def _needles(w, m, P, rng):
    directions = rng.normal(size=m.shape)
    return w, m, 1e-9 * P + directions[:, :, None] * directions[:, None, :]


def _parallel_needles(w, m, P, rng):
    direction = rng.normal(size=m.shape[1])
    shifts = rng.normal(size=(len(m), 1)) * direction
    return w, shifts, 1e-12 * P + np.outer(direction, direction)


UGLINESS = [
    _as_it_is,
    _far_away,
    _in_wild_units,
    _with_duplicates,
    _with_next_to_no_weight,
    _with_no_weight,
    _needles,
    _parallel_needles,
]


@st.composite
def mixtures(draw, most_components=12, most_features=4, kinds=UGLINESS):
    rng = np.random.default_rng(draw(seeds))
    k = draw(st.integers(2, most_components))
    d = draw(st.integers(1, most_features))
    plain = random_mixture(rng, k, d, spread=draw(st.sampled_from([0.5, 3.0, 30.0])))
    parts = plain.weights_, plain.means_, plain.covariances_
    return EMGaussianMixture.from_parameters(*draw(st.sampled_from(kinds))(*parts, rng))


@given(mixtures(), st.data(), st.sampled_from(METHODS))
@settings(max_examples=40)
def test_merges_preserve_mean_and_covariance(mixture, data, method):
    k = data.draw(st.integers(1, len(mixture.weights_)))
    reduced = reduce_mixture(mixture, k, method=method, refine=False, random_state=0)
    assert reduced.means_.shape == (k, mixture.means_.shape[1])
    assert_allclose(reduced.weights_.sum(), 1.0, rtol=1e-14)
    assert_same_moments(reduced, mixture, tolerance=1e-12)


@given(mixtures(most_components=8, most_features=3), st.data())
@settings(max_examples=12)
def test_refinement_preserves_mean_and_covariance(mixture, data):
    k = data.draw(st.integers(1, min(3, len(mixture.weights_))))
    reduced = reduce_mixture(mixture, k, random_state=0)
    assert reduced.means_.shape == (k, mixture.means_.shape[1])
    assert_same_moments(reduced, mixture)


@given(mixtures(), st.data())
@settings(max_examples=15)
def test_divergence_is_not_negative_and_lies_in_its_interval(mixture, data):
    k = data.draw(st.integers(1, len(mixture.weights_)))
    result = reduce_mixture(mixture, k, refine=False, random_state=0).kl_divergence_
    low, high = result.confidence_interval
    assert 0.0 <= low <= result.value <= high


@given(mixtures(kinds=[_as_it_is, _far_away, _needles]), st.data())
@settings(max_examples=15)
def test_order_of_components_does_not_matter_to_merges(mixture, data):
    k = data.draw(st.integers(1, len(mixture.weights_)))
    order = data.draw(st.permutations(range(len(mixture.weights_))))
    parts = (mixture.weights_, mixture.means_, mixture.covariances_)
    shuffled = changed(mixture, *(part[order] for part in parts))
    one, other = (
        reduce_mixture(each, k, refine=False, random_state=0)
        for each in (mixture, shuffled)
    )
    if k < len(order):
        assert_allclose(one.weights_, other.weights_, rtol=1e-10)
        assert_allclose(one.means_, other.means_, rtol=1e-10, atol=1e-10)
    else:
        assert_allclose(one.weights_[order], other.weights_, rtol=1e-14)


def test_order_of_components_does_not_matter_to_refinement():
    mixture = random_mixture(4, k=20)
    parts = (mixture.weights_, mixture.means_, mixture.covariances_)
    turned = changed(mixture, *(part[::-1] for part in parts))
    one, other = (reduce_mixture(m, 4, random_state=0) for m in (mixture, turned))
    X, _ = mixture.sample(100, random_state=0)
    assert_allclose(one.score_samples(X), other.score_samples(X), rtol=1e-6)


def test_units_and_offsets_do_not_matter():
    mixture = random_mixture(5, k=20)
    units, offset = np.array([1e-5, 1e9]), np.array([1e3, -1e9])
    moved = changed(
        mixture,
        means=mixture.means_ * units + offset,
        covariances=mixture.covariances_ * units[:, None] * units,
    )
    one, other = (reduce_mixture(m, 4, random_state=0) for m in (mixture, moved))
    X, _ = mixture.sample(100, random_state=0)
    expected = one.score_samples(X) - np.log(units).sum()
    assert_allclose(other.score_samples(X * units + offset), expected, rtol=1e-4)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("d", [1, 4])
def test_refinement_never_loses(method, d):
    mixture = random_mixture(d, k=10, d=d)
    merged, refined = (
        reduce_mixture(mixture, 3, method=method, refine=refine, random_state=0)
        for refine in (False, True)
    )
    slack = 3.0 * refined.kl_divergence_.standard_error
    assert refined.kl_divergence_.value <= merged.kl_divergence_.value + slack


# Behaviour


@pytest.mark.parametrize("estimator", [EMGaussianMixture, GaussianMixture])
@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_takes_mixtures_of_every_covariance_type(estimator, covariance_type):
    X, _ = overlapping(n=300, k=4)
    mixture = estimator(
        8, covariance_type=covariance_type, reg_covar=1e-3, random_state=0
    ).fit(X)
    reduced = reduce_mixture(mixture, 3, random_state=0)
    assert reduced.covariance_type == "full"
    assert_same_moments(reduced, mixture)
    assert reduced.score(X) > mixture.score(X) - 0.5


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_takes_bayesian_mixtures_with_components_of_next_to_no_weight():
    X, _ = overlapping()
    mixture = BayesianGaussianMixture(
        n_components=8, weight_concentration_prior=1e-3, max_iter=60, random_state=0
    ).fit(X)
    assert mixture.weights_.min() < 1e-4
    reduced = reduce_mixture(mixture, 4, random_state=0)
    assert_same_moments(reduced, mixture)
    assert reduced.kl_divergence_.value < 0.1


def test_takes_mixtures_fitted_in_float32():
    X, _ = overlapping()
    mixture = EMGaussianMixture(5, random_state=0).fit(X.astype(np.float32))
    reduced = reduce_mixture(mixture, 2, random_state=0)
    assert reduced.means_.dtype == reduced.precisions_.dtype == np.float64
    assert_same_moments(reduced, mixture, tolerance=1e-6)


def test_as_many_components_are_the_same_mixture():
    mixture = random_mixture(0, k=5)
    reduced = reduce_mixture(mixture, 5)
    for name in ("weights_", "means_", "covariances_"):
        assert_allclose(getattr(reduced, name), getattr(mixture, name), rtol=1e-15)
    result = reduced.kl_divergence_
    assert (result.value, result.confidence_interval) == (0.0, (0.0, 0.0))
    assert result.exact


@pytest.mark.parametrize("k", [3, 4])
def test_components_of_weight_zero_go_first(k):
    mixture = random_mixture(0, k=3)
    weights = np.insert(mixture.weights_, [0, 1], 0.0)
    with_nothing = EMGaussianMixture.from_parameters(
        weights, mixture.means_[[0, 0, 0, 1, 2]], mixture.covariances_[[0, 0, 0, 1, 2]]
    )
    reduced = reduce_mixture(with_nothing, k)
    X, _ = mixture.sample(20, random_state=0)
    assert_allclose(reduced.score_samples(X), mixture.score_samples(X))
    assert reduced.kl_divergence_.value == 0.0


def test_duplicates_are_merged_without_loss():
    mixture = random_mixture(1, k=4)
    twice = changed(
        mixture,
        np.tile(mixture.weights_ / 2, 2),
        np.tile(mixture.means_, (2, 1)),
        np.tile(mixture.covariances_, (2, 1, 1)),
    )
    reduced = reduce_mixture(twice, 4, random_state=0)
    assert_allclose(reduced.weights_, -np.sort(-mixture.weights_))
    assert reduced.kl_divergence_.value < 1e-12


def test_light_component_far_away_is_not_forgotten():
    weights = np.append(np.full(20, (1 - 1e-6) / 20), 1e-6)
    plain = random_mixture(2, k=21, spread=1.0)
    means = plain.means_.copy()
    means[-1] = 1e4
    reduced = reduce_mixture(changed(plain, weights, means), 3, random_state=0)
    assert reduced.weights_[-1] == pytest.approx(1e-6)
    assert_allclose(reduced.means_[-1], 1e4, rtol=1e-4)


def test_needles_side_by_side_merge_to_a_covariance_that_is_definite():
    along = np.array([[1.0, 1.0], [1.0, 1.0]])
    covariances = np.array([along + 1e-15 * np.eye(2)] * 3)
    means = np.array([[-1e3, -1e3], [0.0, 0.0], [1e3, 1e3]])
    mixture = EMGaussianMixture.from_parameters([0.3, 0.3, 0.4], means, covariances)
    for k in (1, 2):
        reduced = reduce_mixture(mixture, k, refine=False, random_state=0)
        assert_same_moments(reduced, mixture, tolerance=1e-12)
        assert np.isfinite(reduced.score_samples(means)).all()


def test_reduced_mixture_is_an_estimator_like_any_other():
    mixture = random_mixture(0, k=8)
    reduced = reduce_mixture(mixture, 3, random_state=0)
    X, labels = reduced.sample(50)
    assert_array_equal(reduced.sample(50)[0], X)
    again = pickle.loads(pickle.dumps(reduced))
    assert_array_equal(again.score_samples(X), reduced.score_samples(X))
    assert again.kl_divergence_ == reduced.kl_divergence_
    assert clone(reduced).get_params() == reduced.get_params()
    assert set(reduced.predict(X)) == set(labels) == {0, 1, 2}
    assert (np.diff(reduced.weights_) <= 0.0).all()


def test_fit_forgets_the_divergence():
    X, _ = overlapping()
    reduced = reduce_mixture(random_mixture(0, k=5), 2, random_state=0).fit(X)
    assert not hasattr(reduced, "kl_divergence_")


def test_names_of_features_are_carried_over():
    X, _ = overlapping()
    table = pandas.DataFrame(X, columns=["a", "b"])
    mixture = EMGaussianMixture(4, random_state=0).fit(table)
    reduced = reduce_mixture(mixture, 2, random_state=0)
    assert reduced.feature_names_in_.tolist() == ["a", "b"]
    assert reduced.n_features_in_ == 2
    reduced.predict(table)


def test_same_seed_gives_the_same_mixture_and_leaves_everything_else_alone():
    mixture = random_mixture(0, k=15, d=4)
    before = copy.deepcopy(vars(mixture))
    state = np.random.get_state(legacy=False)
    one, other = (reduce_mixture(mixture, 4, random_state=7) for _ in range(2))
    assert_array_equal(one.means_, other.means_)
    assert one.kl_divergence_ == other.kl_divergence_
    after = np.random.get_state(legacy=False)
    assert_array_equal(after["state"]["key"], state["state"]["key"])
    assert after["state"]["pos"] == state["state"]["pos"]
    for name, value in before.items():
        assert_array_equal(getattr(mixture, name), value)


def test_higher_confidence_widens_the_interval():
    mixture = random_mixture(0, k=10, d=5)
    low, high = (
        reduce_mixture(
            mixture, 3, refine=False, confidence_level=level, random_state=0
        ).kl_divergence_.confidence_interval
        for level in (0.5, 0.99)
    )
    assert high[0] < low[0] < low[1] < high[1]


# Bad input


@pytest.mark.parametrize("k", [0, -1, 6, 2.0, "2", None, True])
def test_impossible_number_of_components_is_refused(k):
    with pytest.raises(ValueError, match=r"an integer from 1 to 5.*; got"):
        reduce_mixture(random_mixture(0, k=5), k)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"method": "west"}, "method must be one of 'runnalls', 'salmond'; got 'west'"),
        ({"refine": "yes"}, "refine must be True or False; got 'yes'"),
        ({"confidence_level": 95}, "strictly between 0 and 1"),
        ({"confidence_level": None}, "strictly between 0 and 1; got None"),
        ({"random_state": "seed"}, "cannot be used to seed"),
    ],
)
def test_bad_option_is_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        reduce_mixture(random_mixture(0, k=5), 2, **parameters)


@pytest.mark.parametrize("mixture", [EMGaussianMixture(3), GaussianMixture(3)])
def test_mixture_must_be_fitted(mixture):
    with pytest.raises(NotFittedError):
        reduce_mixture(mixture, 2)


@pytest.mark.parametrize("thing", [KMeans(), None, [0.5, 0.5]])
def test_something_else_than_a_mixture_is_refused(thing):
    with pytest.raises(TypeError, match="must be a fitted Gaussian mixture"):
        reduce_mixture(thing, 2)


def test_the_class_of_mixtures_is_refused():
    with pytest.raises(TypeError, match="got the class EMGaussianMixture"):
        reduce_mixture(EMGaussianMixture, 2)


def test_singular_covariance_is_named():
    mixture = random_mixture(0, k=5)
    mixture.covariances_[3] = 1.0
    with pytest.raises(ValueError, match="component 3 of mixture is not positive"):
        reduce_mixture(mixture, 2)


# Documentation


def test_docstring_describes_every_parameter():
    found = validate("skgen.reduce_mixture")["errors"]
    not_asked = {"RT02", "GL01", "GL02"}
    assert [(code, text) for code, text in found if code not in not_asked] == []


def test_a_kernel_density_becomes_a_mixture_of_few_components():
    X = mixture_rows()
    kernel = KernelDensity(bandwidth=0.5).fit(X)
    reduced = reduce_mixture(kernel, 2, random_state=0)
    np.testing.assert_allclose(reduced.weights_ @ reduced.means_, X.mean(axis=0))
    divergence = reduced.kl_divergence_
    assert divergence.value == pytest.approx(kl_divergence(kernel, reduced), rel=0.05)
    assert divergence.value < 0.05


def mixture_rows():
    """Two round clusters far apart."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(120, 2)) + np.repeat([[0.0], [6.0]], 60, axis=0)


@pytest.mark.parametrize("method", [["runnalls"], None, {}])
def test_a_method_that_is_no_word_is_refused_like_an_unknown_one(method):
    with pytest.raises(ValueError, match="method must be one of"):
        reduce_mixture(random_mixture(0, k=5), 2, method=method)
