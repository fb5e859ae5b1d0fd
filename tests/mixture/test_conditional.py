"""Conditionals and marginals of a mixture: laws, references and far-out values."""

import numpy as np
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logsumexp
from scipy.stats import multivariate_normal
from strategies import COVARIANCE_TYPES, covariance_types, parameters, seeds

from skgen import EMGaussianMixture
from skgen.gaussian import STRUCTURES
from skgen.mixture._conditional import reordered_factors, split


def random_mixture(rng, covariance_type, k, d, scale=None):
    """A mixture of columns in units of their own, where the structure allows it."""
    structure = STRUCTURES[covariance_type]
    made = parameters(rng, structure, k, d)
    scale = np.ones(d) if scale is None or structure.isotropic else scale
    return EMGaussianMixture.from_parameters(
        made.weights,
        made.means * scale,
        structure.outside(structure.rescale(made.covariances, scale)),
        covariance_type=covariance_type,
        random_state=0,
    )


@st.composite
def mixtures(draw, least_features=2):
    rng = np.random.default_rng(draw(seeds))
    d = draw(st.integers(least_features, 6))
    scale = 10.0 ** rng.integers(-8, 8, size=d) if draw(st.booleans()) else None
    kind, k = draw(covariance_types), draw(st.integers(1, 4))
    mixture = random_mixture(rng, kind, k, d, scale)
    return mixture, rng


def some_columns(rng, mixture):
    """Some columns, not all, in random order, and the others in theirs."""
    d = mixture.n_features_in_
    chosen = rng.permutation(d)[: rng.integers(1, d)]
    return chosen, np.setdiff1d(np.arange(d), chosen)


def at(row, columns):
    return {int(column): row[column] for column in columns}


# Laws


@given(drawn=mixtures())
def test_log_density_is_that_of_some_columns_and_of_the_others_given_them(drawn):
    mixture, rng = drawn
    chosen, others = some_columns(rng, mixture)
    for row in mixture.sample(3, random_state=1)[0]:
        joint = mixture.score_samples(row[None])
        alone = mixture.marginal(chosen).score_samples(row[None, chosen])
        conditional = mixture.conditional(at(row, chosen))
        rest = conditional.score_samples(row[None, others])
        assert_allclose(alone + rest, joint, rtol=1e-9, atol=1e-9)


@given(drawn=mixtures())
def test_marginal_of_marginal_is_the_marginal(drawn):
    mixture, rng = drawn
    chosen, _ = some_columns(rng, mixture)
    inner = rng.permutation(len(chosen))[: rng.integers(1, len(chosen) + 1)]
    twice = mixture.marginal(chosen).marginal(inner)
    once = mixture.marginal(chosen[inner])
    assert_array_equal(twice.weights_, once.weights_)
    assert_array_equal(twice.means_, once.means_)
    assert_allclose(twice.covariances_, once.covariances_, rtol=1e-9)
    rows = once.sample(5, random_state=0)[0]
    assert_allclose(twice.score_samples(rows), once.score_samples(rows), rtol=1e-8)


@given(drawn=mixtures(least_features=3))
def test_conditional_on_two_columns_is_that_on_one_after_the_other(drawn):
    mixture, _ = drawn
    row = mixture.sample(1, random_state=1)[0][0]
    once = mixture.conditional({0: row[0], 2: row[2]})
    twice = mixture.conditional({0: row[0]}).conditional({1: row[2]})
    assert_allclose(twice.weights_, once.weights_, rtol=1e-7, atol=1e-12)
    spread = np.sqrt(np.diagonal(mixture._covariance_matrices()[0]))
    spread = np.delete(spread, [0, 2])
    assert_allclose(twice.means_ / spread, once.means_ / spread, rtol=1e-7, atol=1e-7)
    assert_allclose(twice.covariances_, once.covariances_, rtol=1e-7)


@given(drawn=mixtures())
def test_marginal_has_the_columns_means_and_covariances(drawn):
    mixture, rng = drawn
    chosen, _ = some_columns(rng, mixture)
    found = mixture.marginal(chosen)
    assert_array_equal(found.means_, mixture.means_[:, chosen])
    expected = mixture._covariance_matrices()[:, chosen[:, None], chosen]
    assert_allclose(found._covariance_matrices(), expected, rtol=1e-9)


