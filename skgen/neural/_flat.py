"""All weights of a module in one flat buffer, and what is done to all of them at once.

Small networks are bound by the number of calls, not by arithmetic: one call on a flat
buffer does for all weights what would take one for each.
"""

import numpy as np
import torch

WEIGHT_DECAY = 1e-4
AVERAGING = 0.995
BETAS = 0.9, 0.99  # of the moving moments of gradients
EPSILON = 1e-8

_STATE = "weights", "average", "first_moments", "second_moments"


class FlatParameters:
    """A module's parameters as views into a flat buffer, with AdamW and their average.

    Matrices come first, and only these decay.

    Parameters
    ----------
    module : torch.nn.Module
        Its parameters become views; gradients are summed into views as well.

    weight_decay : float, default=1e-4
        Decoupled decay of matrices (Loshchilov and Hutter, arXiv:1711.05101).

    averaging : float, default=0.995
        The share that the moving average of weights keeps in each step, once it is
        past its first steps.
    """

    def __init__(
        self,
        module,
        *,
        weight_decay=WEIGHT_DECAY,
        averaging=AVERAGING,
    ):
        free = [p for p in module.parameters() if p.requires_grad]
        matrices = [p for p in free if p.dim() >= 2]
        self.buffer = _flatten(matrices + [p for p in free if p.dim() < 2])
        self._decaying = self.buffer.data[: sum(p.numel() for p in matrices)]
        self._weight_decay = weight_decay
        self._averaging = averaging
        self._average = self.buffer.detach().clone()
        self._moments = [torch.zeros_like(self._average) for _ in range(2)]
        self._step = torch.zeros((), dtype=torch.float32, device=self.buffer.device)
        self.n_steps = 0

    def clear_gradients(self):
        """Set all gradients to zero."""
        self.buffer.grad.zero_()

    @torch.no_grad()
    def step(self, learning_rate):
        """One step of AdamW, and of the moving average."""
        self._decaying.mul_(1.0 - learning_rate * self._weight_decay)
        self._step += 1.0
        # what torch.optim.AdamW(fused=True) calls: it asks and groups for three times
        # as long as this takes
        torch._fused_adamw_(
            [self.buffer],
            [self.buffer.grad],
            [self._moments[0]],
            [self._moments[1]],
            [],
            [self._step],
            lr=learning_rate,
            beta1=BETAS[0],
            beta2=BETAS[1],
            weight_decay=0.0,
            eps=EPSILON,
            amsgrad=False,
            maximize=False,
        )
        self.n_steps += 1
        # young averages forget faster, or they would remember the start
        keep = min(self._averaging, (1.0 + self.n_steps) / (10.0 + self.n_steps))
        self._average.lerp_(self.buffer, 1.0 - keep)

    @torch.no_grad()
    def swap_average(self):
        """Exchange weights and their moving average; twice is nothing."""
        kept = self.buffer.detach().clone()
        self.buffer.copy_(self._average)
        self._average.copy_(kept)

    def average(self):
        """A copy of the averaged weights."""
        return self._average.clone()

    def is_finite(self):
        """Whether all weights are."""
        return bool(torch.isfinite(self.buffer).all())

    @torch.no_grad()
    def set(self, weights):
        """Set the weights to copied ones."""
        self.buffer.copy_(weights)

    def state(self):
        """All that a later step needs, in NumPy arrays.

        Returns
        -------
        state : dict of str to ndarray, and ``n_steps``
            Weights, their average and moments, to be handed to `restore`.
        """
        tensors = zip(_STATE, (self.buffer, self._average, *self._moments))
        arrays = {name: np.array(t.detach().cpu().numpy()) for name, t in tensors}
        return {**arrays, "n_steps": self.n_steps}

    @torch.no_grad()
    def restore(self, state):
        """Go on from what `state` told."""
        self.n_steps = state["n_steps"]
        self._step.fill_(self.n_steps)
        for name, own in zip(_STATE, (self.buffer, self._average, *self._moments)):
            own.copy_(torch.from_numpy(state[name]))


@torch.no_grad()
def _flatten(parameters):
    """One buffer for parameters, of which they and their gradients become views."""
    buffer = torch.cat([p.detach().reshape(-1) for p in parameters])
    buffer = torch.nn.Parameter(buffer)
    buffer.grad = torch.zeros_like(buffer)
    start = 0
    for parameter in parameters:
        part = slice(start, start + parameter.numel())
        parameter.data = buffer.data[part].view_as(parameter)
        parameter.grad = buffer.grad[part].view_as(parameter)
        start = part.stop
    return buffer
