"""What a fit leaves, when it fails or is followed by others: `_read_table`."""

import copy

import numpy as np
import pandas
import pytest
import torch
from numpy.testing import assert_array_equal

from skgen.autoencoder import _learning
from skgen.autoencoder._read_table import Reading

from .tables import rows, small, with_holes

pytestmark = pytest.mark.filterwarnings(
    "ignore:The posterior has collapsed:sklearn.exceptions.ConvergenceWarning"
)


def assert_as_before(model, before):
    """All attributes are the objects that they were, or equal."""
    assert vars(model).keys() == before.keys()
    for name, value in before.items():
        np.testing.assert_equal(vars(model)[name], value, err_msg=name)


def state(model):
    return copy.deepcopy(vars(model))


def too_narrow(n_inputs, n_outputs):
    return torch.nn.Linear(n_inputs, 1)


def interrupted(*arguments, **others):
    raise KeyboardInterrupt


def another_table():
    return pandas.DataFrame(rows(n_columns=6), columns=list("abcdef"))


def test_reading_is_told_by_what_is_kept_of_it():
    y = np.repeat(["a", "b"], 60)
    model = small(conditional=True).fit(pandas.DataFrame(rows()).rename(columns=str), y)
    reading = Reading.of(model)
    for name, value in reading.attributes().items():
        np.testing.assert_equal(vars(model)[name], value, err_msg=name)


# A fit that fails


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_failed_first_fit_leaves_nothing(method):
    model = small(encoder=too_narrow)
    before = state(model)
    with pytest.raises(ValueError, match="encoder must return"):
        getattr(model, method)(another_table())
    assert_as_before(model, before)


@pytest.mark.parametrize("X", [rows(), another_table().iloc[:, :3]])
def test_failed_refit_leaves_the_fitted_model(X):
    model = small().fit(X).set_params(encoder=too_narrow)
    before, expected = state(model), small().fit(X).score_samples(X)
    with pytest.raises(ValueError, match="encoder must return"):
        model.fit(another_table())
    assert_as_before(model, before)
    assert_array_equal(model.set_params(encoder=None).score_samples(X), expected)


def test_refit_refused_at_the_door_leaves_names_and_width():
    model = small().fit(another_table())
    before = state(model)
    with pytest.raises(ValueError, match="hold no cell"):
        model.fit(np.where(np.arange(4) == 1, np.nan, rows()))
    assert_as_before(model, before)


