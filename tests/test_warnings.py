"""Warnings point at the line of the user: `skgen._warnings`."""

import inspect
import warnings

import numpy as np
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skgen import VariationalAutoencoder
from skgen._warnings import warn_user

X = np.random.default_rng(0).normal(size=(40, 2))


def constant(n_inputs, n_outputs):
    """A network that says the same of all rows."""
    network = torch.nn.Linear(n_inputs, n_outputs)
    torch.nn.init.zeros_(network.weight)
    return network.requires_grad_(False)


def collapsing():
    return VariationalAutoencoder(1, encoder=constant, max_iter=1, random_state=0)


def diverging():
    return VariationalAutoencoder(1, max_iter=2, learning_rate_init=1e6, random_state=0)


def assert_points_here(record, line):
    found = [(w.filename, w.lineno) for w in record if w.category is ConvergenceWarning]
    assert found
    assert set(found) == {(__file__, line)}


def here():
    return inspect.currentframe().f_back.f_lineno


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_warning_of_collapse_points_at_the_users_line(method):
    call = getattr(collapsing(), method)
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        call(X), (line := here())
    assert_points_here(record, line)


def test_warning_of_divergence_points_at_the_users_line():
    model = diverging()
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        try:
            model.fit(X), (line := here())
        except ValueError:
            line = here() - 2
    assert_points_here(record, line)


def test_warning_within_a_pipeline_points_at_the_line_that_fits_it():
    pipeline = make_pipeline(StandardScaler(), collapsing())
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        pipeline.fit(X), (line := here())
    assert_points_here(record, line)


def test_warning_points_at_the_caller_where_it_is_a_user():
    with pytest.warns(UserWarning, match="of ours") as record:
        warn_user("of ours", UserWarning), (line := here())
    assert (record[0].filename, record[0].lineno) == (__file__, line)
