"""Laws of the E-step, and of EM steps made from it."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logsumexp
from scipy.stats import multivariate_normal
from sklearn.exceptions import ConvergenceWarning
from strategies import (
    covariance_types,
    overlapping,
    parameters,
    seeds,
    structures,
    ugly,
    well_posed,
)

from skgen import EMGaussianMixture
from skgen.em import Workers
from skgen.gaussian import (
    CLASSICAL,
    Expectation,
    FeatureForm,
    Frame,
    Regularisation,
    Rows,
    WhitenedForm,
    maximise,
)

FLOOR = Regularisation(floor=1e-6)


def expectation_of(table, structure, workers, form="auto"):
    kept = slice(None) if table.weights is None else table.weights > 0.0
    weights = None if table.weights is None else table.weights[kept]
    X = table.X[kept]
    frame = Frame.of(X, weights, isotropic=structure.isotropic)
    return Expectation(Rows(X, weights, frame), structure, workers, form)


def start(expectation, k, seed):
    """Parameters from random responsibilities."""
    rng = np.random.default_rng(seed)
    responsible = rng.dirichlet(np.full(k, 0.3), size=expectation.rows.n_rows).T
    statistics = expectation.of_responsibilities(lambda block: responsible[:, block], k)
    d = expectation.rows.n_features
    return maximise(statistics, parameters(rng, expectation.structure, k, d), FLOOR)


@settings(max_examples=8 * settings.default.max_examples)
@given(table=ugly(), structure=structures, k=st.integers(1, 4), seed=seeds)
def test_em_step_never_lowers_the_likelihood(table, structure, k, seed):
    with Workers() as workers:
        expectation = expectation_of(table, structure, workers)
        found = start(expectation, k, seed)
        statistics = expectation(found)
        for _ in range(15):
            before = statistics.log_likelihood[0]
            found = maximise(statistics, found, FLOOR)
            statistics = expectation(found)
            # Rounding: the floor lets precisions be a million times those of the data.
            slack = 1e-9 * (abs(before) + expectation.rows.total)
            assert statistics.log_likelihood[0] >= before - slack


@given(table=ugly(), structure=structures, k=st.integers(1, 4), seed=seeds)
def test_counts_sum_to_the_total_weight(table, structure, k, seed):
    with Workers() as workers:
        expectation = expectation_of(table, structure, workers)
        statistics = expectation(start(expectation, k, seed))
    assert_allclose(statistics.counts.sum(), expectation.rows.total, rtol=1e-9)
    assert np.isfinite(statistics.log_likelihood).all()


@given(table=well_posed(), structure=structures, k=st.integers(1, 4), seed=seeds)
def test_feature_form_and_whitened_form_agree(table, structure, k, seed):
    rng = np.random.default_rng(seed)
    mixture = parameters(rng, structure, k, table.X.shape[1])
    assume(mixture.amplification.max() < 1e4)
    found = []
    with Workers() as workers:
        for form in ("feature", "whitened"):
            expectation = expectation_of(table, structure, workers, form)
            found.append(expectation(mixture))
    scale = expectation.rows.total
    assert_allclose(found[0].log_likelihood, found[1].log_likelihood, atol=1e-9 * scale)
    one, other = found[0], found[1].about(found[0].reference)
    for name in ("counts", "first", "second"):
        assert_allclose(getattr(one, name), getattr(other, name), atol=1e-9 * scale)


@given(table=well_posed(), structure=structures, k=st.integers(1, 3), seed=seeds)
def test_statistics_are_those_of_the_textbook(table, structure, k, seed):
    rng = np.random.default_rng(seed)
    d = table.X.shape[1]
    mixture = parameters(rng, structure, k, d)
    with Workers() as workers:
        expectation = expectation_of(table, structure, workers)
        found = expectation(mixture)
    rows = expectation.rows.columns(slice(None)).T
    weights = np.ones(len(rows)) if table.weights is None else table.weights
    each = structure.each(mixture.covariances, k)
    if not structure.matrices:
        each = [np.diag(np.broadcast_to(diagonal, d)) for diagonal in each]
    joint = np.array(
        [
            np.log(mixture.weights[i])
            + multivariate_normal(mixture.means[i], each[i]).logpdf(rows)
            for i in range(k)
        ]
    )
    density = logsumexp(joint, axis=0)
    responsible = np.exp(joint - density) * weights
    assert_allclose(found.log_likelihood[0], density @ weights, rtol=1e-8)
    assert_allclose(found.counts, responsible.sum(axis=1), rtol=1e-8, atol=1e-9)
    first = found.about(np.zeros((k, d))).first
    assert_allclose(first, responsible @ rows, rtol=1e-8, atol=1e-8)


@given(table=well_posed(), covariance_type=covariance_types, seed=seeds)
@pytest.mark.parametrize("form", ["feature", "whitened"])
def test_size_of_blocks_changes_nothing_but_rounding(
    form, table, covariance_type, seed
):
    structure = CLASSICAL[covariance_type]
    mixture = parameters(np.random.default_rng(seed), structure, 2, table.X.shape[1])
    found = []
    for size in (1, 7, 64, 10**6):
        with pytest.MonkeyPatch.context() as patch, Workers() as workers:
            for cls in (FeatureForm, WhitenedForm):
                patch.setattr(cls, "block_size", lambda *_, size=size: size)
            found.append(expectation_of(table, structure, workers, form)(mixture))
    for other in found[1:]:
        assert_allclose(other.log_likelihood, found[0].log_likelihood, rtol=1e-10)
        for name in ("counts", "first", "second"):
            scale = 1e-9 * found[0].norm()
            assert_allclose(getattr(other, name), getattr(found[0], name), atol=scale)


@pytest.mark.parametrize("covariance_type", CLASSICAL)
@pytest.mark.parametrize("form", ["feature", "whitened"])
@pytest.mark.parametrize("weighted", [False, True])
def test_number_of_threads_changes_nothing_to_the_last_bit(
    covariance_type, form, weighted
):
    X, _ = overlapping(n=20_000, d=3)
    weights = np.random.default_rng(0).uniform(size=len(X)) if weighted else None
    structure = CLASSICAL[covariance_type]
    frame = Frame.of(X, weights, isotropic=structure.isotropic)
    mixture = parameters(np.random.default_rng(0), structure, 4, 3)
    found = []
    for n_threads in (1, 2, 3):
        with Workers(n_threads) as workers:
            rows = Rows(X, weights, frame)
            found.append(Expectation(rows, structure, workers, form)(mixture))
    for other in found[1:]:
        for name in ("counts", "first", "second", "log_likelihood"):
            assert_array_equal(getattr(other, name), getattr(found[0], name))


@pytest.mark.parametrize("covariance_type", CLASSICAL)
def test_mixtures_side_by_side_are_those_alone(covariance_type):
    structure = CLASSICAL[covariance_type]
    X, _ = overlapping(d=2)
    k, n_groups = 3, 4
    rng = np.random.default_rng(0)
    responsible = rng.dirichlet(np.ones(k), size=(n_groups, len(X)))
    stacked = np.concatenate([group.T for group in responsible])
    frame = Frame.of(X, None, isotropic=structure.isotropic)
    for form in ("feature", "whitened"):
        with Workers() as workers:
            expectation = Expectation(Rows(X, None, frame), structure, workers, form)
            statistics = expectation.of_responsibilities(
                lambda block: stacked[:, block], k * n_groups, n_groups=n_groups
            )
            both = parameters(rng, structure, k, 2)
            whole = type(both)(
                structure,
                np.tile(both.weights, n_groups),
                np.tile(both.means, (n_groups, 1)),
                np.concatenate([both.covariances] * n_groups),
                np.concatenate([both.factors] * n_groups),
                n_groups,
            )
            mixtures = maximise(statistics, whole, FLOOR)
            together = expectation(mixtures)
            for group in range(n_groups):
                alone = expectation(mixtures.select([group]))
                assert_allclose(
                    together.log_likelihood[group], alone.log_likelihood[0], rtol=1e-10
                )
                mine = slice(group * k, (group + 1) * k)
                assert_allclose(together.counts[mine], alone.counts, rtol=1e-8)
                assert_allclose(mixtures.weights[mine].sum(), 1.0)


@given(table=ugly(weighted=False), covariance_type=covariance_types, seed=seeds)
def test_no_component_has_collapsed_where_all_rows_have_no_width(
    table, covariance_type, seed
):
    structure = CLASSICAL[covariance_type]
    with Workers() as workers:
        expectation = expectation_of(table, structure, workers)
        mixture = start(expectation, 1, seed)
        # One component is all rows: whatever has no width, it is the data's fault.
        assert expectation.collapsed(mixture, 1e-6).size == 0


@pytest.mark.parametrize("covariance_type", ["full", "diag"])
@pytest.mark.parametrize("with_constant", [False, True])
def test_collapsed_component_is_found_beside_a_constant_column(
    covariance_type, with_constant
):
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(size=(60, 2)), np.tile([[0.3, 9.0]], (10, 1))])
    if with_constant:
        X = np.c_[X, np.ones(len(X))]
    with pytest.warns(ConvergenceWarning, match="collapsed"):
        EMGaussianMixture(2, covariance_type=covariance_type, random_state=0).fit(X)