@given(drawn=mixtures())
def test_covariance_of_the_conditional_is_the_schur_complement(drawn):
    mixture, rng = drawn
    a, b = some_columns(rng, mixture)
    row = mixture.sample(1, random_state=2)[0][0]
    found = mixture.conditional(at(row, a))
    for k, full in enumerate(mixture._covariance_matrices()):
        unit = np.sqrt(np.diagonal(full))
        full = full / unit[:, None] / unit
        gain = full[np.ix_(b, a)] @ np.linalg.inv(full[np.ix_(a, a)])
        expected = full[np.ix_(b, b)] - gain @ full[np.ix_(a, b)]
        matrix = found._covariance_matrices()[k] / unit[b][:, None] / unit[b]
        assert_allclose(matrix, expected, rtol=1e-8, atol=1e-12)
        shift = gain @ ((row - mixture.means_[k]) / unit)[a]
        apart = (found.means_[k] - mixture.means_[k][b]) / unit[b]
        assert_allclose(apart, shift, rtol=1e-6, atol=1e-8)


@given(drawn=mixtures())
def test_covariances_are_symmetric_and_positive_definite(drawn):
    mixture, rng = drawn
    chosen, _ = some_columns(rng, mixture)
    row = mixture.sample(1, random_state=2)[0][0]
    for found in (mixture.conditional(at(row, chosen)), mixture.marginal(chosen)):
        matrices = found._covariance_matrices()
        assert_array_equal(matrices, np.swapaxes(matrices, 1, 2))
        np.linalg.cholesky(matrices)


@given(seed=seeds)
def test_reordered_factor_is_that_of_the_reordered_precision(seed):
    rng = np.random.default_rng(seed)
    made = parameters(rng, STRUCTURES["full"], 3, 5)
    order = rng.permutation(5)
    found = reordered_factors(made.factors, order)
    precisions = made.structure.precisions(made.factors)[:, order[:, None], order]
    assert_allclose(made.structure.precisions(found), precisions, rtol=1e-9, atol=1e-12)
    assert_array_equal(found, np.triu(found))
    assert (np.diagonal(found, axis1=1, axis2=2) > 0.0).all()


# References


def test_marginal_log_density_is_scipys():
    mixture = random_mixture(np.random.default_rng(0), "full", 3, 4)
    columns, rows = [3, 1], np.random.default_rng(1).normal(size=(20, 2))
    joint = [
        np.log(weight)
        + multivariate_normal(mean[columns], matrix[np.ix_(columns, columns)]).logpdf(
            rows
        )
        for weight, mean, matrix in zip(
            mixture.weights_, mixture.means_, mixture.covariances_
        )
    ]
    found = mixture.marginal(columns).score_samples(rows)
    assert_allclose(found, logsumexp(joint, axis=0), rtol=1e-10)


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_samples_of_the_conditional_are_those_of_the_mixture_in_a_thin_slice(
    covariance_type,
):
    mixture = random_mixture(np.random.default_rng(5), covariance_type, 2, 3)
    rows = mixture.sample(1_000_000, random_state=0)[0]
    inside = rows[np.abs(rows[:, 0] - 0.3) < 0.01][:, 1:]
    drawn = mixture.conditional({0: 0.3}).sample(len(inside), random_state=1)[0]
    error = 5 * np.sqrt(2 / len(inside))
    assert_allclose(drawn.mean(0), inside.mean(0), atol=error * inside.std())
    assert_allclose(np.cov(drawn.T), np.cov(inside.T), atol=2 * error * inside.var())


# Behaviour


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_covariance_type_is_kept(covariance_type):
    mixture = random_mixture(np.random.default_rng(0), covariance_type, 3, 4)
    for found in (mixture.conditional({1: 0.5}), mixture.marginal([2, 0, 3])):
        assert found.covariance_type == covariance_type
        assert found.covariances_.shape == STRUCTURES[covariance_type].shape(3, 3)
        assert found.n_components == 3
        assert found.n_features_in_ == 3
        assert found.random_state == 0
        assert found.converged_


def named_mixture():
    X = np.random.default_rng(0).normal(size=(60, 3))
    table = pandas.DataFrame(X, columns=["age", "height", "weight"])
    return EMGaussianMixture(2, random_state=0).fit(table), table


