"""Laws of a fitted mixture's answers, against densities from their definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logsumexp
from scipy.stats import multivariate_normal
from strategies import parameters, seeds, structures

from skgen.em import Workers
from skgen.gaussian import CLASSICAL, Evaluation

cases = given(
    structure=structures, k=st.integers(1, 4), d=st.integers(1, 4), seed=seeds
)


def ask(question, mixture, X):
    frame = mixture.own_frame()
    with Workers() as workers:
        evaluation = Evaluation(mixture.in_frame(frame), frame, workers)
        return getattr(evaluation, question)(X)


def log_joint(mixture, X):
    structure, (k, d) = mixture.structure, mixture.means.shape
    each = structure.each(mixture.covariances, k)
    if not structure.matrices:
        each = [np.diag(np.broadcast_to(c, d)) for c in each]
    densities = [multivariate_normal(m, c) for m, c in zip(mixture.means, each)]
    return np.array(
        [np.log(w) + p.logpdf(X) for w, p in zip(mixture.weights, densities)]
    ).reshape(k, -1)


@cases
def test_density_and_responsibilities_are_those_of_the_textbook(structure, k, d, seed):
    rng = np.random.default_rng(seed)
    mixture = parameters(rng, structure, k, d)
    X = rng.normal(size=(30, d)) * rng.choice([0.1, 1.0, 10.0])
    joint = log_joint(mixture, X)
    density = logsumexp(joint, axis=0)
    assert_allclose(ask("log_densities", mixture, X), density, rtol=1e-8, atol=1e-9)
    expected = np.exp(joint - density).T
    assert_allclose(ask("responsibilities", mixture, X), expected, atol=1e-8)


@cases
def test_labels_are_the_largest_responsibilities(structure, k, d, seed):
    rng = np.random.default_rng(seed)
    mixture = parameters(rng, structure, k, d)
    X = rng.normal(size=(50, d)) * 3
    labels, responsible = (
        ask(question, mixture, X) for question in ("labels", "responsibilities")
    )
    assert_allclose(responsible[np.arange(50), labels], responsible.max(axis=1))
    assert_allclose(responsible.sum(axis=1), 1.0)


@cases
def test_what_is_said_of_a_row_depends_on_that_row_alone(structure, k, d, seed):
    rng = np.random.default_rng(seed)
    mixture = parameters(rng, structure, k, d)
    X = rng.normal(size=(20, d))
    X[3] = 1e9
    together = ask("log_densities", mixture, X)
    alone = [ask("log_densities", mixture, X[i : i + 1])[0] for i in range(20)]
    assert_allclose(together, alone, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", CLASSICAL)
@pytest.mark.parametrize("far", [1e3, 1e8, 1e100, 1e200, 1e308])
def test_rows_far_away_have_finite_answers(name, far):
    mixture = parameters(np.random.default_rng(0), CLASSICAL[name], 3, 2)
    X = far * np.array([[1.0, 0.0], [-1.0, 1.0], [0.3, -1.0], [0.0, 0.0]])
    responsible = ask("responsibilities", mixture, X)
    density = ask("log_densities", mixture, X)
    assert np.isfinite(responsible).all()
    assert_allclose(responsible.sum(axis=1), 1.0)
    assert np.isfinite(density).all()
    assert (density[:3] < density[3]).all()
    assert_array_equal(
        ask("labels", mixture, X),
        responsible.argmax(axis=1),
    )


@pytest.mark.parametrize("name", CLASSICAL)
def test_rows_thousands_of_deviations_away_lose_no_digits(name):
    mixture = parameters(np.random.default_rng(0), CLASSICAL[name], 3, 2)
    X = np.array([[2e3, 1.0], [-5e4, 3e4], [1e6, -1e6]])
    expected = logsumexp(log_joint(mixture, X), axis=0)
    assert_allclose(ask("log_densities", mixture, X), expected, rtol=1e-12)


def test_component_of_weight_0_takes_no_row():
    mixture = parameters(np.random.default_rng(0), CLASSICAL["full"], 3, 2)
    mixture.weights[:] = [0.5, 0.0, 0.5]
    X = np.random.default_rng(0).normal(size=(20, 2))
    for rows in (X, X * 1e6):
        responsible = ask("responsibilities", mixture, rows)
        assert (responsible[:, 1] == 0.0).all()
        assert_allclose(responsible.sum(axis=1), 1.0)
