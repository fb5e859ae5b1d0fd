"""Torch's own state: what a fit neither minds nor changes."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from numpy.testing import assert_array_equal

from .tables import rows, small, with_holes

pytestmark = pytest.mark.filterwarnings(
    "ignore:The posterior has collapsed:sklearn.exceptions.ConvergenceWarning"
)


def with_dropout(n_inputs, n_outputs):
    return torch.nn.Sequential(
        torch.nn.Linear(n_inputs, 8),
        torch.nn.Dropout(0.3),
        torch.nn.Linear(8, n_outputs),
    )


@pytest.fixture
def in_double():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("prior", ["normal", "mixture", "vamp"])
def test_default_dtype_of_torch_changes_nothing(method, prior, request):
    X = with_holes(rows())
    expected = getattr(small(prior=prior), method)(X).score_samples(X)
    request.getfixturevalue("in_double")
    told = getattr(small(prior=prior), method)(X)
    assert_array_equal(told.score_samples(X), expected)
    assert all(each.dtype != "float64" for each in told.parameters_.values())
    told.sample(3)
    told.impute(X)


def test_networks_of_ones_own_may_be_in_double(in_double):
    model = small(encoder=with_dropout).fit(rows())
    assert model.score_samples(rows()).shape == (120,)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("off", [torch.no_grad, torch.inference_mode])
def test_fit_computes_gradients_where_they_are_switched_off(method, off):
    expected = getattr(small(), method)(rows()).score_samples(rows())
    with off():
        model = getattr(small(), method)(rows())
        assert_array_equal(model.score_samples(rows()), expected)


def fitted_in_threads(parameters):
    def scores(seed):
        return small(random_state=seed, **parameters).fit(rows()).score_samples(rows())

    with ThreadPoolExecutor(3) as pool:
        return list(pool.map(scores, [0, 1, 0, 1, 0])), scores(0)


@pytest.mark.parametrize("parameters", [{}, {"decoder": with_dropout}])
def test_fits_in_threads_are_those_of_one_thread(parameters):
    before, n_threads = torch.random.get_rng_state(), torch.get_num_threads()
    several, alone = fitted_in_threads(parameters)
    for scores in several[::2]:
        assert_array_equal(scores, alone)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.get_num_threads() == n_threads


def test_fit_without_networks_of_ones_own_asks_nothing_of_global_chance(monkeypatch):
    def forbidden(*arguments, **others):
        raise AssertionError("torch's global generator was forked")

    monkeypatch.setattr(torch.random, "fork_rng", forbidden)
    small(prior="vamp").fit(rows()).partial_fit(rows())