def test_columns_go_by_their_names():
    mixture, table = named_mixture()
    found = mixture.conditional({"height": 0.5})
    assert list(found.feature_names_in_) == ["age", "weight"]
    assert_array_equal(found.means_, mixture.conditional({1: 0.5}).means_)
    found.score_samples(table[["age", "weight"]])
    marginal = mixture.marginal(["weight", "age"])
    assert list(marginal.feature_names_in_) == ["weight", "age"]
    marginal.score_samples(table[["weight", "age"]])


def test_one_name_is_one_column_and_a_mask_is_those_that_are_true():
    mixture, _ = named_mixture()
    assert list(mixture.marginal("height").feature_names_in_) == ["height"]
    assert mixture.marginal(2).means_.shape == (2, 1)
    mask = np.array([True, False, True])
    assert list(mixture.marginal(mask).feature_names_in_) == ["age", "weight"]


def test_a_series_gives_values():
    mixture, table = named_mixture()
    row = table.iloc[0][["age", "height"]]
    found = mixture.conditional(row)
    assert_array_equal(found.means_, mixture.conditional(row.to_dict()).means_)


def test_container_of_samples_is_kept():
    mixture, _ = named_mixture()
    mixture.set_output(transform="pandas")
    drawn, _ = mixture.conditional({"age": 0.0}).sample(3)
    assert list(drawn.columns) == ["height", "weight"]


def test_mixture_is_left_as_it_was():
    mixture, _ = named_mixture()
    before = {name: np.copy(value) for name, value in vars(mixture).items()}
    found = mixture.conditional({"age": 1.0})
    found.weights_[:] = 0.0
    marginal = mixture.marginal(["age"])
    marginal.weights_[:], marginal.means_[:] = 0.0, 0.0
    for name, value in vars(mixture).items():
        assert_array_equal(value, before[name])


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
@pytest.mark.parametrize("value", [1e6, -1e20, 1e100, 1e200, 1e300])
def test_values_however_far_out_give_finite_parameters(covariance_type, value):
    mixture = random_mixture(np.random.default_rng(3), covariance_type, 3, 3)
    found = mixture.conditional({0: value})
    for name in ("weights_", "means_", "covariances_", "precisions_cholesky_"):
        assert np.isfinite(getattr(found, name)).all()
    assert_allclose(found.weights_.sum(), 1.0)


@pytest.mark.parametrize("value", [1e4, 1e12, 1e100])
def test_far_out_the_tied_component_nearest_that_way_has_all_the_weight(value):
    mixture = EMGaussianMixture.from_parameters(
        [0.3, 0.3, 0.4],
        [[-1.0, 0.0], [1.0, 1.0], [0.0, 2.0]],
        [[1.0, 0.5], [0.5, 1.0]],
        covariance_type="tied",
    )
    assert_allclose(mixture.conditional({0: value}).weights_, [0, 1, 0], atol=1e-12)
    assert_allclose(mixture.conditional({0: -value}).weights_, [1, 0, 0], atol=1e-12)


def test_component_of_weight_0_keeps_it():
    mixture = EMGaussianMixture.from_parameters(
        [0.0, 1.0], [[0.0, 0.0], [5.0, 5.0]], [1.0, 1.0], covariance_type="spherical"
    )
    assert_array_equal(mixture.conditional({0: 0.0}).weights_, [0.0, 1.0])


def test_next_to_singular_covariance_leaves_positive_variances():
    tight = 1.0 - 1e-14
    mixture = EMGaussianMixture.from_parameters(
        [1.0], [[0.0, 0.0]], [[[1.0, tight], [tight, 1.0]]]
    )
    found = mixture.conditional({0: 1.0})
    assert_allclose(found.covariances_, [[[2e-14]]], rtol=0.02)
    assert_allclose(found.means_, [[1.0]])


def test_split_is_of_the_given_columns_and_the_others():
    rng = np.random.default_rng(0)
    parts = split(parameters(rng, STRUCTURES["tied"], 3, 5), np.array([4, 1]))
    assert parts.given.means.shape == (3, 2)
    assert parts.rest.means.shape == (3, 3)
    assert parts.gains.shape == (1, 3, 2)
