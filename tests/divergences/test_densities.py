"""What p and q may be: everything is read as the distribution it is."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.exceptions import NotFittedError
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
from sklearn.neighbors import KernelDensity
from torch import distributions as td

from skgen import EMGaussianMixture
from skgen.divergences import (
    cross_entropy,
    entropy,
    jeffreys_divergence,
    js_distance,
    js_divergence,
    kl_divergence,
    renyi_divergence,
)
from skgen.divergences._densities import (
    FrozenDensity,
    ModelDensity,
    as_density,
    as_gaussian_mixture,
)
from skgen.divergences._gaussian_mixtures import GaussianMixtureDensity
from skgen.divergences._torch_densities import TorchDensity

from .strategies import mixture_of, random_mixture

COVARIANCE_TYPES = ["full", "tied", "diag", "spherical"]


def table(seed=0, n_features=2):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(200, n_features))
    X[:80] = 0.5 * X[:80] + 2.0
    return X


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
@pytest.mark.parametrize("cls", [EMGaussianMixture, GaussianMixture])
def test_fitted_mixtures_are_read_as_what_they_score(cls, covariance_type):
    X = table()
    model = cls(n_components=3, covariance_type=covariance_type, random_state=0).fit(X)
    mixture = as_gaussian_mixture(model, "p")
    np.testing.assert_allclose(
        mixture.log_density(X), model.score_samples(X), rtol=1e-9
    )
    np.testing.assert_allclose(
        mixture.covariances, mixture.roots @ mixture.roots.transpose(0, 2, 1)
    )
    assert entropy(model) == pytest.approx(entropy(mixture), rel=1e-12)


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_rows_drawn_have_the_mixture_s_moments(covariance_type):
    model = GaussianMixture(3, covariance_type=covariance_type, random_state=0)
    mixture = as_gaussian_mixture(model.fit(table()), "p")
    X = mixture.draw(200_000, np.random.default_rng(0))
    np.testing.assert_allclose(X.mean(axis=0), mixture.mean, atol=0.02)
    np.testing.assert_allclose(np.cov(X.T), mixture.covariance, atol=0.05)


def test_a_bayesian_mixture_is_the_mixture_of_its_parameters():
    X = table()
    model = BayesianGaussianMixture(n_components=3, max_iter=2000, random_state=0).fit(
        X
    )
    mixture = as_gaussian_mixture(model, "p")
    np.testing.assert_allclose(mixture.means, model.means_)
    np.testing.assert_allclose(mixture.covariances, model.covariances_, rtol=1e-9)
    assert entropy(mixture) == pytest.approx(entropy(model))


def test_a_component_of_weight_zero_counts_for_nothing():
    model = GaussianMixture(2, random_state=0).fit(table())
    model.weights_ = np.array([1.0, 0.0])
    one = stats.multivariate_normal(model.means_[0], model.covariances_[0])
    assert kl_divergence(model, one) == pytest.approx(0.0, abs=1e-14)


@pytest.mark.parametrize("weights", [None, "some"])
def test_a_gaussian_kernel_density_is_read_as_what_it_scores(weights):
    X = table()
    weights = None if weights is None else np.linspace(1, 2, len(X))
    model = KernelDensity(bandwidth=0.3).fit(X, sample_weight=weights)
    mixture = as_gaussian_mixture(model, "p")
    np.testing.assert_allclose(
        mixture.log_density(X[:9]), model.score_samples(X[:9]), rtol=1e-6
    )
    kde = stats.gaussian_kde(X.T, weights=weights)
    np.testing.assert_allclose(
        as_gaussian_mixture(kde, "p").log_density(X[:9]), kde.logpdf(X[:9].T), rtol=1e-9
    )


@pytest.mark.parametrize("kernel", ["tophat", "exponential"])
def test_other_kernels_are_models(kernel):
    model = KernelDensity(kernel=kernel).fit(table())
    assert isinstance(as_density(model, "p"), ModelDensity)


def test_gaussians_of_scipy_and_torch_are_one():
    mean, covariance = np.array([1.0, -1.0]), np.array([[2.0, 0.3], [0.3, 1.0]])
    scipy_s = stats.multivariate_normal(mean, covariance)
    torch_s = td.MultivariateNormal(torch.tensor(mean), torch.tensor(covariance))
    assert kl_divergence(scipy_s, torch_s) == pytest.approx(0.0, abs=1e-15)
    assert kl_divergence(torch_s, scipy_s) == pytest.approx(0.0, abs=1e-15)
    scalar = stats.multivariate_normal(1.0, 4.0)
    assert kl_divergence(scalar, stats.norm(1.0, 2.0)) == pytest.approx(0.0, abs=1e-15)


@pytest.mark.parametrize("n_features", [1, 2])
def test_mixtures_of_torch_are_mixtures(n_features):
    mixture = random_mixture(3, n_features, seed=0)
    weights = td.Categorical(torch.tensor(mixture.weights))
    components = td.MultivariateNormal(
        torch.tensor(mixture.means), torch.tensor(mixture.covariances)
    )
    full = td.MixtureSameFamily(weights, components)
    assert kl_divergence(full, mixture) == pytest.approx(0.0, abs=1e-13)
    deviations = torch.tensor(np.sqrt(np.diagonal(mixture.covariances, 0, 1, 2)))
    normal = td.Normal(torch.tensor(mixture.means), deviations)
    diagonal = td.MixtureSameFamily(weights, td.Independent(normal, 1))
    X = mixture.draw(5, np.random.default_rng(0))
    np.testing.assert_allclose(
        as_gaussian_mixture(diagonal, "p").log_density(X),
        diagonal.log_prob(torch.tensor(X)).numpy(),
    )


# torch


def test_torch_is_answered_in_tensors_where_it_is_a_batch_or_has_gradients():
    mean = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    p = td.Independent(td.Normal(mean, torch.ones(3, dtype=torch.float64)), 1)
    q = td.Independent(td.Normal(mean.detach() + 1.0, 2.0), 1)
    for divergence in (kl_divergence, jeffreys_divergence, cross_entropy):
        value = divergence(p, q)
        (gradient,) = torch.autograd.grad(value, mean)
        assert torch.isfinite(gradient).all()
    batch = td.Normal(torch.zeros(4), 1.0)
    assert kl_divergence(batch, td.Normal(1.0, 2.0)).shape == (4,)
    assert entropy(batch).shape == (4,)
    bits = kl_divergence(batch, td.Normal(1.0, 2.0), base=2)
    nats = kl_divergence(batch, td.Normal(1.0, 2.0))
    np.testing.assert_allclose(bits.numpy(), nats.numpy() / np.log(2), rtol=1e-6)
    result = kl_divergence(batch, td.Normal(1.0, 2.0), confidence_level=0.9)
    assert result.exact
    assert result.value.shape == (4,)


def test_a_single_distribution_of_torch_is_answered_with_a_float_in_float64():
    value = kl_divergence(td.Normal(0.0, 1.0), td.Normal(1.0, 2.0))
    assert type(value) is float
    assert value == pytest.approx(0.443147180559945, rel=1e-14)


def test_batches_of_torch_without_a_closed_form_are_integrated_one_by_one():
    p, q = td.Normal(torch.zeros(2), 1.0), td.Normal(1.0, 2.0)
    expected = js_divergence(stats.norm(0, 1), stats.norm(1, 2))
    np.testing.assert_allclose(js_divergence(p, q), [expected] * 2, rtol=1e-12)
    assert renyi_divergence(p, q, 0.5).shape == (2,)


def test_distributions_that_only_torch_has_are_sampled_without_its_generator():
    p = td.Kumaraswamy(torch.tensor(2.0), torch.tensor(3.0))
    q = td.Beta(torch.tensor(2.0), torch.tensor(3.0))
    assert isinstance(as_density(p, "p"), TorchDensity)
    state = torch.random.get_rng_state()
    one, same = (kl_divergence(p, q, random_state=0, tol=0.05) for _ in range(2))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert one == same
    x = np.linspace(0.0, 1.0, 2001)[1:-1, None]
    densities = as_density(p, "p"), as_density(q, "q")
    log_p, log_q = (density.log_density(x) for density in densities)
    fine = np.mean(np.exp(log_p) * (log_p - log_q))
    assert one == pytest.approx(fine, rel=0.2)
    outside = densities[0].log_density(np.array([[-1.0], [2.0]]))
    np.testing.assert_array_equal(outside, -np.inf)


def test_batches_in_single_precision_are_computed_in_double_precision():
    p = td.Beta(torch.full((1,), 1e4), torch.tensor(2e4))
    q = td.Beta(torch.full((1,), 1.001e4), torch.tensor(2e4))
    exact = kl_divergence(stats.beta(1e4, 2e4), stats.beta(1.001e4, 2e4))
    result = kl_divergence(p, q, confidence_level=0.9)
    assert result.exact
    assert result.value.dtype == torch.float64
    assert result.value.item() == pytest.approx(exact, rel=1e-9)
    # families that scipy has no batches of are torch's, in double precision
    a, b = torch.tensor([[1e4, 2e4]]), torch.tensor([[1.001e4, 2e4]])
    value = kl_divergence(td.Dirichlet(a), td.Dirichlet(b))
    assert value.item() == pytest.approx(exact, rel=1e-6)
    assert jeffreys_divergence(p, q).item() > exact


def test_torch_s_divergences_with_a_gradient_are_neither_negative_nor_called_exact():
    a = torch.full((1,), 1e4, requires_grad=True)
    p = td.Beta(a, torch.tensor(2e4))
    q = td.Beta(torch.full((1,), 1.001e4), torch.tensor(2e4))
    assert td.kl_divergence(p, q).item() < 0.0
    result = kl_divergence(p, q, confidence_level=0.9)
    assert result.value.item() == 0.0
    assert not result.exact
    (gradient,) = torch.autograd.grad(result.value.sum(), a)
    assert gradient.item() != 0.0
    narrow = td.Normal(torch.zeros(1, requires_grad=True), 1e-3)
    assert entropy(narrow).item() < 0.0


@pytest.mark.parametrize("others", ["torch", "scipy", "mixture", "quadrature"])
def test_a_gradient_that_cannot_be_had_is_refused_instead_of_dropped(others):
    p = td.Normal(torch.tensor(0.0, requires_grad=True), 1.0)
    q = td.Normal(1.0, 2.0)
    mixture = td.MixtureSameFamily(td.Categorical(torch.ones(2)), p.expand((2,)))
    call = {
        "torch": lambda: js_divergence(p, q),
        "scipy": lambda: kl_divergence(stats.norm(), p),
        "mixture": lambda: kl_divergence(mixture, q),
        "quadrature": lambda: kl_divergence(p, q, method="quadrature"),
    }[others]
    with pytest.raises(ValueError, match=r"requires gradients.*Detach"):
        call()
    with torch.no_grad():
        assert type(call()) is float


def test_gradients_of_transforms_are_not_dropped_either():
    shift = torch.tensor(1.0, requires_grad=True)
    moved = td.TransformedDistribution(
        td.Gamma(2.0, 1.0), td.transforms.AffineTransform(shift, 1.0)
    )
    with pytest.raises(ValueError, match="requires gradients"):
        entropy(moved)


@pytest.mark.parametrize("kind", [td.Categorical, td.OneHotCategorical])
@pytest.mark.parametrize(
    "divergence",
    [
        kl_divergence,
        js_divergence,
        js_distance,
        jeffreys_divergence,
        cross_entropy,
        lambda p, q, **options: renyi_divergence(p, q, 0.5, **options),
        lambda p, q, **options: entropy(p, **options),
    ],
)
def test_categorical_distributions_of_torch_are_probability_vectors(kind, divergence):
    logits = torch.tensor([[0.1, -2.0, 0.7], [1.0, 0.0, -30.0]])
    p, q = kind(logits=logits), kind(probs=torch.tensor([0.25, 0.5, 0.25]))
    # torch has rounded its sums of exponentials already
    vectors = p.logits.double().softmax(-1).numpy()
    expected = divergence(vectors, np.array([0.25, 0.5, 0.25]))
    result = divergence(p, q, confidence_level=0.9)
    assert result.exact
    np.testing.assert_allclose(result.value, expected, rtol=1e-14)
    value = divergence(p, q)
    assert value.dtype == torch.float64
    np.testing.assert_allclose(value.numpy(), expected, rtol=1e-14)
    single = divergence(kind(logits=logits[0]), q)
    assert type(single) is float
    assert single == pytest.approx(np.ravel(expected)[0], rel=1e-14)


def test_categories_of_probability_0_are_impossible():
    p = td.Categorical(torch.tensor([0.5, 0.5]))
    q = td.Categorical(torch.tensor([1.0, 0.0]))
    assert kl_divergence(p, q) == np.inf
    assert js_divergence(q, q) == 0.0


def test_distributions_of_torch_whose_shapes_do_not_match_are_told_both():
    with pytest.raises(ValueError, match="p has 2 and q has 3"):
        kl_divergence(td.Categorical(torch.ones(2)), td.Categorical(torch.ones(3)))
    p, q = (td.MultivariateNormal(torch.zeros(d), torch.eye(d)) for d in (2, 3))
    with pytest.raises(ValueError, match=r"\(2,\) in p and \(3,\) in q"):
        kl_divergence(p, q)
    p, q = (td.Normal(torch.zeros(n), 1.0) for n in (3, 2))
    with pytest.raises(ValueError, match=r"\(3,\) in p and \(2,\) in q"):
        js_divergence(p, q)
    one = td.MultivariateNormal(torch.zeros(1), torch.eye(1))
    assert kl_divergence(one, td.Normal(0.0, 1.0)) == pytest.approx(0.0, abs=1e-12)


def test_tensors_of_probabilities_are_read_where_no_gradient_is_lost():
    p = torch.tensor([0.25, 0.75])
    expected = kl_divergence([0.25, 0.75], [0.5, 0.5])
    halves = torch.tensor([0.5, 0.5], dtype=torch.bfloat16)
    assert kl_divergence(p.to(torch.bfloat16), halves) == pytest.approx(expected)
    with pytest.raises(ValueError, match=r"q is a Tensor.*q.detach\(\)"):
        kl_divergence(p, p.clone().requires_grad_())


def test_torch_s_generator_is_as_it_was_after_threads_have_sampled():
    p = td.Kumaraswamy(torch.tensor(2.0), torch.tensor(3.0))
    q = td.Beta(torch.tensor(2.0), torch.tensor(3.0))
    expected = kl_divergence(p, q, random_state=0, tol=0.05)
    state = torch.random.get_rng_state()
    with ThreadPoolExecutor(8) as pool:
        values = pool.map(
            lambda _: kl_divergence(p, q, random_state=0, tol=0.05), range(32)
        )
        assert set(values) == {expected}
    assert torch.equal(torch.random.get_rng_state(), state)


# scipy


def test_families_of_scipy_without_a_closed_form_are_integrated():
    p, q = stats.skewnorm(2.0), stats.t(4.0)
    result = kl_divergence(p, q, confidence_level=0.9)
    assert result.method == "quadrature"
    x = np.linspace(-30, 30, 1_000_001)
    terms = p.pdf(x) * (p.logpdf(x) - q.logpdf(x))
    fine = np.nansum(np.where(p.pdf(x) > 0, terms, 0.0)) * (x[1] - x[0])
    assert result.value == pytest.approx(fine, rel=1e-8)


def test_batches_of_scipy_without_a_closed_form_are_integrated_one_by_one():
    p, q = stats.gamma([[2.0], [3.0]]), stats.lognorm([0.5, 1.0, 2.0])
    result = js_divergence(p, q, confidence_level=0.9)
    assert result.value.shape == result.standard_error.shape == (2, 3)
    single = js_divergence(stats.gamma(3.0), stats.lognorm(0.5))
    assert result.value[1, 0] == pytest.approx(single, rel=1e-14)


def test_mixtures_on_a_line_are_integrated_with_other_families():
    mixture = mixture_of([0.4, 0.6], [-1.0, 1.5], [0.5, 1.0])
    student = stats.t(4.0)
    x = np.linspace(-200, 200, 4_000_001)
    log_p, log_q = mixture.log_density(x[:, None]), student.logpdf(x)
    step = x[1] - x[0]
    there = np.sum(np.exp(log_p) * (log_p - log_q)) * step
    middle = np.logaddexp(log_p, log_q) - np.log(2)
    js = 0.5 * np.sum(
        np.exp(log_p) * (log_p - middle) + np.exp(log_q) * (log_q - middle)
    )
    assert kl_divergence(mixture, student) == pytest.approx(there, rel=1e-9)
    assert js_divergence(mixture, student) == pytest.approx(js * step, rel=1e-6)
    assert kl_divergence(student, mixture) > 0.0
    assert kl_divergence(stats.cauchy(), mixture) == np.inf


def test_the_new_distributions_of_scipy_are_read():
    normal = getattr(stats, "Normal", None)
    if normal is None:
        pytest.skip("scipy before 1.15")
    value = kl_divergence(normal(mu=0.0, sigma=1.0), stats.norm(1, 2))
    assert value == pytest.approx(0.443147180559945, rel=1e-12)
    two = stats.Mixture(
        [normal(mu=-2.0, sigma=1.0), normal(mu=2.0, sigma=1.0)], weights=[0.5, 0.5]
    )
    assert kl_divergence(two, stats.norm(0, np.sqrt(5))) == pytest.approx(
        0.171998762480, abs=1e-11
    )
    with pytest.raises(ValueError, match="one at a time"):
        kl_divergence(normal(mu=[0.0, 1.0], sigma=1.0), stats.norm(0, 1))


@pytest.mark.parametrize(
    "frozen",
    [
        stats.dirichlet([1.0, 2.0, 3.0]),
        stats.wishart(4, np.eye(2)),
        stats.invwishart(4, np.eye(2)),
        stats.multivariate_t([0.0, 1.0], df=3),
        stats.multinomial(5, [0.2, 0.3, 0.5]),
        stats.matrix_normal(np.zeros((2, 3))),
        stats.gamma(2.0),
        stats.poisson(3.0),
    ],
    ids=lambda frozen: type(getattr(frozen, "dist", frozen)).__name__,
)
def test_log_densities_of_rows_are_scipy_s_one_by_one(frozen):
    density = as_density(frozen, "p")
    assert isinstance(density, FrozenDensity)
    X = density.draw(4, np.random.default_rng(0))
    assert X.shape == (4, density.n_features)
    drawn = frozen.rvs(
        size=4, random_state=np.random.default_rng(0).integers(2**31 - 1)
    )
    log = frozen.logpmf if density.is_discrete else frozen.logpdf
    one_by_one = [float(np.squeeze(log(x))) for x in drawn]
    np.testing.assert_allclose(density.log_density(X), one_by_one)


# What is refused


def test_rows_that_a_distribution_of_scipy_refuses_are_told():
    simplex = stats.dirichlet([2.0, 3.0])
    with pytest.raises(ValueError, match="do not live in the same space"):
        kl_divergence(stats.multivariate_normal([0.0, 0.0]), simplex)


@pytest.mark.parametrize(
    "model", [EMGaussianMixture(), GaussianMixture(), KernelDensity()], ids=repr
)
def test_models_that_are_not_fitted_are_refused(model):
    with pytest.raises(NotFittedError):
        entropy(model)


def test_models_fitted_on_named_columns_are_compared_without_a_warning():
    pd = pytest.importorskip("pandas")
    X = pd.DataFrame(table(), columns=["a", "b"])
    kernel = KernelDensity(kernel="tophat", bandwidth=2.0).fit(X)
    mixture = EMGaussianMixture(2, random_state=0).fit(X)
    assert kl_divergence(kernel, mixture, random_state=0, tol=0.1) > 0.0


def test_models_of_the_same_columns_in_another_order_are_refused():
    pd = pytest.importorskip("pandas")
    X = pd.DataFrame(table(), columns=["a", "b"])
    one = EMGaussianMixture(2, random_state=0).fit(X)
    other = GaussianMixture(2, random_state=0).fit(X[["b", "a"]])
    with pytest.raises(ValueError, match=r"\['a', 'b'\].*\['b', 'a'\]"):
        kl_divergence(one, other)


def test_mixture_density_is_used_as_it_is():
    mixture = random_mixture(2, 2, seed=0)
    assert isinstance(mixture, GaussianMixtureDensity)
    assert as_density(mixture, "p") is mixture


@pytest.mark.parametrize(
    "cls", [EMGaussianMixture, GaussianMixture, KernelDensity, td.Normal, stats.Normal]
)
def test_a_class_is_no_distribution(cls):
    with pytest.raises(
        TypeError, match=rf"p .* got the class {cls.__name__}\. Call it"
    ):
        kl_divergence(cls, cls)
    with pytest.raises(TypeError, match=r"q .* got the class"):
        kl_divergence(stats.norm(), cls, random_state=0)


@pytest.mark.parametrize(
    ("unfrozen", "family"),
    [
        (stats.norm, "norm"),
        (stats.poisson, "poisson"),
        (stats.multivariate_normal, "multivariate_normal"),
        (stats.rv_histogram(([1, 2], [0, 1, 2])), "rv_histogram"),
    ],
)
def test_families_of_scipy_without_parameters_are_no_distributions(unfrozen, family):
    with pytest.raises(TypeError, match=rf"scipy's {family} without .* Freeze it"):
        kl_divergence(unfrozen, unfrozen)


@pytest.mark.parametrize(
    ("frozen", "missing"),
    [
        (stats.random_correlation([0.5, 1.5]), "random_correlation .* neither logpdf"),
        (stats.uniform_direction(3), "uniform_direction .* neither logpdf"),
        (stats.normal_inverse_gamma(0, 1, 2, 1), "normal_inverse_gamma .* 2 arrays"),
    ],
)
def test_what_a_multivariate_distribution_of_scipy_lacks_is_told(frozen, missing):
    other = stats.vonmises_fisher([0.0, 0.0, 1.0], 2.0)
    for pair in ((frozen, frozen), (other, frozen)):
        with pytest.raises(TypeError, match=missing):
            kl_divergence(*pair)


def test_a_distribution_that_cannot_be_drawn_from_serves_as_q():
    p, q = stats.multinomial(5, [0.5, 0.5]), stats.dirichlet_multinomial([1.0, 2.0], 5)
    x = np.column_stack([np.arange(6), 5 - np.arange(6)])
    expected = np.sum(p.pmf(x) * (p.logpmf(x) - q.logpmf(x)))
    assert kl_divergence(p, q, random_state=0) == pytest.approx(expected, rel=0.03)
    with pytest.raises(ValueError, match="p cannot be sampled"):
        kl_divergence(q, p)