def test_names_are_forgotten_by_a_refit_to_an_array():
    model = small().fit(another_table()).fit(rows())
    assert not hasattr(model, "feature_names_in_")
    assert model.n_features_in_ == 4


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_interrupted_training_leaves_the_estimator_as_it_was(
    fitted, method, monkeypatch
):
    model = small().fit(rows()) if fitted else small()
    X = another_table() if method == "fit" else rows()
    before = state(model)
    monkeypatch.setattr(_learning, "train", interrupted)
    monkeypatch.setattr(_learning, "run_epoch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        getattr(model, method)(X)
    assert_as_before(model, before)


# Rows of nothing


@pytest.mark.parametrize("nothing", ["cells", "weights"])
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_rows_of_nothing_are_no_rows_to_go_on_with(nothing, early_stopping, method):
    model = small(warm_start=True, early_stopping=early_stopping).fit(rows())
    before, X = state(model), rows()
    X[60:] = np.nan
    weights = np.r_[np.zeros(60), np.ones(60)]
    if nothing == "cells":
        X, weights = X * np.nan, None
    with pytest.raises(ValueError, match=r"At least 1 row is .* got 0 of .* = 120"):
        getattr(model, method)(X, sample_weight=weights)
    assert_as_before(model, before)


def test_one_row_is_enough_to_go_on_with():
    model = small().fit(rows())
    assert model.partial_fit(rows()[:1]).n_passes_ == 1


# Attributes of fits and passes


OF_PASSES = {"loss_curve_", "n_iter_", "n_passes_"}
OF_FITS = {"history_", "best_iter_", "validation_bound_"}


def test_attributes_of_a_fit_end_with_the_first_pass_after_it():
    model = small(max_iter=4).fit(rows())
    assert vars(model).keys() >= OF_FITS | {"loss_curve_", "n_iter_"}
    assert not hasattr(model, "n_passes_")
    curve = model.loss_curve_
    for n_passes in (1, 2):
        model.partial_fit(rows())
        assert not OF_FITS & vars(model).keys()
        assert model.n_passes_ == n_passes
        assert model.n_iter_ == len(model.loss_curve_) == 4 + n_passes
    assert model.loss_curve_[:4] == curve
    model.fit(rows())
    assert not hasattr(model, "n_passes_")
    assert model.n_iter_ == len(model.loss_curve_) == 4


def test_attributes_of_passes_alone():
    model = small().partial_fit(rows()).partial_fit(rows())
    assert vars(model).keys() >= OF_PASSES
    assert not OF_FITS & vars(model).keys()
    assert model.n_iter_ == model.n_passes_ == len(model.loss_curve_) == 2


# Pseudo-inputs


def first_pseudo_inputs(method, X, **parameters):
    """Pseudo-inputs before training has moved them by more than a little."""
    model = small(prior="vamp", learning_rate_init=1e-9, max_iter=1, **parameters)
    return getattr(model, method)(X).parameters_["prior.pseudo_inputs"]


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_pseudo_inputs_start_at_rows_from_all_over_a_sorted_table(
    method, early_stopping
):
    X = np.sort(rows(300), axis=0)
    starts = first_pseudo_inputs(method, X, early_stopping=early_stopping)
    scores = (X - X.mean(axis=0)) / X.std(axis=0)
    assert abs(starts[:, 0].mean()) < 0.5
    assert starts[:, 0].min() < -1.0 < 1.0 < starts[:, 0].max()
    distances = np.abs(starts[:, None, :4] - scores[None]).max(axis=2).min(axis=1)
    assert distances.max() < 0.01


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_pseudo_inputs_of_few_rows_have_masks_as_rows_do(method):
    starts = first_pseudo_inputs(method, with_holes(rows(20)), early_stopping=False)
    assert starts.shape == (50, 8)
    np.testing.assert_allclose(np.abs(starts[:, 4:]), 0.5, atol=1e-5)
    assert len(np.unique(starts.round(4), axis=0)) == 50


def test_pseudo_inputs_start_by_the_seed():
    first, again = (first_pseudo_inputs("fit", rows()) for _ in range(2))
    assert_array_equal(first, again)


# Warm starts


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("likelihood", "gaussian"),
        ("likelihood", {0: "gaussian"}),
        ("categorical_features", [0]),
        ("correlated", False),
        ("masking_fraction", 0.0),
    ],
)
def test_going_on_with_another_reading_is_refused(name, value, method):
    model = small(warm_start=True).fit(rows())
    before = model.score_samples(rows())
    model.set_params(**{name: value})
    with pytest.raises(ValueError, match=rf"{name}.* now, but was .*warm_start=False"):
        getattr(model, method)(rows())
    assert_array_equal(model.score_samples(rows()), before)


def test_switching_masking_on_is_refused():
    model = small(warm_start=True, masking_fraction=0.0).fit(rows())
    with pytest.raises(ValueError, match="masking_fraction > 0 is True now"):
        model.set_params(masking_fraction=0.2).fit(rows())


def test_other_parameters_may_change_before_a_warm_start():
    model = small(warm_start=True, likelihood={0: "gaussian"}).fit(rows())
    model.set_params(likelihood={0: "gaussian"}, masking_fraction=0.2, beta=0.5)
    model.fit(rows())


@pytest.mark.parametrize("random_state", [0, None])
def test_warm_starts_hold_out_the_rows_that_were(random_state, monkeypatch):
    held_out, bound_held_out = [], _learning.bound_held_out

    def noting(model, rows_, objective, seed):
        held_out.append(rows_.cells.numpy().copy())
        return bound_held_out(model, rows_, objective, seed)

    monkeypatch.setattr(_learning, "bound_held_out", noting)
    model = small(warm_start=True, random_state=random_state)
    for _ in range(3):
        model.fit(rows())
    assert_array_equal(held_out[1], held_out[0])
    assert_array_equal(held_out[2], held_out[0])
