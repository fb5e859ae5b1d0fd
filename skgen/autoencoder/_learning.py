"""From standardised rows to a trained model: objective, bound held out, second try."""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning

from .._warnings import warn_user
from ..neural import (
    DivergedError,
    FlatParameters,
    chance_of,
    check_finite,
    few_threads,
    generator_on,
    normal_points,
    run_epoch,
    started,
    train,
)
from ._model import importance_bound

# The rate of a second try after a run that diverged, relative to the first.
LOWER_RATE = 0.1

# What is raised where numbers have left the range in which they mean something: of
# matrices that no longer have a factor linear algebra complains first.
DIVERGED = (DivergedError, torch.linalg.LinAlgError)

# Weights of rows do not fall below this, in units of their mean, or float32 might see
# nothing but zeros among the rows held out.
LEAST_WEIGHT = 1e-30

# Draws of the bound on rows held out.
VALIDATION_DRAWS = 20


@dataclass(frozen=True)
class Objective:
    """What is maximised.

    Parameters
    ----------
    n_draws : int
        Draws of the importance-weighted bound; 1 is the evidence lower bound.

    beta : float
        Weight of the KL divergence.

    free_bits : float
        Nats that each latent dimension is charged at least for its KL divergence, mean
        over the rows of a batch: Kingma et al., arXiv:1606.04934, equation 15. Above 0
        it needs a divergence in closed form.

    warm_up : int
        Epochs in which the weight of the KL divergence climbs to `beta`.

    hiding : float
        Share of rows of which cells are hidden at random, so that the encoder learns
        to do with fewer.
    """

    n_draws: int
    beta: float
    free_bits: float
    warm_up: int
    hiding: float

    def weight(self, epoch):
        """Weight of the KL divergence in an epoch."""
        if epoch >= self.warm_up:
            return self.beta
        return self.beta * (epoch + 1.0) / (self.warm_up + 1.0)

    def bound(self, model, cells, mask, conditions, weights, noise, epoch):
        """The bound of each row, to be maximised."""
        weight = self.weight(epoch)
        if self.n_draws > 1:
            reconstruction, excess, _ = model.terms(cells, mask, conditions, noise)
            return importance_bound(reconstruction, excess, weight)
        reconstruction, kl = model.evidence_terms(cells, mask, conditions, noise)
        if self.free_bits > 0.0:
            return reconstruction - weight * self.charge(weights @ kl / weights.sum())
        return reconstruction - weight * kl.sum(-1)

    def charge(self, mean_divergences):
        """What divergences of latent dimensions, means over rows, cost together."""
        if self.free_bits > 0.0:
            mean_divergences = mean_divergences.clamp(min=self.free_bits)
        return mean_divergences.sum()


@dataclass(frozen=True)
class TrainingRows:
    """Rows on the device, in float32.

    Parameters
    ----------
    cells : Tensor of shape (n_rows, n_columns)
        Standardised, 0 where hidden.

    mask : Tensor of shape (n_rows, n_columns) or None
        1 where seen; None if everything is.

    conditions : Tensor of shape (n_rows, n_conditions) or None
        What is given besides.

    weights : Tensor of shape (n_rows,)
        Weights of the rows, of mean 1.
    """

    cells: torch.Tensor
    mask: torch.Tensor
    conditions: torch.Tensor
    weights: torch.Tensor

    @classmethod
    def of(cls, rows, conditions, weights, device):
        """From arrays."""

        def tensor(array):
            return torch.as_tensor(np.asarray(array, dtype=np.float32), device=device)

        return cls(
            tensor(rows.cells),
            None if rows.mask.all() else tensor(rows.mask),
            None if conditions is None else tensor(conditions),
            tensor(np.maximum(weights / weights.mean(), LEAST_WEIGHT)),
        )

    def __len__(self):
        return len(self.cells)

    def take(self, index):
        """Some of the rows."""
        index = torch.as_tensor(index, device=self.cells.device)
        return TrainingRows(
            self.cells.index_select(0, index),
            None if self.mask is None else self.mask.index_select(0, index),
            None if self.conditions is None else self.conditions.index_select(0, index),
            self.weights.index_select(0, index),
        )


def start_pseudo_inputs(model, rows, generator):
    """Set a VampPrior's pseudo-inputs to rows drawn at random."""
    n_inputs, n_rows = len(model.prior.pseudo_inputs), len(rows)
    order = torch.randperm(n_rows, generator=generator)
    drawn = rows.take(order.repeat(math.ceil(n_inputs / n_rows))[:n_inputs])
    inputs = model.inputs(drawn.cells, drawn.mask, drawn.conditions)
    model.prior.start_from(inputs, n_rows, _n_cell_inputs(model.columns), generator)


def _n_cell_inputs(columns):
    """Number of the encoder's first inputs: those that stand for cells, not masks."""
    return columns.n_inputs - columns.n_columns * columns.may_hide


def loss_of(model, rows, objective, generator):
    """The loss as a function of the numbers of rows and of the epoch."""
    n_latents = model.n_latents

    def loss(index, epoch):
        batch = rows.take(index)
        cells, mask = batch.cells, batch.mask
        if objective.hiding > 0.0:
            mask = _hide(cells, mask, objective.hiding, generator)
            cells = cells * mask
        shape = (objective.n_draws, len(cells), n_latents)
        noise = torch.randn(
            shape, generator=generator, dtype=cells.dtype, device=cells.device
        )
        given, weights = batch.conditions, batch.weights
        bound = objective.bound(model, cells, mask, given, weights, noise, epoch)
        return bound.dot(weights) / -len(index)

    return loss


