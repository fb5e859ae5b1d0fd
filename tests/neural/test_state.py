"""Arrays for modules and modules from arrays, `skgen.neural._state`."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from torch import nn

from skgen.neural import Given, arrays_of, load, network, rebuilt, started

CPU = torch.device("cpu")
THEIRS = nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 2))


class Module(nn.Module):
    """A network, one of the user's own with buffers, and a buffer that is not kept."""

    def __init__(self, width=4):
        super().__init__()
        self.own = network(3, (width,), 2, activation="silu", residual=True)
        self.given = Given(THEIRS, "decoder", 2, 2)
        knots = torch.arange(3.0, dtype=torch.float64, device="cpu")
        self.register_buffer("knots", knots, persistent=False)

    def forward(self, x):
        return self.given(self.own(x)) + self.knots[1].to(x.dtype)


def begun(width=4, seed=0):
    return started(lambda: Module(width), torch.Generator().manual_seed(seed), CPU)


def test_a_started_module_is_real_and_of_its_seed():
    module = begun()
    assert not any(t.is_meta for t in (*module.parameters(), *module.buffers()))
    for here, there in zip(module.own.parameters(), begun().own.parameters()):
        assert_array_equal(here.detach(), there.detach())
    assert module(torch.randn(6, 3)).shape == (6, 2)


def test_torchs_global_generator_is_not_asked():
    before = torch.random.get_rng_state()
    rebuilt(Module, arrays_of(begun()), CPU, torch.float32)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_arrays_go_to_a_module_and_back(dtype):
    module = begun()
    module(torch.randn(6, 3))  # moves the buffers of the user's network
    arrays = arrays_of(module)
    assert all(type(array) is np.ndarray for array in arrays.values())
    again = rebuilt(Module, arrays, CPU, dtype)
    assert not again.training
    for parameter in again.parameters():
        assert parameter.dtype == dtype
        assert not parameter.requires_grad
    back = arrays_of(again)
    assert list(back) == list(arrays)
    for name, array in arrays.items():
        assert_array_equal(back[name], array)
    rows = torch.randn(6, 3)
    told = again(rows.to(dtype))
    expected = module.eval()(rows).detach()
    assert torch.allclose(told, expected.to(dtype), rtol=1e-5, atol=1e-5)


def test_arrays_are_copies():
    module = begun()
    arrays = arrays_of(module)
    kept = {name: array.copy() for name, array in arrays.items()}
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.zero_()
    rebuilt(Module, arrays, CPU, torch.float32).own[0].weight.zero_()
    for name, array in kept.items():
        assert_array_equal(arrays[name], array)


def test_arrays_that_cannot_be_written_are_loaded():
    """joblib maps arrays into memory read-only."""
    arrays = arrays_of(begun())
    for array in arrays.values():
        array.setflags(write=False)
    rebuilt(Module, arrays, CPU, torch.float32)
    load(begun(seed=1), arrays)


def test_load_sets_the_weights():
    module, arrays = begun(seed=1), arrays_of(begun())
    load(module, arrays)
    for name, array in arrays_of(module).items():
        assert_array_equal(array, arrays[name])


def test_load_tells_what_to_do_where_the_shape_has_changed():
    with pytest.raises(ValueError, match="fit with warm_start=False"):
        load(begun(width=5), arrays_of(begun()))
