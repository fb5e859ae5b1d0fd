"""Families of columns, `skgen.neural._families`, against scipy's distributions."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from scipy.special import expit, softmax
from strategies import seeds

from skgen.neural import initialise
from skgen.neural._families import (
    DEGREES_AT_START,
    LEAST_SCALE,
    SCALE_AT_START,
    Bernoulli,
    Categorical,
    Gaussian,
    HomoscedasticGaussian,
    NegativeBinomial,
    Poisson,
    StudentT,
    UnitGaussian,
)
from skgen.neural._student import to_normal

MEANS = np.array([0.4, 3.0, 60.0])
SIZES = (2, 5, 3)

CONTINUOUS = {
    "student_t": lambda: StudentT(3),
    "gaussian": lambda: Gaussian(3),
    "gaussian, independent": lambda: Gaussian(3, correlated=False),
    "homoscedastic_gaussian": lambda: HomoscedasticGaussian(3),
    "unit_gaussian": lambda: UnitGaussian(3),
}
DISCRETE = {
    "bernoulli": lambda: Bernoulli(3),
    "categorical": lambda: Categorical(SIZES),
    "poisson": lambda: Poisson(MEANS),
    "negative_binomial": lambda: NegativeBinomial(MEANS),
}
FAMILIES = {**CONTINUOUS, **DISCRETE}


def made(name, seed=0):
    """A family with weights off their start, in float64."""
    family = FAMILIES[name]()
    generator = torch.Generator().manual_seed(seed)
    initialise(family, generator)
    family = family.double().requires_grad_(False)
    for parameter in family.parameters():
        parameter += 0.5 * torch.randn(parameter.shape, generator=generator)
    return family


def said(family, rng, n_draws=2, n_rows=4, spread=1.0):
    """What a decoder might say."""
    shape = n_draws, n_rows, family.n_outputs
    return torch.as_tensor(spread * rng.normal(size=shape))


def cells_of(name, rng, n_rows=4):
    """Cells that a family can describe."""
    if name in CONTINUOUS:
        cells = rng.normal(size=(n_rows, 3))
    elif name == "categorical":
        cells = rng.integers(0, SIZES, (n_rows, 3))
    elif name == "bernoulli":
        cells = rng.integers(0, 2, (n_rows, 3))
    else:
        cells = rng.poisson(MEANS, (n_rows, 3))
    return torch.as_tensor(cells.astype(float))


def location_scale(family, outputs):
    """What the decoder means by what it says of normal columns, in NumPy."""
    values = outputs.numpy()
    if isinstance(family, UnitGaussian):
        return values, np.ones_like(values)
    if isinstance(family, HomoscedasticGaussian):
        raw = np.broadcast_to(family.raw_scale.numpy(), values.shape)
        return values, np.logaddexp(0.0, raw) + LEAST_SCALE
    location, raw = np.split(values, 2, axis=-1)
    return location, np.logaddexp(0.0, raw + SCALE_AT_START) + LEAST_SCALE


# Log-densities


@pytest.mark.parametrize(
    "name", ["gaussian, independent", "homoscedastic_gaussian", "unit_gaussian"]
)
@given(seed=seeds)
def test_log_density_of_independent_normal_columns(name, seed):
    rng = np.random.default_rng(seed)
    family = made(name, seed)
    cells, outputs = cells_of(name, rng), said(family, rng)
    expected = stats.norm.logpdf(cells.numpy(), *location_scale(family, outputs))
    told = family.log_density(cells, None, outputs)
    assert_allclose(told, expected.sum(-1), rtol=1e-10)


@given(seed=seeds)
def test_log_density_of_correlated_normal_columns(seed):
    rng = np.random.default_rng(seed)
    family = made("gaussian", seed)
    cells, outputs = cells_of("gaussian", rng), said(family, rng)
    location, scale = location_scale(family, outputs)
    matrix = family.correlation.matrix().numpy()
    told = family.log_density(cells, None, outputs).numpy()
    for index in np.ndindex(told.shape):
        covariance = matrix * np.outer(scale[index], scale[index])
        law = stats.multivariate_normal(location[index], covariance)
        expected = law.logpdf(cells[index[1]].numpy())
        assert_allclose(told[index], expected, rtol=1e-6)


@given(seed=seeds)
def test_log_density_of_student_columns_is_a_copula_of_wallace_margins(seed):
    rng = np.random.default_rng(seed)
    family = made("student_t", seed)
    cells, outputs = cells_of("student_t", rng), said(family, rng)
    location, scale = location_scale(family, outputs)
    residuals = torch.as_tensor((cells.numpy() - location) / scale)
    normal, log_derivative = (
        a.numpy() for a in to_normal(residuals, 1.0, family.degrees())
    )
    law = stats.multivariate_normal(cov=family.correlation.matrix().numpy())
    expected = law.logpdf(normal) + (log_derivative - np.log(scale)).sum(-1)
    told = family.log_density(cells, None, outputs)
    assert_allclose(told, expected, rtol=1e-6, atol=1e-6)


@given(seed=seeds)
def test_log_density_of_bernoulli_columns(seed):
    rng = np.random.default_rng(seed)
    family = made("bernoulli")
    cells, outputs = cells_of("bernoulli", rng), said(family, rng, spread=5.0)
    expected = stats.bernoulli.logpmf(cells.numpy(), expit(outputs.numpy()))
    told = family.log_density(cells, None, outputs)
    assert_allclose(told, expected.sum(-1), rtol=1e-8)


@given(seed=seeds)
def test_log_density_of_categorical_columns(seed):
    rng = np.random.default_rng(seed)
    family = made("categorical")
    cells, outputs = cells_of("categorical", rng), said(family, rng, spread=5.0)
    law = torch.distributions.Categorical
    parts = outputs.split(SIZES, -1)
    expected = sum(
        law(logits=part).log_prob(cells[:, j]) for j, part in enumerate(parts)
    )
    assert_allclose(family.log_density(cells, None, outputs), expected, rtol=1e-10)


@given(seed=seeds)
def test_log_density_of_poisson_columns(seed):
    rng = np.random.default_rng(seed)
    family = made("poisson")
    cells, outputs = cells_of("poisson", rng), said(family, rng)
    expected = stats.poisson.logpmf(cells.numpy(), MEANS * np.exp(outputs.numpy()))
    told = family.log_density(cells, None, outputs)
    assert_allclose(told, expected.sum(-1), rtol=1e-9)


@given(seed=seeds)
def test_log_density_of_negative_binomial_columns(seed):
    rng = np.random.default_rng(seed)
    family = made("negative_binomial")
    cells, outputs = cells_of("negative_binomial", rng), said(family, rng)
    raw_rate, raw_shape = np.split(outputs.numpy(), 2, axis=-1)
    rate, shape = MEANS * np.exp(raw_rate), np.exp(raw_shape)
    expected = stats.nbinom.logpmf(cells.numpy(), shape, shape / (shape + rate))
    told = family.log_density(cells, None, outputs)
    assert_allclose(told, expected.sum(-1), rtol=1e-9)


def test_negative_binomial_ends_in_poisson():
    rng = np.random.default_rng(0)
    poisson, family = made("poisson"), made("negative_binomial")
    cells, rate = cells_of("poisson", rng), said(poisson, rng, spread=0.1)
    outputs = torch.cat([rate, torch.full_like(rate, 50.0)], -1)
    assert_allclose(
        family.log_density(cells, None, outputs),
        poisson.log_density(cells, None, rate),
        rtol=1e-2,
    )


@pytest.mark.parametrize("count", [0.0, 3.0, 1e3, 1e5])
@pytest.mark.parametrize("raw_shape", [None, -50.0, -3.0, 0.0, 3.0, 50.0])
def test_counts_are_as_exact_in_single_precision(count, raw_shape):
    """Large numbers cancel, and those of float32 would leave .1 nats of error."""
    means = np.array([max(count, 1.0)])
    family = Poisson(means) if raw_shape is None else NegativeBinomial(means)
    outputs = torch.tensor([[[0.1, raw_shape or 0.0][: family.n_outputs]]]).double()
    cells = torch.tensor([[count]], dtype=torch.float64)
    exact = family.log_density(cells, None, outputs).item()
    single = family.log_density(cells.float(), None, outputs.float()).item()
    assert single == pytest.approx(exact, rel=1e-3, abs=1e-2)


@pytest.mark.parametrize("name", FAMILIES)
@given(seed=seeds, n_hidden=st.integers(0, 3))
def test_hidden_cells_are_without_effect(name, seed, n_hidden):
    rng = np.random.default_rng(seed)
    family = made(name, seed)
    cells, other = cells_of(name, rng), cells_of(name, rng)
    outputs = said(family, rng)
    mask = torch.ones_like(cells)
    mask[:, rng.permutation(3)[:n_hidden]] = 0.0
    told = family.log_density(cells * mask, mask, outputs)
    changed = torch.where(mask.bool(), cells, other)
    assert_allclose(family.log_density(changed, mask, outputs), told, atol=1e-9)
    if n_hidden == 0:
        assert_allclose(family.log_density(cells, None, outputs), told, atol=1e-9)
    if n_hidden == 3:
        assert_allclose(told, 0.0, atol=1e-9)


@pytest.mark.parametrize("name", DISCRETE)
def test_probabilities_sum_to_one(name):
    rng = np.random.default_rng(0)
    family = made(name)
    outputs = said(family, rng, n_draws=1, n_rows=1, spread=0.5)
    largest = {"bernoulli": 2, "categorical": 2}.get(name, 800)
    cells = torch.zeros(largest, 3, dtype=torch.float64)
    cells[:, 0] = torch.arange(largest)
    mask = torch.zeros_like(cells)
    mask[:, 0] = 1.0
    said_of_all = outputs.expand(-1, largest, -1)
    total = family.log_density(cells, mask, said_of_all).exp().sum()
    assert total.item() == pytest.approx(1.0, abs=1e-9)


# Draws and expectations

N_DRAWS = 40_000


def drawn(family, cells, mask, outputs, seed=0):
    """Many draws of one row."""
    generator = torch.Generator().manual_seed(seed)
    many = outputs.expand(N_DRAWS, -1, -1)
    return family.draw(cells, mask, many, generator)[:, 0].numpy()


@pytest.mark.parametrize("name", FAMILIES)
def test_expectations_are_means_of_draws(name):
    rng = np.random.default_rng(3)
    family = made(name, 3)
    cells = cells_of(name, rng, n_rows=1)
    outputs = said(family, rng, n_draws=1, n_rows=1, spread=0.5)
    mask = torch.tensor([[0.0, 1.0, 0.0]], dtype=torch.float64)
    draws = drawn(family, cells * mask, mask, outputs)
    expected = family.expectations(cells * mask, mask, outputs)[0, 0].numpy()
    if name == "categorical":
        draws = np.hstack(
            [draws[:, [j]] == np.arange(size) for j, size in enumerate(SIZES)]
        ).astype(float)
    error = draws.std(axis=0) / np.sqrt(N_DRAWS)
    assert (np.abs(draws.mean(axis=0) - expected) <= 4.0 * error + 1e-6).all()


@pytest.mark.parametrize("name", CONTINUOUS)
def test_draws_follow_the_density_and_keep_what_is_seen(name):
    rng = np.random.default_rng(5)
    family = made(name, 5)
    outputs = said(family, rng, n_draws=1, n_rows=1, spread=0.5)
    hidden = torch.zeros(1, 3, dtype=torch.float64)
    draws = drawn(family, hidden, hidden, outputs)
    location, scale = (each[0, 0] for each in location_scale(family, outputs))
    residuals = torch.as_tensor((draws - location) / scale)
    normal = residuals.numpy()
    if name == "student_t":
        normal = to_normal(residuals, 1.0, family.degrees())[0].numpy()
    for column in normal.T:
        assert stats.kstest(column, "norm").pvalue > 1e-3
    expected = np.eye(3)
    if family.correlation is not None:
        expected = family.correlation.matrix().numpy()
    assert_allclose(np.cov(normal.T), expected, atol=0.03)
    cells, mask = cells_of(name, rng, 1), hidden.clone()
    mask[:, 1] = 1.0
    seen = drawn(family, cells * mask, mask, outputs)[:, 1]
    assert_allclose(seen, cells[0, 1].item(), atol=1e-6)


@pytest.mark.parametrize("name", ["student_t", "gaussian"])
def test_draws_given_a_cell_follow_the_conditional_distribution(name):
    rng = np.random.default_rng(6)
    family = made(name, 6)
    outputs = said(family, rng, n_draws=1, n_rows=1, spread=0.5)
    cells, mask = cells_of(name, rng, 1), torch.tensor([[0.0, 1.0, 0.0]]).double()
    draws = drawn(family, cells * mask, mask, outputs)
    location, scale = (each[0, 0] for each in location_scale(family, outputs))

    def normal_scores(values):
        residuals = torch.as_tensor((values - location) / scale)
        if name == "student_t":
            return to_normal(residuals, 1.0, family.degrees())[0].numpy()
        return residuals.numpy()

    matrix = family.correlation.matrix().numpy()
    seen = normal_scores(cells[0].numpy())[1]
    normal = normal_scores(draws)
    for j in (0, 2):
        law = stats.norm(matrix[j, 1] * seen, np.sqrt(1.0 - matrix[j, 1] ** 2))
        assert stats.kstest(normal[:, j], law.cdf).pvalue > 1e-3


@pytest.mark.parametrize("name", ["poisson", "negative_binomial", "bernoulli"])
def test_draws_of_counts_have_the_moments_of_scipy(name):
    rng = np.random.default_rng(8)
    family = made(name)
    outputs = said(family, rng, n_draws=1, n_rows=1, spread=0.5)
    hidden = torch.zeros(1, 3, dtype=torch.float64)
    draws = drawn(family, hidden, hidden, outputs)
    values = outputs[0, 0].numpy()
    rate = MEANS * np.exp(values[:3])
    law = {
        "poisson": lambda: stats.poisson(rate),
        "negative_binomial": lambda: stats.nbinom(
            np.exp(values[3:]), 1.0 / (1.0 + rate / np.exp(values[3:]))
        ),
        "bernoulli": lambda: stats.bernoulli(expit(values)),
    }[name]()
    error = law.std() / np.sqrt(N_DRAWS)
    assert (np.abs(draws.mean(axis=0) - law.mean()) < 4.0 * error).all()
    assert_allclose(draws.var(axis=0), law.var(), rtol=0.1)


def test_draws_of_categories_have_their_probabilities():
    rng = np.random.default_rng(9)
    family = made("categorical")
    outputs = said(family, rng, n_draws=1, n_rows=1)
    hidden = torch.zeros(1, 3, dtype=torch.float64)
    draws = drawn(family, hidden, hidden, outputs)
    for j, part in enumerate(outputs[0, 0].split(SIZES)):
        shares = np.bincount(draws[:, j].astype(int), minlength=SIZES[j]) / N_DRAWS
        assert_allclose(shares, softmax(part.numpy()), atol=0.015)


def test_likeliest_category_is_resolved():
    family = made("categorical")
    shares = torch.tensor([0.2, 0.8, 0.1, 0.1, 0.5, 0.2, 0.1, 0.3, 0.4, 0.3]).double()
    assert_array_equal(family.resolve(shares[None]), [[1.0, 2.0, 1.0]])


@given(mean=st.floats(-4.0, 4.0), deviation=st.floats(0.0, 1.0))
def test_expectations_of_heaviest_tails_are_exact(mean, deviation):
    """Fifteen nodes of Gauss and Hermite tell the mean even of the heaviest tails."""
    family = made("student_t")
    family.raw_degrees.fill_(-50.0)
    condition = torch.tensor([mean] * 3).double()[None, None]
    covariance = torch.eye(3).double()[None] * deviation**2
    zero, one = torch.zeros(1, 1, 3).double(), torch.ones(1, 1, 3).double()
    family._conditional = lambda *_: (zero, one, condition, covariance)
    hidden = torch.zeros(1, 3).double()
    told = family.expectations(hidden, hidden, None)[0, 0, 0].item()
    nodes, weights = np.polynomial.hermite_e.hermegauss(120)
    values = family._from_normal(torch.as_tensor(mean + deviation * nodes)[:, None])
    expected = (weights / weights.sum()) @ values[:, 0].numpy()
    assert told == pytest.approx(expected, rel=0.01, abs=1e-6)


# Inputs of the encoder, starts


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("scale", [1.0, 1e6, 1e30])
def test_inputs_are_finite_and_as_many_as_told(name, scale):
    rng = np.random.default_rng(0)
    family = made(name)
    cells = cells_of(name, rng)
    if name not in ("bernoulli", "categorical"):
        cells = (cells * scale).round() if name in DISCRETE else cells * scale
    inputs = family.inputs(cells)
    assert inputs.shape == (4, family.n_inputs)
    assert torch.isfinite(inputs).all()
    assert inputs.abs().max() <= 50.0


def test_categories_are_read_one_hot():
    cells = torch.tensor([[1.0, 4.0, 0.0]])
    expected = [[0, 1, 0, 0, 0, 0, 1, 1, 0, 0]]
    assert_array_equal(made("categorical").inputs(cells), expected)


def test_student_columns_start_at_ten_degrees_of_freedom():
    family = StudentT(3)
    initialise(family, torch.Generator())
    assert_allclose(family.degrees().detach(), DEGREES_AT_START, rtol=1e-6)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("size", [1e12, 1e30, -1e30])
@pytest.mark.parametrize("hides", [False, True])
def test_log_density_of_huge_cells_is_a_number_with_a_gradient(name, size, hides):
    family = made(name).float().requires_grad_(True)
    outputs = said(family, np.random.default_rng(0)).float().requires_grad_()
    cells = cells_of(name, np.random.default_rng(0)).float()
    if name in CONTINUOUS or (size > 0.0 and name in ("poisson", "negative_binomial")):
        cells = cells * size
    mask = None
    if hides:
        mask = torch.ones_like(cells)
        mask[:, 1] = 0.0
        cells = cells * mask
    each = family.log_density(cells, mask, outputs)
    assert torch.isfinite(each).all()
    for gradient in torch.autograd.grad(each.sum(), [outputs, *family.parameters()]):
        assert torch.isfinite(gradient).all()
