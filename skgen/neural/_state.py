"""Weights without modules: what is kept of a model is NumPy arrays."""

import numpy as np
import torch

from ._networks import initialise


def arrays_of(module):
    """All weights and buffers as NumPy arrays, by name."""
    return {
        name: tensor.detach().cpu().numpy().copy()
        for name, tensor in module.state_dict().items()
    }


def started(build, generator, device):
    """A module on a device, with weights at their start, in float32."""
    with torch.device("meta"):
        module = build()
    _materialise(module)
    module.to(torch.float32)  # networks that were given may follow torch's default
    initialise(module, generator)
    return module.to(device)


def rebuilt(build, arrays, device, dtype):
    """A module on a device with the weights that `arrays_of` told."""
    with torch.device("meta"):
        module = build()
    tensors = {name: _tensor(array, device, dtype) for name, array in arrays.items()}
    module.load_state_dict(tensors, assign=True)
    return module.to(device).requires_grad_(False).eval()


def load(module, arrays):
    """Set a module's weights to those that `arrays_of` told of one built alike."""
    tensors = {name: torch.from_numpy(np.array(a)) for name, a in arrays.items()}
    try:
        module.load_state_dict(tensors)
    except RuntimeError as error:
        raise ValueError(
            "Training was to go on from the last weights, but parameters that give the "
            "networks their shape have changed since: call fit with warm_start=False."
        ) from error


def _materialise(module):
    """Give parameters memory; buffers are made with theirs."""
    for part in module.modules():
        for name, parameter in part.named_parameters(recurse=False):
            if parameter.is_meta:
                empty = torch.empty_like(parameter, device="cpu", dtype=torch.float32)
                setattr(part, name, torch.nn.Parameter(empty))


def _tensor(array, device, dtype):
    tensor = torch.from_numpy(np.array(array))
    return tensor.to(device, dtype if tensor.is_floating_point() else tensor.dtype)
