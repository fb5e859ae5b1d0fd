"""Networks and their start, `skgen.neural._networks`."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from torch import nn

from skgen.neural import ACTIVATIONS, Given, initialise, network

SIZES = [(), (4,), (4, 4), (4, 7, 3)]


def made(sizes, *, residual=True, activation="silu", seed=0):
    module = network(3, sizes, 2, activation=activation, residual=residual)
    initialise(module, torch.Generator().manual_seed(seed))
    return module


def values(module):
    return torch.cat([p.detach().reshape(-1) for p in module.parameters()]).numpy()


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_networks_have_the_shape_asked_for(sizes, residual, activation):
    module = made(sizes, residual=residual, activation=activation)
    assert module(torch.ones(6, 5, 3)).shape == (6, 5, 2)
    assert module[-1].in_features == (sizes[-1] if sizes else 3)


@pytest.mark.parametrize("residual", [False, True])
def test_without_hidden_layers_a_network_is_one_affine_map(residual):
    module = made((), residual=residual)
    x = torch.randn(4, 3)
    assert_array_equal(
        module(x).detach(),
        nn.functional.linear(x, module[0].weight, module[0].bias).detach(),
    )
    assert len(module) == 1


def test_plain_layers_are_scikit_learns():
    module = made((4, 5), residual=False, activation="tanh")
    kinds = [nn.Linear, nn.Tanh, nn.Linear, nn.Tanh, nn.Linear]
    assert [type(layer) for layer in module] == kinds


def test_a_residual_block_adds_to_what_it_is_given():
    module = made((4,))
    block, x = module[1], torch.randn(5, 4)
    inner = block.inner(nn.functional.layer_norm(x, (4,)))
    expected = x + block.outer(nn.functional.silu(inner))
    assert_allclose(block(x).detach(), expected.detach(), rtol=1e-5)


def test_start_is_uniform_and_of_its_seed():
    first, again, other = made((50,)), made((50,)), made((50,), seed=1)
    assert_array_equal(values(first), values(again))
    assert not np.array_equal(values(first), values(other))
    bound = 1.0 / np.sqrt(3.0)
    weights = first[0].weight.detach().numpy()
    assert np.abs(weights).max() <= bound
    assert weights.std() == pytest.approx(bound / np.sqrt(3.0), rel=0.1)
    assert_array_equal(first[1].norm.weight.detach(), 1.0)


# Networks of the user's own


def test_a_given_network_is_copied_with_its_weights():
    mine = nn.Linear(3, 2)
    given = Given(mine, "encoder", 3, 2)
    initialise(given, torch.Generator().manual_seed(0))
    assert_array_equal(values(given), values(mine))
    with torch.no_grad():
        given.network.weight.zero_()
    assert (mine.weight != 0.0).any()


def test_a_maker_is_told_the_numbers_of_inputs_and_outputs():
    before = torch.random.get_rng_state()
    with torch.device("meta"):
        first, again = (Given(nn.Linear, "decoder", 3, 2) for _ in range(2))
    assert_array_equal(torch.random.get_rng_state() == before, True)
    assert first.network.weight.shape == (2, 3)
    assert not first.network.weight.is_meta
    assert_array_equal(values(first), values(again))


def test_a_given_network_sees_rows_whatever_axes_stand_before():
    given = Given(nn.BatchNorm1d(3), "encoder", 3, 3)
    assert given(torch.randn(4, 5, 3)).shape == (4, 5, 3)


def test_what_is_no_network_is_refused():
    with pytest.raises(TypeError, match=r"encoder must be a torch.nn.Module.* got int"):
        Given(lambda n_inputs, n_outputs: 3, "encoder", 3, 2)


def test_outputs_of_the_wrong_shape_are_refused():
    given = Given(nn.Linear(3, 5), "decoder", 3, 2)
    message = r"decoder must return shape \(n_rows, 2\) .* but returned \(4, 5\)"
    with pytest.raises(ValueError, match=message):
        given(torch.ones(4, 3))
