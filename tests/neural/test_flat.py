"""Flat parameters, `skgen.neural._flat`, against torch's AdamW on separate tensors."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from torch import nn

from skgen.neural import FlatParameters

RATES = [1e-2, 3e-3, 1e-2, 1e-3, 5e-3]


def network(seed=0):
    """A network with weights from a seed."""
    module = nn.Sequential(nn.Linear(3, 5), nn.LayerNorm(5), nn.SiLU(), nn.Linear(5, 2))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(generator=generator)
    return module


def rows(seed):
    generator = torch.Generator().manual_seed(100 + seed)
    return torch.randn(7, 3, generator=generator)


def loss(module, step):
    return module(rows(step)).square().mean()


def trained(module, flat, steps):
    """Take steps; returns the weights after each."""
    path = []
    for step in steps:
        flat.clear_gradients()
        loss(module, step).backward()
        flat.step(RATES[step])
        path.append([p.detach().clone() for p in module.parameters()])
    return path


def values(module):
    return torch.cat([p.detach().reshape(-1) for p in module.parameters()]).numpy()


def test_a_step_is_that_of_adamw_on_separate_tensors():
    """Matrices decay, vectors do not."""
    module, reference = network(), network()
    flat = FlatParameters(module, weight_decay=0.1)
    optimiser = torch.optim.AdamW(
        [
            {"params": [p for p in reference.parameters() if p.dim() >= 2]},
            {
                "params": [p for p in reference.parameters() if p.dim() < 2],
                "weight_decay": 0.0,
            },
        ],
        betas=(0.9, 0.99),
        weight_decay=0.1,
    )
    path = trained(module, flat, range(5))
    for step, weights in enumerate(path):
        for group in optimiser.param_groups:
            group["lr"] = RATES[step]
        optimiser.zero_grad()
        loss(reference, step).backward()
        optimiser.step()
        for here, there in zip(weights, reference.parameters()):
            assert_allclose(here, there.detach(), rtol=1e-5, atol=1e-6)


def test_parameters_and_gradients_are_views_of_the_buffer():
    module = network()
    before = values(module)
    flat = FlatParameters(module)
    assert_array_equal(values(module), before)
    loss(module, 0).backward()
    sums = [sum(p.grad.abs().sum().item() for p in module.parameters())]
    sums.append(flat.buffer.grad.abs().sum().item())
    assert sums[0] == pytest.approx(sums[1], rel=1e-6)
    flat.clear_gradients()
    assert all((p.grad == 0.0).all() for p in module.parameters())
    flat.set(torch.full_like(flat.buffer, 2.0))
    assert (values(module) == 2.0).all()


def test_parameters_that_need_no_gradient_stay():
    module = network()
    module[0].weight.requires_grad_(False)
    kept = module[0].weight.clone()
    flat = FlatParameters(module)
    trained(module, flat, range(3))
    assert_array_equal(module[0].weight, kept)


def test_a_module_of_vectors_only_is_trained():
    module = nn.LayerNorm(3)
    flat = FlatParameters(module)
    trained(module, flat, range(2))
    assert not np.allclose(module.weight.detach(), 1.0)


def test_average_is_the_exponential_one_that_forgets_its_start():
    module = network()
    flat = FlatParameters(module, averaging=0.4)
    expected = [p.detach().clone() for p in module.parameters()]
    path = trained(module, flat, range(5))
    for step, weights in enumerate(path, start=1):
        keep = min(0.4, (1.0 + step) / (10.0 + step))
        expected = [keep * e + (1.0 - keep) * w for e, w in zip(expected, weights)]
    last = values(module)
    flat.swap_average()
    for here, there in zip(module.parameters(), expected):
        assert_allclose(here.detach(), there, rtol=1e-5, atol=1e-6)
    flat.swap_average()
    assert_array_equal(values(module), last)
    flat.set(flat.average())
    for here, there in zip(module.parameters(), expected):
        assert_allclose(here.detach(), there, rtol=1e-5, atol=1e-6)


def test_average_told_does_not_change_with_later_steps():
    module = network()
    flat = FlatParameters(module)
    told = flat.average()
    copy = told.clone()
    trained(module, flat, range(3))
    assert_array_equal(told, copy)


def test_restored_optimiser_goes_on_exactly():
    module = network()
    flat = FlatParameters(module)
    trained(module, flat, range(3))
    state = flat.state()
    trained(module, flat, (3, 4))
    other = network(seed=1)
    later = FlatParameters(other)
    later.restore(state)
    trained(other, later, (3, 4))
    assert later.n_steps == flat.n_steps == 5
    assert_array_equal(values(other), values(module))
    assert_array_equal(later.average(), flat.average())


def test_state_is_of_copies_and_restoring_leaves_it():
    module = network()
    flat = FlatParameters(module)
    trained(module, flat, range(2))
    state = flat.state()
    kept = {name: np.copy(value) for name, value in state.items()}
    trained(module, flat, range(2))
    flat.restore(state)
    trained(module, flat, range(2))
    for name, value in kept.items():
        assert_array_equal(state[name], value)
