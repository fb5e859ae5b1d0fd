"""Laws of what a mixture says of single columns, against closed forms and integrals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.polynomial.legendre import leggauss
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logsumexp
from scipy.stats import kstest, multivariate_normal, norm
from strategies import parameters, seeds, structures

from skgen.em import Workers
from skgen.gaussian import CLASSICAL, Evaluation, Frame
from skgen.gaussian._columns import Conditionals

OF_COLUMNS = [
    "column_log_densities",
    "conditional_log_densities",
    "conditional_probabilities",
]
QUESTIONS = [*OF_COLUMNS, "posterior_divergences"]
FAR = [1e3, 1e10, 1e100, 1e308]

one_gaussian = given(structure=structures, d=st.integers(1, 4), seed=seeds)
mixtures = given(
    structure=structures, k=st.integers(1, 4), d=st.integers(1, 4), seed=seeds
)


def ask(question, mixture, X, n_threads=1):
    frame = mixture.own_frame()
    with Workers(n_threads) as workers:
        evaluation = Evaluation(mixture.in_frame(frame), frame, workers)
        return getattr(evaluation, question)(X)


def covariance_matrices(mixture):
    k, d = mixture.means.shape
    each = mixture.structure.each(mixture.covariances, k)
    if mixture.structure.matrices:
        return each
    return np.array([np.diag(np.broadcast_to(c, d)) for c in each])


def log_joint(mixture, X):
    parts = zip(mixture.weights, mixture.means, covariance_matrices(mixture))
    return np.array(
        [np.log(w) + multivariate_normal(m, c).logpdf(X) for w, m, c in parts]
    ).reshape(mixture.means.shape[0], -1)


def density(mixture, X):
    return np.exp(logsumexp(log_joint(mixture, X), axis=0))


def conditional_normals(mixture, X):
    """The closed form by partitioned covariances, of one Gaussian."""
    mean, covariance = mixture.means[0], covariance_matrices(mixture)[0]
    for j in range(X.shape[1]):
        others = np.arange(X.shape[1]) != j
        slopes = np.linalg.solve(covariance[np.ix_(others, others)], covariance[others])
        slopes = slopes[:, j]
        expected = mean[j] + (X - mean)[:, others] @ slopes
        variance = covariance[j, j] - covariance[j, others] @ slopes
        yield norm(expected, np.sqrt(variance))


def line_integrals(mixture, x, j, low, high):
    """Integral of the density along column j, between two places."""
    nodes, weights = leggauss(300)
    places = low + (high - low) * (nodes + 1.0) / 2.0
    rows = np.tile(x, (len(places), 1))
    rows[:, j] = places
    return density(mixture, rows) @ weights * (high - low) / 2.0


@one_gaussian
def test_conditionals_of_one_gaussian_are_those_of_the_textbook(structure, d, seed):
    rng = np.random.default_rng(seed)
    mixture = parameters(rng, structure, 1, d)
    X = rng.normal(size=(20, d)) * rng.choice([0.1, 1.0, 10.0])
    log_densities = ask("conditional_log_densities", mixture, X)
    probabilities = ask("conditional_probabilities", mixture, X)
    for j, normal in enumerate(conditional_normals(mixture, X)):
        assert_allclose(log_densities[:, j], normal.logpdf(X[:, j]), rtol=1e-8)
        expected = normal.cdf(X[:, j])
        assert_allclose(probabilities[:, j], expected, rtol=1e-6, atol=1e-12)


@mixtures
def test_a_column_alone_has_the_mixture_of_its_own_normals(structure, k, d, seed):
    rng = np.random.default_rng(seed)
    mixture = parameters(rng, structure, k, d)
    X = rng.normal(size=(20, d)) * 3
    variances = np.diagonal(covariance_matrices(mixture), axis1=1, axis2=2)
    normals = norm(mixture.means[:, None], np.sqrt(variances)[:, None])
    joint = normals.logpdf(X) + np.log(mixture.weights)[:, None, None]
    expected = logsumexp(joint, axis=0)
    assert_allclose(ask("column_log_densities", mixture, X), expected, rtol=1e-9)


@pytest.mark.parametrize("name", CLASSICAL)
@pytest.mark.parametrize("d", [2, 3])
def test_conditionals_are_the_joint_density_over_its_integral(name, d):
    rng = np.random.default_rng(d)
    mixture = parameters(rng, CLASSICAL[name], 3, d)
    X = rng.normal(size=(6, d)) * 1.5
    log_densities = ask("conditional_log_densities", mixture, X)
    probabilities = ask("conditional_probabilities", mixture, X)
    for i, x in enumerate(X):
        for j in range(d):
            total = line_integrals(mixture, x, j, -15.0, 15.0)
            below = line_integrals(mixture, x, j, -15.0, x[j])
            expected = np.log(density(mixture, x[None])[0] / total)
            assert_allclose(log_densities[i, j], expected, rtol=1e-8, atol=1e-10)
            assert_allclose(probabilities[i, j], below / total, rtol=1e-8)


@mixtures
def test_chain_rule_gives_the_joint_density_of_two_columns(structure, k, d, seed):
    rng = np.random.default_rng(seed)
    mixture = parameters(rng, structure, k, 2)
    X = rng.normal(size=(20, 2)) * 2
    alone = ask("column_log_densities", mixture, X)
    given_other = ask("conditional_log_densities", mixture, X)
    joint = np.repeat(ask("log_densities", mixture, X)[:, None], 2, axis=1)
    assert_allclose(alone[:, ::-1] + given_other, joint, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("name", ["diag", "spherical"])
def test_others_say_nothing_of_a_column_where_columns_are_independent(name):
    rng = np.random.default_rng(0)
    mixture = parameters(rng, CLASSICAL[name], 1, 4)
    X = rng.normal(size=(20, 4)) * 3
    alone = ask("column_log_densities", mixture, X)
    assert_allclose(ask("conditional_log_densities", mixture, X), alone, rtol=1e-10)
    assert_allclose(alone.sum(axis=1), ask("log_densities", mixture, X), rtol=1e-10)


@pytest.mark.parametrize("name", CLASSICAL)
def test_a_column_that_no_component_depends_on_has_its_own_density(name):
    rng = np.random.default_rng(0)
    mixture = parameters(rng, CLASSICAL[name], 3, 3)
    mixture.means[:, 2] = 0.5
    structure, covariances = mixture.structure, mixture.covariances.copy()
    if structure.matrices:
        covariances[:, 2, :2] = covariances[:, :2, 2] = 0.0
        covariances[:, 2, 2] = 0.7
    else:
        covariances.reshape(3, -1)[:, -1] = 0.7
    made = mixture.of_covariances(
        structure, mixture.weights, mixture.means, covariances
    )
    X = rng.normal(size=(20, 3)) * 3
    alone = ask("column_log_densities", made, X)[:, 2]
    given_others = ask("conditional_log_densities", made, X)[:, 2]
    assert_allclose(given_others, alone, rtol=1e-9)
    probability = norm(0.5, np.sqrt(0.7)).cdf(X[:, 2])
    computed = ask("conditional_probabilities", made, X)[:, 2]
    assert_allclose(computed, probability, rtol=1e-8, atol=1e-14)


@pytest.mark.parametrize("name", CLASSICAL)
def test_of_a_single_column_nothing_else_is_given(name):
    rng = np.random.default_rng(0)
    mixture = parameters(rng, CLASSICAL[name], 3, 1)
    X = rng.normal(size=(20, 1)) * 3
    expected = ask("log_densities", mixture, X)[:, None]
    for question in ("column_log_densities", "conditional_log_densities"):
        assert_allclose(ask(question, mixture, X), expected, rtol=1e-12, atol=1e-12)


@mixtures
def test_units_and_origins_of_columns_shift_log_densities_alone(structure, k, d, seed):
    rng = np.random.default_rng(seed)
    mixture = parameters(rng, structure, k, d)
    scale = 10.0 ** rng.integers(-100, 100, size=1 if structure.isotropic else d)
    scale = np.broadcast_to(scale, d)
    moved = mixture.out_of_frame(Frame(scale * rng.normal(size=d) * 10, scale))
    X = rng.normal(size=(20, d)) * 2
    Y = scale * X + (moved.means[0] - scale * mixture.means[0])
    for question in QUESTIONS:
        less = np.log(scale) if question.endswith("log_densities") else 0.0
        expected = ask(question, mixture, X) - less
        assert_allclose(ask(question, moved, Y), expected, rtol=1e-7, atol=1e-9)


@mixtures
def test_divergence_and_reconstruction_sum_to_the_surprise(structure, k, d, seed):
    rng = np.random.default_rng(seed)
    mixture = parameters(rng, structure, k, d)
    X = rng.normal(size=(30, d)) * rng.choice([0.1, 1.0, 10.0])
    joint = log_joint(mixture, X)
    surprise = -logsumexp(joint, axis=0)
    responsible = np.exp(joint + surprise)
    given_component = joint - np.log(mixture.weights)[:, None]
    reconstruction = -(responsible * given_component).sum(axis=0)
    divergence = ask("posterior_divergences", mixture, X)
    assert (divergence >= 0.0).all()
    assert_allclose(reconstruction + divergence, surprise, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", CLASSICAL)
def test_component_of_weight_0_changes_no_answer(name):
    rng = np.random.default_rng(0)
    mixture = parameters(rng, CLASSICAL[name], 3, 2)
    mixture.weights[:] = [0.4, 0.0, 0.6]
    parts = mixture.covariances
    parts = parts if mixture.structure.shared else parts[[0, 2]]
    without = mixture.of_covariances(
        mixture.structure, np.array([0.4, 0.6]), mixture.means[[0, 2]], parts
    )
    X = rng.normal(size=(20, 2)) * np.logspace(0, 12, 20)[:, None]
    frame = mixture.own_frame()
    with Workers(1) as workers:
        for question in QUESTIONS:
            answers = [
                getattr(Evaluation(m.in_frame(frame), frame, workers), question)(X)
                for m in (mixture, without)
            ]
            assert_allclose(*answers, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", CLASSICAL)
@pytest.mark.parametrize("far", FAR)
def test_rows_far_away_have_finite_answers_in_order(name, far):
    mixture = parameters(np.random.default_rng(0), CLASSICAL[name], 3, 2)
    X = far * np.array([[1.0, 0.0], [-1.0, 1.0], [0.3, -1.0], [0.0, 0.0]])
    answers = {question: ask(question, mixture, X) for question in QUESTIONS}
    assert all(np.isfinite(answer).all() for answer in answers.values())
    assert (answers["posterior_divergences"] >= 0.0).all()
    alone = answers["column_log_densities"]
    assert (alone[:2, 0] < alone[3, 0]).all()
    probabilities = answers["conditional_probabilities"]
    assert ((probabilities >= 0.0) & (probabilities <= 1.0)).all()


@pytest.mark.parametrize("far", [1e5, 1e10, 1e20])
def test_far_out_a_column_keeps_its_density_given_others_it_is_independent_of(far):
    mixture = parameters(np.random.default_rng(0), CLASSICAL["diag"], 1, 2)
    X = np.array([[far, 0.3], [-far, -0.2]])
    alone = ask("column_log_densities", mixture, X)
    given_others = ask("conditional_log_densities", mixture, X)
    assert_allclose(given_others, alone, rtol=1e-12)
    expected = norm(mixture.means[0], np.sqrt(mixture.covariances[0])).cdf(X)
    probabilities = ask("conditional_probabilities", mixture, X)
    assert_allclose(probabilities, expected, rtol=1e-9)


@pytest.mark.parametrize("far", [1e3, 1e5, 1e7, 1e10])
def test_far_out_a_row_is_judged_by_the_widest_component_without_loss_of_digits(far):
    slope = np.array([[1.0, 0.8], [0.8, 1.0]])
    covariances = np.stack([slope, 4.0 * slope])
    mixture = parameters(np.random.default_rng(0), CLASSICAL["full"], 2, 2)
    mixture = mixture.of_covariances(
        mixture.structure, np.array([0.5, 0.5]), np.zeros((2, 2)), covariances
    )
    X = far * np.array([[1.0, 0.8]])  # the second as the first makes expected
    rounding = 1e-10 + far * 1e-15  # of the second, against a deviation of 1.2
    log_density = ask("conditional_log_densities", mixture, X)[0, 1]
    expected = norm(0.0, 1.2).logpdf(0.0)
    assert_allclose(log_density, expected, atol=rounding)
    probability = ask("conditional_probabilities", mixture, X)[0, 1]
    assert_allclose(probability, 0.5, atol=rounding)


@mixtures
def test_quantiles_given_others_have_the_probability_asked_for(structure, k, d, seed):
    rng = np.random.default_rng(seed)
    mixture = parameters(rng, structure, k, d)
    X = rng.normal(size=(5, d)) * rng.choice([0.1, 1.0, 10.0])
    for level in (0.05, 0.5, 0.95):
        quantiles = Conditionals(mixture).quantiles(X.T.copy(), level).T
        for j in range(d):
            Y = X.copy()
            Y[:, j] = quantiles[:, j]
            probabilities = ask("conditional_probabilities", mixture, Y)[:, j]
            assert_allclose(probabilities, level, atol=1e-6)


@one_gaussian
def test_quantiles_of_one_gaussian_are_those_of_the_textbook(structure, d, seed):
    rng = np.random.default_rng(seed)
    mixture = parameters(rng, structure, 1, d)
    X = rng.normal(size=(5, d)) * 10
    quantiles = Conditionals(mixture).quantiles(X.T.copy(), 0.95)
    for j, normal in enumerate(conditional_normals(mixture, X)):
        assert_allclose(quantiles[j], normal.ppf(0.95), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", CLASSICAL)
def test_conditional_probabilities_of_the_models_own_rows_are_uniform(name):
    rng = np.random.default_rng(3)
    mixture = parameters(rng, CLASSICAL[name], 4, 3)
    labels = rng.choice(4, size=4000, p=mixture.weights)
    halves = np.linalg.cholesky(covariance_matrices(mixture))[labels]
    noise = np.einsum("nij,nj->ni", halves, rng.normal(size=(4000, 3)))
    X = mixture.means[labels] + noise
    for column in ask("conditional_probabilities", mixture, X).T:
        assert kstest(column, "uniform").pvalue > 0.001


@pytest.mark.parametrize("name", CLASSICAL)
@pytest.mark.parametrize("question", QUESTIONS)
def test_answers_to_float32_rows_are_those_to_the_same_rows_in_float64(name, question):
    mixture = parameters(np.random.default_rng(0), CLASSICAL[name], 3, 4)
    X = np.random.default_rng(1).normal(size=(50, 4)).astype(np.float32)
    answer = ask(question, mixture, X)
    assert answer.dtype == np.float64
    assert_array_equal(answer, ask(question, mixture, X.astype(np.float64)))


@pytest.mark.parametrize("name", CLASSICAL)
@pytest.mark.parametrize("question", QUESTIONS)
def test_what_is_said_of_a_row_depends_on_that_row_alone(name, question):
    rng = np.random.default_rng(0)
    mixture = parameters(rng, CLASSICAL[name], 20, 8)
    X = rng.normal(size=(3000, 8)) * 2
    X[::7] *= 1e9
    together = ask(question, mixture, X)
    chosen = [0, 1, 7, 1500, 2999]
    alone = np.concatenate([ask(question, mixture, X[i : i + 1]) for i in chosen])
    assert_allclose(alone, together[chosen], rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", CLASSICAL)
@pytest.mark.parametrize("question", QUESTIONS)
def test_the_number_of_threads_changes_no_bit(name, question):
    rng = np.random.default_rng(0)
    mixture = parameters(rng, CLASSICAL[name], 20, 8)
    X = rng.normal(size=(3000, 8)) * 2
    assert_array_equal(ask(question, mixture, X), ask(question, mixture, X, 2))
