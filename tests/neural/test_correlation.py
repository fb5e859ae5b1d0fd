"""Correlated residuals, some hidden: `skgen.neural._correlation` against scipy."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import multivariate_normal
from strategies import seeds

from skgen.neural._correlation import Correlation, _LogDensity

sizes = st.integers(2, 6)


def correlation(d, rng):
    """A correlation matrix with random parameters, in float64."""
    module = Correlation(d).double().requires_grad_(False)
    module.factors.copy_(torch.as_tensor(rng.normal(size=(d, d))))
    module.noise.copy_(torch.as_tensor(rng.normal(size=d)))
    return module


def scores(d, rng, n_draws=2, n_rows=5):
    """Normal scores, 0 where hidden, and the mask."""
    mask = torch.as_tensor((rng.uniform(size=(n_rows, d)) < 0.6).astype(float))
    return torch.as_tensor(rng.normal(size=(n_draws, n_rows, d))) * mask, mask


def log_density(module, normal, mask):
    """Log of N(g; 0, C) in the cells seen."""
    told = module.log_density(normal, mask) - 0.5 * np.log(2.0 * np.pi) * mask.sum(-1)
    return told.numpy()


@given(d=sizes, seed=seeds)
def test_matrix_is_a_correlation_matrix(d, seed):
    matrix = correlation(d, np.random.default_rng(seed)).matrix().numpy()
    assert_allclose(np.diag(matrix), 1.0)
    assert_allclose(matrix, matrix.T)
    assert np.linalg.eigvalsh(matrix).min() > 0.0


@given(d=sizes, seed=seeds)
def test_density_of_cells_seen_is_that_of_the_sub_vector(d, seed):
    rng = np.random.default_rng(seed)
    module = correlation(d, rng)
    normal, mask = scores(d, rng)
    told = log_density(module, normal, mask)
    matrix = module.matrix().numpy()
    for row, seen in enumerate(mask.bool().numpy()):
        expected = 0.0
        if seen.any():
            law = multivariate_normal(cov=matrix[np.ix_(seen, seen)])
            expected = law.logpdf(normal[:, row].numpy()[:, seen])
        assert_allclose(told[:, row], expected, rtol=1e-7, atol=1e-7)


@given(d=sizes, seed=seeds)
def test_a_mask_that_hides_nothing_changes_nothing(d, seed):
    rng = np.random.default_rng(seed)
    module = correlation(d, rng)
    normal = torch.as_tensor(rng.normal(size=(2, 3, d)))
    mask = torch.ones(3, d, dtype=torch.float64)
    told = module.log_density(normal, mask)
    assert torch.equal(told, module.log_density(normal, None))


@given(d=sizes, seed=seeds)
def test_condition_is_the_closed_form(d, seed):
    rng = np.random.default_rng(seed)
    module = correlation(d, rng)
    normal, mask = scores(d, rng)
    means, covariances = (each.numpy() for each in module.condition(normal, mask))
    matrix = module.matrix().numpy()
    for row, seen in enumerate(mask.bool().numpy()):
        hidden = ~seen
        weights = np.linalg.solve(
            matrix[np.ix_(seen, seen)], matrix[np.ix_(seen, hidden)]
        )
        own = normal[:, row].numpy()
        assert_allclose(means[:, row][:, seen], own[:, seen])
        assert_allclose(
            means[:, row][:, hidden], own[:, seen] @ weights, rtol=1e-6, atol=1e-7
        )
        expected = np.zeros((d, d))
        expected[np.ix_(hidden, hidden)] = (
            matrix[np.ix_(hidden, hidden)] - matrix[np.ix_(hidden, seen)] @ weights
        )
        assert_allclose(covariances[row], expected, atol=1e-8)


@given(d=sizes, seed=seeds)
def test_order_of_columns_does_not_matter(d, seed):
    rng = np.random.default_rng(seed)
    module, order = correlation(d, rng), torch.as_tensor(rng.permutation(d))
    turned = Correlation(d).double().requires_grad_(False)
    turned.factors.copy_(module.factors[order])
    turned.noise.copy_(module.noise[order])
    normal, mask = scores(d, rng)
    assert_allclose(
        turned.log_density(normal[..., order], mask[:, order]),
        module.log_density(normal, mask),
        rtol=1e-7,
        atol=1e-9,
    )


def test_starts_without_correlation():
    module = Correlation(4).requires_grad_(False)
    module.start(None)
    assert_allclose(module.matrix(), np.eye(4), atol=1e-6)
    normal = torch.randn(1, 3, 4, generator=torch.Generator().manual_seed(0))
    independent = -0.5 * normal.square().sum(-1)
    assert_allclose(module.log_density(normal, None), independent, atol=1e-5)


def test_is_regular_in_single_precision_however_alike_columns_are():
    module = Correlation(3).requires_grad_(False)
    module.factors.fill_(1.0)
    module.noise.fill_(-50.0)
    told = module.log_density(torch.ones(1, 1, 3), torch.ones(1, 3))
    assert torch.isfinite(told).all()


@pytest.mark.parametrize("batch", [(), (3,)])
def test_gradient_by_hand_is_that_of_finite_differences(batch):
    generator = torch.Generator().manual_seed(3)
    shape = {"generator": generator, "dtype": torch.float64}
    factors = torch.randn((*batch, 4, 4), **shape)
    vectors = torch.randn((*batch, 5, 4), **shape).requires_grad_()

    def log_density(factors, vectors):
        matrices = factors @ factors.mT + torch.eye(4, dtype=torch.float64)
        return _LogDensity.apply(matrices, vectors)

    assert torch.autograd.gradcheck(log_density, (factors.requires_grad_(), vectors))


@pytest.mark.parametrize("seed", range(3))
def test_gradient_with_hidden_cells_is_that_of_finite_differences(seed):
    rng = np.random.default_rng(seed)
    known = correlation(4, rng)
    normal, mask = scores(4, rng)

    def log_density(factors, noise, normal):
        module = Correlation(4)
        del module.factors, module.noise
        module.factors, module.noise = factors, noise
        return module.log_density(normal, mask)

    inputs = known.factors.detach(), known.noise.detach(), normal
    assert torch.autograd.gradcheck(log_density, [i.requires_grad_() for i in inputs])


def test_a_matrix_that_cannot_be_factored_gives_nan():
    matrix = torch.tensor([[1.0, 2.0], [2.0, 1.0]])
    assert _LogDensity.apply(matrix, torch.ones(3, 2)).isnan().all()
