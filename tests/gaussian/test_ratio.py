"""Covariances of which the eigenvalues are within a ratio."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from strategies import climb, covariances, overlapping, seeds, structures

from skgen.gaussian import CLASSICAL, IllDefinedCovarianceError, Regularisation
from skgen.gaussian._ratio import smallest_eigenvalue, within_ratio

ratios = st.sampled_from([1.0, 1.5, 4.0, 20.0, 1e4])


def cost(values, weights, ratio, m):
    """Fritz, García-Escudero and Mayo-Iscar (2013), equation 3.1."""
    clipped = np.clip(values, m, ratio * m)
    return (weights * (np.log(clipped) + values / clipped)).sum()


def eigenvalues_of(structure, array):
    return np.maximum(structure.spectrum(array)[0], 0.0)


@given(ratio=ratios, n=st.integers(1, 12), zeros=st.booleans(), seed=seeds)
def test_interval_is_that_of_a_brute_force_search(ratio, n, zeros, seed):
    rng = np.random.default_rng(seed)
    values = 10.0 ** rng.uniform(-3, 3, n)
    if zeros:
        values[: n // 2] = 0.0
    weights = rng.uniform(0.1, 30.0, n)
    found = smallest_eigenvalue(values, weights, ratio)
    positive = values[values > 0.0]
    grid = np.geomspace(positive.min() / (2.0 * ratio), positive.max() * 2.0, 4001)
    best = min(cost(values, weights, ratio, m) for m in grid)
    assert cost(values, weights, ratio, found) <= best + 1e-9 * abs(best)


@given(
    structure=structures,
    ratio=ratios,
    k=st.integers(1, 4),
    d=st.integers(1, 4),
    n_groups=st.integers(1, 3),
    seed=seeds,
)
def test_all_eigenvalues_of_a_mixture_are_within_the_ratio(
    structure, ratio, k, d, n_groups, seed
):
    rng = np.random.default_rng(seed)
    given = np.concatenate(
        [covariances(rng, structure, k, d) * 10.0 ** rng.uniform(-2, 2, 1)]
        + [covariances(rng, structure, k, d) for _ in range(n_groups - 1)]
    )
    counts = rng.uniform(1.0, 50.0, n_groups * k)
    found = within_ratio(structure, counts, given, ratio, n_groups)
    values = eigenvalues_of(structure, found).reshape(n_groups, -1)
    assert (values.max(axis=1) <= ratio * values.min(axis=1) * (1.0 + 1e-9)).all()
    before = eigenvalues_of(structure, given).reshape(n_groups, -1)
    unlike = before.max(axis=1) > ratio * before.min(axis=1)
    assert_allclose(values[~unlike], before[~unlike], rtol=1e-9)
    alone = within_ratio(structure, counts[:k], given[: len(given) // n_groups], ratio)
    assert_allclose(found[: len(alone)], alone)


@given(structure=structures, seed=seeds)
def test_floor_is_the_smallest_eigenvalue_allowed(structure, seed):
    rng = np.random.default_rng(seed)
    given, counts = covariances(rng, structure, 3, 3), rng.uniform(1.0, 9.0, 3)
    held = Regularisation(floor=0.6, largest_ratio=1.7)
    found = held.covariances(structure, counts, structure.scatters_of(counts, given))
    values = eigenvalues_of(structure, found)
    assert values.min() >= 0.6 - 1e-9
    assert values.max() <= 1.7 * values.min() * (1.0 + 1e-9)
    numbers = counts if len(values) == 3 else np.ones(len(values))
    weights = np.repeat(numbers, values.shape[1])
    before = eigenvalues_of(structure, given).ravel()
    reached = weights * (np.log(values) + before.reshape(values.shape) / values).ravel()
    best = min(cost(before, weights, 1.7, m) for m in np.geomspace(0.6, 20.0, 2001))
    assert reached.sum() <= best + 1e-9 * abs(best)


@given(structure=structures, accelerate=st.booleans(), ratio=ratios, seed=seeds)
def test_em_never_lowers_the_likelihood(structure, accelerate, ratio, seed):
    rng = np.random.default_rng(seed)
    k, d = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    X, labels = overlapping(120, d, k, rng)
    run, first = climb(X, labels, structure, 30, accelerate, largest_ratio=ratio)
    assert (np.diff([first / len(X), *run.bounds]) >= -1e-10).all()
    if not accelerate:
        assert run.best.bound == pytest.approx(run.bounds[-1], abs=1e-10)


@pytest.mark.parametrize("name", CLASSICAL)
def test_component_of_a_single_row_is_held_by_the_ratio_alone(name):
    structure = CLASSICAL[name]
    scatters = structure.scatters_of(np.ones(2), structure.unit(2, 3))
    if not structure.shared:
        scatters[0] = 0.0
    held = Regularisation(largest_ratio=10.0)
    found = held.covariances(structure, np.ones(2), scatters)
    values = eigenvalues_of(structure, found)
    assert values.min() > 0.0
    assert values.max() <= 10.0 * values.min() * (1.0 + 1e-9)


def test_rows_that_are_all_the_same_are_an_error_of_its_own():
    held = Regularisation(largest_ratio=10.0)
    with pytest.raises(IllDefinedCovarianceError, match="rounding"):
        held.covariances(CLASSICAL["full"], np.ones(2), np.zeros((2, 3, 3)))


def test_ratio_of_1_makes_balls_of_one_size():
    rng = np.random.default_rng(0)
    counts, given = np.array([10.0, 30.0]), covariances(rng, CLASSICAL["full"], 2, 3)
    found = within_ratio(CLASSICAL["full"], counts, given, 1.0)
    mean = counts @ np.trace(given, axis1=1, axis2=2) / (3 * counts.sum())
    assert_allclose(found, np.broadcast_to(mean * np.eye(3), (2, 3, 3)), atol=1e-12)
