"""The loop that trains: rate, steps, epochs, early stopping, what guards against NaN.

It knows no model: an objective gives the loss of some rows, another function the bound
on the rows held out.
"""

import math
from dataclasses import dataclass, field
from time import perf_counter

import torch

from ._flat import FlatParameters

WARM_UP = 0.1  # share of the steps on which the learning rate climbs
STEPS_BETWEEN_CHECKS = 100


class DivergedError(ArithmeticError):
    """Weights or loss are no longer finite."""


@dataclass(frozen=True)
class TrainingPlan:
    """How long, how fast, and when to stop.

    Parameters
    ----------
    n_epochs : int
        Largest number of epochs; the rate falls to zero at its end.

    batch_size : int
        Rows of a step.

    learning_rate : float
        The largest rate.

    patience : float
        Epochs without improvement before training stops.

    tolerance : float
        What counts as improvement, nats per row.
    """

    n_epochs: int
    batch_size: int
    learning_rate: float
    patience: float = math.inf
    tolerance: float = 0.0

    def rate(self, step, n_steps):
        """Learning rate at a step: a linear climb, then a cosine down to zero."""
        climb = max(1, round(WARM_UP * n_steps))
        if step < climb:
            return self.learning_rate * (step + 1.0) / climb
        progress = (step - climb) / max(1.0, n_steps - climb)
        return self.learning_rate * 0.5 * (1.0 + math.cos(math.pi * progress))


@dataclass
class History:
    """What each epoch brought."""

    training_bound: list = field(default_factory=list)
    validation_bound: list = field(default_factory=list)
    learning_rate: list = field(default_factory=list)
    seconds: list = field(default_factory=list)
    best_epoch: int = -1
    best_bound: float = -math.inf
    stopped_early: bool = False

    @property
    def n_epochs(self):
        """Number of epochs so far."""
        return len(self.training_bound)


def train(module, objective, n_rows, plan, generator, *, validate=None, watch=None):
    """Train a module, and leave it with the best averaged weights.

    Parameters
    ----------
    module : torch.nn.Module
        Changed in place.

    objective : callable
        From the numbers of rows (a tensor) and the epoch's number to the loss, a
        scalar tensor: minus the bound, mean over the rows.

    n_rows : int
        Number of rows.

    plan : TrainingPlan
        How long, how fast.

    generator : torch.Generator
        Shuffles the rows; on the module's device.

    validate : callable, default=None
        Returns the bound on rows held out, which chooses among the averaged weights.
        Without it those of the last step are kept.

    watch : object, default=None
        ``begin()`` before, ``end(history, flat)`` after each epoch; the latter returns
        whether to stop.

    Returns
    -------
    history : History
        What each epoch brought.

    Raises
    ------
    DivergedError
        Where the loss or weights are no longer finite.
    """
    flat = FlatParameters(module)
    history, best, start = History(), None, perf_counter()
    per_epoch = math.ceil(n_rows / plan.batch_size)
    interval = max(1, round(STEPS_BETWEEN_CHECKS / per_epoch))
    for epoch in range(plan.n_epochs):
        if watch is not None:
            watch.begin()
        first = epoch * per_epoch
        rates = [
            plan.rate(first + i, plan.n_epochs * per_epoch) for i in range(per_epoch)
        ]
        bound = run_epoch(flat, objective, n_rows, rates, generator, epoch)
        history.training_bound.append(bound)
        history.learning_rate.append(rates[-1])
        last = epoch + 1 == plan.n_epochs
        if validate is not None and (last or (epoch + 1) % interval == 0):
            bound = _checked_bound(flat, validate)
            if bound > history.best_bound + plan.tolerance:
                history.best_bound, history.best_epoch = bound, epoch
                best = flat.average()
        else:
            bound = math.nan
        history.validation_bound.append(bound)
        history.seconds.append(perf_counter() - start)
        stop = watch.end(history, flat) if watch is not None else False
        # epochs between two looks at the rows held out bring no bad news
        looked = not math.isnan(bound) and best is not None
        history.stopped_early = looked and epoch - history.best_epoch >= plan.patience
        if stop or history.stopped_early:
            break
    flat.set(best if best is not None else flat.average())
    check_finite(flat)
    return history


def run_epoch(flat, objective, n_rows, rates, generator, epoch):
    """One pass over the rows in shuffled order.

    Parameters
    ----------
    flat : FlatParameters
        Changed in place.

    objective, n_rows, generator : callable, int, torch.Generator
        As `train` has them.

    rates : sequence of float
        The learning rate of each step; there are as many batches.

    epoch : int
        Handed to the objective.

    Returns
    -------
    bound : float
        Mean bound of the rows, each with the weights of its turn.

    Raises
    ------
    DivergedError
        Where it is not finite.
    """
    order = torch.randperm(n_rows, generator=generator, device=flat.buffer.device)
    batches, losses = order.tensor_split(len(rates)), []
    for rate, rows in zip(rates, batches):
        flat.clear_gradients()
        loss = objective(rows, epoch)
        loss.backward()
        flat.step(rate)
        losses.append(loss.detach())
    losses = torch.stack(losses).tolist()
    bound = -sum(loss * len(rows) for loss, rows in zip(losses, batches)) / n_rows
    if not math.isfinite(bound):
        raise DivergedError(f"the loss is {-bound} in epoch {epoch + 1}")
    return bound


def _checked_bound(flat, validate):
    """The bound of the averaged weights on the rows held out."""
    flat.swap_average()
    bound = float(validate())
    flat.swap_average()
    if not math.isfinite(bound):
        raise DivergedError(f"the bound on the rows held out is {bound}")
    return bound


def check_finite(flat):
    """Raise `DivergedError` where weights are not finite."""
    if not flat.is_finite():
        raise DivergedError("weights are not finite")
