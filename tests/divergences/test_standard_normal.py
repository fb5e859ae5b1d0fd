"""KL divergence from the standard normal, `skgen.divergences._standard_normal`."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats

from skgen.divergences import kl_divergence, standard_normal_kl


@given(mean=st.floats(-1e3, 1e3), scale=st.floats(1e-6, 1e3))
def test_is_the_divergence_of_the_families(mean, scale):
    expected = kl_divergence(stats.norm(mean, scale), stats.norm())
    told = standard_normal_kl(np.float64(mean), np.float64(scale))
    assert_allclose(told, expected, rtol=1e-9, atol=1e-12)
    assert told >= 0.0


def test_is_torchs_and_keeps_shape_and_gradient():
    generator = torch.Generator().manual_seed(0)
    mean = torch.randn(4, 3, generator=generator, dtype=torch.float64)
    scale = torch.rand(4, 3, generator=generator, dtype=torch.float64) + 0.1
    mean.requires_grad_()
    scale.requires_grad_()
    told = standard_normal_kl(mean, scale)
    law = torch.distributions.Normal
    expected = torch.distributions.kl_divergence(
        law(mean, scale), law(torch.zeros_like(mean), torch.ones_like(scale))
    )
    assert_allclose(told.detach(), expected.detach())
    gradients = torch.autograd.grad(told.sum(), (mean, scale))
    assert_allclose(gradients[0], mean.detach())
    assert_allclose(gradients[1], (scale - 1.0 / scale).detach())
