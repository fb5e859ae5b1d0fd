"""The training loop, `skgen.neural._training`."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from torch import nn

from skgen.neural import (
    DivergedError,
    FlatParameters,
    TrainingPlan,
    run_epoch,
    train,
)


class Point(nn.Module):
    """A parameter that is drawn to 3."""

    def __init__(self):
        super().__init__()
        self.at = nn.Parameter(torch.zeros(2))

    def loss(self, rows, epoch):
        return (self.at - 3.0).square().sum()


def generator():
    return torch.Generator().manual_seed(0)


def plan(n_epochs=30, batch_size=10, learning_rate=0.3, **options):
    return TrainingPlan(n_epochs, batch_size, learning_rate, **options)


class Watch:
    """Keeps the averaged weights of each epoch."""

    def __init__(self, stop_at=None):
        self.averages, self.begun, self._stop_at = [], 0, stop_at

    def begin(self):
        self.begun += 1

    def end(self, history, flat):
        self.averages.append(flat.average())
        return history.n_epochs == self._stop_at


# The rate


@given(
    n_steps=st.integers(1, 5000),
    learning_rate=st.floats(1e-6, 1.0),
)
def test_rate_climbs_then_falls_and_never_exceeds_the_largest(n_steps, learning_rate):
    schedule = plan(learning_rate=learning_rate)
    rates = np.array([schedule.rate(step, n_steps) for step in range(n_steps)])
    assert (rates > 0.0).all()
    assert rates.max() <= learning_rate * (1.0 + 1e-12)
    top = rates.argmax()
    assert (np.diff(rates[: top + 1]) >= 0.0).all()
    assert (np.diff(rates[top:]) <= 0.0).all()
    assert top <= max(1.0, 0.1 * n_steps)


def test_rate_of_a_hundred_steps_is_the_cosine():
    rates = [plan(learning_rate=2.0).rate(step, 100) for step in range(100)]
    assert_allclose(rates[:10], 0.2 * np.arange(1, 11))
    assert_allclose(rates[10:], 1.0 + np.cos(np.pi * np.arange(90) / 90.0))


# One epoch


@pytest.mark.parametrize(("n_rows", "batch_size"), [(10, 3), (7, 7), (5, 1), (9, 100)])
def test_every_row_is_seen_once_in_an_epoch(n_rows, batch_size):
    module, seen = Point(), []

    def objective(rows, epoch):
        assert len(rows) <= batch_size
        assert epoch == 4
        seen.append(rows)
        return module.loss(rows, epoch)

    flat = FlatParameters(module)
    rates = [0.1] * math.ceil(n_rows / batch_size)
    run_epoch(flat, objective, n_rows, rates, generator(), 4)
    assert len(seen) == len(rates)
    assert_array_equal(np.sort(torch.cat(seen)), np.arange(n_rows))


def test_bound_of_an_epoch_is_the_mean_over_rows():
    module = Point()
    values = torch.arange(10.0)
    flat = FlatParameters(module)

    def objective(rows, epoch):
        return values[rows].mean() + 0.0 * module.at.sum()

    bound = run_epoch(flat, objective, 10, [0.0] * 4, generator(), 0)
    assert bound == pytest.approx(-4.5)


# The whole loop


def test_trains_and_tells_each_epoch():
    module = Point()
    watch = Watch()
    history = train(module, module.loss, 40, plan(), generator(), watch=watch)
    assert history.n_epochs == watch.begun == len(watch.averages) == 30
    assert len(history.learning_rate) == len(history.seconds) == 30
    assert history.training_bound[-1] > history.training_bound[0]
    assert_allclose(module.at.detach(), 3.0, atol=0.1)
    assert np.isnan(history.validation_bound).all()
    assert history.stopped_early is False
    assert_array_equal(module.at.detach(), watch.averages[-1])


def test_best_weights_are_restored():
    """The bound held out is best midway; the weights of that epoch are kept."""
    module, watch = Point(), Watch()
    history = train(
        module,
        module.loss,
        1000,
        plan(20),
        generator(),
        validate=lambda: -((module.at[0].item() - 1.5) ** 2),
        watch=watch,
    )
    bounds = np.array(history.validation_bound)
    assert history.best_epoch > 0
    assert bounds[history.best_epoch] == history.best_bound == bounds.max()
    assert_array_equal(module.at.detach(), watch.averages[history.best_epoch])
    assert -((module.at[0].item() - 1.5) ** 2) == history.best_bound


def test_stops_when_patience_is_over():
    module, watch = Point(), Watch()
    validate = iter([0.0, 1.0, 0.5, 0.9, 0.99, 0.0, 2.0]).__next__
    history = train(
        module,
        module.loss,
        1000,
        plan(20, patience=3),
        generator(),
        validate=validate,
        watch=watch,
    )
    assert history.n_epochs == 5
    assert history.best_epoch == 1
    assert history.stopped_early is True
    assert_array_equal(module.at.detach(), watch.averages[1])


def test_tolerance_says_what_an_improvement_is():
    module = Point()
    validate = iter([0.0, 0.05, 0.08, 0.2, 0.25]).__next__
    history = train(
        module,
        module.loss,
        1000,
        plan(5, tolerance=0.1),
        generator(),
        validate=validate,
    )
    assert history.best_epoch == 3
    assert history.best_bound == 0.2


def test_few_batches_are_checked_less_often_but_at_the_end():
    module = Point()
    history = train(
        module, module.loss, 10, plan(120), generator(), validate=lambda: 1.0
    )
    checked = np.flatnonzero(~np.isnan(history.validation_bound))
    assert_array_equal(checked, [99, 119])


@pytest.mark.parametrize("validated", [False, True])
def test_stops_where_the_watch_says_so(validated):
    module, watch = Point(), Watch(stop_at=3)
    history = train(
        module,
        module.loss,
        10,
        plan(200),
        generator(),
        watch=watch,
        validate=(lambda: 1.0) if validated else None,
    )
    assert history.n_epochs == 3
    assert_array_equal(module.at.detach(), watch.averages[-1])
    assert history.stopped_early is False


def test_same_seed_trains_the_same():
    ends = []
    for _ in range(2):
        module, target = Point(), torch.linspace(0.0, 1.0, 40)

        def objective(rows, epoch, module=module, target=target):
            return (module.at[0] - target[rows]).square().mean()

        train(module, objective, 40, plan(), generator())
        ends.append(module.at.detach().numpy())
    assert_array_equal(*ends)


# What diverges


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_is_told(value):
    module = Point()

    def objective(rows, epoch):
        return module.loss(rows, epoch) * (value if epoch == 2 else 1.0)

    with pytest.raises(DivergedError, match=r"loss is .* in epoch 3"):
        train(module, objective, 10, plan(), generator())


def test_a_bound_held_out_that_is_not_finite_is_told():
    module = Point()
    with pytest.raises(DivergedError, match="held out is nan"):
        train(module, module.loss, 1000, plan(), generator(), validate=lambda: math.nan)


def test_weights_that_are_not_finite_are_told():
    """The loss of the last step was finite, its gradient was not."""
    module = Point()

    def objective(rows, epoch):
        return (module.at * 0.0).sqrt().sum()

    with pytest.raises(DivergedError, match="weights are not finite"):
        train(module, objective, 10, plan(1), generator())
