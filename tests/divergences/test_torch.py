"""Distributions of torch as scipy's, and torch's own divergences as a reference.

`skgen.divergences._torch`, and `_families` against torch's registry.
"""

import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.distributions as td
from scipy import stats
from torch.distributions.kl import _KL_REGISTRY

from skgen.divergences import _families
from skgen.divergences._torch import as_scipy


def tensor(value):
    return torch.tensor(value, dtype=torch.float64)


def several(family, *columns, **kwargs):
    """Distributions of a family, from columns of parameters."""
    return [family(*map(tensor, row), **kwargs) for row in zip(*columns)]


# Two or three of each family of torch that scipy has, too.
PAIRS = {
    "Normal": several(td.Normal, (0.3, -1.0), (0.7, 2.0)),
    "Laplace": several(td.Laplace, (0.3, -1.0), (0.7, 2.0)),
    "Gumbel": several(td.Gumbel, (0.3, -1.0), (0.7, 2.0)),
    "Cauchy": several(td.Cauchy, (0.3, -1.0), (0.7, 2.0)),
    "Uniform": several(td.Uniform, (0.2, -1.0, 4.0), (0.7, 3.0, 6.0)),
    "Exponential": several(td.Exponential, (0.4, 1.7, 0.9)),
    "Gamma": several(td.Gamma, (0.6, 3.5), (2.0, 0.4)),
    "Chi2": several(td.Chi2, (3.0, 5.5)),
    "Beta": several(td.Beta, (0.6, 3.5), (2.0, 0.4)),
    "HalfNormal": several(td.HalfNormal, (0.6, 3.5)),
    "HalfCauchy": several(td.HalfCauchy, (0.6, 3.5)),
    "LogNormal": several(td.LogNormal, (0.3, -1.0), (0.7, 2.0)),
    "Pareto": several(td.Pareto, (2.0, 0.5, 1.0), (3.0, 1.5, 0.8)),
    "Weibull": several(td.Weibull, (2.0, 0.5), (3.0, 1.5)),
    "InverseGamma": several(td.InverseGamma, (2.0, 0.5), (3.0, 1.5)),
    "StudentT": several(td.StudentT, (3.0, 5.0), (0.3, -1.0), (0.7, 2.0)),
    "FisherSnedecor": several(td.FisherSnedecor, (3.0, 5.0), (6.0, 7.0)),
    "VonMises": several(td.VonMises, (0.3, -1.0), (0.7, 2.0)),
    "Poisson": several(td.Poisson, (0.6, 3.5)),
    "Bernoulli": several(td.Bernoulli, (0.3, 0.8)),
    "Binomial": [td.Binomial(5, tensor(0.3)), td.Binomial(5, tensor(0.8))],
    "Geometric": several(td.Geometric, (0.3, 0.8)),
    "NegativeBinomial": several(td.NegativeBinomial, (3.0, 2.5), (0.3, 0.8)),
    "Dirichlet": several(td.Dirichlet, ([1.0, 2.0, 0.3], [3.0, 0.5, 1.0])),
    "Multinomial": [
        td.Multinomial(4, tensor([0.2, 0.3, 0.5])),
        td.Multinomial(4, tensor([0.6, 0.3, 0.1])),
    ],
    "MultivariateNormal": [
        td.MultivariateNormal(tensor([1.0, 2.0]), tensor([[2.0, 0.5], [0.5, 1.0]])),
        td.MultivariateNormal(tensor([0.0, 2.0]), tensor([[1.0, 0.1], [0.1, 1.0]])),
    ],
    "LowRankMultivariateNormal": [
        td.LowRankMultivariateNormal(
            tensor([1.0, 2.0]), tensor([[0.5], [0.3]]), tensor([1.0, each])
        )
        for each in (2.0, 0.5)
    ],
    "Wishart": [
        td.Wishart(tensor(4.0), covariance_matrix=tensor([[2.0, 0.5], [0.5, 1.0]])),
        td.Wishart(tensor(3.5), covariance_matrix=tensor([[1.0, 0.1], [0.1, 1.0]])),
    ],
}

