"""Laws: statistics form a vector space, whatever points they are about."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from strategies import seeds, structures

from skgen.em import Workers
from skgen.gaussian import Expectation, Frame, GaussianStatistics, Rows


def of_rows(rows, responsible, structure, reference):
    """Statistics from their definition."""
    second = np.array(
        [
            structure.scatter((rows - point).T, weights)
            for point, weights in zip(reference, responsible)
        ]
    )
    if structure.shared:
        second = second.sum(axis=0, keepdims=True)
    counts = responsible.sum(axis=1)
    first = responsible @ rows - counts[:, None] * reference
    return GaussianStatistics(
        structure, counts, first, second, reference, float(len(rows)), np.zeros(1)
    )


def assert_same(found, expected):
    expected = expected.about(found.reference)
    for name in ("counts", "first", "second", "total", "log_likelihood"):
        assert_allclose(
            getattr(found, name), getattr(expected, name), rtol=1e-9, atol=1e-9
        )


def draw(seed, structure, k, d, n=20):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, d))
    responsible = rng.dirichlet(np.ones(k), size=n).T
    return rows, responsible, rng


cases = given(
    structure=structures, k=st.integers(1, 4), d=st.integers(1, 4), seed=seeds
)


@cases
def test_moments_about_another_point_are_those_recomputed_there(structure, k, d, seed):
    rows, responsible, rng = draw(seed, structure, k, d)
    here, there = rng.normal(size=(2, k, d))
    moved = of_rows(rows, responsible, structure, here).about(there)
    assert (moved.reference == there).all()
    assert_same(moved, of_rows(rows, responsible, structure, there))


@cases
def test_sum_is_the_statistics_of_all_rows(structure, k, d, seed):
    rows, responsible, rng = draw(seed, structure, k, d)
    points = rng.normal(size=(2, k, d))
    parts = [
        of_rows(rows[part], responsible[:, part], structure, point)
        for part, point in zip((slice(0, 7), slice(7, None)), points)
    ]
    expected = of_rows(rows, responsible, structure, points[1])
    assert_same(parts[0] + parts[1], expected)
    assert_same(parts[1] + parts[0], expected)


@cases
def test_axioms_of_a_vector_space_hold(structure, k, d, seed):
    rows, responsible, rng = draw(seed, structure, k, d)
    a, b, c = (
        of_rows(
            rows, np.roll(responsible, i, axis=1), structure, rng.normal(size=(k, d))
        )
        for i in range(3)
    )
    assert_same((a + b) + c, a + (b + c))
    assert_same((a + b) * 2.5, a * 2.5 + b * 2.5)
    assert_same(a * 2.0 + a * 3.0, a * 5.0)
    assert_same(a - b + b, a)
    assert (a - a).norm() < 1e-9 * a.norm()
    assert_allclose((a * -3.0).norm(), 3.0 * a.norm())


@cases
def test_given_responsibilities_are_summed_as_defined(structure, k, d, seed):
    rows, responsible, _ = draw(seed, structure, k, d)
    frame = Frame(np.zeros(d), np.ones(d))
    with Workers() as workers:
        expectation = Expectation(Rows(rows, None, frame), structure, workers)
        found = expectation.of_responsibilities(lambda block: responsible[:, block], k)
    expected = of_rows(rows, responsible, structure, found.reference)
    for name in ("counts", "first", "second"):
        assert_allclose(getattr(found, name), getattr(expected, name), atol=1e-9)
    means = found.reference + found.first / found.counts[:, None]
    assert_allclose(means, responsible @ rows / responsible.sum(axis=1)[:, None])