def _hide(cells, mask, share, generator):
    """A mask that hides cells of a batch's first rows, each row at its own rate."""
    random = {"generator": generator, "dtype": cells.dtype, "device": cells.device}
    n_hidden = math.ceil(share * len(cells))
    keep = torch.ones_like(cells) if mask is None else mask.clone()
    rates = torch.rand((n_hidden, 1), **random)
    keep[:n_hidden] *= torch.rand((n_hidden, cells.shape[1]), **random) > rates
    return keep


def bound_held_out(model, rows, objective, seed):
    """A function that tells the mean bound on rows held out, with noise that stays.

    It is the bound that is trained: importance-weighted where that is, else the
    evidence lower bound, of which each latent dimension costs its free bits at least.
    """
    points = normal_points(VALIDATION_DRAWS, model.n_latents, seed)
    noise = torch.as_tensor(points, dtype=torch.float32, device=rows.cells.device)
    size = max(1, 2_000_000 // (VALIDATION_DRAWS * max(128, model.columns.n_outputs)))
    pieces = torch.arange(len(rows), device=rows.cells.device).split(size)

    @torch.no_grad()
    def bound():
        model.eval()
        total, divergences = 0.0, 0.0
        for index in pieces:
            part = rows.take(index)
            given = part.cells, part.mask, part.conditions, noise[:, None, :]
            weights = part.weights.double()
            if objective.n_draws > 1:
                reconstruction, excess, _ = model.terms(*given)
                each = importance_bound(reconstruction, excess, objective.beta)
            else:
                each, divergence = model.evidence_terms(*given)
                divergences += weights @ divergence.double()
            total += weights.dot(each.double())
        model.train()
        weight = rows.weights.sum(dtype=torch.float64)
        if objective.n_draws > 1:
            return (total / weight).item()
        cost = objective.charge(divergences / weight)
        return (total / weight - objective.beta * cost).item()

    return bound


def fit_model(build, start, rows, held_out, objective, plan, device, seed, watch_of):
    """Train a model; a run that diverges is begun again once, at a lower rate.

    Parameters
    ----------
    build : callable
        Makes the model.

    start : callable
        Takes the model that was made and a generator on the CPU, to set weights that
        are known already.

    rows, held_out : TrainingRows
        What is learnt from, and what chooses among the weights (or None).

    objective : Objective
        What is maximised.

    plan : TrainingPlan
        How long and how fast.

    device : torch.device
        Where.

    seed : int
        Of everything random.

    watch_of : callable
        From a model to the watch of its training.

    Returns
    -------
    model, history : AutoencoderModel, History
        With the best weights.

    Raises
    ------
    ValueError
        Where both runs diverge.
    """
    for attempt, factor in enumerate((1.0, LOWER_RATE)):
        random_state = np.random.RandomState(seed)
        cpu = generator_on(torch.device("cpu"), random_state)
        generator = generator_on(device, random_state)
        model = started(build, cpu, device)
        start(model, cpu)
        slower = replace(plan, learning_rate=plan.learning_rate * factor)
        validate = None
        if held_out is not None:
            validate = bound_held_out(model, held_out, objective, seed)
        width = max(p.numel() for p in model.parameters())
        watch = watch_of(model)
        try:
            with few_threads(width), chance_of(model, device, seed):
                history = train(
                    model,
                    loss_of(model, rows, objective, generator),
                    len(rows),
                    slower,
                    generator,
                    validate=validate,
                    watch=watch,
                )
            return model, history
        except DIVERGED as error:
            rate = f"learning_rate_init={slower.learning_rate:g}"
            message = f"Training diverged at {rate}: {_first_sentence(error)}"
            if attempt == 0:
                watch.begin_again(plan.n_epochs)
                warn_user(
                    f"{message}. It is begun again at a tenth of that rate.",
                    ConvergenceWarning,
                )
    raise ValueError(
        f"{message}, and before that at ten times this rate. Lower learning_rate_init, "
        "look for cells that are far out of range, or choose another likelihood."
    )


def _first_sentence(error):
    return str(error).splitlines()[0].split(". ")[0].rstrip(".")


def train_once(
    build, start, state, rows, objective, batch_size, rate, device, seed, n_passes
):
    """One pass over rows at a constant rate, going on from what was before.

    Parameters
    ----------
    build : callable
        Makes the model.

    start : callable
        As in `fit_model`.

    state : dict or None
        What an earlier pass returned of the optimiser.

    rows : TrainingRows
        The rows.

    objective, batch_size, rate, device, seed : Objective, int, float, torch.device, int
        As in `fit_model`.

    n_passes : int
        Number of passes before.

    Returns
    -------
    model, state, bound : AutoencoderModel, dict, float
        With averaged weights; what to go on from; mean bound.
    """
    random_state = np.random.RandomState(seed)
    cpu = generator_on(torch.device("cpu"), random_state)
    generator = generator_on(device, random_state)
    model = started(build, cpu, device)
    start(model, cpu)
    flat = FlatParameters(model)
    if state is not None:
        flat.restore(state)
    rates = [rate] * math.ceil(len(rows) / batch_size)
    loss = loss_of(model, rows, objective, generator)
    width = max(p.numel() for p in model.parameters())
    with few_threads(width), chance_of(model, device, seed):
        try:
            bound = run_epoch(flat, loss, len(rows), rates, generator, n_passes)
            check_finite(flat)
        except DIVERGED as error:
            raise ValueError(
                f"Training diverged at learning_rate_init={rate:g}: "
                f"{_first_sentence(error)}. The model is as it was before this call. "
                "Lower learning_rate_init, or look for cells that are far out of range."
            ) from error
    state = flat.state()
    flat.swap_average()
    return model, state, bound
