"""Networks of fully connected layers, and how all weights start.

What goes in and comes out is tensors; what they mean is not known here.
"""

import copy
import math
from contextlib import nullcontext

import torch
from torch import nn

from ._device import own_chance

ACTIVATIONS = {
    "silu": nn.SiLU,
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "logistic": nn.Sigmoid,
    "gelu": nn.GELU,
    "identity": nn.Identity,
}


class ResidualBlock(nn.Module):
    """``x + W a(V LayerNorm(x))``: depth that does not stop gradients.

    Parameters
    ----------
    width : int
        Number of units, in and out.

    activation : str
        Name of the activation ``a``, a key of `ACTIVATIONS`.
    """

    def __init__(self, width, activation):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.inner = nn.Linear(width, width)
        self.activation = ACTIVATIONS[activation]()
        self.outer = nn.Linear(width, width)

    def forward(self, x):
        """The input, changed by what the block adds."""
        return x + self.outer(self.activation(self.inner(self.norm(x))))


def network(n_inputs, hidden_layer_sizes, n_outputs, *, activation, residual):
    """A network of fully connected layers.

    Parameters
    ----------
    n_inputs, n_outputs : int
        Number of units that go in and come out.

    hidden_layer_sizes : sequence of int
        Widths. Without any the network is one affine map.

    activation : str
        A key of `ACTIVATIONS`.

    residual : bool
        Whether each width is a residual block, after an affine map to its width where
        that changes; otherwise each is an affine map with an activation.

    Returns
    -------
    network : torch.nn.Sequential
        Its last layer is affine.
    """
    build = _residual_layers if residual else _plain_layers
    layers, width = build(n_inputs, hidden_layer_sizes, activation)
    return nn.Sequential(*layers, nn.Linear(width, n_outputs))


def _residual_layers(width, sizes, activation):
    layers = []
    for i, size in enumerate(sizes):
        if i == 0 or size != width:
            layers.append(nn.Linear(width, size))
            width = size
        layers.append(ResidualBlock(size, activation))
    return layers, width


def _plain_layers(width, sizes, activation):
    layers = []
    for size in sizes:
        layers += [nn.Linear(width, size), ACTIVATIONS[activation]()]
        width = size
    return layers, width


@torch.no_grad()
def initialise(module, generator):
    """Set all weights to their start, from a generator of one's own.

    Affine maps start as torch starts them, uniform within ±1/√(number of inputs);
    modules with a method ``start(generator)`` do it themselves. torch's global
    generator is not asked.

    Parameters
    ----------
    module : torch.nn.Module
        Changed in place.

    generator : torch.Generator
        Source of the numbers.
    """
    for part in _own_parts(module):
        if isinstance(part, nn.Linear):
            bound = 1.0 / math.sqrt(max(part.in_features, 1))
            for parameter in part.parameters():
                parameter.uniform_(-bound, bound, generator=generator)
        elif isinstance(part, nn.LayerNorm):
            part.weight.fill_(1.0)
            part.bias.fill_(0.0)
        elif hasattr(part, "start"):
            part.start(generator)


def chance_of(module, device, seed):
    """A context in which networks of the user's own draw from a seed, if there are any.

    Others draw from generators of their own, and torch's global one is left alone.
    """
    is_given = any(getattr(part, "is_given", False) for part in module.modules())
    return own_chance(device, seed) if is_given else nullcontext()


def _own_parts(module):
    """All parts of a module but those in networks that were given from outside."""
    if getattr(module, "is_given", False):
        return
    yield module
    for child in module.children():
        yield from _own_parts(child)


class Given(nn.Module):
    """A network of the user's own, with weights as it comes.

    Parameters
    ----------
    network : torch.nn.Module or callable
        The network, which is copied, or a maker of one from the numbers of its inputs
        and outputs.

    name : str
        Of the parameter, for messages.

    n_inputs, n_outputs : int
        Number of inputs it is given and of outputs it must return, for rows of shape
        (n_rows, n_inputs).
    """

    is_given = True

    def __init__(self, network, name, n_inputs, n_outputs):
        super().__init__()
        self._name, self._n_outputs = name, n_outputs
        # made outside of the "meta" device, or its own start would be lost, and from a
        # fixed seed, which leaves torch's global generator as it was
        with torch.device("cpu"), own_chance(torch.device("cpu"), 0):
            self.network = (
                copy.deepcopy(network)
                if isinstance(network, nn.Module)
                else network(n_inputs, n_outputs)
            )
        if not isinstance(self.network, nn.Module):
            raise TypeError(
                f"{name} must be a torch.nn.Module, or make one when called with the "
                f"numbers of inputs and outputs, got {type(self.network).__name__}."
            )

    def forward(self, inputs):
        """Outputs of rows, whatever axes stand before the last."""
        rows = inputs.reshape(-1, inputs.shape[-1])
        try:
            outputs = self.network(rows)
        except RuntimeError as error:
            raise ValueError(
                f"{self._name} must take inputs of shape (n_rows, {rows.shape[1]}), "
                f"but failed on {tuple(rows.shape)}: {error}"
            ) from error
        if outputs.shape != (len(rows), self._n_outputs):
            raise ValueError(
                f"{self._name} must return shape (n_rows, {self._n_outputs}) for "
                f"inputs of shape (n_rows, {rows.shape[1]}), but returned "
                f"{tuple(outputs.shape)} for {tuple(rows.shape)}."
            )
        return outputs.reshape(*inputs.shape[:-1], -1)