WISHART_POINTS = tensor([[[2.0, 0.3], [0.3, 1.0]], [[5.0, -1.0], [-1.0, 0.4]]])

# Gaussian vectors are not of `_families`.
ELSEWHERE = {"MultivariateNormal", "LowRankMultivariateNormal"}

REGISTERED = [
    (first.__name__, second.__name__)
    for first, second in _KL_REGISTRY
    if {first.__name__, second.__name__} <= PAIRS.keys() - ELSEWHERE
]


def log_density(frozen, points):
    """scipy's, of points as torch has them: the first axis is the sample's."""
    if isinstance(getattr(frozen, "dist", None), stats.rv_discrete):
        return frozen.logpmf(points)
    if hasattr(frozen, "alpha"):
        return frozen.logpdf((points / points.sum(axis=-1, keepdims=True)).T)
    if hasattr(frozen, "df"):
        return frozen.logpdf(np.moveaxis(points, 0, -1))
    return frozen.logpmf(points) if hasattr(frozen, "n") else frozen.logpdf(points)


@pytest.mark.parametrize("name", PAIRS)
def test_a_translated_distribution_has_the_density_that_torch_tells(name):
    torch.manual_seed(0)
    # torch's Bessel functions are polynomials in single precision
    tolerance = 1e-7 if name == "VonMises" else 1e-9
    for distribution in PAIRS[name]:
        # its sampler warns of singular matrices where there are none
        points = WISHART_POINTS if name == "Wishart" else distribution.sample((7,))
        np.testing.assert_allclose(
            log_density(as_scipy(distribution), points.numpy()),
            distribution.log_prob(points).numpy(),
            rtol=tolerance,
            atol=tolerance,
        )


@pytest.mark.parametrize(("first", "second"), REGISTERED)
def test_every_divergence_that_torch_knows_is_found(first, second):
    for p in PAIRS[first]:
        for q in PAIRS[second]:
            found = _families.kl(as_scipy(p), as_scipy(q))
            expected = td.kl_divergence(p, q).item()
            assert found == pytest.approx(expected, rel=1e-10, abs=1e-10)


def test_the_registry_still_has_the_pairs_that_this_walks():
    assert len(REGISTERED) > 50


def test_a_batch_becomes_arrays_of_parameters():
    frozen = as_scipy(td.Normal(tensor([0.0, 1.0]), tensor(2.0)))
    np.testing.assert_array_equal(frozen.mean(), [0.0, 1.0])


def test_single_precision_does_not_stay():
    frozen = as_scipy(td.Gamma(torch.tensor(2.0), torch.tensor(0.1)))
    assert frozen.kwds["scale"].dtype == np.float64


def test_a_probability_near_1_keeps_what_its_logit_tells():
    failure = as_scipy(td.NegativeBinomial(tensor(3.0), logits=tensor(40.0)))
    assert failure.args[1] == pytest.approx(np.exp(-40.0), rel=1e-12)


@pytest.mark.parametrize(
    "distribution",
    [
        td.Kumaraswamy(tensor(1.0), tensor(2.0)),
        td.ContinuousBernoulli(tensor(0.3)),
        td.Independent(td.Normal(torch.zeros(2), torch.ones(2)), 1),
        td.Dirichlet(torch.ones(3, 2)),
        td.Multinomial(3, torch.ones(3, 2) / 2),
        td.LogNormal(tensor(1000.0), tensor(1.0)),
        stats.norm(),
        "norm",
    ],
    ids=lambda each: type(each).__name__,
)
def test_what_scipy_does_not_have_is_none(distribution):
    assert as_scipy(distribution) is None


def test_a_distribution_derived_from_one_of_torch_is_that_one():
    class Named(td.Normal):
        pass

    assert as_scipy(Named(tensor(1.0), tensor(2.0))).mean() == 1.0


def test_the_module_itself_does_not_import_torch():
    code = (
        "import importlib.util, sys\n"
        f"path = {as_scipy.__code__.co_filename!r}\n"
        "spec = importlib.util.spec_from_file_location('alone', path)\n"
        "spec.loader.exec_module(importlib.util.module_from_spec(spec))\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
