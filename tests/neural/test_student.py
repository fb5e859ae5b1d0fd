"""Student's t in Wallace's form, `skgen.neural._student`, against scipy's Student t."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats
from scipy.integrate import quad

from skgen.neural._families import LEAST_DEGREES
from skgen.neural._student import from_normal, to_normal

DEGREES = (2.5, 3.0, 10.0, 100.0)

degrees_of_freedom = st.floats(LEAST_DEGREES, 1e6)


def tensor(values):
    return torch.as_tensor(values, dtype=torch.float64)


def log_density(residuals, degrees):
    normal, log_derivative = to_normal(tensor(residuals), 1.0, tensor(degrees))
    return (log_derivative - 0.5 * normal.square()).numpy() - 0.5 * np.log(2.0 * np.pi)


@pytest.mark.parametrize("degrees", DEGREES)
def test_density_integrates_to_one(degrees):
    total, _ = quad(lambda r: np.exp(log_density(r, degrees)), -np.inf, np.inf)
    assert total == pytest.approx(1.0, abs=1e-9)


@given(
    residual=st.floats(-1e6, 1e6).filter(lambda r: r == 0.0 or abs(r) > 1e-3),
    degrees=degrees_of_freedom,
)
def test_from_normal_inverts_to_normal(residual, degrees):
    normal, _ = to_normal(tensor(residual), 1.0, tensor(degrees))
    back = from_normal(normal, tensor(degrees))
    # what keeps the gradient finite at zero shifts r²/ν by 1e-10
    assert_allclose(back.item(), residual, rtol=1e-8 + 1e-12 * degrees)


@given(residual=st.floats(-1e6, 1e6), degrees=degrees_of_freedom)
def test_log_derivative_is_that_of_the_map(residual, degrees):
    r = tensor(residual).requires_grad_()
    normal, log_derivative = to_normal(r, 1.0, tensor(degrees))
    (derivative,) = torch.autograd.grad(normal, r)
    # of what keeps the gradient finite at zero, the derivative is not told: 1e-10
    assert_allclose(derivative.log().item(), log_derivative.item(), atol=1e-7)


@pytest.mark.parametrize(
    ("degrees", "density", "distribution", "divergence"),
    [
        (2.1, 3.2e-3, 1.6e-3, 3.7e-4),
        (3.0, 1.9e-3, 8e-4, 9e-5),
        (10.0, 2.3e-4, 1e-4, 7e-7),
        (100.0, 2.5e-6, 1.2e-6, 4e-12),
    ],
)
def test_is_close_to_the_student_t_of_scipy(degrees, density, distribution, divergence):
    """Largest differences of density and distribution function, and KL from scipy's."""
    residuals = np.linspace(-60.0, 60.0, 24_001)
    reference = stats.t(degrees)
    density_here = np.exp(log_density(residuals, degrees))
    assert np.abs(density_here - reference.pdf(residuals)).max() < density
    normal, _ = to_normal(tensor(residuals), 1.0, tensor(degrees))
    below = stats.norm.cdf(normal.numpy())
    assert np.abs(below - reference.cdf(residuals)).max() < distribution

    def integrand(r):
        log = log_density(r, degrees)
        return np.exp(log) * (log - reference.logpdf(r))

    assert abs(quad(integrand, -np.inf, np.inf)[0]) < divergence


@pytest.mark.parametrize("degrees", [1e8, 1e15])
def test_many_degrees_of_freedom_are_the_normal_distribution(degrees):
    residuals = np.linspace(-8.0, 8.0, 101)
    assert_allclose(
        log_density(residuals, degrees), stats.norm.logpdf(residuals), atol=1e-4
    )


def test_heaviest_tails_have_a_finite_variance():
    """Tails fall as r to the power of −ν (8ν + 1)² / (8ν + 3)², which must exceed 2."""
    residuals = np.array([1e6, 1e7])
    normal, _ = to_normal(tensor(residuals), 1.0, tensor(LEAST_DEGREES))
    log_tail = stats.norm.logsf(normal.numpy())
    exponent = -np.diff(log_tail)[0] / np.log(10.0)
    assert exponent > 2.0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("residual", [0.0, 1e-30, 1e15, -1e30])
def test_gradients_are_finite_wherever_residuals_are(dtype, residual):
    r = torch.tensor(residual, dtype=dtype, requires_grad=True)
    degrees = torch.tensor(10.0, dtype=dtype, requires_grad=True)
    normal, log_derivative = to_normal(r, 1.0, degrees)
    total = log_derivative - 0.5 * normal.square()
    for each in (total, *torch.autograd.grad(total, (r, degrees))):
        assert torch.isfinite(each)
