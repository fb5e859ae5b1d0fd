"""Objective, bound held out, second try: `skgen.autoencoder._learning`."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning

from skgen import VariationalAutoencoder
from skgen.autoencoder._evaluation import Rows
from skgen.autoencoder._learning import (
    Objective,
    TrainingRows,
    _hide,
    bound_held_out,
)
from skgen.neural import normal_points

from .models import QUICK, linear

CPU = torch.device("cpu")


def rows_of(known, weights=None):
    weights = np.ones(len(known.X)) if weights is None else weights
    rows = Rows(*known.model._plan().standardise(known.X))
    return TrainingRows.of(rows, None, weights, CPU)


def bound(known, objective, epoch=0):
    model = known.model._model(np.float32)
    rows = rows_of(known)
    points = normal_points(16, 2, 0)[: objective.n_draws]
    noise = torch.as_tensor(points, dtype=torch.float32)[:, None, :]
    arguments = rows.cells, None, None, rows.weights, noise, epoch
    return objective.bound(model, *arguments), model.terms(*arguments[:3], noise)


def test_kl_warm_up_always_finishes():
    objective = Objective(1, 0.8, 0.0, 4, 0.0)
    weights = [objective.weight(epoch) for epoch in range(6)]
    assert_allclose(weights, 0.8 * np.array([0.2, 0.4, 0.6, 0.8, 1.0, 1.0]))


@pytest.mark.parametrize("beta", [0.0, 0.3, 1.0])
def test_objective_is_reconstruction_less_beta_times_the_kl(beta):
    known = linear(0, posterior="another")
    told, (reconstruction, _, _) = bound(known, Objective(1, beta, 0.0, 0, 0.0))
    kl = known.model.elbo(known.X).kl
    expected = reconstruction[0].numpy() - beta * kl
    assert_allclose(told, expected, rtol=1e-3, atol=1e-3)


def test_objective_of_several_draws_is_the_importance_bound():
    known = linear(0, posterior="another")
    told, (reconstruction, excess, _) = bound(known, Objective(4, 1.0, 0.0, 0, 0.0))
    expected = (reconstruction - excess).logsumexp(0) - np.log(4.0)
    assert_allclose(told, expected, rtol=1e-6)


def test_free_bits_cost_nothing_and_have_no_gradient():
    known = linear(0)
    told, (reconstruction, _, _) = bound(known, Objective(1, 1.0, 50.0, 0, 0.0))
    assert_allclose(told, reconstruction[0] - 100.0, rtol=1e-5)


def test_free_bits_are_of_each_latent_dimension():
    """What one dimension uses above its share is not given to another."""
    known = linear(0, posterior="another")
    model = known.model._model(np.float32)
    rows = rows_of(known)
    noise = torch.zeros(1, 1, 2)
    reconstruction, kl = model.evidence_terms(rows.cells, None, None, noise)
    means = kl.mean(0)
    between = means.mean()  # above one of them, below the other
    assert means.min() < between < means.max()
    objective = Objective(1, 1.0, between.item(), 0, 0.0)
    told = objective.bound(model, rows.cells, None, None, rows.weights, noise, 0)
    expected = reconstruction - means.max() - between
    assert_allclose(told.detach(), expected.detach(), rtol=1e-5)


def test_bound_held_out_charges_free_bits_too():
    known = linear(0, posterior="another")
    model = known.model._model(np.float32)
    plain, free = (
        bound_held_out(model, rows_of(known), Objective(1, 1.0, bits, 0, 0.0), 0)()
        for bits in (0.0, 50.0)
    )
    kl = known.model.elbo(known.X).kl.mean()
    assert free == pytest.approx(plain + kl - 100.0, rel=1e-4)


def test_hiding_is_of_the_first_rows_only_and_never_shows_what_is_missing():
    generator = torch.Generator().manual_seed(0)
    cells = torch.ones(40, 6)
    mask = torch.ones(40, 6)
    mask[:, 2] = 0.0
    hidden = _hide(cells, mask, 0.25, generator)
    assert (hidden[:10] == 0.0).any()
    assert_array_equal(hidden[10:], mask[10:])
    assert (hidden[:, 2] == 0.0).all()
    assert (mask[:10, 0] == 1.0).all()


@pytest.mark.parametrize("n_draws", [1, 5])
def test_bound_held_out_is_that_which_is_trained(n_draws):
    """In the units of the scores; the same on every call."""
    known = linear(0, posterior="another")
    weights = np.random.default_rng(0).uniform(size=len(known.X))
    model = known.model._model(np.float32)
    objective = Objective(n_draws, 1.0, 0.0, 0, 0.0)
    held_out = bound_held_out(
        model, rows_of(known, weights), objective, known.model._noise_seed
    )
    options = {"n_importance_samples": 20}
    if n_draws == 1:
        expected = known.model.elbo(known.X, **options).elbo
    else:
        expected = known.model.score_samples(known.X, **options)
    _, _, log_jacobian = known.model._plan().standardise(known.X)
    expected = np.average(expected - log_jacobian, weights=weights)
    assert held_out() == pytest.approx(expected, rel=1e-4)
    assert held_out() == held_out()


@pytest.mark.filterwarnings("ignore:The posterior has collapsed")
def test_a_run_that_diverges_is_begun_again_at_a_tenth_of_the_rate():
    X = np.random.default_rng(0).normal(size=(30, 2))

    class Fragile(torch.nn.Linear):
        n_made = 0

        def __init__(self, n_inputs, n_outputs):
            super().__init__(n_inputs, n_outputs)
            Fragile.n_made += 1
            self.broken = Fragile.n_made == 1

        def forward(self, inputs):
            outputs = super().forward(inputs)
            return outputs * float("nan") if self.broken else outputs

    model = VariationalAutoencoder(1, encoder=Fragile, random_state=0, **QUICK)
    with pytest.warns(ConvergenceWarning, match="begun again at a tenth of that rate"):
        model.fit(X)
    assert np.isfinite(model.score_samples(X)).all()
    assert model.history_["learning_rate"].max() <= 4e-4


def test_a_run_that_diverges_twice_is_refused_with_advice():
    def broken(n_inputs, n_outputs):
        linear_ = torch.nn.Linear(n_inputs, n_outputs)
        torch.nn.init.constant_(linear_.bias, float("nan"))
        return linear_

    model = VariationalAutoencoder(1, encoder=broken, random_state=0, **QUICK)
    X = np.random.default_rng(0).normal(size=(30, 2))
    with (
        pytest.warns(ConvergenceWarning, match="diverged"),
        pytest.raises(ValueError, match="Lower learning_rate_init"),
    ):
        model.fit(X)
    assert not hasattr(model, "parameters_")
