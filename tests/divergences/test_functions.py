"""The public functions: their promises in writing, and what they refuse."""

import inspect
import pickle

import numpy as np
import pytest
from numpydoc.validate import validate
from scipy import stats

import skgen.divergences
from skgen.divergences import (
    cross_entropy,
    entropy,
    jeffreys_divergence,
    js_distance,
    js_divergence,
    kl_bounds,
    kl_divergence,
    renyi_divergence,
)
from skgen.divergences._methods import METHODS

from .strategies import random_mixture

# As for estimators: a name before the type in Returns, an extended summary or an
# example where there is nothing to show. SS05 takes "Jensen-Shannon ... distance" for a
# verb in the third person.
NOT_ASKED = {"ES01", "EX01", "RT02", "SA01", "SS05"}

PAIRS = [
    kl_divergence,
    js_divergence,
    js_distance,
    jeffreys_divergence,
    cross_entropy,
]


@pytest.mark.parametrize("name", skgen.divergences.__all__)
def test_docstrings_pass_numpydoc_validation(name):
    errors = validate(f"skgen.divergences.{name}")["errors"]
    assert [error for error in errors if error[0] not in NOT_ASKED] == []


@pytest.mark.parametrize("name", skgen.divergences.__all__)
def test_no_placeholder_is_left_in_a_docstring(name):
    text = inspect.getdoc(getattr(skgen.divergences, name))
    assert "{p_q}" not in text
    assert "{options}" not in text
    assert "{returns_and_raises}" not in text


@pytest.mark.parametrize("name", skgen.divergences.__all__)
def test_options_are_keyword_only(name):
    public = getattr(skgen.divergences, name)
    if inspect.isclass(public) or name == "register_kl":
        return
    for parameter in inspect.signature(public).parameters.values():
        if parameter.default is not inspect.Parameter.empty:
            assert parameter.kind is inspect.Parameter.KEYWORD_ONLY


def test_results_can_be_pickled():
    result = kl_divergence(stats.norm(0, 1), stats.norm(1, 2), confidence_level=0.9)
    assert pickle.loads(pickle.dumps(result)) == result


@pytest.mark.parametrize("divergence", PAIRS)
def test_an_array_and_a_distribution_are_not_compared(divergence):
    for pair in ((stats.norm(0, 1), [0.5, 0.5]), ([0.5, 0.5], stats.norm(0, 1))):
        with pytest.raises(TypeError, match="both be arrays of probabilities or both"):
            divergence(*pair)


@pytest.mark.parametrize("wrong", [object(), "p", None, 3.0])
def test_what_is_no_distribution_is_refused_with_what_is(wrong):
    with pytest.raises(TypeError, match=r"q must be an array .*scipy\.stats"):
        kl_divergence(stats.norm(0, 1), wrong)
    with pytest.raises(TypeError, match=r"p must be an array .*scipy\.stats"):
        entropy(wrong)


def test_normalize_is_refused_where_there_is_nothing_to_normalize():
    with pytest.raises(ValueError, match="normalize=True is for arrays"):
        kl_divergence(stats.norm(0, 1), stats.norm(0, 1), normalize=True)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("method", "simpson", r"method must be 'auto' or one of .*'sobol'"),
        ("tol", 0.0, "tol is a relative standard error"),
        ("tol", 1.5, "tol is a relative standard error"),
        ("tol", "small", "tol is a relative standard error"),
        ("random_state", -1, "random_state must be None, an integer"),
        ("random_state", "seed", "random_state must be None, an integer"),
    ],
)
def test_options_out_of_range_are_refused(option, value, message):
    p, q = random_mixture(2, 4, seed=0), random_mixture(2, 4, seed=1)
    with pytest.raises(ValueError, match=message):
        kl_divergence(p, q, **{option: value})


@pytest.mark.parametrize(("option", "value"), [("axis", 0.5), ("normalize", "yes")])
def test_options_of_the_wrong_type_are_refused(option, value):
    with pytest.raises(TypeError, match=option):
        kl_divergence([0.5, 0.5], [0.5, 0.5], **{option: value})


@pytest.mark.parametrize("alpha", [-1.0, np.nan, "2"])
def test_orders_that_are_none_are_refused(alpha):
    with pytest.raises(ValueError, match="alpha must be a number of at least 0"):
        renyi_divergence([0.5, 0.5], [0.5, 0.5], alpha)


@pytest.mark.parametrize("alpha", [0, np.inf])
def test_limits_of_the_order_are_for_arrays(alpha):
    with pytest.raises(ValueError, match="computed for arrays only"):
        renyi_divergence(stats.norm(0, 1), stats.norm(1, 1), alpha)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_answers_or_says_why_not(method):
    p, q = random_mixture(3, 2, seed=0), random_mixture(2, 2, seed=1)
    if method == "closed_form":
        with pytest.raises(ValueError, match=r"'closed_form' does not apply .*no "):
            kl_divergence(p, q, method=method)
        return
    result = kl_divergence(
        p, q, method=method, confidence_level=0.9, random_state=0, tol=0.05
    )
    assert result.method == method
    assert np.isfinite(result.value)


def test_approximations_of_kl_are_refused_for_other_quantities():
    p, q = random_mixture(3, 2, seed=0), random_mixture(2, 2, seed=1)
    with pytest.raises(ValueError, match="Kullback-Leibler divergences only"):
        js_divergence(p, q, method="unscented")


def test_rows_of_different_lengths_are_named():
    for function in (*PAIRS, kl_bounds):
        with pytest.raises(ValueError, match="2 features in p and 3 in q"):
            function(random_mixture(1, 2, seed=0), random_mixture(2, 3, seed=0))


def test_all_quantities_agree_with_each_other_on_mixtures():
    p, q = random_mixture(3, 2, seed=0), random_mixture(2, 2, seed=1)
    there, back = kl_divergence(p, q), kl_divergence(q, p)
    assert jeffreys_divergence(p, q) == pytest.approx(there + back, rel=1e-9)
    assert cross_entropy(p, q) - entropy(p) == pytest.approx(there, rel=1e-9)
    assert js_distance(p, q) ** 2 == pytest.approx(js_divergence(p, q), rel=1e-12)
    assert renyi_divergence(p, q, 1 - 1e-4) == pytest.approx(there, rel=1e-3)
