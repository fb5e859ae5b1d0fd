"""Laws of the frame of reference: units and offsets do not matter in it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from strategies import seeds, ugly, well_posed

from skgen.gaussian import Frame


def inside(frame, X):
    return (X - frame.center) / frame.scale


@given(table=ugly())
def test_columns_have_mean_0_and_variance_1_or_are_constant(table):
    frame = Frame.of(table.X, table.weights)
    rows = inside(frame, table.X)
    mean = np.average(rows, axis=0, weights=table.weights)
    variance = np.average((rows - mean) ** 2, axis=0, weights=table.weights)
    kept = slice(None) if table.weights is None else table.weights > 0
    constant = np.ptp(table.X[kept], axis=0) == 0
    assert (frame.scale > 0).all()
    assert np.isfinite(frame.scale).all()
    assert_allclose(variance[~constant], 1.0, rtol=1e-6)
    spread = np.abs(table.X).max(axis=0) / frame.scale
    assert (np.abs(mean) <= 1e-12 + 1e-14 * spread).all()


@given(table=well_posed(), block_size=st.integers(1, 200))
def test_size_of_blocks_changes_nothing_but_rounding(table, block_size):
    whole = Frame.of(table.X, table.weights, block_size=10**6)
    parts = Frame.of(table.X, table.weights, block_size=block_size)
    assert_allclose(parts.center, whole.center, rtol=1e-10, atol=1e-12)
    assert_allclose(parts.scale, whole.scale, rtol=1e-10)


@given(table=well_posed(), seed=seeds)
def test_moved_and_stretched_columns_have_a_moved_and_stretched_frame(table, seed):
    rng = np.random.default_rng(seed)
    d = table.X.shape[1]
    offset, stretch = rng.normal(size=d) * 1e3, 10.0 ** rng.integers(-30, 30, d)
    before = Frame.of(table.X, table.weights)
    after = Frame.of((table.X + offset) * stretch, table.weights)
    assert_allclose(after.center, (before.center + offset) * stretch, rtol=1e-9)
    assert_allclose(after.scale, before.scale * stretch, rtol=1e-9)


@given(table=well_posed(weighted=False), seed=seeds)
def test_integer_weights_are_repetitions(table, seed):
    times = np.random.default_rng(seed).integers(1, 4, len(table.X))
    weighted = Frame.of(table.X, times.astype(float))
    repeated = Frame.of(np.repeat(table.X, times, axis=0), None)
    assert_allclose(weighted.center, repeated.center, rtol=1e-10, atol=1e-12)
    assert_allclose(weighted.scale, repeated.scale, rtol=1e-10)


@given(table=well_posed())
def test_common_scale_is_the_root_mean_square(table):
    frame = Frame.of(table.X, table.weights, isotropic=True)
    each = Frame.of(table.X, table.weights).scale
    assert_allclose(frame.scale, np.sqrt(np.mean(each**2)))


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1.0, 1e160, 1e300])
@pytest.mark.parametrize("isotropic", [False, True])
def test_huge_and_tiny_units_do_not_overflow(scale, isotropic):
    X = np.random.default_rng(0).normal(size=(50, 3))
    frame = Frame.of(X * scale, None, isotropic=isotropic)
    expected = Frame.of(X, None, isotropic=isotropic)
    assert_allclose(frame.scale / scale, expected.scale, rtol=1e-10)
    assert_allclose(frame.center / scale, expected.center, rtol=1e-10)
    assert np.isfinite(frame.log_volume)


@pytest.mark.parametrize("value", [0.0, 0.1, -1e8, 1e300, 1e-300])
@pytest.mark.parametrize("isotropic", [False, True])
def test_constant_column_has_scale_1_and_its_value_as_center(value, isotropic):
    frame = Frame.of(np.full((20, 1), value), None, isotropic=isotropic)
    assert_allclose(frame.center, value, rtol=1e-15)
    assert frame.scale == 1.0


def test_column_that_varies_by_rounding_is_constant():
    X = np.full((20, 1), 0.1)
    X[::2] = np.nextafter(0.1, 1.0)
    assert Frame.of(X, None).scale[0] == 1.0


def test_offset_a_million_times_the_spread_costs_few_digits():
    X = np.random.default_rng(0).normal(size=(10_000, 1))
    frame = Frame.of(X + 1e9, None)
    assert_allclose(frame.scale, Frame.of(X, None).scale, rtol=1e-6)
